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
        "{} was written by a newer version (form {found}, known {FORM}): upgrade, or move it away",
        path.display()
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
        create(&mut db, found).map_err(failed)?;
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

/// Which form the tables have, written in the file.
const FORM: i64 = 2;

/// Answers the form found, 0 in an empty file.
fn configure(db: &Connection) -> rusqlite::Result<i64> {
    // Long enough for a backup to finish its page, short enough for a person to wait.
    db.busy_timeout(Duration::from_secs(5))?;
    // FULL: a check-in that was confirmed is on the disk even if the power goes with the next
    // breath.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn create(db: &mut Connection, found: i64) -> rusqlite::Result<()> {
    if found == FORM {
        return Ok(());
    }
    let tx = db.transaction()?;
    if found == 1 {
        tx.execute_batch(AWAY_FROM_1)?;
    }
    tx.execute_batch(TABLES)?;
    if found == 1 {
        tx.execute_batch(BACK_FROM_1)?;
    }
    tx.pragma_update(None, "user_version", FORM)?;
    tx.commit()
}

/// In form 1 users were numbers.
const AWAY_FROM_1: &str = "
    DROP INDEX one_open;
    DROP INDEX by_time;
    DROP INDEX by_member;
    ALTER TABLE check_ins RENAME TO old_check_ins;
    ALTER TABLE users RENAME TO old_users;
";
const BACK_FROM_1: &str = "
    INSERT INTO users (id, username, full_name, role, active, member_id)
        SELECT CAST(id AS TEXT), username, full_name, role, active, member_id FROM old_users;
    INSERT INTO check_ins
        SELECT id, member_id, location, notes, check_in_time, check_out_time,
               CAST(checked_in_by AS TEXT)
        FROM old_check_ins;
    DROP TABLE old_check_ins;
    DROP TABLE old_users;
";

/// Times are milliseconds since 1970 (UTC), but `role_stated_at` is what tokens have: seconds.
/// `one_open` is what makes a second check-in of someone
/// who is in impossible, however many ask at once and by whatever process.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS members (
        id TEXT PRIMARY KEY,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL,
        membership_type TEXT NOT NULL DEFAULT '',
        membership_number TEXT NOT NULL UNIQUE,
        barcode TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL DEFAULT '',
        role TEXT NOT NULL CHECK (role IN ('admin', 'staff', 'trainer', 'member')),
        role_stated_at INTEGER NOT NULL DEFAULT 0,
        active INTEGER NOT NULL DEFAULT 1,
        member_id TEXT REFERENCES members (id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS check_ins (
        id TEXT PRIMARY KEY,
        member_id TEXT NOT NULL REFERENCES members (id),
        location TEXT NOT NULL,
        notes TEXT NOT NULL,
        check_in_time INTEGER NOT NULL,
        check_out_time INTEGER,
        checked_in_by TEXT REFERENCES users (id)
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS one_open
        ON check_ins (member_id) WHERE check_out_time IS NULL;
    CREATE INDEX IF NOT EXISTS by_time ON check_ins (check_in_time);
    CREATE INDEX IF NOT EXISTS by_member ON check_ins (member_id, check_in_time);
";
