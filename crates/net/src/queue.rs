//! Deadlines that all lie the same time ahead: a queue is then in order by itself.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use proto::ConnId;

#[derive(Debug)]
pub(crate) struct Queue {
    wait: Duration,
    entries: VecDeque<(Instant, ConnId)>,
}

impl Queue {
    pub(crate) const fn new(wait: Duration) -> Self {
        Self { wait, entries: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, now: Instant, conn: ConnId) {
        self.entries.push_back((now + self.wait, conn));
    }

    /// The next connection whose time has come. It may have been closed or saved meanwhile.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<ConnId> {
        if now < self.entries.front()?.0 {
            return None;
        }
        self.entries.pop_front().map(|it| it.1)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.front().map(|it| it.0)
    }

    pub(crate) const fn wait(&self) -> Duration {
        self.wait
    }
}
