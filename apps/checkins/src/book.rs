//! The file everything is written in, and the one way to it from asynchronous code.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use thiserror::Error;
use tokio::{
    sync::Mutex,
    task::{JoinError, spawn_blocking},
};

use crate::form::{self, FORM};

/// The database. Cheap to clone; all clones share one connection.
#[derive(Clone, Debug)]
pub(crate) struct Book(Arc<Mutex<Connection>>);

/// Why the application could not start. For the operator.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("create directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("open check-ins in {}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error(
        "{} was written by a newer version (form {found}, known {}): upgrade, or move it away",
        path.display(),
        FORM
    )]
    Newer { path: PathBuf, found: i64 },
}

/// Why the database did not answer. For the operator; clients are told only that it did not.
#[derive(Debug, Error)]
pub(crate) enum BookError {
    #[error("ask the check-ins database")]
    Database(#[from] rusqlite::Error),
    #[error("wait for the check-ins database")]
    Broken(#[from] JoinError),
}

impl Book {
    /// Opens `<data_dir>/checkins.db`, making what is missing, and lets `prepare` at it first.
    pub(crate) fn open<T>(
        data_dir: &Path,
        prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<(Self, T), OpenError> {
        fs::create_dir_all(data_dir)
            .map_err(|source| OpenError::Directory { path: data_dir.to_owned(), source })?;
        let path = data_dir.join("checkins.db");
        let failed = |source| OpenError::Open { path: path.clone(), source };

        let mut db = Connection::open(&path).map_err(failed)?;
        let found = configure(&db).map_err(failed)?;
        if FORM < found {
            return Err(OpenError::Newer { path, found });
        }
        form::bring(&mut db, found).map_err(failed)?;
        let prepared = prepare(&mut db).map_err(failed)?;
        Ok((Self(Arc::new(Mutex::new(db))), prepared))
    }

    /// Runs `work` on a thread that may wait for the disk.
    ///
    /// One question at a time, in the order asked: whoever waits holds no thread. Work that was
    /// begun is finished even if the asker is gone by then.
    pub(crate) async fn ask<T, W>(&self, work: W) -> Result<T, BookError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let mut db = self.0.clone().lock_owned().await;
        Ok(spawn_blocking(move || work(&mut db)).await??)
    }
}

/// Answers the form found, 0 in an empty file.
fn configure(db: &Connection) -> rusqlite::Result<i64> {
    // Long enough for a backup to finish its page, short enough for a person to wait.
    db.busy_timeout(Duration::from_secs(5))?;
    // More than all there are, so that none is parsed twice.
    db.set_prepared_statement_cache_capacity(64);
    // FULL: a check-in that was confirmed is on the disk even if the power goes with the next
    // breath.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}
