//! One shard and its driver: carries effects out as the real one does, and checks that they can be.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Ask, Effect, Envelope, Input, Outcome, Shard, Ticket};
use proto::{ConnId, Dialect, Event, Kind, Message, Publication};

use crate::{
    application::Talk,
    model::{Fact, Model},
    network::{Frame, Socket, Sockets},
    rules,
};

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) number: u16,
    shards: u16,
    pub(crate) shard: Shard,
    pub(crate) arrivals: VecDeque<Input>,
    pub(crate) has_overflowed: bool,
    pub(crate) sockets: Sockets,
    /// Connections the engine has been told of and has not parted with.
    open: BTreeSet<ConnId>,
    talks: BTreeMap<ConnId, Talk>,
    /// How often each slot has been used. Outlives the shard.
    lives: Vec<u32>,
    failures: u64,
    /// Publications of this turn.
    owed: Vec<Arc<Publication>>,
    pub(crate) turn_at: Option<Duration>,
}

/// What leads on to other places.
#[derive(Debug)]
pub(crate) enum Onward {
    Send { to: u16, envelope: Envelope },
    Verify { conn: ConnId, token: Arc<str> },
    Ask { conn: ConnId, ask: Ask },
    Conclude { ticket: Ticket, outcome: Outcome },
}

type Checked<T = ()> = Result<T, String>;

impl House {
    pub(crate) fn new(number: u16, shards: u16, seed: u64, start: Instant) -> Self {
        Self {
            number,
            shards,
            shard: Shard::new(rules::rules(number, shards, seed), start),
            arrivals: VecDeque::new(),
            has_overflowed: false,
            sockets: Sockets::new(),
            open: BTreeSet::new(),
            talks: BTreeMap::new(),
            lives: Vec::new(),
            failures: 0,
            owed: Vec::new(),
            turn_at: None,
        }
    }

    /// A slot nobody is in, in a life of its own.
    pub(crate) fn accept(&mut self) -> ConnId {
        let is_free = |slot: &usize| !self.sockets.keys().any(|it| it.slot() == *slot);
        let slot = (0..).find(is_free).unwrap_or_default();
        if self.lives.len() <= slot {
            self.lives.resize(slot + 1, 0);
        }
        self.lives[slot] += 1;
        let conn = ConnId::new(u32::try_from(slot).unwrap_or_default(), self.lives[slot]);
        self.sockets.insert(conn, Socket::new());
        conn
    }

    /// The shard ends in the middle of whatever it did; a fresh one takes over.
    pub(crate) fn fail(&mut self, now: Instant) {
        self.failures += 1;
        let seed = 1_000_000 * self.failures + 100_000 * u64::from(self.number);
        self.shard = Shard::new(rules::rules(self.number, self.shards, seed), now);
        for socket in self.sockets.values_mut() {
            socket.held = None;
            socket.outbox.push_back(Frame::Closed(proto::Code::ShardFailed.into()));
        }
        self.open.clear();
        self.talks.clear();
        self.owed.clear();
        // Sockets that were accepted and not yet told of have been closed with the others.
        self.arrivals.retain(|it| !matches!(it, Input::Opened { .. }));
        self.arrivals.push_front(Input::TookOver);
    }

    pub(crate) fn handle(
        &mut self,
        now: (Instant, Duration),
        input: Input,
        model: &mut Model,
        onward: &mut Vec<Onward>,
    ) -> Checked {
        self.before(now.1, &input);
        let mut effects = Vec::new();
        self.shard.handle(now.0, input, &mut effects);
        for effect in effects {
            self.carry_out(effect, model, onward)?;
        }
        Ok(())
    }

    fn before(&mut self, now: Duration, input: &Input) {
        if let Input::Opened { conn, opened } = input {
            self.open.insert(*conn);
            if let Some(proof) = &opened.proof {
                self.expires(*conn, now + proof.expires_in);
            }
        } else if let Input::Authenticated { conn, proof: Ok(proof) } = input {
            self.expires(*conn, now + proof.expires_in);
        } else if let Input::Closed { conn } = input {
            self.open.remove(conn);
        } else if let Input::Answered { conn, .. } = input {
            if let Some(talk) = self.talks.get_mut(conn) {
                talk.answer();
            }
        } else if let Input::Unclogged { conn } = input
            && let Some(socket) = self.sockets.get_mut(conn)
        {
            socket.is_clogged = false;
        }
    }

