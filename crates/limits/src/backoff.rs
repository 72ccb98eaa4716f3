//! The wait after failed authentications, by key, in bounded memory (A12).
//!
//! An address that fails `failures` times within `window` waits `wait_min`. Each failure after that
//! doubles the wait, up to `wait_max`. When it has been quiet for `window` after its last wait, it
//! is forgotten.
//!
//! A success changes nothing. Were it to reset the count, whoever holds one good token could guess
//! at others for ever by showing it between guesses. Other addresses are never affected. What is a
//! failure is the caller's choice; a token that is merely expired carries a good signature, and is
//! better not counted.

use std::hash::Hash;
use std::time::{Duration, Instant};

use crate::recent::Recent;
use crate::rules::BackoffRules;

/// The failures of many keys; the idlest is forgotten when there are too many.
#[derive(Debug)]
pub struct Backoff<K> {
    rules: BackoffRules,
    epoch: Instant,
    trails: Recent<K, Trail>,
}

/// What one key has done.
#[derive(Clone, Copy, Debug)]
struct Trail {
    failures: u32,
    doublings: u32,
    /// Until when it waits, as a time since the epoch. In the past if it does not.
    until: Duration,
    /// When all this is forgotten.
    forgotten_at: Duration,
}

impl<K: Copy + Eq + Hash> Backoff<K> {
    /// Remembers at most `keys_max` keys. `epoch` is any time not after the first `now`.
    pub fn new(rules: BackoffRules, keys_max: u32, epoch: Instant) -> Self {
        Self { rules, epoch, trails: Recent::new(keys_max) }
    }

    /// How long `key` still has to wait, if at all.
    pub fn wait(&self, now: Instant, key: K) -> Option<Duration> {
        let now = now.saturating_duration_since(self.epoch);
        let trail = self.trails.peek(key)?;
        (now < trail.until).then(|| trail.until - now)
    }

    /// One failed authentication of `key`.
    pub fn failed(&mut self, now: Instant, key: K) {
        let now = now.saturating_duration_since(self.epoch);
        let BackoffRules { failures, window, wait_min, wait_max } = self.rules;
        let fresh = Trail { failures: 0, doublings: 0, until: now, forgotten_at: now + window };
        let trail = self.trails.touch(key, || fresh);
        if trail.forgotten_at <= now {
            *trail = fresh;
        }
        trail.failures = trail.failures.saturating_add(1);
        if trail.failures < failures {
            return;
        }
        // Failures that were under way when the wait began do not lengthen it: a browser opens
        // several connections at once.
        if trail.until <= now {
            let wait = wait_min.saturating_mul(1 << trail.doublings.min(31)).min(wait_max);
            trail.doublings += 1;
            trail.until = now + wait;
            trail.forgotten_at = trail.until + window;
        }
    }

    /// The most bytes that `keys_max` keys take.
    pub fn bytes_max(keys_max: u32) -> u64 {
        Recent::<K, Trail>::bytes_max(keys_max)
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.trails.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn three_a_minute() -> (Backoff<u32>, Instant) {
        let epoch = crate::tests::epoch();
        let rules = BackoffRules {
            failures: 3,
            window: SECOND * 60,
            wait_min: SECOND * 5,
            wait_max: SECOND * 30,
        };
        (Backoff::new(rules, 1000, epoch), epoch)
    }

    #[test]
    fn the_wait_begins_at_the_third_failure_and_doubles_to_its_cap() {
        let (mut backoff, epoch) = three_a_minute();
        let mut now = epoch;
        backoff.failed(now, 7);
        backoff.failed(now, 7);
        assert_eq!(backoff.wait(now, 7), None);
        for expected in [5, 10, 20, 30, 30] {
            backoff.failed(now, 7);
            assert_eq!(backoff.wait(now, 7), Some(SECOND * expected));
            now += SECOND * expected;
            assert_eq!(backoff.wait(now, 7), None, "after {expected} s");
        }
        assert_eq!(backoff.wait(now, 8), None, "another address waits for nothing");
    }

    #[test]
    fn failures_under_way_when_the_wait_begins_do_not_lengthen_it() {
        let (mut backoff, epoch) = three_a_minute();
        (0..50).for_each(|_| backoff.failed(epoch, 7));
        assert_eq!(backoff.wait(epoch, 7), Some(SECOND * 5));
    }

    #[test]
    fn a_minute_of_quiet_after_the_wait_forgets_it() {
        let (mut backoff, epoch) = three_a_minute();
        (0..3).for_each(|_| backoff.failed(epoch, 7));
        let quiet = epoch + SECOND * 65;
        backoff.failed(quiet - Duration::from_millis(1), 7);
        assert!(backoff.wait(quiet, 7).is_some(), "still remembered a moment before");
        let (mut backoff, epoch) = three_a_minute();
        (0..3).for_each(|_| backoff.failed(epoch, 7));
        backoff.failed(epoch + SECOND * 65, 7);
        assert_eq!(backoff.wait(epoch + SECOND * 65, 7), None);
    }

    #[test]
    fn slow_failures_never_wait() {
        let (mut backoff, epoch) = three_a_minute();
        for failure in 0..100 {
            let now = epoch + SECOND * 30 * failure;
            backoff.failed(now, 7);
            assert_eq!(backoff.wait(now, 7), None, "failure {failure}");
        }
    }

    #[test]
    fn a_hundred_thousand_addresses_take_the_room_of_a_thousand() {
        let (mut backoff, epoch) = three_a_minute();
        (0..100_000).for_each(|address| backoff.failed(epoch, address));
        assert_eq!(backoff.keys(), 1000);
    }

    #[test]
    fn the_largest_waits_do_not_overflow() {
        let epoch = crate::tests::epoch();
        let year = SECOND * 60 * 60 * 24 * 365;
        let rules = BackoffRules { failures: 0, window: SECOND, wait_min: year, wait_max: year };
        let mut backoff = Backoff::new(rules, 10, epoch);
        for year_no in 0..100 {
            backoff.failed(epoch + year * year_no, 7);
        }
        assert_eq!(backoff.wait(epoch + year * 99, 7), Some(year));
    }
}
