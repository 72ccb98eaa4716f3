//! What the HTTP side counts. Several threads write, so each count is an atomic addition.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{
    histogram::{Buckets, Histogram},
    table::Metric,
};

/// What the HTTP side has counted.
#[derive(Debug)]
pub struct FrontMetrics {
    counts: [AtomicU64; Metric::ALL.len()],
    /// Answers by the first digit of their status, 1 to 5.
    classes: [AtomicU64; CLASSES.len()],
    publishes: Histogram,
}

/// What is known of sessions and revocations, which are counted where they are kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Registered {
    /// Places taken at the door.
    pub seats: u64,
    pub live: u64,
    pub away: u64,
    pub started: u64,
    pub resumed: u64,
    pub ended: u64,
    pub refused: u64,
    pub replaced: u64,
    pub revocations: u64,
    pub revocations_added: u64,
}

/// How the store stands, which counts for itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stored {
    pub messages: u64,
    pub bytes: u64,
    pub logs: u64,
    pub queue_jobs: u64,
    pub queue_bytes: u64,
    pub refused: u64,
    pub groups: u64,
    pub appended: u64,
    pub reads: u64,
    pub cut: u64,
    pub write_failures: u64,
    pub reopenings: u64,
    pub is_unavailable: bool,
    pub damaged: u64,
}

pub(crate) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Default for FrontMetrics {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            classes: std::array::from_fn(|_| AtomicU64::new(0)),
            publishes: Histogram::default(),
        }
    }
}

impl FrontMetrics {
    /// A socket is being served.
    pub fn opened(&self) {
        self.counts[Metric::HttpConnections.index()].fetch_add(1, Relaxed);
    }

    /// A socket that was being served is no more: exactly one call for each [`Self::opened`].
    pub fn closed(&self) {
        self.counts[Metric::HttpConnections.index()].fetch_sub(1, Relaxed);
    }

    /// A socket was turned away because as many are served as may be.
    pub fn was_full(&self) {
        self.add(Metric::HttpFull);
    }

    /// A request was answered with this status.
    pub fn answered(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len());
        self.classes[class - 1].fetch_add(1, Relaxed);
    }

    /// A request panicked.
    pub fn panicked(&self) {
        self.add(Metric::HttpPanics);
    }

    /// A request showed no good key or token.
    pub fn authentication_failed(&self) {
        self.add(Metric::ApiKeysRefused);
    }

    /// A publication was answered from an earlier request.
    pub fn replayed(&self) {
        self.add(Metric::IdempotentReplays);
    }

    /// A call of an application failed, as seen outside the shards.
    pub fn app_failed(&self) {
        self.add(Metric::AppErrors);
    }

    /// Sessions and revocations stand like this now.
    pub fn registered(&self, registered: &Registered) {
        let Registered { live, away, started, resumed, ended, refused, replaced, .. } = *registered;
        for (metric, count) in [
            (Metric::Seats, registered.seats),
            (Metric::SessionsLive, live),
            (Metric::SessionsAway, away),
            (Metric::SessionsStarted, started),
            (Metric::SessionsResumed, resumed),
            (Metric::SessionsEnded, ended),
            (Metric::SessionsRefused, refused),
            (Metric::SessionsReplaced, replaced),
            (Metric::Revocations, registered.revocations),
            (Metric::RevocationsAdded, registered.revocations_added),
        ] {
            self.counts[metric.index()].store(count, Relaxed);
        }
    }

    /// The store stands like this now.
    pub fn stored(&self, stored: &Stored) {
        for (metric, count) in [
            (Metric::StoreMessages, stored.messages),
            (Metric::StoreBytes, stored.bytes),
            (Metric::StoreLogs, stored.logs),
            (Metric::StoreQueue, stored.queue_jobs),
            (Metric::StoreQueueBytes, stored.queue_bytes),
            (Metric::StoreQueueRefused, stored.refused),
            (Metric::StoreGroups, stored.groups),
            (Metric::StoreAppended, stored.appended),
            (Metric::StoreReads, stored.reads),
            (Metric::StoreCut, stored.cut),
            (Metric::StoreFailures, stored.write_failures),
            (Metric::StoreReopenings, stored.reopenings),
            (Metric::StoreUnavailable, u64::from(stored.is_unavailable)),
            (Metric::StoreDamaged, stored.damaged),
        ] {
            self.counts[metric.index()].store(count, Relaxed);
        }
    }

    /// From asking for a publication to knowing its place.
    pub fn publish_took(&self, took: Duration) {
        self.publishes.observe(took);
    }

    /// One metric without labels.
    pub fn count(&self, metric: Metric) -> u64 {
        self.counts[metric.index()].load(Relaxed)
    }

    pub(crate) fn classes(&self) -> Vec<u64> {
        self.classes.iter().map(|it| it.load(Relaxed)).collect()
    }

    pub(crate) fn add_publishes(&self, sum: &mut Buckets) {
        self.publishes.add_to(sum);
    }

    fn add(&self, metric: Metric) {
        self.counts[metric.index()].fetch_add(1, Relaxed);
    }
}
