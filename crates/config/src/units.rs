//! Numbers with units: durations `"30s"`, sizes `"64KiB"`, rates `"60/min"`.
//!
//! A number without a unit is refused: ten what? Fractions are refused too, because there is always
//! a smaller unit that says the same without rounding.

use std::time::Duration;

use limits::Rate;

use crate::fault::Wrong;

/// A size in bytes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Bytes(pub(crate) u64);

pub(crate) const KIB: u64 = 1024;
pub(crate) const MIB: u64 = 1024 * KIB;
pub(crate) const GIB: u64 = 1024 * MIB;

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Longer is a typing error, and `Instant + Duration` must not overflow anywhere.
const DURATION_MS_MAX: u64 = 366 * DAY_MS;

/// Largest first, so that showing finds the unit that divides without rest.
const DURATIONS: &[(&str, u64)] =
    &[("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1)];
const SIZES: &[(&str, u64)] = &[
    ("GiB", GIB),
    ("GB", 1_000_000_000),
    ("MiB", MIB),
    ("MB", 1_000_000),
    ("KiB", KIB),
    ("KB", 1000),
    ("B", 1),
];
/// Short form first: that is how a rate is shown.
const SPANS: &[(&str, u64)] = &[
    ("s", SECOND_MS),
    ("sec", SECOND_MS),
    ("second", SECOND_MS),
    ("min", MINUTE_MS),
    ("m", MINUTE_MS),
    ("minute", MINUTE_MS),
    ("hour", HOUR_MS),
    ("h", HOUR_MS),
    ("day", DAY_MS),
    ("d", DAY_MS),
];

pub(crate) const DURATION_REMEDY: &str =
    "Write a whole number with its unit, such as \"250ms\", \"30s\", \"10m\", \"1h\" or \"7d\".";
pub(crate) const SIZE_REMEDY: &str =
    "Write a whole number with its unit, such as \"500B\", \"64KiB\" or \"1MiB\".";
pub(crate) const RATE_REMEDY: &str =
    "Write a count and its span, such as \"5/s\", \"60/min\" or \"10/hour\".";

/// `"250ms"`, `"30s"`, `"10m"`, `"1h"`, `"7d"`; at most 366 days.
pub(crate) fn duration(text: &str) -> Result<Duration, Wrong> {
    let millis = number_with_unit(text, DURATIONS, "duration", DURATION_REMEDY)?;
    if DURATION_MS_MAX < millis {
        return Err(Wrong::new(format!("{text:?} is too long"), "Write at most \"366d\"."));
    }
    Ok(Duration::from_millis(millis))
}

/// `"500B"`, `"64KiB"`, `"1MiB"`; `KB`, `MB` and `GB` are decimal.
pub(crate) fn size(text: &str) -> Result<Bytes, Wrong> {
    number_with_unit(text, SIZES, "size", SIZE_REMEDY).map(Bytes)
}

/// `"5/s"`, `"60/min"`, `"10/hour"`, `"100/day"`, and `"10/5m"` for any other span.
pub(crate) fn rate(text: &str) -> Result<Rate, Wrong> {
    let malformed = || Wrong::new(format!("{text:?} is not a rate"), RATE_REMEDY);
    let (count, span) = text.split_once('/').ok_or_else(malformed)?;
    let (count, span) = (count.trim(), span.trim());
    let count = digits(count).ok_or_else(malformed)?;
    let millis = match SPANS.iter().find(|it| it.0 == span) {
        Some((_, millis)) => *millis,
        None => number_with_unit(span, DURATIONS, "rate", RATE_REMEDY).map_err(|_| malformed())?,
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Rate::new(count, Duration::from_millis(millis))
        .map_err(|bad| Wrong::new(format!("{text:?}: {bad}"), RATE_REMEDY))
}

pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    show(millis, DURATIONS, "0s")
}

pub(crate) fn show_size(bytes: u64) -> String {
    show(bytes, SIZES, "0B")
}

pub(crate) fn show_rate(rate: Rate) -> String {
    let per = rate.per();
    match SPANS.iter().find(|it| u128::from(it.1) == per.as_millis()) {
        Some((unit, _)) => format!("{}/{unit}", rate.count()),
        None => format!("{}/{}", rate.count(), show_duration(per)),
    }
}

fn show(number: u64, units: &[(&str, u64)], zero: &str) -> String {
    let whole = units.iter().find(|it| 0 < number && number.is_multiple_of(it.1));
    whole.map_or_else(|| zero.to_owned(), |(unit, each)| format!("{}{unit}", number / each))
}

fn number_with_unit(
    text: &str,
    units: &[(&str, u64)],
    kind: &str,
    remedy: &str,
) -> Result<u64, Wrong> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let malformed = || Wrong::new(format!("{text:?} is not a {kind}"), remedy);
    if number.is_empty() {
        return Err(malformed());
    }
    if unit.is_empty() {
        return Err(Wrong::new(format!("{text:?} has no unit"), remedy));
    }
    let each = units.iter().find(|it| it.0 == unit).ok_or_else(malformed)?.1;
    let product = digits(number).and_then(|it| it.checked_mul(each));
    product.ok_or_else(|| Wrong::new(format!("{text:?} is too large"), remedy))
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
            ("0s", 0),
            ("30 s", 30_000),
            ("366d", DURATION_MS_MAX),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "30", "s", "1.5s", "-1s", "30S", "1h30m", "１s", "367d", "1 year"] {
            assert!(duration(text).is_err(), "{text}");
        }
        let wrong = duration("99999999999999999999s").unwrap_err();
        assert!(wrong.what.ends_with("is too large"), "{wrong:?}");
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("500B", 500),
            ("64KiB", 65_536),
            ("1MiB", 1_048_576),
            ("2GiB", 2_147_483_648),
            ("1KB", 1000),
            ("3MB", 3_000_000),
        ] {
            assert_eq!(size(text).unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "500", "KiB", "1.5MiB", "-1B", "1kib", "1TiB", "18446744073709551615KiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_have_spans() {
        for (text, count, millis) in [
            ("60/min", 60, 60_000),
            ("60/minute", 60, 60_000),
            ("10/hour", 10, 3_600_000),
            ("5/s", 5, 1000),
            ("100/day", 100, 86_400_000),
            ("10/5m", 10, 300_000),
            ("10 / 250ms", 10, 250),
        ] {
            let expected = Rate::new(count, Duration::from_millis(millis)).unwrap();
            assert_eq!(rate(text).unwrap(), expected, "{text}");
        }
        for text in
            ["", "60", "/min", "60/", "60/year", "0/s", "-1/s", "1.5/s", "5/0s", "9999999/s"]
        {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["250ms", "1500ms", "90s", "2m", "36h", "7d"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
        for text in ["500B", "64KiB", "1MiB", "3MB", "1GiB"] {
            assert_eq!(show_size(size(text).unwrap().0), text);
        }
        for text in ["5/s", "60/min", "10/hour", "100/day", "10/5m"] {
            assert_eq!(show_rate(rate(text).unwrap()), text);
        }
        assert_eq!(show_duration(Duration::ZERO), "0s");
        assert_eq!(show_size(0), "0B");
    }
}
