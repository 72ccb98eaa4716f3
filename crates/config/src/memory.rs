//! The limits, multiplied out: the most memory the gateway can use.
//!
//! If it cannot be computed, something is unbounded.

use std::fmt;

use proto::Dialect;

use crate::{config::Config, routes::RouteEntry, units::show_size};

/// What each part can use at most, in bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Memory {
    pub shards: u64,
    /// One line each: what, how it is computed, bytes.
    pub parts: Vec<(&'static str, String, u64)>,
}

impl Memory {
    /// All parts together, in bytes.
    pub fn total(&self) -> u64 {
        self.parts.iter().fold(0, |sum, it| sum.saturating_add(it.2))
    }
}

// The sizes below are estimates from above, rounded up; what is really used is measured in `bench`.

/// A connection's records in the slabs of shard and engine, and its identity.
const CONNECTION_BYTES: u64 = 2 * 1024;
/// A TLS session that is busy both ways: a record of 16 KiB each, and its keys.
const TLS_BYTES: u64 = 36 * 1024;
/// An address in each of the tables of limits, its attempts apart.
const ADDRESS_BYTES: u64 = 256;
/// One attempt in the window of an address.
const ATTEMPT_BYTES: u64 = 4;
/// A connection's place in a channel, and the channel's place in the connection.
const MEMBERSHIP_BYTES: u64 = 128;
/// A member who is told of to others: counted where it is seated and at its channel's home, and its
/// name kept for those who ask when it was last here.
const PRESENT_BYTES: u64 = 512;
/// The store's page cache, and what it copies of a log that is being written out.
const STORE_BYTES: u64 = 128 * 1024 * 1024;
/// One input that waits for a shard, its payload apart.
const INPUT_BYTES: u64 = 256;

/// A session's record, its links, and a User-Agent and a device that nobody else has.
const SESSION_BYTES: u64 = 640;
/// A channel that a session remembers, its name included.
const LEFT_BYTES: u64 = 304;
/// A revocation with a reason.
const REVOCATION_BYTES: u64 = 512;

/// Multiplies the limits out. `cores` is how many shards there are where the file does not say.
pub fn most_memory(config: &Config, cores: u16) -> Memory {
    let server = &config.server;
    let shards = u64::from(server.shards.unwrap_or(cores).max(1));
    let connections = u64::from(server.limits.connections_max);
    let route = config.routes.iter().max_by_key(|it| of_route(it).iter().sum::<u64>());
    let [message, waiting, memberships] = route.map_or([0; 3], of_route);
    let attempts = config.routes.iter().filter_map(|it| it.route.limits.attempts_per_address);
    let window = attempts.map(|it| u64::from(it.count()) * ATTEMPT_BYTES).max().unwrap_or(0);
    let mut parts = Vec::new();
    let mut part = |name, how: String, count: u64, each: u64| {
        if 0 < each {
            parts.push((name, how, count.saturating_mul(each)));
        }
    };
    let by = |count: u64, what: &str, each: u64| format!("{count} {what} x {}", show_size(each));
    part(
        "records",
        by(connections, "connections", CONNECTION_BYTES),
        connections,
        CONNECTION_BYTES,
    );
    if server.tls.is_some() {
        part("TLS", by(connections, "connections", TLS_BYTES), connections, TLS_BYTES);
    }
    // A connection holds an unfinished head or, later, an unfinished message.
    let partial = wide(server.head_bytes_max).max(message);
    part("unfinished", by(connections, "connections", partial), connections, partial);
    part("waiting", by(connections, "connections", waiting), connections, waiting);
    part("member of", by(connections, "connections", memberships), connections, memberships);
    let namespaces = config.namespaces.named.iter().map(|it| &it.1);
    if namespaces.chain([&config.namespaces.default]).any(|it| it.presence.is_some()) {
        let present = memberships / MEMBERSHIP_BYTES * PRESENT_BYTES;
        part("presence", by(connections, "connections", present), connections, present);
    }
    let outbox = wide(server.outbox_bytes_max);
    part("outboxes", by(connections, "connections", outbox), connections, outbox);
    // What shards send each other may go to twice the bound, and as much can be in hand at the
    // time.
    let inputs = wide(server.inbox_max).saturating_mul(INPUT_BYTES);
    let inbox = wide(server.inbox_bytes_max).saturating_add(inputs).saturating_mul(4);
    part("inboxes", by(shards, "shards", inbox), shards, inbox);
    part("logs", "in memory, all together".to_owned(), 1, wide(config.store.memory_bytes_max));
    let queue = wide(config.store.queue_max).saturating_mul(INPUT_BYTES);
    let queue = wide(config.store.queue_bytes_max).saturating_add(queue);
    part("the store", "what waits to be written, and its cache".to_owned(), 1, queue + STORE_BYTES);
    let addresses = u64::from(server.limits.addresses_max);
    let address = ADDRESS_BYTES + window;
    part("addresses", by(addresses, "addresses", address), addresses, address);
    for (name, what, count, each) in of_sessions(config) {
        part(name, by(count, what, each), count, each);
    }
    if !config.verifiers.is_empty() {
        let revocations = wide(session::REVOCATIONS_MAX);
        let how = by(revocations, "revocations", REVOCATION_BYTES);
        part("revoked", how, revocations, REVOCATION_BYTES);
    }
    let http = wide(server.http_connections_max);
    // A head is held once as bytes and once as header fields.
    let heads = wide(server.head_bytes_max) * 2;
    part("requests", by(http, "HTTP connections", heads), http, heads);
    let bodies = wide(server.bodies_bytes_max);
    part("bodies", "of HTTP requests, all together".to_owned(), 1, bodies);
    Memory { shards, parts }
}

