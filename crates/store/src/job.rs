//! What a store is asked, and what it answers.

use std::sync::Arc;

use proto::{ChannelName, Cursor, LogHead, Offset, Page, Publication, Reader, UnixMillis};
use thiserror::Error;

/// Names a job to whoever submitted it. The store only gives it back.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token(pub u64);

/// When a job has to be on the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// As soon as possible; its answer is awaited before anybody is told.
    Sync,
    /// Within the interval. Whoever tells others before the answer comes may lose that much, which
    /// is why a log with such messages gets a new epoch after a stop that was not clean. The first
    /// such message of a log that had only [`Class::Sync`] ones is worth waiting for: before it is
    /// stored, nothing on the disk says that the log is of this class.
    Interval,
}

/// Rows whose meaning others know.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Table {
    Sessions = 1,
    Revocations = 2,
}

/// One change, or one question that has to be answered in order with the changes.
#[derive(Clone, Debug)]
pub enum Job {
    /// Has to be the next message of its log: offset 1 of a log that is not known, in whatever
    /// epoch; else the log's epoch and one past its head. Otherwise [`Fault::OutOfOrder`].
    Append { publication: Arc<Publication>, key: Option<Arc<str>>, class: Class },
    /// What is known of a log, once everything submitted before is on the disk.
    Load { channel: ChannelName },
    /// Moves a cursor forward, or makes it; never back, and never past the log's head.
    MoveCursor { channel: ChannelName, reader: Reader, to: Cursor },
    /// Forgets a log: messages, cursors, keys and epoch. The channel begins anew at offset 1, in a
    /// new epoch that is the caller's to choose (C5).
    Erase { channel: ChannelName },
    /// Keeps a row, instead of what was there under its key.
    Put { table: Table, key: Arc<str>, value: Arc<str> },
    /// Forgets a row, if there is one.
    Remove { table: Table, key: Arc<str> },
}

impl Job {
    /// What it weighs in a queue: what it carries, and a hundred bytes for itself.
    pub(crate) fn bytes(&self) -> usize {
        let carried = match self {
            Self::Append { publication, key, .. } => {
                publication.payload.len() + key.as_ref().map_or(0, |it| it.len())
            }
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Remove { key, .. } => key.len(),
            Self::Load { .. } | Self::MoveCursor { .. } | Self::Erase { .. } => 0,
        };
        carried + 100
    }

    /// Whether it may wait for company.
    pub(crate) const fn is_patient(&self) -> bool {
        matches!(self, Self::Append { class: Class::Interval, .. })
    }
}

/// What became of a job. It is on the disk when this is said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// In this row. Rows are counted over all logs, in the order in which messages come; none is
    /// given twice, also where the disk has lost some. So they have gaps.
    Appended {
        row: u64,
    },
    /// `None`: no such log.
    Loaded(Option<Loaded>),
    Done,
}

/// A log as a home needs it to go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loaded {
    pub head: LogHead,
    /// When the last message was said.
    pub time_last: UnixMillis,
    pub cursors: Vec<(Reader, Cursor)>,
    /// Idempotency keys within their window, oldest first, with the message each belongs to.
    pub keys: Vec<(Arc<str>, Offset)>,
}

/// Why a job was not done. Nothing of it is on the disk, but for [`Fault::Unavailable`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// Not the next message of its log. Load it and look.
    #[error("not the next message of its log")]
    OutOfOrder,
    /// There are as many logs, or as many cursors in this log, as there may be.
    #[error("as many as there may be")]
    TooMany,
    /// The disk failed, or the store is being closed. It may be on the disk or not: load the log
    /// and look.
    #[error("the store is not available")]
    Unavailable,
}

/// Why a log could not be read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ReadFault {
    #[error("no such log")]
    Unknown,
    /// What was read is not what was written. The log is set aside and begins anew.
    #[error("the log is damaged")]
    Damaged,
    #[error("the store is not available")]
    Unavailable,
}

/// As much waits as may wait. Nothing was taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("as much waits for the store as may wait")]
pub struct Full;

/// Is told what came of jobs and reads. Called on the store's threads, which wait for it: put it
/// where it belongs and return.
pub trait Listener: Send + Sync {
    /// Once for each group that was committed, in the order in which the jobs were submitted.
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>);

    /// What a read found.
    fn found(&self, token: Token, page: Result<Page, ReadFault>);
}
