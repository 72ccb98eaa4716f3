//! What a session is told.

use std::fmt;

use crate::{Encoded, Reason};

/// One HTTP request that waits for its answer. The driver's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

/// One WebSocket. The driver's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnId(pub u64);

/// A whole WebSocket message, lent from the read buffer.
#[derive(Clone, Copy)]
pub enum Incoming<'a> {
    /// UTF-8.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// What happened, and below what the server wants.
#[derive(Clone)]
pub enum Input<'a> {
    /// A GET came. It waits until there is something, or a ping.
    Polled { request: RequestId },
    /// The head of a POST came.
    PostBegan {
        /// Which.
        request: RequestId,
        /// `Content-Length`, where one was sent.
        length: Option<u64>,
    },
    /// A piece of its body came.
    PostContinued {
        /// Which.
        request: RequestId,
        /// The piece.
        bytes: &'a [u8],
    },
    /// All of its body came.
    PostEnded { request: RequestId },
    /// A request's own connection ended before it was answered.
    Abandoned { request: RequestId },
    /// A WebSocket came with the name of this session, and was answered with 101.
    Attached { conn: ConnId },
    /// A WebSocket brought a message.
    Received {
        /// Which.
        conn: ConnId,
        /// The message.
        message: Incoming<'a>,
    },
    /// A WebSocket ended, whoever ended it.
    Detached { conn: ConnId },
    /// The time that [`Session::wakes_at`](super::Session::wakes_at) named has come.
    Woke,
    /// Send this.
    Send(Encoded),
    /// End the session, after what waits has been fetched.
    Close,
    /// End the session now.
    Abort(Reason),
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polled { request } => write!(f, "Polled({request:?})"),
            Self::PostBegan { request, length } => write!(f, "PostBegan({request:?}, {length:?})"),
            Self::PostContinued { request, bytes } => {
                write!(f, "PostContinued({request:?}, {} bytes)", bytes.len())
            }
            Self::PostEnded { request } => write!(f, "PostEnded({request:?})"),
            Self::Abandoned { request } => write!(f, "Abandoned({request:?})"),
            Self::Attached { conn } => write!(f, "Attached({conn:?})"),
            Self::Received { conn, message } => write!(f, "Received({conn:?}, {message:?})"),
            Self::Detached { conn } => write!(f, "Detached({conn:?})"),
            Self::Woke => f.write_str("Woke"),
            Self::Send(encoded) => write!(f, "Send({encoded:?})"),
            Self::Close => f.write_str("Close"),
            Self::Abort(reason) => write!(f, "Abort({reason:?})"),
        }
    }
}