/// What is kept of sessions: their name, of what, how many, and bytes of each.
fn of_sessions(config: &Config) -> Vec<(&'static str, &'static str, u64, u64)> {
    if config.routes.iter().all(|it| it.route.sessions.is_none()) {
        return Vec::new();
    }
    let bounds = session::Bounds::of_connections(config.server.limits.connections_max);
    let mut parts = vec![
        ("sessions", "sessions", u64::from(bounds.sessions_max), SESSION_BYTES),
        ("left", "channels of sessions away", wide(bounds.left_max), LEFT_BYTES),
    ];
    // They are noted of live sessions only where their clients do not say them themselves.
    if config.routes.iter().any(|it| it.policy.recovers) {
        parts.push(("rooms", "channels of live sessions", wide(bounds.rooms_max), LEFT_BYTES));
    }
    parts
}

/// What one connection of a route can hold at most: a message that is not finished, messages that
/// wait for the application, and its place in channels.
fn of_route(entry: &RouteEntry) -> [u64; 3] {
    let message = wide(entry.route.message_bytes_max);
    // What comes in by a WebSocket or a POST, the attachments of a packet, and a message for a
    // client that polls, where one is larger than an outbox.
    let message = match entry.policy.dialect {
        Dialect::Native | Dialect::Plain => message,
        Dialect::SocketIo => message.saturating_mul(4),
    };
    let asks = if entry.policy.has_app { u64::from(entry.policy.asks_waiting_max) } else { 0 };
    let channels = u64::from(entry.policy.channels_max);
    [message, asks.saturating_mul(wide(entry.route.message_bytes_max)), channels * MEMBERSHIP_BYTES]
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the most memory that can be used, if every limit is reached at once:")?;
        for (name, how, bytes) in &self.parts {
            writeln!(f, "  {name:<10} {how:<40} {:>10}", rounded(*bytes))?;
        }
        write!(f, "  {:<10} {:<40} {:>10}", "total", "", rounded(self.total()))
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Rounded up to whole MiB or GiB, for a person.
fn rounded(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    let mib = bytes.div_ceil(MIB);
    if mib < 10_240 { format!("{mib} MiB") } else { format!("{} GiB", mib.div_ceil(1024)) }
}
