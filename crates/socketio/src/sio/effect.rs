//! What the Socket.IO side of a connection asks for.

use std::sync::Arc;

use super::{Args, AskId, Auth, Event, Fault, Reply, SocketId};
use crate::{Encoded, Reason};

/// What to do. In order: what a client said first comes first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// A client asks to be let into a namespace. Answer with
    /// [`Admitted`](super::Input::Admitted) or [`Refused`](super::Input::Refused), whenever.
    Knocked {
        /// Who.
        socket: SocketId,
        /// Where.
        namespace: Arc<str>,
        /// What it says of itself, and what it would recover.
        auth: Auth,
    },
    /// A client says something.
    Event {
        /// Who.
        socket: SocketId,
        /// What.
        event: Event,
        /// Where to answer, if it wants an answer.
        reply: Option<Reply>,
    },
    /// A client answered.
    Answered {
        /// Who.
        socket: SocketId,
        /// What it had been asked.
        ask: AskId,
        /// What it says.
        args: Args,
    },
    /// A client will not answer: it left, its time is over, or too much had been asked before.
    Unanswered {
        /// Who.
        socket: SocketId,
        /// What it had been asked.
        ask: AskId,
    },
    /// Whoever knocked or was in has gone. Comes once for each.
    Left {
        /// Who.
        socket: SocketId,
        /// Why.
        reason: Reason,
    },
    /// Send this. Carried out by the [`Connection`](crate::Connection).
    Send(Encoded),
    /// End the connection. Carried out by the [`Connection`](crate::Connection).
    Abort {
        /// Why.
        reason: Reason,
        /// What was wrong, if something was.
        fault: Option<Fault>,
    },
}
