//! What a route says of its sessions, and what the process can hold of them.

use std::time::Duration;

/// How a route treats the sessions of one user (R22).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The most sessions of one user. Those that are away count, but never stand in the way: the
    /// one that has been away longest ends for a new one, so only live ones can fill it.
    pub max: Option<u32>,
    pub when_full: WhenFull,
    /// How long a session waits for its client to come back.
    pub grace: Duration,
}

/// What a new session finds when as many as may be are live.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WhenFull {
    /// It is refused.
    #[default]
    Refuse,
    /// The oldest ends, with its connection.
    Replace,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max: None, when_full: WhenFull::Refuse, grace: Self::GRACE }
    }
}

impl Policy {
    /// A tunnel, a lift, a lid that is closed and opened again.
    pub const GRACE: Duration = Duration::from_secs(60);
}

/// What the process can hold of sessions (F14).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// In all, live and away. When it is reached the session that would end first ends at once.
    pub sessions_max: u32,
    /// Of one user, whatever the routes say: they are found by walking them.
    pub of_user_max: u32,
    /// Channels remembered for one session, away or live.
    pub channels_max: usize,
    /// And for all that are away or have just come back. Beyond it sessions are kept without their
    /// channels, which their clients then have to ask for by name.
    pub left_max: usize,
    /// And for all live ones whose rooms are noted. A bound of its own, so that those who are here
    /// take nothing from those who come back. Beyond it a session's rooms are forgotten, and its
    /// client begins anew when it comes back.
    pub rooms_max: usize,
}

impl Bounds {
    /// A user with more is a program with a bug, or several users.
    pub const OF_USER_MAX: u32 = 1000;
    /// As many as a connection may be in unless its route says otherwise.
    pub const CHANNELS_MAX: usize = 128;
    /// At some 100 bytes each, 25 MB.
    pub const LEFT_MAX: usize = 250_000;
    /// As many as can be left when all of them go.
    pub const ROOMS_MAX: usize = Self::LEFT_MAX;

    /// For a server of so many connections: everyone can be here once and away once, as when all
    /// of them come back at the same time.
    pub const fn of_connections(connections_max: u32) -> Self {
        Self {
            sessions_max: connections_max.saturating_mul(2),
            of_user_max: Self::OF_USER_MAX,
            channels_max: Self::CHANNELS_MAX,
            left_max: Self::LEFT_MAX,
            rooms_max: Self::ROOMS_MAX,
        }
    }
}
