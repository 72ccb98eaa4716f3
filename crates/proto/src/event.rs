//! What a client is told, in any dialect that has events.

use std::time::Duration;

use crate::{
    channel_name::ChannelName,
    ids::{Offset, RequestId, SessionId, UserId},
    publication::Placed,
    refusal::Refusal,
    unix_time::UnixTime,
};

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
    /// The connection is a member and has missed nothing after `at`.
    Subscribed {
        id: RequestId,
        channel: ChannelName,
        at: Placed,
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
    /// A command was refused; the connection stays.
    Refused {
        id: Option<RequestId>,
        refusal: Refusal,
    },
    /// The last thing said before the connection is closed.
    Closing {
        refusal: Refusal,
    },
}
