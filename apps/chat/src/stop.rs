//! Why an event leads to nothing.

use crate::said::Unclear;

/// The client's mistake, or the world's.
#[derive(Debug)]
pub(crate) enum Stop {
    /// In words that clients show.
    Refused(&'static str),
    /// The database's. Everything the event had changed is taken back.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Failed(fault)
    }
}

impl From<Unclear> for Stop {
    fn from(Unclear(what): Unclear) -> Self {
        Self::Refused(what)
    }
}

pub(crate) const NO_ACCESS: Stop = Stop::Refused("Access denied to channel");
pub(crate) const NO_MESSAGE: Stop = Stop::Refused("Message not found");
pub(crate) const NOT_ALLOWED: Stop = Stop::Refused("Insufficient permissions");
