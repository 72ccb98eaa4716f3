//! One shard and its driver: carries effects out as the real one does, and checks that they can be.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Ask, Effect, Envelope, Input, Outcome, Shard, Task, Ticket};
use proto::{ChannelName, ConnId, Event, Message, Publication, RequestId, SessionId, UnixMillis};

use crate::{
    application::Talk,
    model::Model,
    network::{Frame, Socket, Sockets},
    rules,
};

mod delivering; // To members, at the end of a turn.
mod minding; // What clients asked, to compare with what they are told.

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
    /// Publications of this turn.
    owed: Vec<Arc<Publication>>,
    /// What clients have published and not been told of.
    publishing: BTreeMap<(ConnId, RequestId), Said>,
    /// Whose outbox would not take what they were to be sent.
    overfull: Vec<Input>,
    pub(crate) turn_at: Option<Duration>,
}

/// What a client publishes, and by which key if it has one.
#[derive(Clone, Debug)]
struct Said {
    channel: ChannelName,
    payload: Arc<str>,
    key: Option<Arc<str>>,
}

/// What leads on to other places.
#[derive(Debug)]
pub(crate) enum Onward {
    Send { to: u16, envelope: Envelope },
    Verify { conn: ConnId, token: Arc<str> },
    Ask { conn: ConnId, ask: Ask },
    Store(Task),
    TakeUp { conn: ConnId, session: SessionId },
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
            owed: Vec::new(),
            publishing: BTreeMap::new(),
            overfull: Vec::new(),
            turn_at: None,
        }
    }

    /// A slot nobody is in, in a life of its own.
    pub(crate) fn accept(&mut self, socket: Socket) -> ConnId {
        let is_free = |slot: &usize| !self.sockets.keys().any(|it| it.slot() == *slot);
        let slot = (0..).find(is_free).unwrap_or_default();
        if self.lives.len() <= slot {
            self.lives.resize(slot + 1, 0);
        }
        self.lives[slot] += 1;
        let conn = ConnId::new(u32::try_from(slot).unwrap_or_default(), self.lives[slot]);
        self.sockets.insert(conn, socket);
        conn
    }

    /// The shard ends in the middle of whatever it did; a fresh one takes over.
    pub(crate) fn fail(&mut self, seed: u64, now: Instant) {
        self.shard = Shard::new(rules::rules(self.number, self.shards, seed), now);
        for socket in self.sockets.values_mut() {
            socket.held = None;
            socket.is_replaying = false;
            socket.outbox.push_back(Frame::Closed(proto::Code::ShardFailed.into()));
        }
        self.open.clear();
        self.talks.clear();
        self.owed.clear();
        self.publishing.clear();
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
        self.before(now.1, &input, model);
        let mut effects = Vec::new();
        self.shard.handle(now.0, input, &mut effects);
        for effect in effects {
            self.carry_out(effect, model, onward)?;
        }
        for input in std::mem::take(&mut self.overfull) {
            self.handle(now, input, model, onward)?;
        }
        Ok(())
    }

    pub(crate) const fn set_wall(&mut self, wall: UnixMillis) {
        self.shard.set_wall(wall);
    }

    fn before(&mut self, now: Duration, input: &Input, model: &mut Model) {
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
        } else if let Input::Requested { conn, request: Ok(request) } = input {
            self.mind(*conn, request, model);
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
                self.check_told(conn, &event, model)?;
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.note(&event);
                }
                self.push(conn, Frame::Told(event));
            }
            Effect::Reply { conn, message } => {
                self.check_open(conn, &message)?;
                self.push(conn, Frame::Replied(message));
            }
            Effect::Acknowledge { conn, .. } => {
                return Err(format!("{conn} said no event that could be acknowledged"));
            }
            Effect::Ping { conn, number } => self.ping(conn, number)?,
            Effect::Deliver { publication, .. } => {
                model.live(&publication)?;
                self.owed.push(publication);
            }
            Effect::Replay { conn, messages } => self.replay(conn, &messages, model)?,
            Effect::Store(task) => {
                minding::check_task(&task, model)?;
                onward.push(Onward::Store(task));
            }
            Effect::TakeUp { conn, session } => {
                self.check_open(conn, &session)?;
                onward.push(Onward::TakeUp { conn, session });
            }
            Effect::Hold { .. }
            | Effect::Release { .. }
            | Effect::Pause { .. }
            | Effect::Resume { .. } => self.change_by(&effect)?,
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
                minding::check_envelope(&envelope, model)?;
                onward.push(Onward::Send { to: to.0, envelope });
            }
            Effect::Conclude { ticket, outcome } => {
                onward.push(Onward::Conclude { ticket, outcome })
            }
            Effect::Ended { conn, .. } if self.open.contains(&conn) => {
                return Err(format!("{conn} ended and was not closed"));
            }
            // Nobody here speaks Socket.IO.
            Effect::Reached { .. } | Effect::Recovered { .. } | Effect::CaughtUp { .. } => {}
            Effect::Seated { .. } | Effect::Unseated { .. } => {}
            Effect::Sing { .. } | Effect::Ended { .. } => {}
        }
        Ok(())
    }

    fn ping(&mut self, conn: ConnId, number: u32) -> Checked {
        self.check_open(conn, &"ping")?;
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.outbox.push_back(Frame::Pinged(number));
        }
        Ok(())
    }

    /// What is done to a socket. The client may have gone already.
    fn change_by(&mut self, effect: &Effect) -> Checked {
        if let Effect::Hold { conn } = effect {
            self.change(*conn, |it| it.held = Some(Vec::new()))?;
        } else if let Effect::Release { conn } = effect {
            self.change(*conn, Socket::release)?;
        } else if let Effect::Pause { conn } = effect {
            self.change(*conn, |it| it.is_paused = true)?;
        } else if let Effect::Resume { conn } = effect {
            self.change(*conn, |it| it.is_paused = false)?;
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

/// Whether a socket that was read says that its peer is alive.
pub(crate) const fn is_ping(frame: &Frame) -> bool {
    matches!(frame, Frame::Pinged(_) | Frame::Told(Event::Expiring { .. }))
}

/// What a person says to the application: numbers, so that order can be seen.
pub(crate) fn utterance(number: u64) -> Message {
    Message::Text(number.to_string().into())
}
