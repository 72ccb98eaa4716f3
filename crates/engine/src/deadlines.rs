//! When connections next need a look, in steps of a tenth of a second.
//!
//! Each connection has at most one deadline that counts, kept in its own record; an entry here
//! whose tick differs from it is stale and passed over. Moving a deadline later costs nothing until
//! the earlier one rings. A timer for each connection would cost more memory than the connection.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use proto::ConnId;

/// Tenths of a second since the shard began. Wraps after 13 years.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Tick(pub(crate) u32);

impl Tick {
    const LENGTH: Duration = Duration::from_millis(100);
    pub(crate) const NEVER: Self = Self(u32::MAX);

    /// Rounded up, so that nothing rings before its time.
    pub(crate) fn after(self, wait: Duration) -> Self {
        let ticks = wait.as_millis().div_ceil(Self::LENGTH.as_millis());
        Self(self.0.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }

    /// Rounded up towards the tick itself.
    pub(crate) fn before(self, wait: Duration) -> Self {
        let ticks = wait.as_millis() / Self::LENGTH.as_millis();
        Self(self.0.saturating_sub(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Self::LENGTH * self.0.saturating_sub(earlier.0)
    }
}

#[derive(Debug)]
pub(crate) struct Deadlines {
    origin: Instant,
    buckets: BTreeMap<Tick, Vec<ConnId>>,
}

impl Deadlines {
    pub(crate) const fn new(origin: Instant) -> Self {
        Self { origin, buckets: BTreeMap::new() }
    }

    /// The tick `now` is in.
    pub(crate) fn tick(&self, now: Instant) -> Tick {
        let age = now.saturating_duration_since(self.origin);
        let ticks = age.as_secs() * 10 + u64::from(age.subsec_millis() / 100);
        Tick(u32::try_from(ticks).unwrap_or(u32::MAX - 1))
    }

    pub(crate) fn set(&mut self, conn: ConnId, at: Tick) {
        if at != Tick::NEVER {
            self.buckets.entry(at).or_default().push(conn);
        }
    }

    /// Takes the connections of the earliest bucket that is due, with its tick.
    pub(crate) fn take_due(&mut self, now: Tick) -> Option<(Tick, Vec<ConnId>)> {
        let entry = self.buckets.first_entry()?;
        (*entry.key() <= now).then(|| entry.remove_entry())
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        let tick = self.buckets.first_key_value()?.0;
        Some(self.instant(*tick))
    }

    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        self.origin + Tick::LENGTH * tick.0
    }
}
