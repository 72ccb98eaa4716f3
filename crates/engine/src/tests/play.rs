//! Plays a script and writes down what the shards decided. The smallest driver there is.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use proto::{ConnId, Dialect, Publication, ShardId};

use super::{
    disk::Disk,
    house,
    log::Log,
    script::{self, Deed, Line},
};
use crate::{Effect, Envelope, Input, Rules, Shard};

pub(super) fn play(shards: u16, script: &str) -> String {
    let mut play = Play::new(shards);
    let mut lines = script.lines().map(str::trim).filter(|it| !it.is_empty()).peekable();
    while let Some(line) = lines.next() {
        play.act(script::parse(line.strip_prefix("and ").unwrap_or(line)));
        if lines.peek().is_none_or(|it| !it.starts_with("and ")) {
            play.end_turn();
            play.move_bus();
        }
    }
    play.log.text
}

pub(super) struct Play {
    start: Instant,
    now: Instant,
    shards: Vec<Shard>,
    /// Everyone who ever connected, latest last.
    people: Vec<Person>,
    bus: VecDeque<(ShardId, Envelope)>,
    is_bus_held: bool,
    /// What is delivered at the end of the turn.
    owed: Vec<(u16, Arc<Publication>)>,
    disk: Disk,
    /// Whose outbox is empty once the turn is over, but for those who take their time.
    replayed: Vec<(u16, ConnId)>,
    dawdles: bool,
    log: Log,
}

pub(super) struct Person {
    pub(super) name: String,
    pub(super) shard: u16,
    pub(super) conn: ConnId,
    pub(super) has_session: bool,
}

impl Play {
    fn new(shards: u16) -> Self {
        let start = origin();
        let shard = |it| Shard::new(house::rules(it, shards, 0xa0 + 0x10 * u64::from(it)), start);
        Self {
            start,
            now: start,
            shards: (0..shards).map(shard).collect(),
            people: Vec::new(),
            bus: VecDeque::new(),
            is_bus_held: false,
            owed: Vec::new(),
            disk: Disk::default(),
            replayed: Vec::new(),
            dawdles: false,
            log: Log::default(),
        }
    }

    fn act(&mut self, line: Line) {
        match line {
            Line::Opens { name, shard, opened } => {
                let conn = self.seat(&name, shard);
                let has_session = opened.proof.as_ref().is_some_and(|it| it.session.is_some());
                self.people.last_mut().unwrap().has_session = has_session;
                self.tell(shard, Input::Opened { conn, opened: Box::new(opened) });
            }
            Line::Person { name, input } => {
                let person = self.people.iter().rev().find(|it| it.name == name).unwrap();
                let (shard, conn) = (person.shard, person.conn);
                // Whatever is read is a sign of life first.
                let input = input(conn);
                if matches!(input, Input::Requested { .. } | Input::Said { .. }) {
                    self.tell(shard, Input::Heard { conn });
                }
                self.tell(shard, input);
            }
            Line::Shard { shard, input } => self.tell(shard, input),
            Line::Home { channel, input } => {
                let shards = u16::try_from(self.shards.len()).unwrap();
                self.tell(crate::home_of(&channel, shards).0, input);
            }
            Line::Everywhere { input } => {
                for shard in 0..u16::try_from(self.shards.len()).unwrap() {
                    self.tell(shard, input());
                }
            }
            Line::Passes(time) => self.pass(time),
            Line::Waits { name, time } => {
                self.pass(time);
                self.act(script::parse(&format!("{name} pongs")));
            }
            Line::Leaps(time) => {
                self.now += time;
                self.ring();
            }
            Line::Clock(wall) => self.shards.iter_mut().for_each(|it| it.set_wall(wall)),
            Line::Dawdles(dawdles) => self.dawdles = dawdles,
            Line::Disk(deed) => self.act_on_disk(deed),
            Line::BusHolds => self.is_bus_held = true,
            Line::BusTakes { count } => {
                for _ in 0..count {
                    self.take();
                }
            }
            Line::BusLoses { count } => drop(self.bus.drain(..count)),
            Line::BusMoves => self.is_bus_held = false,
            Line::Fails { shard } => self.fail(shard),
            Line::Quietly { line } => {
                let before = self.log.text.len();
                self.act(script::parse(&line));
                self.end_turn();
                self.move_bus();
                self.log.text.truncate(before);
            }
            Line::Repeats { count, line } => {
                for _ in 0..count {
                    self.act(script::parse(&line));
                }
            }
        }
    }

