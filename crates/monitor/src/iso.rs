//! Wall time as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-21T02:28:00.123Z` (ISO 8601, RFC 3339), in UTC.
pub fn iso8601(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(since.as_secs() / 86_400);
    let (seconds, millis) = (since.as_secs() % 86_400, since.subsec_millis());
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn date(day: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day is a year's last; 719468 days lie between
    // 0000-03-01 and 1970-01-01, and the calendar repeats every 146097.
    let day = day + 719_468;
    let (cycle, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let in_month = day - (153 * month + 2) / 5 + 1;
    let year = cycle * 400 + year + u64::from(10 <= month);
    (year, (month + 2) % 12 + 1, in_month)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(millis: u64, expected: &str) {
        assert_eq!(iso8601(UNIX_EPOCH + Duration::from_millis(millis)), expected);
    }

    #[test]
    fn times_are_written_as_people_read_them() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_798_761_599_999, "2026-12-31T23:59:59.999Z");
        check(1_798_761_600_000, "2027-01-01T00:00:00.000Z");
        check(1_835_438_400_000, "2028-02-29T12:00:00.000Z");
        check(2_147_483_648_000, "2038-01-19T03:14:08.000Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let (year, month, in_month) = date(day);
            let next = match before {
                (y, 12, 31) => (y + 1, 1, 1),
                (y, m, _) if month != m => (y, m + 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
            assert_eq!((year, month, in_month), next);
            before = next;
        }
    }
}
