//! The trait an application implements.

use std::sync::Arc;

use async_trait::async_trait;
use proto::{Action, ChannelName, Message, Refusal, Values};

use crate::{gateway::Person, visitor::Visitor};

/// An application behind the gateway.
///
/// Calls for one connection never overlap and come in order: `admit`, `returned` of those who come
/// back after an interruption, `connected`, `message`…, `disconnected`. Calls for different
/// connections run at the same time. A call that panics ends its connection with `APP_FAILED` and
/// nothing else.
#[async_trait]
pub trait App: Send + Sync + 'static {
    /// May this visitor connect? Asked before the upgrade, after every check of the gateway's own.
    async fn admit(&self, _visitor: &Visitor) -> Result<(), Refusal> {
        Ok(())
    }

    /// A visitor comes back after an interruption; an earlier connection was in these channels. In
    /// which of them may it go on? All it has missed in those it will be told, and then
    /// [`Visitor::recovered`] says so. `None`: it begins anew, and is told that it does. Asked
    /// before `connected`, of clients of Socket.IO alone; one that leaves before that is not heard
    /// of again.
    async fn returned(
        &self,
        _visitor: &Visitor,
        _rooms: Vec<ChannelName>,
    ) -> Option<Vec<ChannelName>> {
        None
    }

    /// The connection is open and in its route's channels. What is replied here is its first frame.
    async fn connected(&self, _visitor: &Visitor) -> Vec<Action> {
        Vec::new()
    }

    /// The client said something.
    async fn message(&self, visitor: &Visitor, message: Message) -> Vec<Action>;

    /// The connection is gone; replies go nowhere, publications still do.
    async fn disconnected(&self, _visitor: &Visitor) -> Vec<Action> {
        Vec::new()
    }

    /// How this application words a refusal on a live connection, where its clients expect a form
    /// of their own. `None`: the gateway's `{"type":"error", …}`.
    fn wording(&self, _refusal: &Refusal) -> Option<String> {
        None
    }

    /// The same for clients that hear events, where they wait for no acknowledgement: its name, and
    /// its values. `None`: `exception`, with `{code, message, details?}` as its only value.
    fn exception(&self, _refusal: &Refusal) -> Option<(Arc<str>, Values)> {
        None
    }

    /// What acknowledges an event that was refused before it came here, or that this application
    /// failed at. `None`: `{code, message, details?}` as the only value.
    fn failure(&self, _refusal: &Refusal) -> Option<Values> {
        None
    }

    /// HTTP endpoints and pages, merged into the gateway's own.
    fn routes(self: Arc<Self>) -> axum::Router {
        axum::Router::new()
    }

    /// People a newcomer can sign in as. Used with `--dev` only.
    fn people(&self) -> Vec<Person> {
        Vec::new()
    }
}
