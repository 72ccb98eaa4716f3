//! Counts that belong to a day or a minute of the clock (R99).
//!
//! Days are UTC, so neither a time zone nor its summer time can lose or repeat one (L11). Which day
//! it is and how many there were on it are one word, so no reader ever sees the old count with the
//! new day.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use proto::UnixTime;

const DAY: u64 = 86_400;
const MINUTE: u64 = 60;

/// What one shard has counted today and in this minute. Written by one thread, read by any.
#[derive(Debug, Default)]
pub struct DailyCounters {
    connections: Dated,
    messages_sent: Dated,
    /// The minute before the one in `messages_sent`.
    messages_before: AtomicU64,
}

impl DailyCounters {
    /// A connection was opened.
    #[inline]
    pub fn opened(&self, now: UnixTime) {
        self.connections.add(now.0 / DAY, 1);
    }

    /// So many messages were sent.
    #[inline]
    pub fn sent(&self, now: UnixTime, messages: u64) {
        if let Some(before) = self.messages_sent.add(now.0 / MINUTE, messages) {
            self.messages_before.store(before, Release);
        }
    }

    /// Connections opened on the UTC day that `now` lies in.
    pub fn connections_today(&self, now: UnixTime) -> u64 {
        self.connections.at(now.0 / DAY)
    }

    /// Messages sent so far in the minute of the clock that `now` lies in.
    pub fn messages_this_minute(&self, now: UnixTime) -> u64 {
        self.messages_sent.at(now.0 / MINUTE)
    }

    /// Messages sent in the minute before.
    pub fn messages_last_minute(&self, now: UnixTime) -> u64 {
        let Some(last) = (now.0 / MINUTE).checked_sub(1) else { return 0 };
        let current = self.messages_sent.at(last);
        if current != 0 { current } else { count_at(self.messages_before.load(Acquire), last) }
    }
}

/// A count and the period it belongs to, in one word: period above, count below.
#[derive(Debug, Default)]
struct Dated(AtomicU64);

impl Dated {
    /// Adds to `period`'s count. Answers the word of the period before when a new one begins.
    #[inline]
    fn add(&self, period: u64, n: u64) -> Option<u64> {
        // One thread writes, so nothing happens between the load and the store.
        let word = self.0.load(Relaxed);
        let was = word >> 32;
        let period = period & COUNT;
        let count = if was == period { word & COUNT } else { 0 };
        let count = count.saturating_add(n).min(COUNT);
        self.0.store(period << 32 | count, Release);
        (was != period).then_some(word)
    }

    fn at(&self, period: u64) -> u64 {
        count_at(self.0.load(Acquire), period)
    }
}

/// Minutes fill 32 bits in the year 10136, and four thousand million a minute is beyond any shard.
const COUNT: u64 = u32::MAX as u64;

const fn count_at(word: u64, period: u64) -> u64 {
    if word >> 32 == period & COUNT { word & COUNT } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-31T23:59:59Z.
    const NEW_YEARS_EVE: u64 = 1_798_761_599;
    /// 2028-02-29T12:00:00Z.
    const LEAP_DAY: u64 = 1_835_438_400;

    fn opened_at(times: &[u64]) -> DailyCounters {
        let counters = DailyCounters::default();
        for time in times {
            counters.opened(UnixTime(*time));
        }
        counters
    }

    #[test]
    fn a_new_year_begins_at_midnight_utc() {
        let counters = opened_at(&[NEW_YEARS_EVE - 5, NEW_YEARS_EVE]);
        assert_eq!(counters.connections_today(UnixTime(NEW_YEARS_EVE)), 2);
        assert_eq!(counters.connections_today(UnixTime(NEW_YEARS_EVE + 1)), 0);
        counters.opened(UnixTime(NEW_YEARS_EVE + 1));
        assert_eq!(counters.connections_today(UnixTime(NEW_YEARS_EVE + 2)), 1);
    }

    #[test]
    fn a_leap_day_is_a_day_of_its_own() {
        let counters = opened_at(&[LEAP_DAY - DAY, LEAP_DAY, LEAP_DAY + DAY / 2 - 1]);
        assert_eq!(counters.connections_today(UnixTime(LEAP_DAY)), 2);
        assert_eq!(counters.connections_today(UnixTime(LEAP_DAY + DAY / 2)), 0);
    }

    /// Europe's clocks change at 01:00 UTC on 2026-03-29 and 2026-10-25; UTC's day has 24 hours
    /// then too.
    #[test]
    fn days_on_which_clocks_change_have_24_hours() {
        for midnight in [1_774_742_400, 1_792_886_400] {
            assert_eq!(midnight % DAY, 0);
            let hours: Vec<_> = (0..24).map(|it| midnight + it * 3600).collect();
            let counters = opened_at(&hours);
            assert_eq!(counters.connections_today(UnixTime(midnight + DAY - 1)), 24);
            assert_eq!(counters.connections_today(UnixTime(midnight + DAY)), 0);
        }
    }

    #[test]
    fn every_connection_is_counted_on_exactly_one_day() {
        let counters = DailyCounters::default();
        let (mut total, mut counted) = (0, 0);
        let mut now = NEW_YEARS_EVE - 40 * DAY;
        let mut day = now / DAY;
        while now < NEW_YEARS_EVE + 80 * DAY {
            if now / DAY != day {
                counted += counters.connections_today(UnixTime(day * DAY));
                day = now / DAY;
            }
            counters.opened(UnixTime(now));
            total += 1;
            now += 7_919;
        }
        counted += counters.connections_today(UnixTime(day * DAY));
        assert_eq!(counted, total);
    }

    #[test]
    fn a_minute_is_one_of_the_clock_and_the_last_is_kept() {
        let counters = DailyCounters::default();
        let minute = 29_000_000 * MINUTE;
        counters.sent(UnixTime(minute + 1), 5);
        counters.sent(UnixTime(minute + 59), 2);
        assert_eq!(counters.messages_this_minute(UnixTime(minute + 59)), 7);
        assert_eq!(counters.messages_this_minute(UnixTime(minute + 60)), 0);
        assert_eq!(counters.messages_last_minute(UnixTime(minute + 60)), 7);
        counters.sent(UnixTime(minute + 61), 1);
        assert_eq!(counters.messages_this_minute(UnixTime(minute + 62)), 1);
        assert_eq!(counters.messages_last_minute(UnixTime(minute + 62)), 7);
        assert_eq!(counters.messages_last_minute(UnixTime(minute + 121)), 1);
        assert_eq!(counters.messages_last_minute(UnixTime(minute + 181)), 0);
    }

    #[test]
    fn a_count_too_large_for_its_half_stays_in_it() {
        let counters = DailyCounters::default();
        counters.sent(UnixTime(600), u64::MAX);
        counters.sent(UnixTime(600), 1);
        assert_eq!(counters.messages_this_minute(UnixTime(600)), COUNT);
    }
}
