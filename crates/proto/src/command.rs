//! What a client may ask, in any dialect that has commands.

use std::sync::Arc;

use crate::{channel_name::ChannelName, ids::RequestId};

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
    },
    Unsubscribe {
        channel: ChannelName,
    },
    /// Say something that gets a place in the channel's order.
    Publish {
        channel: ChannelName,
        payload: Arc<str>,
    },
    /// Say something to whoever is here, and to nobody later.
    Signal {
        channel: ChannelName,
        payload: Arc<str>,
    },
    Ping,
}
