//! An exact sliding window of attempts, in bounded memory (R27).
//!
//! "Ten an hour" means that in no hour, wherever it begins, more than ten are admitted. So the
//! times of the last ten are kept, and an eleventh is told exactly when the oldest of them leaves.
//! An attempt that this limit refuses is not kept: otherwise what it was told would not be true,
//! and whoever asks too often would never come in again.

use std::collections::VecDeque;
use std::hash::Hash;
use std::time::{Duration, Instant};

use crate::rate::Rate;
use crate::recent::Recent;

/// The attempts of many keys. When there are more keys than it may remember, it forgets those of
/// the key that was idle longest, in its favour.
#[derive(Debug)]
pub struct Attempts<K> {
    epoch: Instant,
    windows: Recent<K, Window>,
}

/// Milliseconds of each attempt after `base_ms`, oldest first. Four bytes each and not eight,
/// because there are a hundred thousand windows; [`Rate::PER_MAX`] fits, and `base_ms` moves along
/// when a window never empties.
#[derive(Debug)]
struct Window {
    base_ms: u64,
    times: VecDeque<u32>,
}

impl<K: Copy + Eq + Hash> Attempts<K> {
    /// Remembers at most `keys_max` keys. `epoch` is any time not after the first `now`.
    pub fn new(keys_max: u32, epoch: Instant) -> Self {
        Self { epoch, windows: Recent::new(keys_max) }
    }

    /// How long `key` has to wait, or `None` if an attempt is within `rate` now. Keeps nothing but
    /// that the key was here.
    pub fn wait(&mut self, now: Instant, key: K, rate: Rate) -> Option<Duration> {
        self.windows.peek(key)?;
        let now_ms = self.ms(now);
        let window = self.windows.touch(key, || Window::new(now_ms));
        window.wait_ms(now_ms, rate).map(Duration::from_millis)
    }

    /// Keeps one attempt of `key`. If the window is full it stays as it is, so that in observe mode
    /// what would have been refused is counted as it would have been.
    pub fn record(&mut self, now: Instant, key: K, rate: Rate) {
        let now_ms = self.ms(now);
        let window = self.windows.touch(key, || Window::new(now_ms));
        if window.wait_ms(now_ms, rate).is_none() {
            window.push(now_ms);
        }
    }

    /// The most bytes that `keys_max` keys take when each may try `count` times.
    pub fn bytes_max(keys_max: u32, count: u32) -> u64 {
        let times = u64::from(count.next_power_of_two().max(4)) * size_of::<u32>() as u64;
        Recent::<K, Window>::bytes_max(keys_max) + u64::from(keys_max) * times
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.windows.len()
    }

