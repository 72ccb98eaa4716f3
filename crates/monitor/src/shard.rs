//! What one shard counts while it works.

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use limits::{Counts, Limit};
use proto::{Code, UnixTime};

use crate::{
    daily::DailyCounters,
    histogram::{Buckets, Histogram},
    recent::Recent,
    table::Metric,
};

/// The close numbers that have a series of their own; all others share the last (F14).
pub(crate) const CLOSE_NUMBERS: [u16; 22] = [
    1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 4000, 4001, 4003,
    4004, 4005, 4008, 4009, 4029, 0,
];

/// What one shard has counted. Its own thread writes, with plain stores; any thread may read.
///
/// Only one thread may write: a count is loaded, raised and stored, which costs a tenth of an
/// atomic addition. Aligned, so that no two shards share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub struct ShardMetrics {
    /// The wall clock at the latest [`Self::turn`].
    now: AtomicU64,
    /// Metrics without labels, at their place in the table.
    counts: [AtomicU64; Metric::ALL.len()],
    closed: [AtomicU64; CLOSE_NUMBERS.len()],
    closing: ByCode,
    handshakes_refused: ByCode,
    authentication_failed: ByCode,
    refused: ByCode,
    /// Checked, refused, observed.
    limits: [[AtomicU64; 3]; Limit::ALL.len()],
    handshakes: Histogram,
    publishes: Histogram,
    daily: DailyCounters,
    /// Shared by all shards; touched when a connection closes.
    recent: Arc<Recent>,
}

impl ShardMetrics {
    pub(crate) fn new(recent: Arc<Recent>) -> Self {
        Self {
            now: AtomicU64::new(0),
            counts: zeros(),
            closed: zeros(),
            closing: ByCode::default(),
            handshakes_refused: ByCode::default(),
            authentication_failed: ByCode::default(),
            refused: ByCode::default(),
            limits: array::from_fn(|_| zeros()),
            handshakes: Histogram::default(),
            publishes: Histogram::default(),
            daily: DailyCounters::default(),
            recent,
        }
    }

    /// A turn begins. What is counted until the next belongs to the day and minute of `now`.
    #[inline]
    pub fn turn(&self, now: UnixTime) {
        self.now.store(now.0, Relaxed);
        self.add(Metric::Turns, 1);
    }

    /// A socket was accepted; nothing is known of it yet.
    #[inline]
    pub fn accepted(&self) {
        self.add(Metric::Accepted, 1);
    }

    /// Accepting failed, as when file descriptors run out (L4).
    #[inline]
    pub fn accept_failed(&self) {
        self.add(Metric::AcceptErrors, 1);
    }

    /// Accepting pauses for a while after a failure.
    #[inline]
    pub fn accept_paused(&self) {
        self.add(Metric::AcceptBackoffs, 1);
    }

    #[inline]
    pub fn tls_failed(&self) {
        self.add(Metric::TlsFailures, 1);
    }

    /// A socket went to the front.
    #[inline]
    pub fn handed_off(&self) {
        self.add(Metric::HandedOff, 1);
    }

    /// The front had no room for a socket.
    #[inline]
    pub fn handoff_refused(&self) {
        self.add(Metric::HandoffsRefused, 1);
    }

    /// A handshake was refused before the upgrade or with a close right after it.
    #[inline]
    pub fn handshake_refused(&self, code: Code) {
        self.handshakes_refused.add(code);
    }

    /// From accept to the answer of an admitted handshake.
    #[inline]
    pub fn handshake_took(&self, took: Duration) {
        self.handshakes.observe(took);
    }

    /// A token was found good (R96).
    #[inline]
    pub fn authenticated(&self) {
        self.add(Metric::Authenticated, 1);
    }

    /// A token was missing or not good (R96).
    #[inline]
    pub fn authentication_failed(&self, code: Code) {
        self.authentication_failed.add(code);
    }

