//! What a client is told, in any dialect that has events.

use std::time::Duration;

use crate::{
    channel_name::ChannelName,
    ids::{Offset, RequestId, SessionId, UserId},
    log::{Cursor, Page},
    notice::{Roll, Status},
    publication::Placed,
    refusal::Refusal,
    unix_time::UnixTime,
};

/// Where a member stands in a channel as it begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stand {
    /// Everything after this place follows.
    pub at: Placed,
    /// Whether everything after the place the client named will come. `None`: it named none.
    pub recovered: Option<bool>,
    /// The oldest message that is kept, where what was asked for is not.
    pub first: Option<Offset>,
    /// How far the user has come, and how many messages after that are unread, where the namespace
    /// keeps that.
    pub cursor: Option<(Cursor, u64)>,
}

impl From<Placed> for Stand {
    /// From now on.
    fn from(at: Placed) -> Self {
        Self { at, recovered: None, first: None, cursor: None }
    }
}

/// Something told to one connection. Publications travel apart, because they are shared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The connection is admitted as `user`.
    Connected {
        id: Option<RequestId>,
        user: Option<UserId>,
        expires_at: Option<UnixTime>,
        ping: Duration,
        /// What the client can come back as; `None` where the route keeps no sessions.
        session: Option<SessionId>,
        /// The session was there before.
        resumed: bool,
    },
    /// The connection's token has been replaced.
    Refreshed {
        id: RequestId,
        expires_at: UnixTime,
    },
    /// The connection is a member, and gets everything after this place. Without an id it was not
    /// asked for by a command of its own, but by [`Self::Resumed`] before it.
    Subscribed {
        id: Option<RequestId>,
        channel: ChannelName,
        stand: Stand,
    },
    /// These subscriptions of an earlier connection are this one's; where each stands follows.
    Resumed {
        id: RequestId,
        session: SessionId,
        channels: Vec<ChannelName>,
    },
    /// A part of a log.
    History {
        id: RequestId,
        channel: ChannelName,
        page: Page,
    },
    /// A cursor stands here now.
    Marked {
        id: RequestId,
        channel: ChannelName,
        cursor: Cursor,
        /// Messages after what has been read.
        unread: u64,
    },
    Unsubscribed {
        id: RequestId,
        channel: ChannelName,
    },
    Published {
        id: RequestId,
        channel: ChannelName,
        at: Placed,
    },
    Signalled {
        id: RequestId,
        channel: ChannelName,
    },
    /// It is known whether this connection's user is writing.
    Typing {
        id: RequestId,
        channel: ChannelName,
        active: bool,
    },
    /// Who is in a channel.
    Presence {
        id: RequestId,
        channel: ChannelName,
        roll: Roll,
    },
    /// This is how the connection is seen.
    Status {
        id: RequestId,
        status: Status,
    },
    Pong {
        id: RequestId,
    },
    /// Messages `from` to `to`, both included, were not delivered: this connection read too slowly.
    Gap {
        channel: ChannelName,
        from: Offset,
        to: Offset,
    },
    /// The token ends soon; refresh it or the connection is closed then.
    Expiring {
        expires_at: UnixTime,
        within: Duration,
    },
    /// A command was refused, or something said to an application; the connection stays.
    Refused {
        /// The command's, or where an event was said, of the acknowledgement that it waits for.
        id: Option<RequestId>,
        refusal: Refusal,
    },
    /// The last thing said before the connection is closed.
    Closing {
        refusal: Refusal,
    },
}
