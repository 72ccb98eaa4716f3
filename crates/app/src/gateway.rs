//! What the gateway does for applications and for the HTTP API.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use proto::{ChannelName, Identity, Placed, Refusal, UserId};
use serde_json::{Map, Value};

/// The gateway, as seen from the asynchronous side.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Publishes to a channel; answers once the message has its place in the channel's order.
    ///
    /// A refusal is `BUSY` when the channel's home shard has too much waiting.
    async fn publish(&self, post: Post) -> Result<Placed, Refusal>;

    /// Tells those who are in a channel now. It has no place and is not kept; a `key` says nothing.
    async fn signal(&self, post: Post) -> Result<(), Refusal>;

    /// What is known of a channel now, over all shards.
    async fn describe(&self, channel: ChannelName) -> Result<Description, Refusal>;

    /// Ends connections; answers how many.
    async fn disconnect(&self, whom: Selection, why: Refusal) -> Result<usize, Refusal>;

    /// Publishes a canary and waits until every shard has delivered it, or until `patience` ends.
    async fn canary(&self, patience: Duration) -> bool;

    /// Verifies a token by the rules of the named route, as a handshake would.
    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal>;

    /// Signs claims with the development key. `None` unless started with `--dev`.
    ///
    /// `exp` and `iat` are added; `claims` must hold the rest.
    fn mint(&self, claims: Map<String, Value>, lifetime: Duration) -> Option<String>;
}

/// Something to publish.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Post {
    pub channel: ChannelName,
    /// One JSON value, as text.
    pub payload: Arc<str>,
    pub from: Option<UserId>,
    pub except: Option<UserId>,
    /// The name of the event, for members who hear events. `None`: `message`.
    pub event: Option<Arc<str>>,
    /// Posted again with the same key, it gets the place it has already, for as long as the
    /// configuration says; on disk where the log is. Name whose key it is in it.
    pub key: Option<Arc<str>>,
}

/// What is known of a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Description {
    /// Connections that are members, over all shards.
    pub members: usize,
    /// The last message's place; `None` if the channel has not been used.
    pub head: Option<Placed>,
}

/// Which connections.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selection {
    User(UserId),
    /// A connection as it is named in `connected` and in the operator's lists: `shard:cN.M`.
    Connection(String),
}

/// Someone who can sign in during development.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    pub username: String,
    pub password: String,
    /// What their access token says besides `exp`, `iat`, `jti` and `token_type`.
    pub claims: Map<String, Value>,
    /// What a login answers as `user`.
    pub profile: Value,
}
