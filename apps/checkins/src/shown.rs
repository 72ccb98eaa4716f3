//! How far the news have come: what is sure to have been shown to every dashboard that is there.
//!
//! ```text
//!             told again to whoever returns
//!          ├───────────────────────────────────────┤
//! ─────────●───────────●───────────●───────────●────► changes
//!       settled     updating      newest
//! ```

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::changes;

/// After this, a change has been told to all who were there. The news take 0.2 s to their end;
/// the rest is for a machine that has much to do, and for the way.
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Shown(Arc<Mutex<Timeline>>);

#[derive(Debug)]
struct Timeline {
    settled: i64,
    newest: i64,
    /// Up to which change the updates that follow a pause have been published.
    updating: i64,
    /// What is not settled yet, oldest first. No more than may be told again: what is pushed out
    /// is settled before its time, and nobody would be told of it any more.
    recent: VecDeque<(Instant, i64)>,
}

impl Shown {
    /// Nobody is here yet, so nobody is to be shown what there was.
    pub(crate) fn up_to(newest: i64) -> Self {
        let (settled, updating, recent) = (newest, newest, VecDeque::new());
        Self(Arc::new(Mutex::new(Timeline { settled, newest, updating, recent })))
    }

    /// A change was committed. Called in the order of commits.
    pub(crate) fn committed(&self, seq: i64) {
        self.with(|it| {
            it.newest = it.newest.max(seq);
            it.recent.push_back((Instant::now(), seq));
            if changes::KEPT_MAX < i64::try_from(it.recent.len()).unwrap_or(i64::MAX) {
                it.settle_oldest();
            }
        });
    }

    /// The updates up to this change are published from now on.
    pub(crate) fn updating(&self, seq: i64) {
        self.with(|it| it.updating = it.updating.max(seq));
    }

    /// Whoever joins now will not be told the update of this change by the news.
    pub(crate) fn has_updated(&self, seq: i64) -> bool {
        self.with(|it| seq <= it.updating)
    }

    /// The newest change, told or about to be.
    pub(crate) fn newest(&self) -> i64 {
        self.with(|it| it.newest)
    }

    /// The newest change that everyone who is here now has been shown.
    pub(crate) fn settled(&self) -> i64 {
        let now = Instant::now();
        self.with(|it| {
            while it.recent.front().is_some_and(|(at, _)| *at + SETTLED_AFTER <= now) {
                it.settle_oldest();
            }
            it.settled
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Timeline) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Timeline {
    fn settle_oldest(&mut self) {
        if let Some((_, seq)) = self.recent.pop_front() {
            self.settled = self.settled.max(seq);
        }
    }
}
