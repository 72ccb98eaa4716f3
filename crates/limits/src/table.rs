//! The table of limits, and the counters of all of them.
//!
//! One row a limit. Whoever adds a limit adds a row here, and it appears in the metrics and in the
//! documentation. What a refused client reads is in the table of codes, which is not known here.

use crate::rules::Mode;

/// Everything the server limits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Limit {
    /// Open connections in all (R35).
    Server,
    /// Open connections from one address (R28).
    ConnectionsPerAddress,
    /// Attempts to connect from one address (R27).
    AttemptsPerAddress,
    /// The wait after failed authentications (A12).
    FailedAuthentication,
    /// Open connections of one user (R29).
    ConnectionsPerUser,
    /// Messages from one connection (R30).
    Messages,
    /// Times that one connection says that it writes (R76).
    Typing,
    /// Bytes of one message (F2).
    MessageBytes,
    /// From accept to a whole request head (H7).
    Handshake,
    /// From the upgrade to a first message that carries the token (H7).
    FirstMessage,
    /// Silence (R33).
    Idle,
}

/// What the table says of one limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// As in the configuration and the documentation.
    pub name: &'static str,
    /// What one is.
    pub unit: &'static str,
    /// The last part of the metric's name, `tidegate_limit_<metric>_…_total`.
    pub metric: &'static str,
    /// Why there is such a limit, for whoever tunes it.
    pub reason: &'static str,
}

impl Limit {
    /// All of them, in the order in which admission and then the connection meet them.
    pub const ALL: [Self; 11] = [
        Self::Server,
        Self::ConnectionsPerAddress,
        Self::AttemptsPerAddress,
        Self::FailedAuthentication,
        Self::ConnectionsPerUser,
        Self::Messages,
        Self::Typing,
        Self::MessageBytes,
        Self::Handshake,
        Self::FirstMessage,
        Self::Idle,
    ];

    /// What the table says of it.
    pub const fn row(self) -> &'static Row {
        match self {
            Self::Server => &Row {
                name: "connections_max",
                unit: "connections",
                metric: "server_connections",
                reason: "Each connection costs memory and a file descriptor; both end.",
            },
            Self::ConnectionsPerAddress => &Row {
                name: "connections_per_address",
                unit: "connections",
                metric: "address_connections",
                reason: "One address must not take the places of all others (R28).",
            },
            Self::AttemptsPerAddress => &Row {
                name: "attempts_per_address",
                unit: "attempts",
                metric: "address_attempts",
                reason: "A client that reconnects in a loop costs handshakes and tells nobody (R27).",
            },
            Self::FailedAuthentication => &Row {
                name: "backoff",
                unit: "failures",
                metric: "failed_authentication",
                reason: "Guessing tokens has to be slower than changing them (A12).",
            },
            Self::ConnectionsPerUser => &Row {
                name: "connections_per_user",
                unit: "connections",
                metric: "user_connections",
                reason: "A leaked token or a runaway tab must not fill the server (R29).",
            },
            Self::Messages => &Row {
                name: "messages",
                unit: "messages",
                metric: "messages",
                reason: "Each message may be multiplied by the members of a channel (R30).",
            },
            Self::Typing => &Row {
                name: "typing",
                unit: "notices",
                metric: "typing",
                reason: "Who writes is told to all members, and nobody writes so fast (R76).",
            },
            Self::MessageBytes => &Row {
                name: "message_bytes_max",
                unit: "bytes",
                metric: "message_bytes",
                reason: "A message is held whole before it is understood (F2).",
            },
            Self::Handshake => &Row {
                name: "handshake",
                unit: "seconds",
                metric: "handshake",
                reason: "A socket that says one byte a second holds a descriptor (H7).",
            },
            Self::FirstMessage => &Row {
                name: "first_message",
                unit: "seconds",
                metric: "first_message",
                reason: "A connection without a user is held by nobody's allowance (H7).",
            },
            Self::Idle => &Row {
                name: "idle",
                unit: "seconds",
                metric: "idle",
                reason: "A peer that vanished says nothing, and presence must not lie (R33).",
            },
        }
    }

    /// The place in [`Limit::ALL`] and in [`Counts`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What has happened at one limit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Times asked.
    pub checked: u64,
    /// Times refused.
    pub refused: u64,
    /// Times that would have been refused, had the limit been enforced.
    pub observed: u64,
}

/// The tallies of all limits. Each shard has its own for what it checks; they are added up when
/// someone looks.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    tallies: [Tally; Limit::ALL.len()],
}

impl Counts {
    /// Counts one check of `limit`, and says whether to refuse.
    pub fn judge(&mut self, limit: Limit, mode: Mode, is_over: bool) -> bool {
        let tally = &mut self.tallies[limit.index()];
        tally.checked += 1;
        match (is_over, mode) {
            (false, _) => false,
            (true, Mode::Enforce) => {
                tally.refused += 1;
                true
            }
            (true, Mode::Observe) => {
                tally.observed += 1;
                false
            }
        }
    }

    /// The tally of one limit.
    pub fn of(&self, limit: Limit) -> Tally {
        self.tallies[limit.index()]
    }

    /// Every limit with its tally, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Limit, Tally)> + '_ {
        Limit::ALL.into_iter().zip(self.tallies)
    }

    /// Adds what another part of the server has counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            mine.checked += theirs.checked;
            mine.refused += theirs.refused;
            mine.observed += theirs.observed;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_limit_has_its_own_row_and_place() {
        let rows: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.row().name).collect();
        let metrics: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.row().metric).collect();
        assert_eq!((rows.len(), metrics.len()), (Limit::ALL.len(), Limit::ALL.len()));
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit.index(), index);
            let row = limit.row();
            assert!(row.reason.ends_with('.'), "{limit:?}");
            assert!(row.metric.chars().all(|c| c == '_' || c.is_ascii_lowercase()), "{limit:?}");
        }
    }

    #[test]
    fn counts_of_two_shards_add_up() {
        let (mut one, mut other) = (Counts::default(), Counts::default());
        assert!(one.judge(Limit::Messages, Mode::Enforce, true));
        assert!(!other.judge(Limit::Messages, Mode::Observe, true));
        assert!(!other.judge(Limit::Messages, Mode::Enforce, false));
        one.add(&other);
        assert_eq!(one.of(Limit::Messages), Tally { checked: 3, refused: 1, observed: 1 });
        assert_eq!(one.of(Limit::Idle), Tally::default());
        assert_eq!(one.iter().count(), Limit::ALL.len());
    }
}
