//! The world: what happens next, until everybody has gone home.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use engine::{Ask, Draft, Errand, Input, Opened, Outcome, Ticket, home_of};
use proto::{Code, Command, ConnId, Placed, Request};

use crate::{
    application,
    dice::Dice,
    faults::Faults,
    house::{self, House, Onward},
    judge,
    model::Model,
    network::Bus,
    people::{Asked, Deed, Person, Session},
    rules::{self, CHANNELS, NATIVE},
};

/// How long people do things before they are asked what they have heard.
const LASTS: Duration = Duration::from_secs(20);

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What should not have happened.
    pub wrong: Option<String>,
    /// What happened, if that was wanted.
    pub log: Vec<String>,
    /// Messages that got a place, and frames that were read.
    pub messages: usize,
    pub frames: usize,
    /// Shards that failed, inboxes that overflowed.
    pub failures: usize,
    pub overflows: usize,
}

/// Plays one seed.
pub fn run(seed: u64, is_logged: bool) -> Run {
    let mut world = World::new(seed, is_logged);
    let wrong = world.play().err();
    Run {
        wrong,
        messages: world.model.count(),
        frames: world.frames,
        failures: world.faults.failures.len(),
        overflows: world.overflows,
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
    model: Model,
    /// People do nothing of their own accord any more, and read quickly.
    is_quiet: bool,
    /// What each channel's home answered last.
    heads: BTreeMap<Ticket, Option<Placed>>,
    frames: usize,
    overflows: usize,
    log: Option<Vec<String>>,
}

#[derive(Debug)]
enum Event {
    Act { person: usize },
    Read { person: usize, life: u32 },
    Arrive { lane: (u16, u16) },
    Turn { shard: u16 },
    Tell { shard: u16, input: Box<Input> },
    Fail { shard: u16 },
}

type Checked<T = ()> = Result<T, String>;

impl World {
    fn new(seed: u64, is_logged: bool) -> Self {
        let mut dice = Dice::new(seed);
        let start = Instant::now();
        let shards = dice.pick(&[1, 2, 3, 3]);
        let faults = Faults::new(&mut dice, shards, LASTS);
        let epochs = |it: u16| 100_000 * u64::from(it);
        let count = 4 + dice.below(10);
        Self {
            start,
            now: Duration::ZERO,
            houses: (0..shards).map(|it| House::new(it, shards, epochs(it), start)).collect(),
            people: (0..count).map(|it| Person::new(it, &mut dice)).collect(),
            bus: Bus::new(faults.inbox_max),
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

    /// A day in the life: people do things, fall silent, are asked what they heard, and leave.
    fn play(&mut self) -> Checked {
        for person in 0..self.people.len() {
            let at = self.dice.millis(0, 500);
            self.plan(at, Event::Act { person });
        }
        for (at, shard) in self.faults.failures.clone() {
            self.plan(at, Event::Fail { shard });
        }
        self.pass(LASTS)?;

        self.is_quiet = true;
        self.bus.inbox_max = usize::MAX;
        self.pass(Duration::from_secs(3))?;
        self.errands(|channel, model| {
            let (channel, payload) = (channel.clone(), model.payload());
            Errand::Publish(Draft { channel, payload, from: None, except: None, is_signal: false })
        });
        self.pass(Duration::from_secs(1))?;
        self.errands(|channel, _| Errand::Describe(channel.clone()));
        self.pass(Duration::from_secs(1))?;
        self.are_complete()?;

        self.part();
        self.pass(Duration::from_secs(20))?;
        for house in &self.houses {
            house.is_empty()?;
        }
        self.model.is_consistent()?;
        self.pass(Duration::from_secs(150))?;
        self.is_forgotten()
    }

    fn are_complete(&self) -> Checked {
        let was_lossy = 0 < self.overflows || !self.faults.failures.is_empty();
        let head = |channel: &proto::ChannelName| {
            let place = CHANNELS.iter().position(|it| *it == channel.as_str())?;
            self.heads.get(&Ticket(place as u64)).copied().flatten()
        };
        self.people.iter().try_for_each(|it| judge::is_complete(it, &self.model, head, was_lossy))
    }

    /// Threat F14: of a channel nobody needs, nothing is kept.
    fn is_forgotten(&self) -> Checked {
        match self.houses.iter().find_map(|it| it.shard.wakes_at()) {
            Some(_) => Err("a shard still waits for something".to_owned()),
            None => Ok(()),
        }
    }

    /// One errand for every channel, at its home.
    fn errands(&mut self, errand: impl Fn(&proto::ChannelName, &mut Model) -> Errand) {
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
            Event::Arrive { lane } => {
                let envelope = self.bus.receive(lane);
                self.tell(lane.1, Input::Sent { envelope });
            }
            Event::Turn { shard } => self.turn(shard)?,
            Event::Tell { shard, input } => self.tell(shard, *input),
            Event::Fail { shard } => {
                self.note(|| format!("shard {shard} fails"));
                let now = self.start + self.now;
                self.houses[usize::from(shard)].fail(now);
                self.call(shard);
            }
        }
        Ok(())
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
        if std::mem::take(&mut house.has_overflowed) {
            let is_new = matches!(house.arrivals.front(), Some(Input::TookOver));
            house.arrivals.insert(usize::from(is_new), Input::Overflowed);
        }
        let mut onward = Vec::new();
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
            self.lead_on(shard, onward);
        }
        if let Some(at) = wakes_at {
            self.call_at(shard, at - self.start);
        }
        Ok(())
    }

    fn lead_on(&mut self, shard: u16, onward: Onward) {
        match onward {
            Onward::Send { to, envelope } => {
                let arrives = self.now + self.dice.millis(0, self.faults.bus_millis_max);
                match self.bus.send((shard, to), envelope, arrives) {
                    Some(at) => self.plan(at, Event::Arrive { lane: (shard, to) }),
                    None => {
                        self.overflows += 1;
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
            Onward::Conclude { ticket, outcome } => self.conclude(ticket, &outcome),
        }
    }

    fn answer(&mut self, shard: u16, conn: ConnId, ask: &Ask) {
        let answer = application::answer(&mut self.dice, &mut self.model, ask);
        self.later(shard, 300, Input::Answered { conn, answer });
    }

    fn later(&mut self, shard: u16, millis_max: u64, input: Input) {
        let at = self.now + self.dice.millis(0, millis_max);
        self.plan(at, Event::Tell { shard, input: Box::new(input) });
    }

    fn conclude(&mut self, ticket: Ticket, outcome: &Outcome) {
        match outcome {
            Outcome::Placed(Some(at)) => {
                let place = usize::try_from(ticket.0).expect("tickets are places");
                self.model.told(&rules::channel(CHANNELS[place]), *at);
            }
            Outcome::Described { head, .. } => drop(self.heads.insert(ticket, *head)),
            Outcome::Placed(None) | Outcome::Disconnected(_) => {}
        }
    }

    fn act(&mut self, number: usize) {
        if self.is_quiet {
            return;
        }
        let person = &self.people[number];
        match person.deed(&mut self.dice) {
            Deed::Connect => self.connect(number),
            Deed::Leave => self.leave(number),
            Deed::Ask(asked, token) => self.ask(number, asked, token),
            Deed::Say => self.say(number),
            Deed::Nothing => {}
        }
        let at = self.now + self.dice.millis(10, 400);
        self.plan(at, Event::Act { person: number });
    }

    fn connect(&mut self, number: usize) {
        let shard = u16::try_from(self.dice.below(self.houses.len())).expect("shards are few");
        let conn = self.houses[usize::from(shard)].accept();
        let mut session = Session::new(shard, conn);
        let person = &self.people[number];
        let channels = person.joins();
        let (role, token) = person.token(&mut self.dice);
        session.role = role;
        session.awaits_token = person.route == NATIVE && self.dice.once_in(3);
        // Where the token is in the handshake, admission has looked at it and at whose it is.
        let own = format!("{} {} {}", person.user, session.role, 3000 + self.dice.below(9000));
        let proof = if session.awaits_token { None } else { rules::verify(&own) };
        session.token = Some(if token.starts_with("u9") { own } else { token });
        session.stands = channels.iter().map(|it| (it.clone(), None)).collect();
        let awaits_token = session.awaits_token;
        let opened = Opened { policy: person.route, proof, awaits_token, channels };
        let (life, reads_every) = (person.life, person.reads_every);
        self.people[number].session = Some(session);
        self.tell(shard, Input::Opened { conn, opened: Box::new(opened) });
        self.plan(self.now + reads_every, Event::Read { person: number, life });
    }

    /// The socket closes; what was on its way is lost.
    fn leave(&mut self, number: usize) {
        let person = &mut self.people[number];
        person.life += 1;
        let Some(session) = person.session.take() else { return };
        self.houses[usize::from(session.shard)].sockets.remove(&session.conn);
        self.tell(session.shard, Input::Closed { conn: session.conn });
    }

    fn ask(&mut self, number: usize, asked: Asked, token: Option<String>) {
        let Some(session) = &mut self.people[number].session else { return };
        session.awaits_token = false;
        let token = token.unwrap_or_default().into();
        let command = match asked.clone() {
            Asked::Connect => Command::Connect { token },
            Asked::Refresh { .. } => Command::Refresh { token },
            Asked::Subscribe(channel) => Command::Subscribe { channel },
            Asked::Unsubscribe(channel) => Command::Unsubscribe { channel },
            Asked::Publish(channel) => Command::Publish { channel, payload: self.model.payload() },
            Asked::Signal(channel) => Command::Signal { channel, payload: "typing".into() },
            Asked::Ping => Command::Ping,
        };
        let id = Some(session.number(asked));
        let (shard, conn) = (session.shard, session.conn);
        self.tell(shard, Input::Heard { conn });
        self.tell(shard, Input::Requested { conn, request: Ok(Request { id, command }) });
    }

    fn say(&mut self, number: usize) {
        let Some(session) = &mut self.people[number].session else { return };
        let (shard, conn) = (session.shard, session.conn);
        let socket = self.houses[usize::from(shard)].sockets.get(&conn);
        if session.is_connected && socket.is_some_and(|it| !it.is_paused) {
            session.said += 1;
            let message = house::utterance(session.said);
            self.tell(shard, Input::Heard { conn });
            self.tell(shard, Input::Said { conn, message });
        }
    }

    /// Someone looks at their socket and takes in a few frames.
    fn read(&mut self, number: usize, life: u32) -> Checked {
        let person = &self.people[number];
        let Some(session) = person.session.as_ref().filter(|_| person.life == life) else {
            return Ok(());
        };
        let (shard, conn) = (session.shard, session.conn);
        for _ in 0..4 {
            let socket = self.houses[usize::from(shard)].sockets.get_mut(&conn);
            let Some(frame) = socket.and_then(|it| it.outbox.pop_front()) else { break };
            self.frames += 1;
            let person = &mut self.people[number];
            let heard = judge::hear(person, &self.model, &frame);
            let user = person.user;
            self.note(|| format!("{user} {number} at {conn} of {shard} reads {frame:?}"));
            if heard.map_err(|it| format!("{user} {number} at {conn} of shard {shard}: {it}"))? {
                self.leave(number);
                return Ok(());
            }
            if house::is_ping(&frame) {
                self.tell(shard, Input::Heard { conn });
            }
        }
        let socket = self.houses[usize::from(shard)].sockets.get(&conn);
        if socket.is_some_and(|it| it.is_clogged && it.outbox.is_empty()) {
            self.tell(shard, Input::Unclogged { conn });
        }
        let reads_every = self.people[number].reads_every;
        let wait = if self.is_quiet { Duration::from_millis(20) } else { reads_every };
        self.plan(self.now + wait, Event::Read { person: number, life });
        Ok(())
    }
}
