//! Sessions and revocations in the store, and the task that takes them there.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proto::{Code, Page, Refusal};
use session::Change;
use store::{Answer, Fault, Job, Listener, ReadFault, Store, Table, Token, Writer};
use tokio::sync::oneshot;
use tracing::{error, warn};

use crate::{
    ground::{Ground, moment},
    inbox::lock,
};

/// Takes rows to the store, and waits until they are there.
pub(crate) struct Keeper {
    store: Store,
    writer: Writer,
    waiting: Arc<Waiting>,
    next: AtomicU64,
}

/// Who waits for which row. As many as the store's queue takes.
#[derive(Default)]
struct Waiting(Mutex<HashMap<Token, oneshot::Sender<Result<(), Fault>>>>);

impl Listener for Waiting {
    fn stored(&self, answers: Vec<(Token, Result<Answer, Fault>)>) {
        let waiting = &mut *lock(&self.0);
        for (token, answer) in answers {
            if let Some(sender) = waiting.remove(&token) {
                // Whoever asked may have given up.
                let _ = sender.send(answer.map(drop));
            }
        }
    }

    /// Rows are read at the start, and not by this way.
    fn found(&self, _: Token, _: Result<Page, ReadFault>) {}
}

impl Keeper {
    pub(crate) fn new(store: Store) -> Self {
        let waiting = Arc::<Waiting>::default();
        let writer = store.writer(Arc::<Waiting>::clone(&waiting));
        Self { store, writer, waiting, next: AtomicU64::new(0) }
    }

    /// Answers when the rows are on disk.
    pub(crate) async fn keep(&self, table: Table, changes: Vec<Change>) -> Result<(), Refusal> {
        let (mut jobs, mut answers) = (Vec::new(), Vec::new());
        for Change { key, value } in changes {
            let token = Token(self.next.fetch_add(1, Ordering::Relaxed));
            let key = key.into();
            let job = match value {
                Some(value) => Job::Put { table, key, value: value.into() },
                None => Job::Remove { table, key },
            };
            let (sender, answer) = oneshot::channel();
            lock(&self.waiting.0).insert(token, sender);
            jobs.push((token, job));
            answers.push(answer);
        }
        let tokens: Vec<Token> = jobs.iter().map(|it| it.0).collect();
        if self.writer.submit(jobs).is_err() {
            let waiting = &mut *lock(&self.waiting.0);
            tokens.iter().for_each(|it| drop(waiting.remove(it)));
            return Err(Code::Busy.into());
        }
        for answer in answers {
            // A store that is closed drops what it was asked.
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(Code::StoreUnavailable.into()),
            }
        }
        Ok(())
    }

    /// What an earlier process has kept.
    fn kept(&self, table: Table) -> Vec<(String, String)> {
        match self.store.rows(table) {
            Ok(rows) => rows.into_iter().map(|it| (it.0.into(), it.1.into())).collect(),
            Err(failure) => {
                error!("{table:?} are not taken back: {}", crate::chain(&failure));
                Vec::new()
            }
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
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
        flush(&ground).await;
    }
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
