//! Says back what it hears. For conformance tests and first steps.

use async_trait::async_trait;
use proto::{Action, Message, ReplyId, Values};

use crate::{app::App, visitor::Visitor};

/// An event comes back as an event, and as its acknowledgement if one is awaited. One called `ask`
/// comes back as a question; what the client answers to it is told as `answered`.
#[derive(Debug)]
pub struct Echo;

#[async_trait]
impl App for Echo {
    async fn message(&self, _visitor: &Visitor, message: Message) -> Vec<Action> {
        match message {
            Message::Event { name, values, reply } => {
                let acknowledge =
                    reply.map(|reply| Action::Acknowledge { reply, values: values.clone() });
                let reply = (&*name == "ask").then_some(ReplyId(0));
                let said = Action::Reply(Message::Event { name, values, reply });
                std::iter::once(said).chain(acknowledge).collect()
            }
            Message::Answer { values, .. } => {
                let values = values.unwrap_or_else(|| Values::new("[]"));
                let name = "answered".into();
                vec![Action::Reply(Message::Event { name, values, reply: None })]
            }
            Message::Text(_) | Message::Binary(_) => vec![Action::Reply(message)],
        }
    }
}
