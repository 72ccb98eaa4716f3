//! `[routes.sessions]`: what a client keeps across its connections.

use std::time::Duration;

use proto::Dialect;
use session::{Policy, WhenFull};

use crate::{fault::Wrong, table::Table, value::Choice};

impl Choice for WhenFull {
    const WORDS: &'static [(&'static str, Self)] =
        &[("refuse", Self::Refuse), ("replace", Self::Replace)];
}

/// More than this of one user is what [`session::Bounds::OF_USER_MAX`] refuses anyway.
const MAX: u32 = session::Bounds::OF_USER_MAX;
/// Beyond a day a client had better sign in again.
const GRACE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Kept wherever users have names. `asks_for_tokens` says whether they do here. And whether a
/// client that comes back goes on in all its channels at once; `None`: where there are logs.
pub(crate) fn read(
    table: &mut Table<'_>,
    dialect: Dialect,
    asks_for_tokens: bool,
) -> (Option<Policy>, Option<bool>) {
    let default = Policy::default();
    let mut recovers = None;
    let says = "What a client keeps across its connections. `\"none\"`: nothing. Means nothing \
                without tokens.";
    let has = table.has("sessions");
    let policy = table.table_or_none("sessions", says, |it| {
        let policy = Policy {
            max: it.maybe_within(
                "max",
                1..=MAX,
                "Sessions of one user. Those that are away make room first, longest away first. \
                 Without it: as many as come.",
            ),
            when_full: it.or(
                "when_full",
                default.when_full,
                "When so many are live: `refuse` the new one, or `replace` the oldest, whose \
                 connection is closed.",
            ),
            grace: it.within(
                "grace",
                default.grace,
                Duration::from_secs(1)..=GRACE_MAX,
                "How long a session waits for its client to come back. For as long its id is good \
                 for coming back with an expired token.",
            ),
        };
        recovers = it.maybe(
            "recovery",
            "Connection state recovery, of `socketio` alone: a client that comes back within the \
             grace has its session again and is told what it has missed. For that, each event has \
             one more value at its end, which says how far the client is. Without it: `true`, if \
             there is a namespace with a log.",
        );
        policy
    });
    if recovers == Some(true) && dialect != Dialect::SocketIo {
        let remedy = "Clients of other dialects say themselves where they are. Remove this.";
        let wrong = Wrong::new("only clients of socketio recover like this", remedy);
        table.fault("sessions", wrong);
    }
    if !asks_for_tokens && has && policy.is_some() {
        let remedy = "Name a [tokens.NAME] in tokens, or remove this.";
        table.fault("sessions", Wrong::new("means nothing without tokens", remedy));
    }
    let policy = policy.filter(|_| asks_for_tokens);
    let is_possible = policy.is_some() && dialect == Dialect::SocketIo;
    (policy, if is_possible { recovers } else { Some(false) })
}
