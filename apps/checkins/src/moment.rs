//! A point in time, and ids that no two places give twice.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z. Shown as ISO 8601 text in UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// When this UTC day began.
    pub(crate) const fn midnight(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    pub(crate) const fn minutes_before(self, minutes: i64) -> Self {
        Self(self.0 - minutes * MINUTE_MS)
    }

    /// Whole minutes from `earlier` until this, rounded to the nearest; zero if it was not earlier.
    pub(crate) const fn minutes_since(self, earlier: Self) -> i64 {
        let passed = self.0.saturating_sub(earlier.0);
        if passed < 0 { 0 } else { passed.saturating_add(MINUTE_MS / 2) / MINUTE_MS }
    }
}

/// Where the time is read: the system's clock, or in a test the test's.
pub(crate) type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|it| it.format(&Rfc3339).ok());
        // Years beyond 9999 have no such form; only a broken clock comes here.
        f.write_str(text.as_deref().unwrap_or("9999-12-31T23:59:59Z"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// A random UUID (RFC 9562 section 5.4), in its usual text form.
pub(crate) fn uuid() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("a system that has booted hands out random bytes");
    let bits = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_iso_8601_in_utc() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Moment(1_700_000_000_250).to_string(), "2023-11-14T22:13:20.25Z");
        assert_eq!(Moment(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(Moment(1_700_000_000_250).midnight().to_string(), "2023-11-14T00:00:00Z");
        assert_eq!(Moment(-1).midnight(), Moment(-DAY_MS));
    }

    #[test]
    fn minutes_are_rounded_and_never_negative() {
        for (later, minutes) in [(0, 0), (29_999, 0), (30_000, 1), (90_000, 2), (-1, 0)] {
            assert_eq!(Moment(later).minutes_since(Moment(0)), minutes, "{later}");
        }
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, uuid());
    }
}
