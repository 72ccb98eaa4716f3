//! What follows a change, told to everyone a moment after it.
//!
//! ```text
//! to the sender   check_in_success
//! to everyone     member_checked_in            at once
//!                 check_in_update              after a pause, for each change
//!                 activity_notification
//!                 check_in_stats               once for all of them
//!                 stats_update
//! ```
//!
//! The pause has two reasons. The client's own tests send a check-out as soon as they have seen
//! `member_checked_in`, and expect `check_out_success` as the very next frame; anything told in
//! between breaks them. And when a class arrives, one count of the house serves all of it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{Gateway, Post};
use proto::{ChannelName, Refusal};
use tracing::{debug, warn};

use crate::{
    absence,
    book::Book,
    changes::Change,
    frames,
    moment::Clock,
    shown::{SETTLED_AFTER, Shown},
    stats,
};

/// Changes that wait for their pause to end. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct News {
    book: Book,
    gateway: Arc<dyn Gateway>,
    channel: ChannelName,
    clock: Clock,
    shown: Shown,
    waiting: Arc<Mutex<Vec<Change>>>,
}

/// Long enough for a client to answer what it has just heard, short enough that a dashboard is
/// right within the half second it promises.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// More changes than this in one pause are only counted: the stats that follow are exact anyway,
/// and every one of them has been announced already.
const WAITING_MAX: usize = 200;

impl News {
    pub(crate) fn new(
        book: Book,
        gateway: Arc<dyn Gateway>,
        channel: ChannelName,
        clock: Clock,
        shown: Shown,
    ) -> Self {
        Self { book, gateway, channel, clock, shown, waiting: Arc::default() }
    }

    /// A change was committed. Returns at once; must be called on the runtime.
    pub(crate) fn tell(&self, change: Change) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if WAITING_MAX <= waiting.len() {
            debug!("activity of one change is not shown: {WAITING_MAX} are waiting");
            return;
        }
        waiting.push(change);
        if waiting.len() == 1 {
            let news = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                news.publish_waiting().await;
                tokio::time::sleep(SETTLED_AFTER).await;
                news.write_settled().await;
            });
        }
    }

    async fn publish_waiting(&self) {
        let mut changes =
            mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // Of two desks that were busy with one member the later was perhaps announced first. This
        // is the last word, so it has to be in the order of what happened.
        changes.sort_by_key(|it| it.seq);
        let now = (self.clock)();
        let stats = match self.book.ask(move |db| stats::read(db, now)).await {
            Ok(stats) => stats,
            Err(failure) => {
                warn!(error = &failure as &dyn std::error::Error, "no stats to publish");
                return;
            }
        };

        // Before the first of them: whoever comes in between hears it from the news, and perhaps
        // from their greeting too.
        if let Some(newest) = changes.last() {
            self.shown.updating(newest.seq);
        }
        let told = changes.iter().flat_map(|Change { direction, check_in, .. }| {
            [frames::update(*direction, check_in, &stats), frames::activity(*direction, check_in)]
        });
        for payload in told.chain(frames::changed_stats(&stats)) {
            if let Err(refusal) = self.publish(payload).await {
                warn!(code = %refusal.code, "dashboards were not told what changed");
                return;
            }
        }
    }

    /// For the life after this process, should it be killed.
    async fn write_settled(&self) {
        let settled = self.shown.settled();
        if let Err(failure) = self.book.ask(move |db| absence::settle_all(db, settled)).await {
            warn!(error = &failure as &dyn std::error::Error, "what was shown is not kept");
        }
    }

    /// To everyone, now.
    pub(crate) async fn publish(&self, payload: Arc<str>) -> Result<(), Refusal> {
        let (channel, from, except, event, key) = (self.channel.clone(), None, None, None, None);
        let post = Post { channel, payload, from, except, event, key };
        self.gateway.publish(post).await.map(drop)
    }
}
