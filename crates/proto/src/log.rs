//! What is said of a log: where it stands, a part of it, and how far somebody has come in it.

use std::sync::Arc;

use crate::{
    ids::{Offset, UserId},
    publication::{Placed, Publication},
    unix_time::UnixMillis,
};

/// Where a log stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogHead {
    /// The last message's place; offset 0 where there has been none.
    pub at: Placed,
    /// The oldest message that is still kept; one past `at` where none is.
    pub first: Offset,
}

impl LogHead {
    /// Whether everything after `offset` is still here.
    pub const fn has_all_after(&self, offset: Offset) -> bool {
        offset.0 <= self.at.offset.0 && self.first.0 <= offset.0 + 1
    }
}

/// Which part of a log is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Span {
    /// The oldest messages with a larger offset than this, in order.
    After(Offset),
    /// The newest messages with a smaller offset than this, in order.
    Before(Offset),
    /// The newest messages, in order.
    Last,
    /// The oldest messages that were said at this time or later, in order.
    Since(UnixMillis),
}

/// A part of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Where the log stood when this was read.
    pub head: LogHead,
    /// In the order of their offsets, which follow each other without a gap.
    pub messages: Vec<Arc<Publication>>,
}

/// How far somebody has come in a log. Neither ever goes back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// Everything up to here has reached them.
    pub delivered: Offset,
    /// Everything up to here they have read, which they can only what has reached them.
    pub read: Offset,
}

impl Cursor {
    /// The further of both, place by place; what has been read has been delivered.
    #[must_use]
    pub fn forward(self, to: Self) -> Self {
        let read = self.read.max(to.read);
        Self { delivered: self.delivered.max(to.delivered).max(read), read }
    }
}

/// Whose cursor it is: a user's, or one of their devices' where a namespace keeps them apart.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Reader {
    pub user: UserId,
    pub device: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Epoch;

    #[test]
    fn a_log_has_all_after_what_is_neither_cut_nor_to_come() {
        let at = Placed { epoch: Epoch(1), offset: Offset(9) };
        let head = LogHead { at, first: Offset(5) };
        let known: Vec<u64> = (0..12).filter(|it| head.has_all_after(Offset(*it))).collect();
        assert_eq!(known, [4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn cursors_only_go_forward() {
        let cursor = |delivered, read| Cursor { delivered: Offset(delivered), read: Offset(read) };
        assert_eq!(cursor(5, 2).forward(cursor(3, 1)), cursor(5, 2));
        assert_eq!(cursor(5, 2).forward(cursor(3, 4)), cursor(5, 4));
        assert_eq!(cursor(5, 2).forward(cursor(0, 8)), cursor(8, 8));
    }
}