    /// A connection was admitted and is open.
    #[inline]
    pub fn opened(&self) {
        self.add(Metric::Opened, 1);
        self.add(Metric::ConnectionsOpen, 1);
        self.daily.opened(self.now());
    }

    /// A connection that [`Self::opened`] counted has ended, whatever the cause: exactly one call
    /// for each. `number` is what the peer was told or told us; 1006 if it vanished.
    #[inline]
    pub fn closed(&self, number: u16, lasted: Duration) {
        let rest = CLOSE_NUMBERS.len() - 1;
        let place = CLOSE_NUMBERS.iter().position(|it| *it == number).unwrap_or(rest);
        raise(&self.closed[place], 1);
        let open = &self.counts[Metric::ConnectionsOpen.index()];
        open.store(open.load(Relaxed).saturating_sub(1), Relaxed);
        self.recent.closed(lasted);
    }

    /// The gateway itself ends a connection.
    #[inline]
    pub fn closing(&self, code: Code) {
        self.closing.add(code);
        if code == Code::TooSlow {
            self.add(Metric::SlowCloses, 1);
        } else if code == Code::PingTimeout {
            self.add(Metric::PingsTimedOut, 1);
        }
    }

    /// A command or message was refused on a connection that stays.
    #[inline]
    pub fn refused(&self, code: Code) {
        self.refused.add(code);
    }

    /// So many messages came in. `bytes` as read from sockets, frames and all; either may be zero.
    #[inline]
    pub fn received(&self, messages: u64, bytes: u64) {
        self.add(Metric::Received, messages);
        self.add(Metric::BytesIn, bytes);
    }

    /// So many messages went out. `bytes` as written to sockets; either may be zero.
    #[inline]
    pub fn sent(&self, messages: u64, bytes: u64) {
        self.add(Metric::Sent, messages);
        self.add(Metric::BytesOut, bytes);
        if messages != 0 {
            self.daily.sent(self.now(), messages);
        }
    }

    /// A message got its place in a channel's order.
    #[inline]
    pub fn published(&self) {
        self.add(Metric::Publications, 1);
    }

    /// From a client's asking to knowing the place.
    #[inline]
    pub fn publish_took(&self, took: Duration) {
        self.publishes.observe(took);
    }

    /// Publications were put into so many outboxes.
    #[inline]
    pub fn delivered(&self, members: u64) {
        self.add(Metric::Deliveries, members);
    }

    /// Slow members missed so many publications.
    #[inline]
    pub fn dropped(&self, deliveries: u64) {
        self.add(Metric::DeliveriesDropped, deliveries);
    }

    /// The store refused so many messages.
    #[inline]
    pub fn not_stored(&self, messages: u64) {
        self.add(Metric::NotStored, messages);
    }

    /// Members were told so many things in passing.
    #[inline]
    pub fn noticed(&self, notices: u64) {
        self.add(Metric::Notices, notices);
    }

    /// So many messages of mailboxes were sent again, and so many given up.
    #[inline]
    pub fn mailed(&self, resent: u64, undelivered: u64) {
        self.add(Metric::Resent, resent);
        self.add(Metric::Undelivered, undelivered);
    }

    /// Something for this shard was refused because its inbox was full.
    #[inline]
    pub fn inbox_overflowed(&self) {
        self.add(Metric::InboxOverflows, 1);
    }

    /// A call of an application failed.
    #[inline]
    pub fn app_failed(&self) {
        self.add(Metric::AppErrors, 1);
    }

    /// The engine failed and was replaced.
    pub fn restarted(&self) {
        self.add(Metric::ShardRestarts, 1);
    }

    /// What the shard holds at the end of a turn.
    #[inline]
    pub fn holds(&self, held: Held) {
        let Held { outbox_bytes, inbox_length, asks_in_flight, channels, memberships, log_bytes } =
            held;
        self.store(Metric::OutboxBytes, outbox_bytes);
        self.store(Metric::InboxLength, inbox_length);
        self.store(Metric::AsksInFlight, asks_in_flight);
        self.store(Metric::Channels, channels);
        self.store(Metric::Memberships, memberships);
        self.store(Metric::LogBytes, log_bytes);
    }

