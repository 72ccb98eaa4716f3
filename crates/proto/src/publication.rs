//! What a channel's members receive.

use std::sync::Arc;

use crate::{
    channel_name::ChannelName,
    ids::{Epoch, Offset, UserId},
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
    /// The JSON text as it was given. Passes through untouched.
    pub payload: Arc<str>,
    /// What members who hear events hear it as. `None`: `message`.
    pub event: Option<Arc<str>>,
    /// When it got its place. Within one channel it never goes back.
    pub time: UnixMillis,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Has a place in the channel's order.
    Message(Placed),
    /// For whoever is here now; never stored, no offset.
    Signal,
}

/// A place in a channel's order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placed {
    pub epoch: Epoch,
    pub offset: Offset,
}
