//! What a client says of itself when it joins a namespace.

use std::{fmt, ops::Range, sync::Arc};

use crate::{Json, Sid};

/// The payload of a CONNECT, usually with a token in it. Not shown by `Debug`.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Auth {
    at: Option<(Arc<str>, Range<usize>)>,
}

/// Where a client wants to go on after an interruption: connection state recovery.
#[derive(Clone, Eq, PartialEq)]
pub struct Recovery {
    /// Which state: what [`connected`](crate::sio::encode::connected) told it. Knowing it proves
    /// nothing about who is asking (A13): weigh it only with a good token of the same user.
    pub pid: Sid,
    /// The last offset it heard, if it heard one. Text of the client's choosing.
    pub offset: Option<String>,
}

/// Longer than offsets of the official adapters; as long as the driver's may be.
const OFFSET_BYTES_MAX: usize = 4096;

impl Auth {
    pub(crate) fn new(packet: Arc<str>, at: Range<usize>) -> Self {
        Self { at: Some((packet, at)) }
    }

    /// The object as the client wrote it. None if there was none.
    #[must_use]
    pub fn json(&self) -> Option<Json<'_>> {
        let (packet, at) = self.at.as_ref()?;
        packet.get(at.clone()).map(Json::known)
    }

    /// A text in it, by its name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.json()?.member(name)?.to_text()
    }

    /// What it would recover. None if it does not ask for it, or in words that cannot be ours: then
    /// it is a client that comes for the first time.
    #[must_use]
    pub fn recovery(&self) -> Option<Recovery> {
        let pid = Sid::parse(&self.text("pid")?)?;
        let offset = self.text("offset").filter(|it| it.len() <= OFFSET_BYTES_MAX);
        Some(Recovery { pid, offset })
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth(..)")
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recovery(..)")
    }
}