    /// What this shard's limits have counted so far. Once in a while is enough.
    pub fn limits(&self, counts: &Counts) {
        for ((_, tally), cells) in counts.iter().zip(&self.limits) {
            for (cell, n) in cells.iter().zip([tally.checked, tally.refused, tally.observed]) {
                cell.store(n, Relaxed);
            }
        }
    }

    /// What has been counted today.
    pub fn daily(&self) -> &DailyCounters {
        &self.daily
    }

    /// One metric without labels, as this shard has counted it.
    pub fn count(&self, metric: Metric) -> u64 {
        self.counts[metric.index()].load(Relaxed)
    }

    pub(crate) fn add_to(&self, sum: &mut Sum) {
        add_all(&mut sum.counts, &self.counts);
        add_all(&mut sum.closed, &self.closed);
        add_all(&mut sum.closing, &self.closing.0);
        add_all(&mut sum.handshakes_refused, &self.handshakes_refused.0);
        add_all(&mut sum.authentication_failed, &self.authentication_failed.0);
        add_all(&mut sum.refused, &self.refused.0);
        for (total, mine) in sum.limits.iter_mut().zip(&self.limits) {
            add_all(total, mine);
        }
        self.handshakes.add_to(&mut sum.handshakes);
        self.publishes.add_to(&mut sum.publishes);
    }

    fn now(&self) -> UnixTime {
        UnixTime(self.now.load(Relaxed))
    }

    #[inline]
    fn add(&self, metric: Metric, n: u64) {
        raise(&self.counts[metric.index()], n);
    }

    #[inline]
    fn store(&self, metric: Metric, n: u64) {
        self.counts[metric.index()].store(n, Relaxed);
    }
}

/// What a shard holds, by the count.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Held {
    pub outbox_bytes: u64,
    pub inbox_length: u64,
    pub asks_in_flight: u64,
    /// Channels that have members or an order here.
    pub channels: u64,
    /// Pairs of a connection and a channel it is in.
    pub memberships: u64,
    /// What messages kept in memory weigh.
    pub log_bytes: u64,
}

/// All shards, added up.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) counts: Vec<u64>,
    pub(crate) closed: Vec<u64>,
    pub(crate) closing: Vec<u64>,
    pub(crate) handshakes_refused: Vec<u64>,
    pub(crate) authentication_failed: Vec<u64>,
    pub(crate) refused: Vec<u64>,
    pub(crate) limits: [Vec<u64>; Limit::ALL.len()],
    pub(crate) handshakes: Buckets,
    pub(crate) publishes: Buckets,
}

#[derive(Debug)]
struct ByCode([AtomicU64; Code::ALL.len()]);

impl Default for ByCode {
    fn default() -> Self {
        Self(zeros())
    }
}

impl ByCode {
    #[inline]
    fn add(&self, code: Code) {
        raise(&self.0[code as usize], 1);
    }
}

/// A load and a store: right for one writer only.
#[inline]
fn raise(count: &AtomicU64, n: u64) {
    count.store(count.load(Relaxed).wrapping_add(n), Relaxed);
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    array::from_fn(|_| AtomicU64::new(0))
}

fn add_all(total: &mut Vec<u64>, mine: &[AtomicU64]) {
    total.resize(mine.len(), 0);
    for (sum, n) in total.iter_mut().zip(mine) {
        *sum += n.load(Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_number_of_ours_has_a_series() {
        for code in Code::ALL {
            assert!(CLOSE_NUMBERS.contains(&code.close()), "{code}");
        }
    }

    #[test]
    fn codes_stand_at_their_place_in_the_table() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index);
        }
    }
}
