//! The database: one connection, owned by one thread, asked through a bounded queue.
//!
//! In WAL with `synchronous=FULL` an answer to a change means that the disk has it.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use proto::{Code, Refusal};
use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Ends its thread, after what was asked before, when dropped.
#[derive(Debug)]
pub(crate) struct Store {
    questions: mpsc::Sender<Question>,
}

type Question = Box<dyn FnOnce(&mut Connection) + Send>;

/// The database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("create data directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("open database {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("open database {}: version {version}, known is {VERSION}", path.display())]
    Version { path: PathBuf, version: i64 },
    #[error("start the database's thread")]
    Thread { source: io::Error },
}

/// Of `schema.sql`.
const VERSION: i64 = 2;

impl Store {
    /// Questions that may wait. At 20 microseconds a read and a few milliseconds a synced write,
    /// the last of them is answered within a few seconds; more would only be answered too late.
    const QUESTIONS_MAX: usize = 1024;

    /// Runs the thread. `db` comes from [`open`].
    pub(crate) fn start(db: Connection) -> Result<Self, OpenError> {
        let (questions, asked) = mpsc::channel(Self::QUESTIONS_MAX);
        thread::Builder::new()
            .name("notifications".to_owned())
            .spawn(move || answer(db, asked))
            .map_err(|source| OpenError::Thread { source })?;
        Ok(Self { questions })
    }

    /// Asks the database. `BUSY` when too much waits; `APP_FAILED` when the database failed, which
    /// is logged here, once.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (told, answer) = oneshot::channel();
        // Whoever asked may have left meanwhile; the answer is then nobody's.
        let question: Question = Box::new(move |db| drop(told.send(question(db))));
        self.questions.try_send(question).map_err(|fault| match fault {
            mpsc::error::TrySendError::Full(_) => Refusal::new(Code::Busy),
            mpsc::error::TrySendError::Closed(_) => Refusal::new(Code::AppFailed),
        })?;
        let answer = answer.await.map_err(|_| Refusal::new(Code::AppFailed))?;
        answer.map_err(|fault| {
            tracing::warn!(%fault, "the notifications database failed");
            Refusal::new(Code::AppFailed)
        })
    }
}

/// Opens or creates `<data_dir>/notifications.db`, with its tables.
pub(crate) fn open(data_dir: &Path) -> Result<Connection, OpenError> {
    fs::create_dir_all(data_dir)
        .map_err(|source| OpenError::Directory { path: data_dir.to_owned(), source })?;
    let path = data_dir.join("notifications.db");
    let failed = |source| OpenError::Database { path: path.clone(), source };

    let db = Connection::open(&path).map_err(failed)?;
    db.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    // Answers with the mode it has chosen, and is therefore a query.
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(())).map_err(failed)?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;

    match db.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(failed)? {
        0 => {
            let schema = concat!("BEGIN;", include_str!("schema.sql"), "COMMIT;");
            db.execute_batch(schema).map_err(failed)?;
        }
        1 => {
            let upgrade = concat!(
                "BEGIN;",
                include_str!("upgrade.sql"),
                include_str!("schema.sql"),
                include_str!("upgraded.sql"),
                "COMMIT;"
            );
            db.execute_batch(upgrade).map_err(failed)?;
        }
        VERSION => {}
        version => return Err(OpenError::Version { path, version }),
    }
    Ok(db)
}

/// A bug in one question ends that question; its transaction is rolled back as the stack unwinds.
fn answer(mut db: Connection, mut asked: mpsc::Receiver<Question>) {
    while let Some(question) = asked.blocking_recv() {
        if catch_unwind(AssertUnwindSafe(|| question(&mut db))).is_err() {
            tracing::error!("a question to the notifications database panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bug_in_one_question_is_not_the_end_of_the_next() {
        let store = Store::start(Connection::open_in_memory().unwrap()).unwrap();
        let bug = store.ask(|_| -> rusqlite::Result<()> { panic!("as intended") }).await;
        assert_eq!(bug.unwrap_err().code, Code::AppFailed);
        assert_eq!(store.ask(|db| db.query_row("SELECT 7", (), |row| row.get(0))).await, Ok(7));
    }

    #[tokio::test]
    async fn a_database_that_fails_is_told_without_its_reasons() {
        let store = Store::start(Connection::open_in_memory().unwrap()).unwrap();
        let failure = store.ask(|db| db.execute("DELETE FROM nowhere", ())).await.unwrap_err();
        assert_eq!(failure, Refusal::new(Code::AppFailed));
    }

    #[tokio::test]
    async fn when_too_much_waits_the_next_is_told_busy() {
        let store = Store::start(Connection::open_in_memory().unwrap()).unwrap();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (begun, running) = std::sync::mpsc::channel();
        let first = store.ask(move |_| {
            begun.send(()).expect("the test waits for it");
            Ok(gate.recv().is_ok())
        });
        let mut first = Box::pin(first);
        assert!(once(&mut first).is_none());
        running.recv().expect("the first question has begun");

        let mut queued: Vec<_> =
            (0..Store::QUESTIONS_MAX).map(|_| Box::pin(store.ask(|_| Ok(())))).collect();
        assert!(queued.iter_mut().all(|it| once(it).is_none()));
        assert_eq!(store.ask(|_| Ok(())).await.unwrap_err().code, Code::Busy);

        go.send(()).expect("the first question waits for it");
        assert_eq!(first.await, Ok(true));
    }

    /// One look at a future.
    fn once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let dir = std::env::temp_dir().join(format!("notifications-newer-{}", std::process::id()));
        open(&dir).unwrap().execute_batch("PRAGMA user_version = 3").unwrap();
        assert!(matches!(open(&dir), Err(OpenError::Version { version: 3, .. })));
        fs::remove_dir_all(&dir).unwrap();
    }
}
