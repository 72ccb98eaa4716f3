//! The database's file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;
use thiserror::Error;

/// The database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Its directory is not there and cannot be made.
    #[error("create data directory {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no database, or cannot be written to.
    #[error("open database {}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A later release has written it.
    #[error("open database {}: version {version}, known is {VERSION}", path.display())]
    Version {
        /// Which.
        path: PathBuf,
        /// What it says.
        version: i64,
    },
    /// Nothing can answer for it.
    #[error("start the chat's thread")]
    Thread {
        /// Why.
        source: io::Error,
    },
}

/// Of `schema.sql`.
const VERSION: i64 = 1;

/// Opens or creates `<data_dir>/chat.db`, with its tables.
pub(crate) fn open(data_dir: &Path) -> Result<Connection, OpenError> {
    fs::create_dir_all(data_dir)
        .map_err(|source| OpenError::Directory { path: data_dir.to_owned(), source })?;
    let path = data_dir.join("chat.db");
    let failed = |source| OpenError::Database { path: path.clone(), source };
    let db = Connection::open(&path).map_err(failed)?;
    db.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    // Answers with the mode it has chosen, and is therefore a query.
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(())).map_err(failed)?;
    // What is confirmed is on the disk.
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;
    match db.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(failed)? {
        0 => db
            .execute_batch(concat!("BEGIN;", include_str!("schema.sql"), "COMMIT;"))
            .map_err(failed)?,
        VERSION => {}
        version => return Err(OpenError::Version { path, version }),
    }
    Ok(db)
}

/// Does not wait until the disk has it: some 0.1 instead of 3 ms. For what is said again after the
/// power has gone (who is here, whom a message has reached); whatever is written otherwise brings
/// to the disk all that was written before it.
pub(crate) fn unsynced<T>(
    db: &mut Connection,
    write: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute_batch("PRAGMA synchronous = NORMAL")?;
    let written = write(db);
    // Were this to fail unheard, later answers would come before the disk has what they confirm.
    db.execute_batch("PRAGMA synchronous = FULL")?;
    written
}
