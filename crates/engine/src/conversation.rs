//! A connection's talk with its application: one question at a time, in order.

use std::collections::VecDeque;

use proto::{Message, RequestId};

/// What waits while the application considers something earlier.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// The application has been asked and has not answered.
    pub(crate) is_asking: bool,
    /// The acknowledgement that what it was asked about waits for.
    pub(crate) awaited: Option<RequestId>,
    /// Its answer to `Connected` is outstanding, and publications are held back for it.
    pub(crate) is_greeting: bool,
    /// Reading is paused because enough is waiting.
    pub(crate) is_paused: bool,
    pub(crate) waiting: VecDeque<Message>,
}

/// The acknowledgement that a client waits for, where its protocol has such a thing.
pub(crate) fn awaited(message: &Message) -> Option<RequestId> {
    match message {
        Message::Event { reply, .. } => reply.map(|it| RequestId(it.0.into())),
        Message::Text(_) | Message::Binary(_) | Message::Answer { .. } => None,
    }
}
