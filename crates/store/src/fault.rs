//! What the world does to a store, for the operator; and which of it means damage.

use std::{io, path::PathBuf};

use rusqlite::{ErrorCode, ffi};
use thiserror::Error;

use crate::schema::VERSION;

/// A store could not be opened. Damage is no reason: what is damaged is moved aside.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("create data directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("lock {}", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("lock {}: another process has this data directory open", path.display())]
    Locked { path: PathBuf },
    #[error("open store {}: version {version}, known is {VERSION}", path.display())]
    Newer { path: PathBuf, version: i64 },
    #[error("open store {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("move damaged store {} aside", path.display())]
    Aside { path: PathBuf, source: io::Error },
    #[error("start the store's threads")]
    Thread { source: io::Error },
}

/// Rows could not be read.
#[derive(Debug, Error)]
#[error("read the store")]
pub struct ReadError {
    #[from]
    source: rusqlite::Error,
}

/// What went wrong with the file.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Its content is not what was written.
    Damaged(String),
    /// It was written by a later version.
    Newer(i64),
    /// The system would not let us.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match is_damage(&error) {
            true => Self::Damaged(error.to_string()),
            false => Self::Failed(error),
        }
    }
}

/// Whether the error speaks of what is in the file rather than of the system around it. Our
/// statements are right, so one that SQLite does not understand means that the schema is not ours.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    let Some(failure) = error.sqlite_error() else { return true };
    // A part of the file that the disk cannot read any more is as good as gone.
    let unreadable = [
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_IOERR_SHORT_READ,
        ffi::SQLITE_IOERR_DATA,
        ffi::SQLITE_IOERR_CORRUPTFS,
    ];
    if unreadable.contains(&failure.extended_code) {
        return true;
    }
    let code = failure.code;
    matches!(
        code,
        ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::Unknown
            | ErrorCode::TooBig
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
    )
}
