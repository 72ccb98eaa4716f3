//! The time as this system's clients read it.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970 as ISO 8601 in UTC, three digits behind the second:
/// `2026-03-29T01:00:00.000Z`. What JavaScript's `toISOString` writes.
pub(crate) fn iso(millis: i64) -> String {
    let (seconds, rest) = (millis.div_euclid(1000), millis.rem_euclid(1000));
    let second = OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|it| it.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
    format!("{}.{rest:03}Z", second.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_browsers_write_them() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (7, "1970-01-01T00:00:00.007Z"),
            (951_782_400_120, "2000-02-29T00:00:00.120Z"),
            (1_774_746_000_999, "2026-03-29T01:00:00.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "1970-01-01T00:00:00.807Z"),
        ] {
            assert_eq!(iso(millis), expected);
        }
    }
}
