//! The values of an event or an acknowledgement, as slices of the packet they came in.

use std::{fmt, ops::Range, sync::Arc};

use crate::json::{Items, Json};

/// Values, looked over and never built.
///
/// With attachments, some object in the values is `{"_placeholder":true,"num":N}` for each of
/// them: whoever passes the values on passes the attachments on behind them.
#[derive(Clone, Eq, PartialEq)]
pub struct Args {
    packet: Arc<str>,
    at: Range<usize>,
    attachments: Arc<[Arc<[u8]>]>,
}

impl Args {
    pub(crate) fn new(packet: Arc<str>, at: Range<usize>, attachments: Arc<[Arc<[u8]>]>) -> Self {
        Self { packet, at, attachments }
    }

    /// The values with their commas, as the client wrote them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.packet.get(self.at.clone()).unwrap_or_default()
    }

    /// One value after another. Each call reads the text again, so keep what is needed twice.
    #[must_use]
    pub fn values(&self) -> Items<'_> {
        Items::new(self.as_str())
    }

    /// The first value: most events have one.
    #[must_use]
    pub fn first(&self) -> Option<Json<'_>> {
        self.values().next()
    }

    /// What the placeholders stand for, by their numbers.
    #[must_use]
    pub fn attachments(&self) -> &Arc<[Arc<[u8]>]> {
        &self.attachments
    }

    pub(crate) fn attach(&mut self, attachments: Arc<[Arc<[u8]>]>) {
        self.attachments = attachments;
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Args({} bytes, {} attachments)", self.at.len(), self.attachments.len())
    }
}
