//! What a session asks for.

use std::fmt;

use super::{ConnId, Refusal, RequestId};
use crate::{Frame, Message, Reason};

/// What to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Answer a request. Every request is answered once, unless it was abandoned.
    Answer {
        /// Which.
        request: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Write a packet to a WebSocket.
    Write {
        /// Which.
        conn: ConnId,
        /// The packet, a message of its own.
        frame: Frame,
    },
    /// Close a WebSocket, once all that was written before has left.
    CloseConn { conn: ConnId },
    /// The client said this. In the order in which it said it.
    Heard(Message),
    /// The session is over, and its name means nothing any more. Comes once, and last.
    Closed { reason: Reason },
}

/// What a request is answered with. CORS and caching headers are the driver's.
#[derive(Clone, Eq, PartialEq)]
pub enum Answer {
    /// 200, `text/plain; charset=UTF-8`: packets.
    Payload(String),
    /// 200, `text/html`, and the body `ok`. HTML, so that no old browser offers it as a download.
    Taken,
    /// 413, and the rest of the body need not be read.
    TooLong,
    /// See [`Refusal`].
    Refused(Refusal),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(text) => write!(f, "Payload({} bytes)", text.len()),
            Self::Taken => f.write_str("Taken"),
            Self::TooLong => f.write_str("TooLong"),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
        }
    }
}
