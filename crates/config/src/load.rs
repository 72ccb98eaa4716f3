//! The way in: a file or a text, parsed and read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;
use toml::de::DeTable;

use crate::{
    config::{self, Config},
    fault::{Fault, Faults, Source},
    reader::Reading,
    surroundings::Surroundings,
};

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("read configuration {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Faulty(Faults),
}

/// Reads the file, with the process's environment.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    load_in(path, &Surroundings::of_process(path))
}

/// Reads the file, with these surroundings.
pub fn load_in(path: &Path, surroundings: &Surroundings) -> Result<Config, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    load_text(&path.display().to_string(), &text, surroundings).map_err(LoadError::Faulty)
}

/// Reads a text; `file` is its name in faults.
///
/// Where the text is not even TOML, only that is told: what would be found in the remains might not
/// be what was meant.
pub fn load_text(file: &str, text: &str, surroundings: &Surroundings) -> Result<Config, Faults> {
    let source = Source { file, text };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| Fault {
            place: source.place(error.span().map_or(0, |it| it.start)),
            key: String::new(),
            wrong: format!("not TOML: {}", error.message()),
            remedy: "See https://toml.io for how it is written.".to_owned(),
        };
        return Err(Faults(errors.iter().map(fault).collect()));
    }
    let reading = Reading::new(source, surroundings);
    let config = config::read(&reading, Some(document.get_ref()));
    let (faults, warnings, _) = reading.finish();
    match config {
        Some(config) if faults.is_empty() => Ok(Config { warnings, ..config }),
        _ => Err(Faults(faults)),
    }
}
