//! The part of a route that the engine holds its connections to: limits, pings, deadlines.

use std::time::Duration;

use engine::Policy;
use limits::RouteLimits;
use proto::Dialect;

use crate::{
    server::bytes,
    table::Table,
    units::{Bytes, MIB},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is counted for a route, and how its connections are treated.
pub(crate) fn read(
    table: &mut Table<'_>,
    dialect: Dialect,
    has_app: bool,
) -> (RouteLimits, Policy) {
    let default = RouteLimits::default();
    let message_bytes_max = table.within(
        "message_bytes_max",
        Bytes(default.message_bytes_max.into()),
        Bytes(1)..=Bytes(256 * MIB),
        "The largest message a client may send, after decompression.",
    );
    let first_message_within = table.within(
        "first_message_within",
        default.first_message,
        SECOND..=HOUR,
        "Where the token comes in the first message: how long it may take. Of `socketio`: how \
         long a client may take to join a namespace, and its application and logs to let it go on.",
    );
    let ping_every = table.within(
        "ping_every",
        SECOND * 25,
        SECOND..=HOUR,
        "After this silence we ping. 25 s is below the idle limit of common proxies.",
    );
    let pong = match dialect {
        Dialect::Native | Dialect::Plain => SECOND * 10,
        // What its clients are used to.
        Dialect::SocketIo => SECOND * 20,
    };
    let pong_within = table.within(
        "pong_within",
        pong,
        SECOND..=HOUR,
        "Silence after a ping that ends the connection.",
    );
    let idle_after = table.maybe_within(
        "idle_after",
        SECOND..=DAY * 30,
        "Ends connections that say nothing, pongs not counted, for this long. Without it: never; \
         many clients only listen.",
    );
    let expiry_notice = table.within(
        "expiry_notice",
        SECOND * 60,
        Duration::ZERO..=DAY,
        "How long before its token's end a client is told.",
    );
    let channels_max =
        table.within("channels_max", 128, 1..=10_000, "Channels one connection may be in.");
    let asks_waiting_max = table.within(
        "asks_waiting_max",
        0,
        0..=10_000,
        "Messages that wait while the application considers an earlier one; then reading pauses. \
         With none, a client's later mistake cannot overtake the answer to what it said before.",
    );
    let idle = ping_every + pong_within;
    let rest = RouteLimits {
        message_bytes_max: u32::try_from(bytes(message_bytes_max)).unwrap_or(u32::MAX),
        first_message: first_message_within,
        idle,
        ..default
    };
    let limits = limits(table, rest);
    let policy = Policy {
        dialect,
        has_app,
        // Said in [routes.sessions].
        recovers: false,
        messages: limits.messages,
        typing: limits.typing,
        messages_mode: limits.mode,
        ping_every,
        pong_within,
        idle_after,
        first_message_within,
        expiry_notice,
        channels_max: narrow(channels_max),
        asks_waiting_max: narrow(asks_waiting_max),
    };
    (limits, policy)
}

/// `limits = "none"`, or a table of the counted ones.
fn limits(table: &mut Table<'_>, default: RouteLimits) -> RouteLimits {
    let says = "Counted limits. `\"none\"`: none of them.";
    let rest = default.clone();
    let counted = table.table_or_none("limits", says, |it| RouteLimits {
        connections_per_address: it.or(
            "connections_per_address",
            rest.connections_per_address,
            "Open connections from one address. Of IPv6 the first 64 bits count.",
        ),
        attempts_per_address: it.or(
            "attempts_per_address",
            rest.attempts_per_address,
            "Attempts to connect from one address.",
        ),
        connections_per_user: it.or(
            "connections_per_user",
            rest.connections_per_user,
            "Open connections of one user.",
        ),
        messages: it.or("messages", rest.messages, "Messages from one connection."),
        typing: it.or(
            "typing",
            rest.typing,
            "Times that one connection may say that its user writes. They are no messages.",
        ),
        mode: it.or(
            "mode",
            rest.mode,
            "`enforce` refuses; `observe` admits, and counts what it would have refused.",
        ),
        ..rest
    });
    counted.unwrap_or_else(|| RouteLimits {
        message_bytes_max: default.message_bytes_max,
        first_message: default.first_message,
        idle: default.idle,
        ..RouteLimits::unlimited()
    })
}

fn narrow(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