    fn expires(&mut self, conn: ConnId, at: Duration) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.expires_at = at;
        }
    }

    fn carry_out(
        &mut self,
        effect: Effect,
        model: &mut Model,
        onward: &mut Vec<Onward>,
    ) -> Checked {
        match effect {
            Effect::Tell { conn, event } => {
                self.check_open(conn, &event)?;
                if let Event::Published { channel, at, .. } = &event {
                    model.told(channel, *at);
                }
                self.push(conn, Frame::Told(event));
            }
            Effect::Reply { conn, message } => {
                self.check_open(conn, &message)?;
                self.push(conn, Frame::Replied(message));
            }
            Effect::Ping { conn } => {
                self.check_open(conn, &"ping")?;
                self.push(conn, Frame::Pinged);
            }
            Effect::Deliver { publication } => {
                seen(model, &publication)?;
                self.owed.push(publication);
            }
            Effect::Hold { conn } => self.change(conn, |it| it.held = Some(Vec::new()))?,
            Effect::Release { conn } => self.change(conn, Socket::release)?,
            Effect::Pause { conn } => self.change(conn, |it| it.is_paused = true)?,
            Effect::Resume { conn } => self.change(conn, |it| it.is_paused = false)?,
            Effect::Close { conn, refusal } => {
                self.check_open(conn, &refusal)?;
                self.open.remove(&conn);
                self.push(conn, Frame::Closed(refusal));
            }
            Effect::Authenticate { conn, token, .. } => {
                self.check_open(conn, &token)?;
                onward.push(Onward::Verify { conn, token });
            }
            Effect::Ask { conn, ask } => {
                self.talks.entry(conn).or_default().ask(&ask)?;
                onward.push(Onward::Ask { conn, ask });
            }
            Effect::Send { to, envelope } => {
                if let Envelope::Published { publication } = &envelope {
                    seen(model, publication)?;
                } else if let Envelope::Placed { channel, at: Some(at), .. } = &envelope {
                    model.told(channel, *at);
                }
                onward.push(Onward::Send { to: to.0, envelope });
            }
            Effect::Conclude { ticket, outcome } => {
                onward.push(Onward::Conclude { ticket, outcome })
            }
            Effect::Sing { .. } => {}
            Effect::Ended { conn, .. } if self.open.contains(&conn) => {
                return Err(format!("{conn} ended and was not closed"));
            }
            Effect::Ended { .. } => {}
        }
        Ok(())
    }

    fn check_open(&self, conn: ConnId, what: &dyn std::fmt::Debug) -> Checked {
        match self.open.contains(&conn) {
            true => Ok(()),
            false => Err(format!("{conn} of shard {} is closed and told {what:?}", self.number)),
        }
    }

    fn change(&mut self, conn: ConnId, change: impl FnOnce(&mut Socket)) -> Checked {
        self.check_open(conn, &"a change")?;
        // The client may have gone already.
        if let Some(socket) = self.sockets.get_mut(&conn) {
            change(socket);
        }
        Ok(())
    }

    fn push(&mut self, conn: ConnId, frame: Frame) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.outbox.push_back(frame);
        }
    }

    /// The end of a turn: the members are read now. Whose outbox is full is reported at once.
    pub(crate) fn deliver(
        &mut self,
        now: (Instant, Duration),
        model: &mut Model,
        onward: &mut Vec<Onward>,
    ) -> Checked {
        let mut overfull = Vec::new();
        for publication in std::mem::take(&mut self.owed) {
            for conn in self.owed_to(&publication) {
                self.check_open(conn, &publication)?;
                let Some(socket) = self.sockets.get_mut(&conn) else { continue };
                // A deadline is kept within a second by slot, a tick, and a turn.
                if socket.expires_at + Duration::from_millis(1_200) < now.1 {
                    return Err(format!("{conn} hears {publication:?} after its token's end"));
                }
                if !socket.publish(&publication)
                    && let Kind::Message(at) = publication.kind
                {
                    let channel = publication.channel.clone();
                    let (from, to) = (at.offset, at.offset);
                    overfull.push(Input::Overfull { conn, channel, from, to });
                }
            }
        }
        for input in overfull {
            self.handle(now, input, model, onward)?;
        }
        Ok(())
    }

    fn owed_to(&self, publication: &Publication) -> Vec<ConnId> {
        [Dialect::Native, Dialect::Plain]
            .into_iter()
            .flat_map(|it| self.shard.members(&publication.channel, it))
            .filter(|it| match publication.kind {
                Kind::Message(at) => it.after < at.offset,
                Kind::Signal => true,
            })
            .map(|it| it.conn)
            .filter(|it| !self.shard.is_excepted(*it, publication))
            .collect()
    }

    /// Nobody is here, nothing is left.
    pub(crate) fn is_empty(&self) -> Checked {
        let (conns, seats) = (self.shard.conn_count(), self.shard.membership_count());
        let channels = self.shard.channel_count();
        if (conns, seats, channels) != (0, 0, 0) || !self.open.is_empty() {
            return Err(format!("{conns} connections, {seats} seats, {channels} channels left"));
        }
        match self.talks.iter().find(|it| !it.1.is_over) {
            Some((conn, talk)) => {
                Err(format!("the application never parted with {conn}: {talk:?}"))
            }
            None => Ok(()),
        }
    }
}

fn seen(model: &mut Model, publication: &Publication) -> Checked {
    let Kind::Message(at) = publication.kind else { return Ok(()) };
    let fact =
        Fact { payload: Arc::clone(&publication.payload), except: publication.except.clone() };
    model.placed(&publication.channel, at, fact)
}

/// Whether a socket that was read says that its peer is alive.
pub(crate) const fn is_ping(frame: &Frame) -> bool {
    matches!(frame, Frame::Pinged | Frame::Told(Event::Expiring { .. }))
}

/// What a person says to the application: numbers, so that order can be seen.
pub(crate) fn utterance(number: u64) -> Message {
    Message::Text(number.to_string().into())
}
