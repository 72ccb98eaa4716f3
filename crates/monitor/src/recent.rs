//! How long the last hundred connections lasted (R99).

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// As the clients of R99 know it: the mean is of so many connections.
const KEPT: usize = 100;

/// A ring that all shards write at close. No lock: a place is taken, then filled.
#[derive(Debug)]
pub(crate) struct Recent {
    next: AtomicU64,
    /// Milliseconds plus one; zero is a place never filled.
    lasted: [AtomicU64; KEPT],
}

impl Default for Recent {
    fn default() -> Self {
        Self { next: AtomicU64::new(0), lasted: array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Recent {
    pub(crate) fn closed(&self, lasted: Duration) {
        let place = self.next.fetch_add(1, Relaxed) % KEPT as u64;
        let millis = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX - 1);
        self.lasted[usize::try_from(place).unwrap_or_default()].store(millis + 1, Relaxed);
    }

    /// The mean in seconds with two decimals; zero before the first connection has closed.
    pub(crate) fn mean_seconds(&self) -> f64 {
        let filled = self.lasted.iter().map(|it| it.load(Relaxed)).filter(|it| *it != 0);
        let (sum, count) = filled.fold((0_u128, 0_u128), |(sum, count), millis| {
            (sum + u128::from(millis - 1), count + 1)
        });
        if count == 0 {
            return 0.0;
        }
        // Rounded in whole hundredths, so that no binary fraction shows.
        let hundredths = (sum + count * 5) / (count * 10);
        f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_the_last_hundred_with_two_decimals() {
        let recent = Recent::default();
        assert_eq!(recent.mean_seconds(), 0.0);
        recent.closed(Duration::from_millis(1000));
        recent.closed(Duration::from_millis(2000));
        recent.closed(Duration::from_millis(2000));
        assert_eq!(recent.mean_seconds(), 1.67);
        for _ in 0..KEPT {
            recent.closed(Duration::from_secs(7));
        }
        assert_eq!(recent.mean_seconds(), 7.0);
    }
}
