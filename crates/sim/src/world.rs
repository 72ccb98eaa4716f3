//! The world: what happens next, until everybody has gone home.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use engine::{Ask, Draft, Errand, Input, Outcome, Ticket, home_of};
use proto::{ChannelName, Code, ConnId, Placed, SessionId, UnixMillis};

use crate::{
    application,
    dice::Dice,
    disk::Disk,
    faults::{Fault, Faults},
    house::{House, Onward},
    judge,
    model::Model,
    network::Bus,
    people::Person,
    rules::{self, CHANNELS},
};

mod failing; // What goes wrong.
mod living; // What people do.

/// What came of a run.
#[derive(Debug, Default)]
pub struct Run {
    /// What should not have happened.
    pub wrong: Option<String>,
    /// What happened, if that was wanted.
    pub log: Vec<String>,
    /// Messages that got a place, and frames that were read.
    pub messages: usize,
    pub frames: usize,
    /// Shards that failed, processes that ended, inboxes that overflowed.
    pub failures: usize,
    pub restarts: usize,
    pub overflows: usize,
    /// Subscriptions that went on where they were left, and that could not.
    pub recovered: usize,
    pub not_recovered: usize,
}

/// Plays one seed.
pub fn run(seed: u64, is_logged: bool) -> Run {
    let mut world = World::new(seed, is_logged);
    let wrong = world.play().err();
    Run {
        wrong,
        messages: world.model.count(),
        frames: world.frames,
        failures: world.failures,
        restarts: world.process,
        overflows: world.overflows,
        recovered: world.recovered.0,
        not_recovered: world.recovered.1,
        log: world.log.unwrap_or_default(),
    }
}

#[derive(Debug)]
struct World {
    start: Instant,
    now: Duration,
    dice: Dice,
    faults: Faults,
    agenda: BTreeMap<(Duration, u64), Event>,
    serial: u64,
    houses: Vec<House>,
    people: Vec<Person>,
    bus: Bus,
    disk: Disk,
    /// When the disk does the next thing, if it has something to do.
    works_at: Option<Duration>,
    model: Model,
    /// What earlier connections of sessions have left behind.
    sessions: BTreeMap<SessionId, Vec<(ChannelName, Option<Placed>)>>,
    /// What the wall clock says at the beginning, which may be changed.
    wall: u64,
    /// How often the process has ended: what was meant for an earlier one finds nobody.
    process: usize,
    /// Shards that have begun.
    lives: u64,
    /// When something was last lost.
    lost_at: Option<Duration>,
    /// People do nothing of their own accord any more, and read quickly.
    is_quiet: bool,
    /// What each channel's home answered last.
    heads: BTreeMap<Ticket, Option<Placed>>,
    frames: usize,
    overflows: usize,
    failures: usize,
    recovered: (usize, usize),
    log: Option<Vec<String>>,
}

#[derive(Debug)]
enum Event {
    Act { person: usize },
    Read { person: usize, life: u32 },
    Arrive { lane: (u16, u16), process: usize },
    Turn { shard: u16 },
    Tell { shard: u16, input: Box<Input>, process: usize },
    Work,
    Goes(Fault),
    DiskWorks,
}

type Checked<T = ()> = Result<T, String>;

impl World {
    fn new(seed: u64, is_logged: bool) -> Self {
        let mut dice = Dice::new(seed);
        let start = Instant::now();
        let shards = dice.pick(&[1, 2, 3, 3]);
        let faults = Faults::new(&mut dice);
        let house = |it: u16| House::new(it, shards, 100_000 * u64::from(it), start);
        let count = 4 + dice.below(10);
        Self {
            start,
            now: Duration::ZERO,
            houses: (0..shards).map(house).collect(),
            lives: u64::from(shards),
            people: (0..count).map(|it| Person::new(it, &mut dice)).collect(),
            bus: Bus::new(faults.inbox_max),
            disk: Disk::new(faults.disk_asked_max, faults.reads_overtake),
            works_at: None,
            sessions: BTreeMap::new(),
            wall: 1_000_000_000,
            process: 0,
            lost_at: None,
            failures: 0,
            recovered: (0, 0),
            agenda: BTreeMap::new(),
            serial: 0,
            model: Model::default(),
            is_quiet: false,
            heads: BTreeMap::new(),
            frames: 0,
            overflows: 0,
            log: is_logged.then(Vec::new),
            faults,
            dice,
        }
    }

