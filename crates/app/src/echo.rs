//! Says back what it hears. For conformance tests and first steps.

use async_trait::async_trait;
use proto::{Action, Message};

use crate::{app::App, visitor::Visitor};

#[derive(Debug)]
pub struct Echo;

#[async_trait]
impl App for Echo {
    async fn message(&self, _visitor: &Visitor, message: Message) -> Vec<Action> {
        vec![Action::Reply(message)]
    }
}
