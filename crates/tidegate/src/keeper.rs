//! Where sessions and revocations are kept, and the task that takes them there.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use proto::Refusal;
use session::Change;
use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    ground::{Ground, moment},
    inbox::lock,
};

/// What is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Table {
    Sessions,
    Revocations,
}

/// Whoever keeps rows for the next process.
#[async_trait]
pub(crate) trait Keeper: fmt::Debug + Send + Sync + 'static {
    /// Answers when the rows are safe.
    async fn keep(&self, table: Table, changes: Vec<Change>) -> Result<(), Refusal>;

    /// What an earlier process has kept.
    fn kept(&self, table: Table) -> Vec<(String, String)>;
}

/// Keeps nothing beyond the process: what is known of sessions and revocations is in memory, and
/// ends with it. Says so once, at the start.
#[derive(Debug)]
pub(crate) struct ThisProcess;

#[async_trait]
impl Keeper for ThisProcess {
    async fn keep(&self, _table: Table, _changes: Vec<Change>) -> Result<(), Refusal> {
        Ok(())
    }

    fn kept(&self, _table: Table) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A crash loses what has happened to sessions in this time, never a revocation.
const EVERY: Duration = Duration::from_secs(1);
/// Rows in one batch: some 500 kB.
const BATCH_MAX: usize = 1000;
/// How often revocations that are long over are forgotten, in turns of the task.
const SWEEP_EVERY: u32 = 60;

/// Takes back what was kept, before anybody comes.
pub(crate) fn restore(ground: &Ground) {
    let register = &mut *lock(&ground.register);
    let (revoked, lost) = register.revocations.restore(ground.keeper.kept(Table::Revocations));
    for fault in lost {
        warn!("a revocation that was kept is not in force: {fault}");
    }
    let routes = &ground.door.routes;
    let grace_of = |name: &str| {
        let route = routes.of(routes.named(name)?)?;
        route.sessions.map(|it| it.grace)
    };
    let kept = ground.keeper.kept(Table::Sessions);
    let (sessions, lost) = register.sessions.restore(kept, grace_of, moment());
    for fault in lost {
        warn!("a session that was kept has ended: {fault}");
    }
    tracing::info!(sessions, revoked, "sessions and revocations taken back");
}

/// Ends sessions whose grace is over, and keeps what has changed; until it is told
/// to stop, and then once more.
pub(crate) async fn run(ground: Arc<Ground>, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut turn = 0_u32;
    let mut is_stopping = false;
    while !is_stopping {
        tokio::select! {
            _ = ticks.tick() => {}
            // Also the end of whoever could say so.
            _ = &mut stopped => is_stopping = true,
        }
        turn = turn.wrapping_add(1);
        lock(&ground.register).sessions.sweep(moment().now);
        if turn.is_multiple_of(SWEEP_EVERY) {
            let gone = lock(&ground.register).revocations.sweep(moment().wall);
            keep(&ground, Table::Revocations, gone).await;
        }
        show(&ground);
        flush(&ground).await;
    }
}

/// For the metrics.
fn show(ground: &Ground) {
    let register = lock(&ground.register);
    let session::Tally { started, resumed, ended, refused, replaced } = *register.sessions.tally();
    ground.monitor.front().registered(&monitor::Registered {
        live: register.sessions.live() as u64,
        away: register.sessions.away() as u64,
        started,
        resumed,
        ended,
        refused,
        replaced,
        revocations: register.revocations.len() as u64,
        revocations_added: register.revocations.added(),
    });
}

/// Keeps all that has changed, or as much as can be.
async fn flush(ground: &Ground) {
    loop {
        let changes = lock(&ground.register).sessions.changes(BATCH_MAX);
        if changes.is_empty() {
            return;
        }
        let again = changes.clone();
        if !keep(ground, Table::Sessions, changes).await {
            lock(&ground.register).sessions.not_kept(again);
            return;
        }
    }
}

async fn keep(ground: &Ground, table: Table, changes: Vec<Change>) -> bool {
    if changes.is_empty() {
        return true;
    }
    let kept = ground.keeper.keep(table, changes).await;
    if let Err(refusal) = &kept {
        warn!("{table:?} were not kept: {}", refusal.message());
    }
    kept.is_ok()
}
