//! One process to a data directory (L16).

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use crate::fault::OpenError;

/// Held for as long as it lives, and not longer than the process.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(dir)
            .map_err(|source| OpenError::Directory { path: dir.to_owned(), source })?;
        let path = dir.join("tidegate.lock");
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(source) => return Err(OpenError::Lock { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(OpenError::Lock { path, source }),
        }
    }
}
