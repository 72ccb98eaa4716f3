//! What an application may be told and what it may ask, whoever carries it.

use std::sync::Arc;

use crate::{channel_name::ChannelName, ids::UserId, refusal::Refusal};

/// What a client said, or is told, as it stood in the frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    Text(Arc<str>),
    Binary(Arc<[u8]>),
}

/// What an application wants done. Carried out in the order given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// To this connection alone. Arrives before any publication asked for in the same answer.
    Reply(Message),
    /// To every member of the channel, except the connections of one user where asked.
    Publish {
        channel: ChannelName,
        payload: Arc<str>,
        except: Option<UserId>,
    },
    /// This connection becomes a member.
    Join(ChannelName),
    Leave(ChannelName),
    /// Ends the connection, saying why.
    Close(Refusal),
}
