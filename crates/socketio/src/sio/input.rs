//! What the Socket.IO side of a connection is told.

use std::time::Instant;

use super::{AskId, Payload, Reply, SocketId};
use crate::{Encoded, Message, Reason, Sid};

/// What happened, and below what the server wants. What is for a socket that has gone is dropped.
#[derive(Clone, Debug)]
pub enum Input {
    /// The client said something.
    Heard(Message),
    /// The connection is over.
    Closed(Reason),
    /// The time that [`Peer::wakes_at`](super::Peer::wakes_at) named has come.
    Woke,
    /// Whoever knocked is let in: [`Effect::Knocked`](super::Effect::Knocked).
    Admitted {
        /// Who.
        socket: SocketId,
        /// The name it gets, drawn for it.
        sid: Sid,
        /// The name of its state, if that will be kept for a while after the connection.
        pid: Option<Sid>,
    },
    /// Whoever knocked is not let in.
    Refused {
        /// Who.
        socket: SocketId,
        /// [`connect_error`](super::encode::connect_error), for its namespace.
        error: Encoded,
    },
    /// Send an event: [`event`](super::encode::event) and its sisters, for this socket's namespace.
    Emit {
        /// To whom.
        socket: SocketId,
        /// What.
        event: Encoded,
    },
    /// Send an event and wait for the answer.
    Ask {
        /// Whom.
        socket: SocketId,
        /// What to call it.
        ask: AskId,
        /// The event: [`Payload::event`].
        event: Payload,
        /// By when the answer counts.
        until: Instant,
    },
    /// Answer an event.
    Acknowledge {
        /// Which.
        reply: Reply,
        /// The answer: [`Payload::answer`].
        answer: Payload,
    },
    /// Make a client leave a namespace.
    Disconnect { socket: SocketId },
}