    fn ms(&self, now: Instant) -> u64 {
        let span = now.saturating_duration_since(self.epoch);
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Window {
    fn new(now_ms: u64) -> Self {
        Self { base_ms: now_ms, times: VecDeque::new() }
    }

    /// Forgets what has left, then says how long until one more fits.
    fn wait_ms(&mut self, now_ms: u64, rate: Rate) -> Option<u64> {
        let per_ms = u64::try_from(rate.per().as_millis()).unwrap_or(u64::MAX);
        while let Some(oldest) = self.times.front() {
            let leaves_ms = self.base_ms + u64::from(*oldest) + per_ms;
            if now_ms < leaves_ms {
                break;
            }
            self.times.pop_front();
        }
        // The rate may have been lowered since, so the one to wait for need not be the oldest.
        let surplus = self.times.len().checked_sub(rate.count() as usize)?;
        let leaving = self.times.get(surplus)?;
        Some(self.base_ms + u64::from(*leaving) + per_ms - now_ms)
    }

    fn push(&mut self, now_ms: u64) {
        match self.times.front().copied() {
            None => self.base_ms = now_ms,
            Some(oldest) if u64::from(u32::MAX) < now_ms - self.base_ms => {
                self.base_ms += u64::from(oldest);
                self.times.iter_mut().for_each(|time| *time -= oldest);
            }
            Some(_) => {}
        }
        let after = u32::try_from(now_ms - self.base_ms).expect("a window is at most 30 days");
        self.times.push_back(after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3600);

    fn attempt(attempts: &mut Attempts<u8>, now: Instant, rate: Rate) -> Option<Duration> {
        let wait = attempts.wait(now, 0, rate);
        if wait.is_none() {
            attempts.record(now, 0, rate);
        }
        wait
    }

    #[test]
    fn the_tenth_is_admitted_and_the_eleventh_told_when_the_oldest_leaves() {
        let epoch = crate::tests::epoch();
        let rate = Rate::per_hour(10).unwrap();
        let mut attempts = Attempts::new(10, epoch);
        for at in 0..10 {
            assert_eq!(attempt(&mut attempts, epoch + SECOND * at, rate), None, "attempt {at}");
        }
        let ms = Duration::from_millis(1);
        for (now, expected) in [
            (SECOND * 9, Some(HOUR - SECOND * 9)),
            // Refusals do not move the time that was told.
            (SECOND * 10, Some(HOUR - SECOND * 10)),
            (HOUR - ms, Some(ms)),
            (HOUR, None),
            (HOUR, Some(SECOND)),
            (HOUR + SECOND, None),
            (HOUR + SECOND, Some(SECOND)),
            (HOUR * 3, None),
        ] {
            assert_eq!(attempt(&mut attempts, epoch + now, rate), expected, "at {now:?}");
        }
    }

    #[test]
    fn a_window_that_never_empties_outlives_32_bits_of_milliseconds() {
        let epoch = crate::tests::epoch();
        let rate = Rate::new(2, HOUR * 24).unwrap();
        let mut attempts = Attempts::new(10, epoch);
        for half_day in 0..400 {
            let now = epoch + HOUR * 12 * half_day;
            assert_eq!(attempt(&mut attempts, now, rate), None, "half day {half_day}");
            let wait = HOUR * if half_day == 0 { 24 } else { 12 };
            let found = attempts.wait(now, 0, rate);
            assert_eq!(found, (half_day != 0).then_some(wait), "half day {half_day}");
        }
    }

    #[test]
    fn an_address_is_forgotten_when_a_thousand_others_came_since() {
        let epoch = crate::tests::epoch();
        let rate = Rate::per_hour(1).unwrap();
        let mut attempts = Attempts::new(1000, epoch);
        attempts.record(epoch, 0_u32, rate);
        for other in 1..1000 {
            attempts.record(epoch, other, rate);
        }
        // Being refused is being here, so it is not the idlest.
        assert_eq!(attempts.wait(epoch, 0, rate), Some(HOUR));
        attempts.record(epoch, 1000, rate);
        assert_eq!(attempts.wait(epoch, 0, rate), Some(HOUR));
        assert_eq!(attempts.wait(epoch, 1, rate), None);
        assert_eq!(attempts.keys(), 1000);
    }

    #[test]
    fn a_lowered_rate_waits_for_enough_to_leave() {
        let epoch = crate::tests::epoch();
        let mut attempts = Attempts::new(10, epoch);
        for at in 0..5 {
            attempts.record(epoch + SECOND * at, 0, Rate::per_hour(5).unwrap());
        }
        let wait = attempts.wait(epoch + SECOND * 4, 0, Rate::per_hour(2).unwrap());
        assert_eq!(wait, Some(HOUR - SECOND));
    }

    proptest! {
        #[test]
        fn it_admits_what_a_plain_list_of_times_admits(
            count in 1_u32..5,
            per_ms in 1_u64..2_000,
            steps in prop::collection::vec(0_u64..700, 1..200),
        ) {
            let epoch = crate::tests::epoch();
            let rate = Rate::new(count, Duration::from_millis(per_ms)).unwrap();
            let mut attempts = Attempts::new(1, epoch);
            let mut admitted: Vec<u64> = Vec::new();
            let mut now_ms = 0;
            for step in steps {
                now_ms += step;
                let within: Vec<_> =
                    admitted.iter().filter(|at| now_ms < **at + per_ms).copied().collect();
                let expected = (within.len() >= count as usize)
                    .then(|| Duration::from_millis(within[0] + per_ms - now_ms));
                let now = epoch + Duration::from_millis(now_ms);
                prop_assert_eq!(attempt(&mut attempts, now, rate), expected);
                if expected.is_none() {
                    admitted.push(now_ms);
                }
            }
        }
    }
}
