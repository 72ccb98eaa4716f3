//! Durations counted under fixed bounds.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds in microseconds: a tenth of a millisecond, where a publication on one shard lies,
/// to five seconds, where a handshake's deadline is.
const BOUNDS: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000,
];

/// How often a duration fell under each bound. May be written by several threads.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One per bound, and one for what lies above all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    #[inline]
    pub(crate) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|it| micros <= *it).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    pub(crate) fn add_to(&self, sum: &mut Buckets) {
        for (total, mine) in sum.counts.iter_mut().zip(&self.buckets) {
            *total += mine.load(Relaxed);
        }
        sum.micros += self.micros.load(Relaxed);
    }
}

/// Several histograms, added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    counts: [u64; BOUNDS.len() + 1],
    micros: u64,
}

impl Buckets {
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn seconds(&self) -> f64 {
        Duration::from_micros(self.micros).as_secs_f64()
    }

    /// Pairs of an upper bound in seconds and how many lie between it and the one before.
    pub(crate) fn bounded(&self) -> Vec<(f64, u64)> {
        let seconds = |micros: &u64| Duration::from_micros(*micros).as_secs_f64();
        let bounds = BOUNDS.iter().map(seconds).chain([f64::MAX]);
        bounds.zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_under_the_least_bound_that_holds_it() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(100));
        histogram.observe(Duration::from_micros(101));
        histogram.observe(Duration::from_secs(60));
        let mut sum = Buckets::default();
        histogram.add_to(&mut sum);
        assert_eq!((sum.counts[0], sum.counts[1], sum.counts[15]), (1, 1, 1));
        assert_eq!((sum.count(), sum.micros), (3, 60_000_201));
    }
}
