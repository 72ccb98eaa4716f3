//! What an application may be told and what it may ask, whoever carries it.

use std::sync::Arc;

use crate::{channel_name::ChannelName, ids::UserId, refusal::Refusal};

/// What a client said, or is told, as it stood in the frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    Text(Arc<str>),
    Binary(Arc<[u8]>),
    /// An event, for clients whose protocol has such a thing.
    Event {
        name: Arc<str>,
        values: Values,
        /// Heard with one: the client waits for [`Action::Acknowledge`]. Replied with one, of the
        /// application's choosing: the client is to acknowledge, and [`Message::Answer`] follows.
        reply: Option<ReplyId>,
    },
    /// What a client answers to an event that was replied with a number; only ever heard.
    Answer {
        reply: ReplyId,
        /// `None`: it did not answer in time, or too much had been asked of it before.
        values: Option<Values>,
    },
}

/// The values of an event or of its acknowledgement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Values {
    /// A JSON array, as text that nobody has touched.
    pub json: Arc<str>,
    /// What `{"_placeholder":true,"num":N}` in it stands for, by number.
    pub attachments: Arc<[Arc<[u8]>]>,
}

impl Values {
    /// Values without attachments. `json` must be an array.
    pub fn new(json: impl Into<Arc<str>>) -> Self {
        Self { json: json.into(), attachments: Arc::default() }
    }
}

/// Ties an acknowledgement to its event, on one connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReplyId(pub u32);

/// Whom a publication of an application's reaches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// Every member, those included who come back, as far as the channel keeps a log.
    #[default]
    Members,
    /// Who is here now: it has no place, is not kept, and nobody recovers it.
    Present,
    /// The same, but for the connection that is being answered.
    Others,
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
        /// The name of the event, for members who hear events. `None`: `message`.
        event: Option<Arc<str>>,
        reach: Reach,
    },
    /// Answers an event that waits for it.
    Acknowledge {
        reply: ReplyId,
        values: Values,
    },
    /// This connection becomes a member.
    Join(ChannelName),
    Leave(ChannelName),
    /// Ends the connection, saying why.
    Close(Refusal),
}
