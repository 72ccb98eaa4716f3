//! Showing the monitor what this shard has counted.

use std::time::{Duration, Instant};

use engine::Tally;
use net::Net;

use super::Hall;

/// How often what is held is added up, which takes a walk over all sockets.
const HELD_EVERY: Duration = Duration::from_secs(1);

/// What the monitor has been shown already, and what is known of a connection that is ending.
#[derive(Debug, Default)]
pub(super) struct Books {
    engine: Tally,
    net: net::Tally,
    held_at: Option<Instant>,
    /// The close number of the connection that is being given up.
    pub(super) number: u16,
    /// And why, if its socket gave us a reason.
    pub(super) evicted: Option<proto::Code>,
}

impl Hall {
    /// At the end of a turn: a score of subtractions and stores, and no lock.
    pub(crate) fn count(&mut self, net: &Net) {
        let (engine, sockets) = (*self.shard.tally(), *net.tally());
        let (shown, seen) = (self.books.engine, self.books.net);
        (self.books.engine, self.books.net) = (engine, sockets);
        let metrics = &self.metrics;
        metrics.received(engine.messages - shown.messages, sockets.bytes_in - seen.bytes_in);
        metrics.sent(sockets.frames_out - seen.frames_out, sockets.bytes_out - seen.bytes_out);
        metrics.dropped(engine.dropped - shown.dropped);
        metrics.not_stored(engine.not_stored - shown.not_stored);
        metrics.mailed(engine.resent - shown.resent, engine.undelivered - shown.undelivered);
        metrics.noticed(engine.notices - shown.notices);
        (shown.published..engine.published).for_each(|_| metrics.published());
        (seen.accepted..sockets.accepted).for_each(|_| metrics.accepted());
        (seen.accept_failures..sockets.accept_failures).for_each(|_| metrics.accept_failed());
        if self.books.held_at.is_none_or(|it| it + HELD_EVERY <= self.now) {
            self.books.held_at = Some(self.now);
            self.count_held(net);
        }
    }

    fn count_held(&self, net: &Net) {
        let tally = self.shard.tally();
        self.metrics.limits(self.shard.limit_counts());
        self.metrics.holds(monitor::Held {
            outbox_bytes: net.outbox_bytes() as u64,
            inbox_length: self.inbox.len() as u64,
            asks_in_flight: tally.asks.saturating_sub(tally.asks_answered),
            channels: self.shard.channel_count() as u64,
            memberships: self.shard.membership_count() as u64,
            log_bytes: self.shard.log_bytes(),
        });
    }
}
