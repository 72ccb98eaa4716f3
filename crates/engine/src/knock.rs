//! What is wanted of a channel at its home, and waits there while the disk is asked where the
//! channel stands.

use std::sync::Arc;

use proto::{ConnId, Epoch, Mark, Offset, Placed, Reader, RequestId, ShardId, Span, Start};

use crate::{
    input::{Draft, FollowId, Origin, Ticket},
    position::Position,
};

/// Things that wait for one channel to be loaded, at most. Whoever comes after them is told to try
/// again.
pub(crate) const KNOCKS_MAX: usize = 10_000;

#[derive(Clone, Debug)]
pub(crate) enum Knock {
    Publish { draft: Draft, origin: Origin },
    Follow { follow: FollowId, shard: ShardId },
    Fetch { wish: Wish, asked_by: AskedBy },
    Mark { mark: Marking, origin: Origin },
    Tell { reader: Reader, ticket: Ticket },
    Describe { ticket: Ticket, members: usize },
    Erase { ticket: Ticket },
}

/// Which part of a log is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    /// A new member wants to begin here.
    Begin {
        start: Start,
        /// Whose cursor is told, where the namespace keeps some.
        reader: Option<Reader>,
        /// With nothing said, it begins behind what the reader has acknowledged.
        mailbox: bool,
    },
    /// A member who is still behind wants what comes after this.
    GoOn { after: Placed },
    /// Somebody comes back, and wants to know where it was: no messages, only the place.
    Locate {
        /// How far it has heard, in all its channels.
        position: Arc<Position>,
        /// Where it took its seat.
        joined: Placed,
    },
    /// Somebody wants to read.
    Read { span: Span, epoch: Option<Epoch>, limit: u16 },
}

/// Who wants it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AskedBy {
    /// A member that catches up; the number tells one attempt from an earlier one.
    Member { shard: ShardId, conn: ConnId, attempt: u32 },
    /// A connection that recovers; the number is that of its attempt.
    Recovery { shard: ShardId, conn: ConnId, attempt: u32 },
    /// A client that reads.
    Client { shard: ShardId, conn: ConnId, id: RequestId },
    /// Someone outside.
    Ticket(Ticket),
}

/// How far somebody has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Marking {
    pub reader: Reader,
    pub mark: Mark,
    pub offset: Offset,
}
