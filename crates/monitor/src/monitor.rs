//! All shards and the front, looked at together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use limits::Counts;
use proto::UnixTime;
use serde::Serialize;

use crate::{
    front::FrontMetrics, iso::iso8601, recent::Recent, shard::ShardMetrics, shard::Sum,
    table::Metric, text,
};

/// Everything that is counted, and the ways to look at it.
pub struct Monitor {
    shards: Vec<Arc<ShardMetrics>>,
    front: Arc<FrontMetrics>,
    recent: Arc<Recent>,
    /// What the limits that all shards share have counted.
    shared_limits: Box<dyn Fn() -> Counts + Send + Sync>,
    draining: AtomicBool,
    started_at: SystemTime,
    build: Build,
}

/// What is running.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Build {
    pub version: &'static str,
    /// The source it was built from; `unknown` outside a repository.
    pub commit: &'static str,
}

/// The figures of R99: exactly these seven keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebSocketMetrics {
    pub active_connections: u64,
    /// On the current UTC day.
    pub connections_today: u64,
    pub messages_sent: u64,
    pub messages_received: u64,
    /// Seconds with two decimals, of the last hundred connections that closed.
    pub avg_connection_duration: f64,
    /// Sent so far in the current minute of the clock.
    pub messages_per_minute: u64,
    /// ISO 8601 in UTC.
    pub timestamp: String,
}

impl Monitor {
    /// `shared_limits` is asked whenever metrics are written; it may lock.
    pub fn new(
        shards: u16,
        build: Build,
        shared_limits: impl Fn() -> Counts + Send + Sync + 'static,
    ) -> Self {
        let recent = Arc::new(Recent::default());
        let shard = |_| Arc::new(ShardMetrics::new(Arc::clone(&recent)));
        Self {
            shards: (0..shards).map(shard).collect(),
            front: Arc::default(),
            recent: Arc::clone(&recent),
            shared_limits: Box::new(shared_limits),
            draining: AtomicBool::new(false),
            started_at: SystemTime::now(),
            build,
        }
    }

    /// The counters of one shard, for its thread alone to write. They live as long as the process,
    /// so a shard that starts afresh counts on.
    pub fn shard(&self, index: usize) -> Arc<ShardMetrics> {
        Arc::clone(&self.shards[index])
    }

    /// The counters of the HTTP side.
    pub fn front(&self) -> &Arc<FrontMetrics> {
        &self.front
    }

    /// The process drains from now on: not ready any more (L2).
    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// WebSocket connections open now (R100, R101).
    pub fn active_connections(&self) -> u64 {
        self.total(Metric::ConnectionsOpen)
    }

    /// The seven figures of R99, as of now (R101).
    pub fn metrics_summary(&self) -> WebSocketMetrics {
        self.metrics_summary_at(SystemTime::now())
    }

    /// The seven figures of R99, on the day and in the minute of `now`.
    pub fn metrics_summary_at(&self, now: SystemTime) -> WebSocketMetrics {
        let at = UnixTime::from(now);
        let daily = || self.shards.iter().map(|it| it.daily());
        WebSocketMetrics {
            active_connections: self.active_connections(),
            connections_today: daily().map(|it| it.connections_today(at)).sum(),
            messages_sent: self.total(Metric::Sent),
            messages_received: self.total(Metric::Received),
            avg_connection_duration: self.recent.mean_seconds(),
            messages_per_minute: daily().map(|it| it.messages_this_minute(at)).sum(),
            timestamp: iso8601(now),
        }
    }

    /// Messages sent in the whole minute of the clock before `now`'s.
    pub fn messages_last_minute(&self, now: SystemTime) -> u64 {
        let at = UnixTime::from(now);
        self.shards.iter().map(|it| it.daily().messages_last_minute(at)).sum()
    }

    /// One metric without labels, over all shards.
    pub fn total(&self, metric: Metric) -> u64 {
        self.shards.iter().map(|it| it.count(metric)).sum()
    }

    /// All metrics in the OpenMetrics text format, to be sent as [`crate::CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut sum = Sum::default();
        for shard in &self.shards {
            shard.add_to(&mut sum);
        }
        self.front.add_publishes(&mut sum.publishes);
        for ((_, tally), cells) in (self.shared_limits)().iter().zip(&mut sum.limits) {
            cells.resize(3, 0);
            for (cell, n) in cells.iter_mut().zip([tally.checked, tally.refused, tally.observed]) {
                *cell += n;
            }
        }
        for metric in Metric::ALL {
            if let Some(total) = sum.counts.get_mut(metric.index()) {
                *total += self.front.count(*metric);
            }
        }
        text::write(text::Seen {
            sum,
            classes: self.front.classes(),
            is_draining: self.is_draining(),
            started_at: self.started_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO),
            build: self.build,
        })
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