    /// A day in the life, or two: people do things, fall silent, are asked what they heard, and
    /// leave.
    fn play(&mut self) -> Checked {
        self.live()?;
        if self.faults.has_night {
            for person in 0..self.people.len() {
                self.leave(person);
            }
            self.is_quiet = true;
            self.pass(Duration::from_secs(200))?;
            self.is_quiet = false;
            self.live()?;
        }

        self.is_quiet = true;
        self.bus.inbox_max = usize::MAX;
        self.disk.asked_max = usize::MAX;
        self.faults.disk_millis_max = 10;
        self.disk.recover(&mut self.model);
        self.pass(Duration::from_secs(8))?;
        self.errands(|channel, model| {
            let (channel, payload) = (channel.clone(), model.payload());
            model.attempt(&channel, &payload, None);
            let (from, except, event, key) = (None, None, None, None);
            let (except_conn, is_signal) = (None, false);
            let draft =
                Draft { channel, payload, from, except, except_conn, event, key, is_signal };
            Errand::Publish(draft)
        });
        self.pass(Duration::from_secs(2))?;
        self.errands(|channel, _| Errand::Describe(channel.clone()));
        self.pass(Duration::from_secs(1))?;
        self.are_complete()?;

        self.part();
        self.pass(Duration::from_secs(20))?;
        for house in &self.houses {
            house.is_empty()?;
        }
        self.model.is_consistent()?;
        self.pass(Duration::from_secs(300))?;
        self.is_forgotten()
    }

    fn live(&mut self) -> Checked {
        for person in 0..self.people.len() {
            let at = self.now + self.dice.millis(0, 500);
            self.plan(at, Event::Act { person });
        }
        let shards = self.shards();
        for (at, fault) in self.faults.of_a_day(&mut self.dice, shards) {
            self.plan(self.now + at, Event::Goes(fault));
        }
        self.pass(self.faults.lasts)
    }

    fn are_complete(&self) -> Checked {
        let head = |channel: &ChannelName| {
            let place = CHANNELS.iter().position(|it| *it == channel.as_str())?;
            self.heads.get(&Ticket(place as u64)).copied().flatten()
        };
        if let Some(missing) = CHANNELS.iter().find(|it| head(&rules::channel(it)).is_none()) {
            return Err(format!("nobody can say where {missing} is"));
        }
        let people = &mut self.people.iter();
        people.try_for_each(|it| judge::is_complete(it, &self.model, head, self.lost_at))
    }

    /// Threat F14: of a channel nobody needs, nothing is kept.
    fn is_forgotten(&self) -> Checked {
        for house in &self.houses {
            let (homes, bytes) = (house.shard.home_count(), house.shard.log_bytes());
            if (homes, bytes) != (0, 0) {
                return Err(format!("{homes} homes and {bytes} bytes of logs are left"));
            }
        }
        match self.houses.iter().find_map(|it| it.shard.wakes_at()) {
            Some(_) => Err("a shard still waits for something".to_owned()),
            None => Ok(()),
        }
    }

    /// One errand for every channel, at its home.
    fn errands(&mut self, errand: impl Fn(&ChannelName, &mut Model) -> Errand) {
        for (place, name) in CHANNELS.iter().enumerate() {
            let channel = rules::channel(name);
            let home = home_of(&channel, self.shards()).0;
            let errand = errand(&channel, &mut self.model);
            self.tell(home, Input::Sought { ticket: Ticket(place as u64), errand });
        }
    }

