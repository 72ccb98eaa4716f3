//! A Socket.IO packet.

use std::{ops::Range, sync::Arc};

use super::{AckId, Args, Auth, Event};

/// One packet, with all its attachments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    pub(crate) text: Arc<str>,
    /// None is the main one, which is not written.
    pub(crate) namespace: Option<Range<usize>>,
    /// What it says.
    pub body: Body,
}

/// What a packet says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// Let me in; or, from a server, you are in.
    Connect(Auth),
    /// I am leaving this namespace.
    Disconnect,
    /// Something happened.
    Event {
        /// What.
        event: Event,
        /// The number under which an acknowledgement is wanted.
        ack: Option<AckId>,
    },
    /// An answer.
    Ack {
        /// To the event of this number.
        id: AckId,
        /// What it says.
        args: Args,
    },
    /// You are not let in. Only servers say that; the payload is an object, or a text from servers
    /// of old.
    ConnectError(Auth),
}

impl Packet {
    /// The namespace, with its slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.namespace.as_ref().and_then(|it| self.text.get(it.clone())).unwrap_or("/")
    }
}
