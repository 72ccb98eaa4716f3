//! One client: its Engine.IO session, and the sockets on it.
//!
//! The two machines below know nothing of each other. What the session hears is told to the peer;
//! what the peer wants sent or ended is told to the session; the rest goes to the driver.

use std::{sync::Arc, time::Instant};

use crate::{
    Frame, Policy, Reason, Sid,
    eio::{self, Answer, ConnId, RequestId, Session},
    sio::{self, Args, AskId, Auth, Event, Fault, Peer, Reply, SocketId},
};

/// One client.
#[derive(Debug)]
pub struct Connection {
    session: Session,
    peer: Peer,
}

/// What the two machines want of each other and of the driver, in one step. Nothing of it is kept:
/// a connection that is idle holds no buffer.
#[derive(Debug, Default)]
struct Wants {
    of_session: Vec<eio::Effect>,
    of_peer: Vec<sio::Effect>,
    fault: Option<Fault>,
    closed: Option<Reason>,
}

/// What happened, and what the server wants.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Something about requests and WebSockets.
    Transport(eio::Input<'a>),
    /// Something about sockets. [`sio::Input::Heard`], [`Closed`](sio::Input::Closed) and
    /// [`Woke`](sio::Input::Woke) come from the session, not from the driver.
    Socket(sio::Input),
    /// The time that [`Connection::wakes_at`] named has come.
    Woke,
}

/// What to do, in this order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// See [`eio::Effect::Answer`].
    Answer {
        /// Which request.
        request: RequestId,
        /// With what.
        answer: Answer,
    },
    /// See [`eio::Effect::Write`].
    Write {
        /// Which WebSocket.
        conn: ConnId,
        /// What.
        frame: Frame,
    },
    /// See [`eio::Effect::CloseConn`].
    CloseConn { conn: ConnId },
    /// See [`sio::Effect::Knocked`].
    Knocked {
        /// Who.
        socket: SocketId,
        /// Where.
        namespace: Arc<str>,
        /// What it says of itself.
        auth: Auth,
    },
    /// See [`sio::Effect::Event`].
    Event {
        /// Who says it.
        socket: SocketId,
        /// What.
        event: Event,
        /// Where to answer.
        reply: Option<Reply>,
    },
    /// See [`sio::Effect::Answered`].
    Answered {
        /// Who answers.
        socket: SocketId,
        /// What it had been asked.
        ask: AskId,
        /// What it says.
        args: Args,
    },
    /// See [`sio::Effect::Unanswered`].
    Unanswered {
        /// Who does not answer.
        socket: SocketId,
        /// What it had been asked.
        ask: AskId,
    },
    /// See [`sio::Effect::Left`].
    Left {
        /// Who.
        socket: SocketId,
        /// Why.
        reason: Reason,
    },
    /// The connection is over; everyone on it has left. Comes once, and last.
    Closed {
        /// Why.
        reason: Reason,
        /// Which rule of Socket.IO was broken, if that is why.
        fault: Option<Fault>,
    },
}

impl Connection {
    /// A client that begins with a GET without `sid`: [`eio::Request::Open`].
    pub fn open_polling(
        now: Instant,
        policy: &Arc<Policy>,
        sid: &Sid,
        request: RequestId,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let mut wants = Wants::default();
        let out = &mut wants.of_session;
        let session = Session::open_polling(now, policy.clone(), sid, request, out);
        Self::new(now, policy, session, wants, effects)
    }

    /// A client that begins with a WebSocket without `sid`: [`eio::Request::Open`].
    pub fn open_websocket(
        now: Instant,
        policy: &Arc<Policy>,
        sid: &Sid,
        conn: ConnId,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let mut wants = Wants::default();
        let out = &mut wants.of_session;
        let session = Session::open_websocket(now, policy.clone(), sid, conn, out);
        Self::new(now, policy, session, wants, effects)
    }

    fn new(
        now: Instant,
        policy: &Arc<Policy>,
        session: Session,
        wants: Wants,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let mut connection = Self { session, peer: Peer::new(now, policy.clone()) };
        connection.settle(now, wants, effects);
        connection
    }

