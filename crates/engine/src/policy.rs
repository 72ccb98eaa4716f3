//! What a shard has been told to hold its connections and channels to.

use std::{sync::Arc, time::Duration};

use limits::{Mode, Rate};
use proto::{Dialect, ShardId};

/// Everything a shard is configured with.
#[derive(Clone, Debug)]
pub struct Rules {
    pub shard: ShardId,
    /// How many shards there are; channels are spread over them by name.
    pub shards: u16,
    /// Where epochs and follows begin to count. Random at every start, so that offsets of another
    /// life never fit.
    pub epoch_seed: u64,
    /// One per route, at the route's index.
    pub policies: Arc<[Policy]>,
    pub namespaces: Arc<Namespaces>,
    pub permissions: Arc<permission::Rules>,
}

/// How the connections of one route are treated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    pub dialect: Dialect,
    /// Messages go to the route's application.
    pub has_app: bool,
    /// How many messages a client may send (R30).
    pub messages: Option<Rate>,
    /// Whether that limit refuses or only counts.
    pub messages_mode: Mode,
    /// Silence after which the server pings.
    pub ping_every: Duration,
    /// Silence after a ping that ends the connection (L3).
    pub pong_within: Duration,
    /// Silence but for control frames that ends the connection. `None`: never.
    pub idle_after: Option<Duration>,
    /// Time for the first message where that is where the token is (H7).
    pub first_message_within: Duration,
    /// How long before the token's end the client is told (A8).
    pub expiry_notice: Duration,
    /// Channels one connection may be in (F14).
    pub channels_max: u16,
    /// Messages that wait while the application considers an earlier one. Then reading pauses. With
    /// none, what a client says is looked at only once what it said before is answered, so that a
    /// later mistake of its cannot overtake an earlier answer.
    pub asks_waiting_max: u16,
}

/// Options of channels by namespace, the part of the name before the first `:`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Namespaces {
    pub named: Vec<(String, Namespace)>,
    pub default: Namespace,
}

impl Namespaces {
    pub fn of(&self, namespace: &str) -> &Namespace {
        self.named.iter().find(|it| it.0 == namespace).map_or(&self.default, |it| &it.1)
    }
}

/// Options of one namespace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Namespace {
    pub slow: Slow,
}

/// What happens to a member that reads too slowly (F10).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Slow {
    /// Its connection is closed with `TOO_SLOW`: come back and recover.
    #[default]
    Close,
    /// It misses messages and is told which with a gap marker. Plain clients cannot be told; they
    /// are closed all the same.
    Drop,
}