    fn part(&mut self) {
        for shard in 0..self.shards() {
            if self.faults.is_drained {
                self.tell(shard, Input::Drain { over: Duration::from_secs(2) });
            }
        }
        for person in 0..self.people.len() {
            if !self.faults.is_drained {
                self.leave(person);
            }
        }
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.houses.len()).expect("shards are few")
    }

    fn plan(&mut self, at: Duration, event: Event) {
        self.serial += 1;
        self.agenda.insert((at.max(self.now), self.serial), event);
    }

    fn pass(&mut self, time: Duration) -> Checked {
        let until = self.now + time;
        while let Some(entry) = self.agenda.first_entry().filter(|it| it.key().0 <= until) {
            self.now = entry.key().0;
            let event = entry.remove();
            self.happen(event)?;
        }
        self.now = until;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Checked {
        match event {
            Event::Act { person } => self.act(person),
            Event::Read { person, life } => self.read(person, life)?,
            Event::Arrive { process, .. } | Event::Tell { process, .. }
                if process != self.process => {}
            Event::Arrive { lane, .. } => {
                let envelope = self.bus.receive(lane);
                self.tell(lane.1, Input::Sent { envelope });
            }
            Event::Turn { shard } => self.turn(shard)?,
            Event::Tell { shard, input, .. } => self.tell(shard, *input),
            Event::Work => self.work()?,
            Event::Goes(fault) => self.go_wrong(fault),
            Event::DiskWorks => {
                self.note(|| "the disk works".to_owned());
                self.disk.recover(&mut self.model);
            }
        }
        Ok(())
    }

    /// What the wall clock says, whatever it is worth.
    const fn wall(&self) -> UnixMillis {
        UnixMillis(self.wall + self.now.as_millis() as u64)
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{:>8.3} {}", self.now.as_secs_f64(), what()));
        }
    }

    /// Puts something before a shard, which will look at it soon.
    fn tell(&mut self, shard: u16, input: Input) {
        self.houses[usize::from(shard)].arrivals.push_back(input);
        self.call(shard);
    }

    fn call(&mut self, shard: u16) {
        let at = self.now + self.dice.millis(0, 5);
        self.call_at(shard, at);
    }

    fn call_at(&mut self, shard: u16, at: Duration) {
        let house = &mut self.houses[usize::from(shard)];
        if house.turn_at.is_none_or(|it| at < it) {
            house.turn_at = Some(at);
            self.plan(at, Event::Turn { shard });
        }
    }

    /// Everything that has arrived, all it leads to, and then what is to be delivered.
    fn turn(&mut self, shard: u16) -> Checked {
        let now = (self.start + self.now, self.now);
        let index = usize::from(shard);
        let house = &mut self.houses[index];
        if house.turn_at != Some(self.now) {
            return Ok(());
        }
        house.turn_at = None;
        // That something was lost may be noticed only after what came next.
        let is_noticed = house.has_overflowed && self.dice.once_in(2);
        if is_noticed {
            house.has_overflowed = false;
            let is_new = matches!(house.arrivals.front(), Some(Input::TookOver));
            house.arrivals.insert(usize::from(is_new), Input::Overflowed);
        }
        let is_unnoticed = house.has_overflowed;
        let mut onward = Vec::new();
        let wall = self.wall();
        self.houses[index].set_wall(wall);
        while let Some(input) = self.houses[index].arrivals.pop_front() {
            self.note(|| format!("shard {shard} <- {input:?}"));
            self.houses[index].handle(now, input, &mut self.model, &mut onward)?;
        }
        let house = &mut self.houses[index];
        while house.shard.wakes_at().is_some_and(|it| it <= now.0) {
            house.handle(now, Input::Woke, &mut self.model, &mut onward)?;
        }
        house.deliver(now, &mut self.model, &mut onward)?;
        let wakes_at = house.shard.wakes_at();
        for onward in onward {
            self.lead_on(shard, onward)?;
        }
        if let Some(at) = wakes_at {
            self.call_at(shard, at - self.start);
        }
        if is_unnoticed {
            self.call(shard);
        }
        Ok(())
    }

    fn lead_on(&mut self, shard: u16, onward: Onward) -> Checked {
        match onward {
            Onward::Send { to, envelope } => {
                let arrives = self.now + self.dice.millis(0, self.faults.bus_millis_max);
                match self.bus.send((shard, to), envelope, arrives) {
                    Some(at) => {
                        self.plan(at, Event::Arrive { lane: (shard, to), process: self.process })
                    }
                    None => {
                        self.overflows += 1;
                        self.lost_at = Some(self.now);
                        self.note(|| format!("the inbox of shard {to} overflows"));
                        self.houses[usize::from(to)].has_overflowed = true;
                        self.call(to);
                    }
                }
            }
            Onward::Verify { conn, token } => {
                let proof = rules::verify(&token).map(Box::new).ok_or(Code::InvalidToken.into());
                self.later(shard, 200, Input::Authenticated { conn, proof });
            }
            Onward::Ask { conn, ask } => self.answer(shard, conn, &ask),
            Onward::Store(task) => match self.disk.ask(shard, task) {
                Some(input) => self.tell(shard, input),
                None => self.call_disk(),
            },
            Onward::TakeUp { conn, session } => self.take_up(shard, conn, session),
            Onward::Conclude { ticket, outcome } => self.conclude(ticket, &outcome)?,
        }
        Ok(())
    }

    fn answer(&mut self, shard: u16, conn: ConnId, ask: &Ask) {
        let answer = application::answer(&mut self.dice, &mut self.model, ask);
        self.later(shard, 300, Input::Answered { conn, answer });
    }

    fn later(&mut self, shard: u16, millis_max: u64, input: Input) {
        let at = self.now + self.dice.millis(0, millis_max);
        let process = self.process;
        self.plan(at, Event::Tell { shard, input: Box::new(input), process });
    }

    fn conclude(&mut self, ticket: Ticket, outcome: &Outcome) -> Checked {
        match outcome {
            Outcome::Placed(Some(at)) => {
                let place = usize::try_from(ticket.0).expect("tickets are places");
                self.model.tell(&rules::channel(CHANNELS[place]), *at)?;
            }
            Outcome::Described { head, .. } => drop(self.heads.insert(ticket, *head)),
            Outcome::Refused(_) | Outcome::Erased if ERASURES <= ticket => {}
            Outcome::Refused(_)
            | Outcome::Erased
            | Outcome::Placed(None)
            | Outcome::Read(_)
            | Outcome::Cursor(_)
            | Outcome::Present(_)
            | Outcome::Disconnected(_) => return Err(format!("{ticket:?} is {outcome:?}")),
        }
        Ok(())
    }
}

/// Tickets of those who want something erased begin here; what else is wanted are the places of
/// channels.
const ERASURES: Ticket = Ticket(1000);
