//! A store seen from outside, by another process than the one that has it open.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use thiserror::Error;

use crate::schema;

/// A store could not be looked at.
#[derive(Debug, Error)]
pub enum InspectError {
    #[error("there is no store {}", path.display())]
    Missing { path: PathBuf },
    #[error("read store {}", path.display())]
    Read { path: PathBuf, source: rusqlite::Error },
    #[error("{} exists already; a backup replaces nothing", path.display())]
    Exists { path: PathBuf },
    #[error("write backup {}", path.display())]
    Write { path: PathBuf, source: rusqlite::Error },
    #[error("finish backup {}", path.display())]
    Finish { path: PathBuf, source: std::io::Error },
}

/// Opens the store of a data directory to read it.
pub(crate) fn open(dir: &Path) -> Result<(PathBuf, Connection), InspectError> {
    let path = dir.join(schema::FILE);
    if !path.exists() {
        return Err(InspectError::Missing { path });
    }
    match schema::open_to_read(&path) {
        Ok(db) => Ok((path, db)),
        Err(source) => Err(InspectError::Read { path, source }),
    }
}
