//! A connection's talk with its application: one question at a time, in order.

use std::collections::VecDeque;

use proto::Message;

/// What waits while the application considers something earlier.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// The application has been asked and has not answered.
    pub(crate) is_asking: bool,
    /// Its answer to `Connected` is outstanding, and publications are held back for it.
    pub(crate) is_greeting: bool,
    /// Reading is paused because enough is waiting.
    pub(crate) is_paused: bool,
    pub(crate) waiting: VecDeque<Message>,
}
