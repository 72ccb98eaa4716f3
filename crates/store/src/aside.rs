//! A file that cannot be trusted, moved out of the way and kept.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use proto::UnixTime;

use crate::fault::OpenError;

/// Moves the file and what belongs to it to `<file>.damaged-<seconds>`. Returns that name.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf, OpenError> {
    let mut seconds = UnixTime::from(SystemTime::now()).0;
    let mut aside = with_suffix(path, &format!(".damaged-{seconds}"));
    while aside.exists() {
        seconds += 1;
        aside = with_suffix(path, &format!(".damaged-{seconds}"));
    }
    for suffix in ["-shm", "-wal", ""] {
        let (from, to) = (with_suffix(path, suffix), with_suffix(&aside, suffix));
        match fs::rename(&from, to) {
            Err(error) if suffix.is_empty() || error.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::Aside { path: from, source: error });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

/// The path with something at its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
