//! Wall-clock time as tokens state it.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Whole seconds since 1970-01-01T00:00:00Z (RFC 7519, "NumericDate").
///
/// Only for what the outside states in wall time: a token's `exp`, a certificate, a label. Every
/// deadline of ours runs on [`std::time::Instant`], so a clock that jumps disconnects nobody.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// How long from `self` until `later`; zero if that is past.
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_secs(later.0.saturating_sub(self.0))
    }
}

impl From<SystemTime> for UnixTime {
    /// A clock set before 1970 reads as 1970.
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }
}

/// Whole milliseconds since 1970-01-01T00:00:00Z: when a message was said, for people and for
/// "everything since". Within one channel it never goes back, whatever the clock does (L10).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Seconds as JSON has them. What is no time at all is the beginning of it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0) as u64)
    }
}

impl From<SystemTime> for UnixMillis {
    /// A clock set before 1970 reads as 1970.
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
