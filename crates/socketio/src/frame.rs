//! What travels: texts and bytes, shared by everyone they go to.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What a client said, without the Engine.IO type before it. One copy from the read buffer; all
/// that is found in it later refers to it.
#[derive(Clone, Eq, PartialEq)]
pub enum Message {
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Binary(Arc<[u8]>),
}

/// One Engine.IO packet for a client, as a WebSocket carries it. Polling carries the same text, and
/// bytes as base64.
#[derive(Clone, Eq, PartialEq)]
pub enum Frame {
    /// A packet that is always the same.
    Fixed(&'static str),
    /// A packet, its type first.
    Text(Arc<str>),
    /// A message of bytes.
    Binary(Arc<[u8]>),
}

impl Frame {
    pub(crate) const CLOSE: Self = Self::Fixed("1");
    pub(crate) const PING: Self = Self::Fixed("2");
    pub(crate) const PROBED: Self = Self::Fixed("3probe");
    pub(crate) const NOOP: Self = Self::Fixed("6");

    /// How many bytes this takes in the answer to a GET.
    pub(crate) fn polled_bytes(&self) -> usize {
        match self {
            Self::Fixed(text) => text.len(),
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => 1 + bytes.len().div_ceil(3).saturating_mul(4),
        }
    }

    pub(crate) fn poll_into(&self, out: &mut String) {
        match self {
            Self::Fixed(text) => out.push_str(text),
            Self::Text(text) => out.push_str(text),
            Self::Binary(bytes) => {
                out.push('b');
                STANDARD.encode_string(bytes, out);
            }
        }
    }
}

/// One Socket.IO packet, encoded once for as many sockets as it goes to.
///
/// Its text begins with the `4` of an Engine.IO message, so it is a whole WebSocket message as it
/// is: a driver that frames it once can write the same bytes to every socket of a room.
#[derive(Clone, Eq, PartialEq)]
pub struct Encoded {
    /// The packet.
    pub text: Arc<str>,
    /// What follows it, in order and with nothing in between.
    pub attachments: Arc<[Arc<[u8]>]>,
}

impl Encoded {
    /// The Engine.IO packets it makes.
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        let attachments = self.attachments.iter().map(|it| Frame::Binary(it.clone()));
        std::iter::once(Frame::Text(self.text.clone())).chain(attachments)
    }
}

// Tokens travel in these, and what users write. Neither belongs in a log.

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(text) => write!(f, "Fixed({text})"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} bytes, {} attachments)", self.text.len(), self.attachments.len())
    }
}