    fn act_on_disk(&mut self, deed: Deed) {
        match deed {
            Deed::Holds => self.disk.is_held = true,
            Deed::Moves => self.disk.is_held = false,
            Deed::Takes { count } => {
                for _ in 0..count {
                    self.work();
                }
            }
            Deed::Fails { lies } => (self.disk.fails, self.disk.lies) = (true, lies),
            Deed::IsBusy => {
                if let Some((shard, input)) = self.disk.turn_away() {
                    self.tell(shard, input);
                }
            }
            Deed::Works => self.disk.fails = false,
            Deed::Cuts { channel, first } => self.disk.cut(&channel, first),
            Deed::Begins { channel, after } => self.disk.begin_after(channel, after),
        }
    }

    /// A slot is used again only in another life.
    fn seat(&mut self, name: &str, shard: u16) -> ConnId {
        let before = self.people.iter().rev().find(|it| it.name == name && it.shard == shard);
        let conn = match before {
            Some(it) => ConnId::new(u32::try_from(it.conn.slot()).unwrap(), it.conn.life() + 1),
            None => ConnId::new(u32::try_from(self.people.len()).unwrap(), 0),
        };
        self.people.push(Person { name: name.to_owned(), shard, conn, has_session: false });
        conn
    }

    fn tell(&mut self, shard: u16, input: Input) {
        let mut effects = Vec::new();
        self.shards[usize::from(shard)].handle(self.now, input, &mut effects);
        self.log.at(self.now - self.start);
        for effect in effects {
            let line = Log::describe(&effect, shard, &self.people);
            if let Some(line) = line {
                self.log.write(&line);
            }
            match self.disk.ask(shard, effect) {
                Some(Effect::Deliver { publication, .. }) => self.owed.push((shard, publication)),
                Some(Effect::Send { to, envelope }) => self.bus.push_back((to, envelope)),
                Some(Effect::Replay { conn, .. }) => self.replayed.push((shard, conn)),
                _ => {}
            }
        }
    }

    /// The members are read now, when the turn is over, and not when the message had its place.
    fn end_turn(&mut self) {
        for (shard, publication) in std::mem::take(&mut self.owed) {
            let engine = &self.shards[usize::from(shard)];
            let members = Dialect::ALL
                .into_iter()
                .filter(|it| publication.kind.is_for(*it))
                .flat_map(|it| engine.members(&publication.channel, it));
            let to = members
                .filter(|it| it.is_owed(&publication))
                .filter(|it| !engine.is_excepted(it.conn, &publication))
                .map(|it| Log::name(&self.people, shard, it.conn))
                .collect::<Vec<_>>();
            self.log.deliver(&publication, &to);
        }
    }

    /// Whatever goes between shards, to the disk and through the sockets, until all is still.
    fn move_bus(&mut self) {
        loop {
            if !self.is_bus_held && !self.bus.is_empty() {
                self.take();
            } else if !self.dawdles && !self.replayed.is_empty() {
                let (shard, conn) = self.replayed.remove(0);
                self.tell(shard, Input::Replayed { conn });
                self.end_turn();
            } else if self.disk.is_held || !self.work() {
                break;
            }
        }
    }

    fn work(&mut self) -> bool {
        let Some((shard, input)) = self.disk.work() else { return false };
        self.tell(shard, input);
        self.end_turn();
        true
    }

    fn take(&mut self) {
        let Some((to, envelope)) = self.bus.pop_front() else { return };
        self.tell(to.0, Input::Sent { envelope });
        self.end_turn();
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let next = |it: &Self| it.shards.iter().filter_map(Shard::wakes_at).min();
        while let Some(wake) = next(self).filter(|it| *it <= until) {
            self.now = self.now.max(wake);
            self.ring();
        }
        self.now = until;
    }

    fn ring(&mut self) {
        for shard in 0..u16::try_from(self.shards.len()).unwrap() {
            if self.shards[usize::from(shard)].wakes_at().is_some_and(|it| it <= self.now) {
                self.tell(shard, Input::Woke);
                self.end_turn();
                self.move_bus();
            }
        }
    }

    /// A shard ends over a bug; its driver closes its sockets and lets a fresh one take over.
    fn fail(&mut self, shard: u16) {
        let shards = u16::try_from(self.shards.len()).unwrap();
        let rules = Rules { row_last: self.disk.row_last, ..house::rules(shard, shards, 0xf0) };
        self.shards[usize::from(shard)] = Shard::new(rules, self.now);
        self.tell(shard, Input::TookOver);
    }
}

/// An arbitrary moment: only differences matter.
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn origin() -> Instant {
    Instant::now()
}
