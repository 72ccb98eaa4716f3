//! A count in a span of time: "60 per minute".

use std::fmt;
use std::time::Duration;

/// So many in such a span. Neither is ever zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    count: u32,
    per: Duration,
}

/// Why a [`Rate`] was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadRate {
    /// A rate of nothing admits nobody; leave the limit out, or close the route.
    CountZero,
    /// Beyond [`Rate::COUNT_MAX`].
    CountTooLarge,
    /// Shorter than [`Rate::PER_MIN`].
    PerTooShort,
    /// Longer than [`Rate::PER_MAX`].
    PerTooLong,
}

impl Rate {
    /// The most that may be counted: a window keeps four bytes for each, so a typing error
    /// must not become gigabytes.
    pub const COUNT_MAX: u32 = 1_000_000;
    /// The shortest span. Windows are kept in milliseconds.
    pub const PER_MIN: Duration = Duration::from_millis(1);
    /// The longest span: thirty days, which fits 32 bits of milliseconds.
    pub const PER_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// `count` in each span of `per`.
    pub const fn new(count: u32, per: Duration) -> Result<Self, BadRate> {
        if count == 0 {
            return Err(BadRate::CountZero);
        }
        if count > Self::COUNT_MAX {
            return Err(BadRate::CountTooLarge);
        }
        let nanos = per.as_nanos();
        if nanos < Self::PER_MIN.as_nanos() {
            return Err(BadRate::PerTooShort);
        }
        if nanos > Self::PER_MAX.as_nanos() {
            return Err(BadRate::PerTooLong);
        }
        Ok(Self { count, per })
    }

    /// Sixty is R30's default for messages.
    pub const fn per_minute(count: u32) -> Result<Self, BadRate> {
        Self::new(count, Duration::from_secs(60))
    }

    /// Ten is R27's default for attempts.
    pub const fn per_hour(count: u32) -> Result<Self, BadRate> {
        Self::new(count, Duration::from_secs(60 * 60))
    }

    /// How many.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// In what span.
    pub const fn per(self) -> Duration {
        self.per
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.count, self.per)
    }
}

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CountZero => "a rate needs a count of at least 1",
            Self::CountTooLarge => "a rate counts to 1000000 at most",
            Self::PerTooShort => "a rate needs a span of at least 1ms",
            Self::PerTooLong => "a rate needs a span of at most 30 days",
        })
    }
}

impl std::error::Error for BadRate {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_cannot_be_meant_is_refused() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (count, per, expected) in [
            (0, day, Err(BadRate::CountZero)),
            (1_000_001, day, Err(BadRate::CountTooLarge)),
            (1, Duration::ZERO, Err(BadRate::PerTooShort)),
            (1, Duration::from_nanos(999_999), Err(BadRate::PerTooShort)),
            (1, day * 31, Err(BadRate::PerTooLong)),
            (1, Duration::MAX, Err(BadRate::PerTooLong)),
            (1, Rate::PER_MIN, Ok("1 per 1ms")),
            (60, Duration::from_secs(60), Ok("60 per 60s")),
            (1_000_000, Rate::PER_MAX, Ok("1000000 per 2592000s")),
        ] {
            let found = Rate::new(count, per).map(|rate| rate.to_string());
            assert_eq!(found.as_deref().map_err(|bad| *bad), expected, "{count} per {per:?}");
        }
    }
}
