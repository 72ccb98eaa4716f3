//! What a channel's members receive.

use std::sync::Arc;

use crate::{
    channel_name::ChannelName,
    dialect::Dialect,
    ids::{ConnId, Epoch, Offset, ShardId, UserId},
    notice::Notice,
    unix_time::UnixMillis,
};

/// One thing said in a channel, on its way to every member. Shared, never copied per member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Publication {
    pub channel: ChannelName,
    pub kind: Kind,
    /// Who said it; `None` when it came from the backend. Set by us, never by the client (C6).
    pub from: Option<UserId>,
    /// A user whose own connections are passed over.
    pub except: Option<UserId>,
    /// One connection that is passed over. Only of signals: it says nothing to whoever comes later.
    pub except_conn: Option<(ShardId, ConnId)>,
    /// The JSON text as it was given. Passes through untouched.
    pub payload: Arc<str>,
    /// What members who hear events hear it as. `None`: `message`.
    pub event: Option<Arc<str>>,
    /// When it got its place. Within one channel it never goes back.
    pub time: UnixMillis,
}

impl Publication {
    /// Whether all members get it who speak a dialect that has words for it. Else whoever delivers
    /// it has to ask for each.
    pub fn is_for_everyone(&self) -> bool {
        let is_presence =
            matches!(&self.kind, Kind::Notice(it) if matches!(**it, Notice::Presence(_)));
        self.except.is_none() && self.except_conn.is_none() && !is_presence
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Has a place in the channel's order.
    Message(Placed),
    /// For whoever is here now; never stored, no offset.
    Signal,
    /// Something of ours for whoever is here now and can read it; never stored, no offset. The
    /// payload is empty. Boxed, because nearly everything is a message.
    Notice(Box<Notice>),
}

impl Kind {
    /// Whether members who speak this dialect are sent it: a client that knows nothing of notices
    /// is not sent what it cannot read.
    pub const fn is_for(&self, dialect: Dialect) -> bool {
        match self {
            Self::Message(_) | Self::Signal => true,
            Self::Notice(_) => matches!(dialect, Dialect::Native),
        }
    }
}

/// A place in a channel's order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placed {
    pub epoch: Epoch,
    pub offset: Offset,
}
