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
    /// How long a repetition with the same idempotency key is recognised.
    pub keys_for: Duration,
    /// What logs in this shard's memory may weigh together, in bytes (F14).
    pub log_bytes_max: u64,
    /// The last row of the store, which is where a home begins to count what it passes on.
    pub row_last: u64,
    pub permissions: Arc<permission::Rules>,
}

/// How the connections of one route are treated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    pub dialect: Dialect,
    /// Messages go to the route's application.
    pub has_app: bool,
    /// Whoever comes back after an interruption goes on where it was, in all its channels.
    pub recovers: bool,
    /// How many messages a client may send (R30).
    pub messages: Option<Rate>,
    /// How often a client may say that it writes (R76).
    pub typing: Option<Rate>,
    /// Whether these limits refuse or only count.
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
    /// Whether any channel keeps its messages.
    pub fn has_logs(&self) -> bool {
        let mut all = self.named.iter().map(|it| &it.1).chain([&self.default]);
        all.any(|it| it.log.storage != Storage::None)
    }

    pub fn of(&self, namespace: &str) -> &Namespace {
        self.named.iter().find(|it| it.0 == namespace).map_or(&self.default, |it| &it.1)
    }
}

/// Options of one namespace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Namespace {
    pub slow: Slow,
    pub log: LogRules,
    /// Members begin with what they have not acknowledged, and it is sent again until they do
    /// (R61, R74). Needs a log.
    pub is_mailbox: bool,
    /// Cursors are kept for each device of a user and not for the user.
    pub by_device: bool,
    /// Members are told how far others have come (R75). Needs a log.
    pub has_receipts: bool,
    /// What a message is called that has no name of its own, for members who hear events; looked at
    /// by whoever delivers. `None`: `message`.
    pub event: Option<Arc<str>>,
    /// Members can be told who else is here (R77). `None`: nobody is counted, and nothing is kept.
    pub presence: Option<PresenceRules>,
}

impl Namespace {
    /// Whether it is kept how far each member has come.
    pub const fn has_cursors(&self) -> bool {
        self.is_mailbox || self.has_receipts
    }
}

/// How it is told who is in a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PresenceRules {
    /// How long a user is waited for whose last connection was lost. Shortened so that nobody who
    /// fell silent is shown for longer than [`Self::SILENCE_MAX`] (L3).
    pub grace: Duration,
    /// Users above which members are told how many there are, and not who.
    pub events_max: u32,
}

impl PresenceRules {
    /// The longest that somebody who vanished is shown: a ping after 25 s, 10 s for its answer, and
    /// nearly 5 s to come back.
    pub const SILENCE_MAX: Duration = Duration::from_secs(40);

    /// From the end of a grace until members have been told: ticks are rounded up, and notices
    /// gathered.
    const TOLD_WITHIN: Duration = Duration::from_millis(500);

    /// How long a user is waited for who has been silent for so long already.
    pub(crate) fn grace_after(&self, silence: Duration) -> Duration {
        self.grace.min(Self::SILENCE_MAX.saturating_sub(silence + Self::TOLD_WITHIN))
    }
}

impl Default for PresenceRules {
    /// Time for a page to be reloaded; names as long as a person could read them.
    fn default() -> Self {
        Self { grace: Duration::from_secs(15), events_max: 1000 }
    }
}

/// What is kept of a channel's messages, and when one is confirmed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogRules {
    pub storage: Storage,
    pub confirm: Confirm,
    pub keep: Keep,
}

/// Where a log is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Storage {
    /// Nowhere: a message is for whoever is here.
    #[default]
    None,
    /// In this process. Gone with it, and offsets with it.
    Memory,
    /// In the store, written within this time. Confirmed before that or after, as [`Confirm`] says.
    Disk(Class),
}

/// How soon a message is on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// At once, together with what others say in the same millisecond.
    Sync,
    /// Within a tenth of a second.
    Interval,
}

/// When whoever said something is told that it was taken, and members hear it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Confirm {
    /// Once it is on disk: what was confirmed survives a loss of power.
    #[default]
    Disk,
    /// Once it has its place. What the disk has not taken yet is lost with the process.
    Accepted,
}

/// How much of a log is kept: the oldest goes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    pub messages_max: u64,
    pub bytes_max: u64,
    pub age_max: Duration,
}

impl Default for Keep {
    /// Enough for a day's absence from a busy room.
    fn default() -> Self {
        Self { messages_max: 10_000, bytes_max: 16 << 20, age_max: Duration::from_secs(24 * 3600) }
    }
}

/// What happens to a member that reads too slowly (F10).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Slow {
    /// Its connection is closed with `TOO_SLOW`: come back and recover.
    #[default]
    Close,
    /// It misses messages and is told which with a gap marker. Only native clients can be
    /// told; all others are closed all the same.
    Drop,
}
