//! `[log]`: how much is written, and in which form.

use crate::{
    fault::{Wrong, suggest},
    table::Table,
    value::{Choice, Raw, Value, text},
};

/// The log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    /// A level, or several for parts of the program: `info,net=debug`. Each level is known.
    pub level: String,
    pub format: Format,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    Text,
    Json,
}

impl Choice for Format {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];

struct Level(String);

impl Value for Level {
    fn kind() -> String {
        "level".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let written = text(raw, "a level", "Write \"info\", or \"info,net=debug\".")?;
        for part in written.split(',') {
            let level = part.rsplit('=').next().unwrap_or(part).trim();
            if !LEVELS.contains(&level) {
                let what = format!("{level:?} is no level");
                return Err(vec![Wrong::new(what, suggest(level, LEVELS))]);
            }
        }
        Ok(Self(written.to_owned()))
    }

    fn show(&self) -> String {
        format!("{:?}", self.0)
    }
}

pub(crate) fn read(table: &mut Table<'_>) -> Log {
    let level = table.or(
        "level",
        Level("info".to_owned()),
        "`error`, `warn`, `info`, `debug` or `trace`; for parts of the program too: \
         `\"info,net=debug\"`. What users wrote appears at `debug` only, tokens never.",
    );
    let format = table.or("format", Format::Text, "One line of text, or one line of JSON.");
    Log { level: level.0, format }
}