    /// Takes one input and appends the effects it calls for. Cannot fail.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, effects: &mut Vec<Effect>) {
        let mut wants = Wants::default();
        match input {
            // Whoever is on it is gone now, and not when the client fetches the goodbye.
            Input::Transport(eio::Input::Close) => {
                self.session.handle(now, eio::Input::Close, &mut wants.of_session);
                let closed = sio::Input::Closed(Reason::ForcedClose);
                self.peer.handle(now, closed, &mut wants.of_peer);
            }
            Input::Transport(input) => self.session.handle(now, input, &mut wants.of_session),
            Input::Socket(input) => self.peer.handle(now, input, &mut wants.of_peer),
            Input::Woke => {
                self.session.handle(now, eio::Input::Woke, &mut wants.of_session);
                self.peer.handle(now, sio::Input::Woke, &mut wants.of_peer);
            }
        }
        self.settle(now, wants, effects);
    }

    /// When [`Input::Woke`] is due. Asking again after each input is enough.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Instant> {
        self.session.wakes_at().into_iter().chain(self.peer.wakes_at()).min()
    }

    /// Where an [`Encoded`](crate::Encoded) event for this socket may be written at once, framed
    /// together with everyone else's. None if it polls, or is not in: then
    /// [`sio::Input::Emit`] does what is right.
    #[must_use]
    pub fn writes_to(&self, socket: SocketId) -> Option<ConnId> {
        self.session.writes_to().filter(|_| self.peer.is_in(socket))
    }

    /// The WebSocket that carries the session, whoever is on it.
    #[must_use]
    pub fn link(&self) -> Option<ConnId> {
        self.session.writes_to()
    }

    /// Carries to each machine what the other one wants, until neither wants anything. Ends: all
    /// that the peer can want makes the session say nothing but what is for the driver, or that it
    /// is over.
    fn settle(&mut self, now: Instant, mut wants: Wants, effects: &mut Vec<Effect>) {
        while !wants.of_session.is_empty() || !wants.of_peer.is_empty() {
            for effect in std::mem::take(&mut wants.of_session) {
                self.carry_up(now, effect, &mut wants, effects);
            }
            for effect in std::mem::take(&mut wants.of_peer) {
                self.carry_down(now, effect, &mut wants, effects);
            }
        }
        if let Some(reason) = wants.closed {
            effects.push(Effect::Closed { reason, fault: wants.fault });
        }
    }

    fn carry_up(
        &mut self,
        now: Instant,
        effect: eio::Effect,
        wants: &mut Wants,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(match effect {
            eio::Effect::Heard(message) => {
                let heard = sio::Input::Heard(message);
                return self.peer.handle(now, heard, &mut wants.of_peer);
            }
            eio::Effect::Closed { reason } => {
                wants.closed = Some(reason);
                let closed = sio::Input::Closed(reason);
                return self.peer.handle(now, closed, &mut wants.of_peer);
            }
            eio::Effect::Answer { request, answer } => Effect::Answer { request, answer },
            eio::Effect::Write { conn, frame } => Effect::Write { conn, frame },
            eio::Effect::CloseConn { conn } => Effect::CloseConn { conn },
        });
    }

    fn carry_down(
        &mut self,
        now: Instant,
        effect: sio::Effect,
        wants: &mut Wants,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(match effect {
            sio::Effect::Send(encoded) => {
                let send = eio::Input::Send(encoded);
                return self.session.handle(now, send, &mut wants.of_session);
            }
            sio::Effect::Abort { reason, fault } => {
                wants.fault = fault;
                let abort = eio::Input::Abort(reason);
                return self.session.handle(now, abort, &mut wants.of_session);
            }
            sio::Effect::Knocked { socket, namespace, auth } => {
                Effect::Knocked { socket, namespace, auth }
            }
            sio::Effect::Event { socket, event, reply } => Effect::Event { socket, event, reply },
            sio::Effect::Answered { socket, ask, args } => Effect::Answered { socket, ask, args },
            sio::Effect::Unanswered { socket, ask } => Effect::Unanswered { socket, ask },
            sio::Effect::Left { socket, reason } => Effect::Left { socket, reason },
        });
    }
}
