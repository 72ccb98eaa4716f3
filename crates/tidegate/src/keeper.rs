//! Where sessions and revocations are kept, and the task that takes them there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proto::{Code, Page, Refusal};
use session::Change;
use store::{Answer, Fault, Job, Listener, ReadError, ReadFault, Store, Table, Token, Writer};
use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    ground::{Ground, moment},
    inbox::lock,
};

/// Keeps rows of sessions and revocations in the store, for the next process.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Store,
    writer: Writer,
    told: Arc<Told>,
    token_next: AtomicU64,
}

/// Who waits for which answer. As many as the store's queue takes.
#[derive(Debug, Default)]
struct Told {
    waiting: Mutex<HashMap<Token, oneshot::Sender<bool>>>,
}

impl Keeper {
    pub(crate) fn new(store: Store) -> Self {
        let told = Arc::new(Told::default());
        let writer = store.writer(Arc::<Told>::clone(&told));
        Self { store, writer, told, token_next: AtomicU64::new(0) }
    }

    fn job(&self, table: Table, change: Change) -> (Token, Job) {
        let key = change.key.into();
        let job = match change.value {
            Some(value) => Job::Put { table, key, value: value.into() },
            None => Job::Remove { table, key },
        };
        (Token(self.token_next.fetch_add(1, Ordering::Relaxed)), job)
    }

    /// Answers when all of them are on the disk.
    pub(crate) async fn keep(&self, table: Table, changes: Vec<Change>) -> Result<(), Refusal> {
        let jobs: Vec<_> = changes.into_iter().map(|it| self.job(table, it)).collect();
        let tokens: Vec<Token> = jobs.iter().map(|it| it.0).collect();
        let mut answers = Vec::with_capacity(tokens.len());
        for token in &tokens {
            let (answer, answered) = oneshot::channel();
            lock(&self.told.waiting).insert(*token, answer);
            answers.push(answered);
        }
        if self.writer.submit(jobs).is_err() {
            let waiting = &mut *lock(&self.told.waiting);
            tokens.iter().for_each(|it| drop(waiting.remove(it)));
            return Err(Code::StoreUnavailable.into());
        }
        for answered in answers {
            // A store that is being closed answers nobody any more.
            if !answered.await.unwrap_or(false) {
                return Err(Code::StoreUnavailable.into());
            }
        }
        Ok(())
    }

    /// What an earlier process has kept.
    fn kept(&self, table: Table) -> Result<Vec<(String, String)>, ReadError> {
        let rows = self.store.rows(table)?;
        Ok(rows.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Listener for Told {
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>) {
        let waiting = &mut *lock(&self.waiting);
        for (token, answer) in answers {
            if let Some(waits) = waiting.remove(&token) {
                // Whoever asked may have hung up.
                let _ = waits.send(answer.is_ok());
            }
        }
    }

    /// Nothing is read by this side.
    fn found(&self, _token: Token, _page: Result<Page, ReadFault>) {}
}

/// A crash loses what has happened to sessions in this time, never a revocation.
const EVERY: Duration = Duration::from_secs(1);
/// Rows in one batch: some 100 kB, three times over while they are on their way. With a commit
/// each, ten thousand that come back at once are kept within a second or two.
const BATCH_MAX: usize = 200;
/// How often revocations that are long over are forgotten, in turns of the task.
const SWEEP_EVERY: u32 = 60;

/// Takes back what was kept, before anybody comes.
///
/// # Errors
/// When it cannot be read: nobody is let in whose revocation might be in it.
pub(crate) fn restore(ground: &Ground) -> Result<(), ReadError> {
    let register = &mut *lock(&ground.register);
    let (revoked, lost) = register.revocations.restore(ground.keeper.kept(Table::Revocations)?);
    for fault in lost {
        warn!("a revocation that was kept is not in force: {fault}");
    }
    let routes = &ground.door.routes;
    let grace_of = |name: &str| {
        let route = routes.of(routes.named(name)?)?;
        route.sessions.map(|it| it.grace)
    };
    let kept = ground.keeper.kept(Table::Sessions)?;
    let (sessions, lost) = register.sessions.restore(kept, grace_of, moment());
    for fault in lost {
        warn!("a session that was kept has ended: {fault}");
    }
    tracing::info!(sessions, revoked, "sessions and revocations taken back");
    Ok(())
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
        show_store(&ground);
        flush(&ground).await;
    }
}

/// For the metrics.
fn show(ground: &Ground) {
    let seats = lock(&ground.limits).connections().into();
    let register = lock(&ground.register);
    let session::Tally { started, resumed, ended, refused, replaced } = *register.sessions.tally();
    ground.monitor.front().registered(&monitor::Registered {
        seats,
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

/// What the store has counted, for the metrics.
fn show_store(ground: &Ground) {
    let tally = ground.store.tally();
    ground.monitor.front().stored(&monitor::Stored {
        messages: tally.messages,
        bytes: tally.bytes,
        logs: tally.logs as u64,
        queue_jobs: tally.queue_jobs as u64,
        queue_bytes: tally.queue_bytes as u64,
        refused: tally.refused,
        groups: tally.groups,
        appended: tally.appended,
        reads: tally.reads,
        cut: tally.cut,
        write_failures: tally.write_failures,
        reopenings: tally.reopenings,
        is_unavailable: tally.is_unavailable,
        damaged: tally.damaged_logs + tally.damaged_rows + tally.damaged_files,
    });
}

/// Keeps all that has changed, or as much as can be.
async fn flush(ground: &Ground) {
    loop {
        let changes = lock(&ground.register).sessions.changes(BATCH_MAX);
        if changes.is_empty() {
            return;
        }
        let keys: Vec<String> = changes.iter().map(|it| it.key.clone()).collect();
        if !keep(ground, Table::Sessions, changes).await {
            lock(&ground.register).sessions.not_kept(&keys);
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

#[cfg(test)]
mod tests;
