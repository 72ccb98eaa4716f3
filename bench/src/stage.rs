//! Where a load is played: people and a backend on one poll.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll};
use serde_json::{Map, Value, json};
use token::Key;

use crate::{
    backend::Backend,
    dice::Dice,
    ledger::Ledger,
    listener::Listener,
    options::{Options, Pace, Tokens},
    speech::Invitation,
};

/// Where tokens of the backend's connections begin.
const LINES: usize = 1 << 24;

/// Upgrades asked for and not answered: enough to keep a server busy, less than any accept queue.
const KNOCKS_MAX: usize = 64;

/// Longest silence of the server before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was measured of one play.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) publications: u64,
    pub(crate) deliveries: u64,
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
    /// From asking to the answer, sorted.
    pub(crate) waits: Vec<Duration>,
    pub(crate) took: Duration,
}

pub(crate) struct Stage<'a> {
    options: &'a Options,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    people: Vec<Listener>,
    waiting: usize,
    dice: Dice,
    ledger: Ledger,
    backend: Backend,
    signed: u64,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(options: &'a Options) -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            options,
            events: Events::with_capacity(4096),
            buffer: vec![0; 256 * 1024],
            people: Vec::new(),
            waiting: 0,
            dice: Dice::new(0x7469_6465_6761_7465),
            ledger: Ledger::new(options.members),
            backend: Backend::none(),
            signed: 0,
            poll,
        })
    }

    /// Opens the backend's connections.
    pub(crate) fn hire_backend(&mut self) -> io::Result<()> {
        let lines = match self.options.pace {
            Pace::InFlight(count) => count,
            Pace::PerSecond(_) => 4,
        };
        let key = Key::hmac(&self.options.secret).map_err(io::Error::other)?;
        let target = |index| Ok(format!("/ws/native?token={}", sign(index as u64, &key)?));
        self.backend = Backend::connect(self.options, lines, target, LINES, self.poll.registry())?;
        while !self.backend.is_silent() {
            self.listen(Some(PATIENCE))?;
        }
        Ok(())
    }

    /// What each newcomer will ask for. Made beforehand, so that signing is not part of the play.
    pub(crate) fn invite(&mut self, rooms: &[String]) -> io::Result<Vec<Invitation>> {
        let key = Key::hmac(&self.options.secret).map_err(io::Error::other)?;
        let mut invitation = |room: &String| {
            let token = match self.options.tokens {
                Tokens::None => None,
                Tokens::Few => Some(sign(self.signed % 10, &key)?),
                Tokens::Distinct => Some(sign(self.signed, &key)?),
            };
            self.signed += 1;
            Ok(self.options.speech.invitation(room, token.as_deref()))
        };
        rooms.iter().map(&mut invitation).collect()
    }

    /// Lets people in. All connect first and ask in shuffled order, so that a server's list of
    /// members is not in the order of its memory: walking that would flatter it by up to a quarter.
    pub(crate) fn gather(&mut self, invited: &[Invitation], are_members: bool) -> io::Result<()> {
        let first = self.people.len();
        let mut order: Vec<usize> = (0..invited.len()).collect();
        self.dice.shuffle(&mut order);
        for (index, invitation) in invited.iter().enumerate() {
            let at = self.options.at;
            let mut person = Listener::connect(at, first + index, invitation, are_members)?;
            person.register(self.poll.registry(), first + index)?;
            self.people.push(person);
        }
        for index in order {
            while KNOCKS_MAX <= self.waiting {
                self.listen(Some(PATIENCE))?;
            }
            let person = &mut self.people[first + index];
            person.knock(self.options.at, &invited[index], &mut self.dice)?;
            self.waiting += 1;
        }
        while 0 < self.waiting {
            self.listen(Some(PATIENCE))?;
        }
        Ok(())
    }

    /// Publishes to the room for a while, then waits until everyone has got everything.
    pub(crate) fn play(&mut self, lasting: Duration) -> io::Result<Played> {
        self.ledger.begin();
        let answers = self.backend.answers();
        self.backend.waits.clear();
        let began = Instant::now();
        let mut published = 0_u32;
        loop {
            let now = Instant::now();
            if lasting <= now - began {
                break;
            }
            let mut wait = PATIENCE;
            while self.backend.is_free() {
                let due = match self.options.pace {
                    Pace::InFlight(max) if max <= self.ledger.in_flight() => break,
                    Pace::InFlight(_) => now,
                    Pace::PerSecond(rate) => {
                        began + Duration::from_secs_f64(1.0 / rate) * published
                    }
                };
                if now < due {
                    wait = due - now;
                    break;
                }
                let payload = self.ledger.write(self.options.bytes, due);
                self.backend.publish(&self.options.room, &payload)?;
                published += 1;
            }
            self.listen(Some(wait))?;
        }
        while 0 < self.ledger.in_flight() || !self.backend.is_silent() {
            self.listen(Some(PATIENCE))?;
        }
        let mut latencies = std::mem::take(&mut self.ledger.latencies);
        latencies.sort_unstable();
        let mut waits = std::mem::take(&mut self.backend.waits);
        waits.sort_unstable();
        Ok(Played {
            publications: self.backend.answers() - answers,
            deliveries: self.ledger.deliveries,
            latencies,
            waits,
            took: began.elapsed(),
        })
    }

    /// Reads and answers pings for as long.
    pub(crate) fn settle(&mut self, lasting: Duration) -> io::Result<()> {
        let end = Instant::now() + lasting;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.take(Some(left))?;
        }
        Ok(())
    }

    /// One turn that has to bring something.
    fn listen(&mut self, patience: Option<Duration>) -> io::Result<()> {
        if !self.take(patience)? && patience == Some(PATIENCE) {
            let (waiting, in_flight) = (self.waiting, self.ledger.in_flight());
            let what =
                format!("silence: {waiting} knock, {in_flight} publications are on their way");
            return Err(io::Error::other(what));
        }
        Ok(())
    }

    fn look(&mut self, patience: Option<Duration>) -> io::Result<()> {
        if !self.options.is_awake {
            return self.poll.poll(&mut self.events, patience);
        }
        let until = patience.map(|it| Instant::now() + it);
        loop {
            self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
            if !self.events.is_empty() || until.is_some_and(|it| it <= Instant::now()) {
                return Ok(());
            }
        }
    }

    fn take(&mut self, patience: Option<Duration>) -> io::Result<bool> {
        self.look(patience)?;
        // One clock reading for all: what is behind others in this turn waited for them.
        let now = Instant::now();
        for event in &self.events {
            let index = event.token().0;
            if LINES <= index {
                self.backend.read(index - LINES, &mut self.buffer)?;
                continue;
            }
            let person = &mut self.people[index];
            let was_in = person.is_in();
            let ledger = &mut self.ledger;
            let hear = |place, payload: &[u8]| ledger.deliver(place, payload, now);
            person.read(&mut self.buffer, &mut self.dice, hear)?;
            if !was_in && person.is_in() {
                self.waiting -= 1;
            }
        }
        Ok(!self.events.is_empty())
    }
}

pub(crate) fn sign(number: u64, key: &Key) -> io::Result<String> {
    let claims = json!({
        "user_id": number + 1,
        "token_type": "access",
        "exp": 4_102_444_800_u64,
        "iat": 1_700_000_000,
        "jti": format!("{number:032x}"),
    });
    let claims: &Map<String, Value> = claims.as_object().expect("it is written as an object");
    token::mint(claims, key, None).map_err(io::Error::other)
}
