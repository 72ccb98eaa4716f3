//! What a client may ask, in any dialect that has commands.

use std::sync::Arc;

use crate::{
    channel_name::ChannelName,
    ids::{Epoch, Offset, RequestId, SessionId},
    log::Span,
    notice::{Status, Who},
    publication::Placed,
    unix_time::UnixMillis,
};

/// A command, and the number by which its sender wants the reply. Without one only a refusal is
/// told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    pub id: Option<RequestId>,
    pub command: Command,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Show a token: as the first message where the handshake brought none.
    Connect {
        token: Arc<str>,
    },
    /// Replace the token of a live connection by a newer one of the same user.
    Refresh {
        token: Arc<str>,
    },
    Subscribe {
        channel: ChannelName,
        start: Start,
        /// Be told who comes and goes.
        presence: bool,
    },
    Unsubscribe {
        channel: ChannelName,
    },
    /// Say something that gets a place in the channel's order.
    Publish {
        channel: ChannelName,
        payload: Arc<str>,
        /// Said again with the same key, it gets the place it has already.
        key: Option<Arc<str>>,
    },
    /// Say something to whoever is here, and to nobody later.
    Signal {
        channel: ChannelName,
        payload: Arc<str>,
    },
    /// Read a part of a channel's log.
    History {
        channel: ChannelName,
        span: Span,
        /// `None`: whatever the log's present epoch.
        epoch: Option<Epoch>,
        /// Messages wanted at most.
        limit: u16,
    },
    /// Say that everything up to here has arrived, or has been read.
    Mark {
        channel: ChannelName,
        mark: Mark,
        offset: Offset,
    },
    /// Take up what an earlier connection of the same session was subscribed to.
    Resume {
        session: SessionId,
        /// The last place of each channel that the client has.
        since: Vec<(ChannelName, Placed)>,
    },
    /// Say that one is writing something, or has stopped.
    Typing {
        channel: ChannelName,
        active: bool,
    },
    /// Ask who is in a channel.
    Presence {
        channel: ChannelName,
        who: Who,
        /// And be told from now on who comes and goes.
        watch: bool,
    },
    /// Say how one wants to be seen, in every channel this connection is in.
    Status {
        status: Status,
    },
    Ping,
}

/// Which cursor is moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    Delivered,
    Read,
}

/// Where in a channel's log a new member wants to begin.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Start {
    /// With whatever comes from now on; in a mailbox, with what they have not acknowledged.
    #[default]
    Unsaid,
    /// With what came after this place.
    After(Placed),
    /// With the newest messages, at most so many.
    Last(u16),
    /// With what was said at this time or later.
    Since(UnixMillis),
}
