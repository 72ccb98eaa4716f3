//! What one connection may say: a token bucket in eight bytes.
//!
//! The form is the generic cell rate algorithm: instead of a count and the time of the last
//! refill, one time is kept at which the bucket will be full again. "60 per minute" (R30) means
//! that 60 may be said at once by whoever was silent for a minute, and one a second after that. A
//! client that sends fifty heartbeats in five seconds is within it.

use std::time::{Duration, Instant};

use crate::rate::Rate;

/// How long to wait before the same thing is admitted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RetryAfter(pub Duration);

/// A rate prepared for spending: one a route, shared by all its connections.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    epoch: Instant,
    each_ns: u64,
    /// How far ahead of now the bucket may be filled and one more still be admitted.
    ahead_ns_max: u64,
}

/// What is left to one connection. Full when new; kept as the time it is full again, in
/// nanoseconds since the epoch of its [`Pace`] (which lasts 584 years).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Budget {
    full_at_ns: u64,
}

impl Pace {
    /// A pace of `rate`. `epoch` is any time not after the first `now`; the start of the process
    /// will do.
    pub fn new(rate: Rate, epoch: Instant) -> Self {
        // Rounded down, so that a whole `count` is always admitted in a whole `per`. At worst
        // that gives away `count` nanoseconds in each `per`.
        let each_ns = nanos(rate.per()) / u64::from(rate.count());
        let ahead_ns_max = each_ns * u64::from(rate.count() - 1);
        Self { epoch, each_ns, ahead_ns_max }
    }
}

impl Budget {
    /// Takes one out, or tells when there will be one.
    ///
    /// A refusal costs nothing, and what is being earned is never rounded away: whoever asks
    /// often is admitted as soon as whoever asks seldom.
    pub fn spend(&mut self, pace: &Pace, now: Instant) -> Result<(), RetryAfter> {
        let now_ns = nanos(now.saturating_duration_since(pace.epoch));
        let ahead_ns = self.full_at_ns.saturating_sub(now_ns);
        if ahead_ns > pace.ahead_ns_max {
            return Err(RetryAfter(Duration::from_nanos(ahead_ns - pace.ahead_ns_max)));
        }
        self.full_at_ns = now_ns.saturating_add(ahead_ns).saturating_add(pace.each_ns);
        Ok(())
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn pace(count: u32, per: Duration) -> (Pace, Instant) {
        let epoch = crate::tests::epoch();
        (Pace::new(Rate::new(count, per).unwrap(), epoch), epoch)
    }

    #[test]
    fn a_budget_is_eight_bytes() {
        assert_eq!(size_of::<Budget>(), 8);
    }

    #[test]
    fn fifty_heartbeats_in_five_seconds_are_within_sixty_a_minute() {
        let (pace, epoch) = pace(60, MINUTE);
        let mut budget = Budget::default();
        for beat in 0..50 {
            let now = epoch + Duration::from_millis(100) * beat;
            assert_eq!(budget.spend(&pace, now), Ok(()), "beat {beat}");
        }
    }

    #[test]
    fn the_whole_count_may_be_spent_at_once_and_then_one_at_a_time() {
        let (pace, epoch) = pace(60, MINUTE);
        let mut budget = Budget::default();
        for _ in 0..60 {
            assert_eq!(budget.spend(&pace, epoch), Ok(()));
        }
        let second = Duration::from_secs(1);
        assert_eq!(budget.spend(&pace, epoch), Err(RetryAfter(second)));
        let early = epoch + second - Duration::from_nanos(1);
        assert_eq!(budget.spend(&pace, early), Err(RetryAfter(Duration::from_nanos(1))));
        assert_eq!(budget.spend(&pace, epoch + second), Ok(()));
        assert_eq!(budget.spend(&pace, epoch + second), Err(RetryAfter(second)));
    }

    #[test]
    fn asking_often_does_not_starve() {
        let (pace, epoch) = pace(7, Duration::from_secs(10));
        let (mut often, mut seldom) = (Budget::default(), Budget::default());
        let (mut heard_often, mut heard_seldom) = (0, 0);
        for ms in 0..100_000 {
            let now = epoch + Duration::from_millis(ms);
            heard_often += u32::from(often.spend(&pace, now).is_ok());
            if ms % 1_500 == 0 {
                heard_seldom += u32::from(seldom.spend(&pace, now).is_ok());
            }
        }
        // Seven at once and seven in each of ten spans, the last of which is not quite over.
        assert_eq!(heard_often, 7 + 69);
        assert_eq!(heard_seldom, 67);
    }

    #[test]
    fn a_silent_connection_saves_up_no_more_than_the_count() {
        let (pace, epoch) = pace(3, MINUTE);
        let mut budget = Budget::default();
        let late = epoch + MINUTE * 60 * 24 * 365;
        let heard = (0..10).filter(|_| budget.spend(&pace, late).is_ok()).count();
        assert_eq!(heard, 3);
    }

    #[test]
    fn a_time_before_the_epoch_is_the_epoch() {
        let (pace, epoch) = pace(1, MINUTE);
        let mut budget = Budget::default();
        let Some(before) = epoch.checked_sub(MINUTE) else { return };
        assert_eq!(budget.spend(&pace, before), Ok(()));
        assert_eq!(budget.spend(&pace, before), Err(RetryAfter(MINUTE)));
    }

    #[test]
    fn the_largest_rates_do_not_overflow() {
        let (pace, epoch) = pace(Rate::COUNT_MAX, Rate::PER_MAX);
        let mut budget = Budget::default();
        for _ in 0..Rate::COUNT_MAX {
            assert_eq!(budget.spend(&pace, epoch), Ok(()));
        }
        assert!(budget.spend(&pace, epoch).is_err());
    }
}
