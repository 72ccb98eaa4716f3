//! All keys, from the code that asks for them, and the page that lists them.

use std::fmt::Write as _;

use crate::{config, reader::Reading, surroundings::Surroundings};

/// One key of the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// `routes[].limits.messages`; `NAME` and `[]` stand for what the writer chooses.
    pub path: String,
    /// What it holds, in Markdown.
    pub kind: String,
    /// Its default, `required`, `none`, or nothing for tables.
    pub default: String,
    /// One sentence or two.
    pub says: &'static str,
}

/// Every key, in the order in which they are read.
pub fn explain() -> Vec<Key> {
    let surroundings = Surroundings::default();
    let reading = Reading::explaining(&surroundings);
    config::read(&reading, None);
    reading.finish().2
}

const PREFACE: &str = include_str!("preface.md");

/// The page `docs/configuration.md`.
pub fn page() -> String {
    let mut page = format!("{}\n", PREFACE.trim_end());
    let mut section = String::new();
    for key in explain() {
        let first = key.path.split(['.', '[']).next().unwrap_or(&key.path);
        if section != first {
            section = first.to_owned();
            let _ = write!(page, "\n## {section}\n\n");
            if key.path == section && key.kind.contains("table") {
                let _ = write!(page, "{}\n\n", key.says);
                page.push_str(HEAD);
                continue;
            }
            page.push_str(HEAD);
        }
        let kind = key.kind.replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {kind} | {} | {} |", key.path, key.default, key.says);
    }
    page
}

const HEAD: &str = "| key | holds | default | meaning |\n| --- | --- | --- | --- |\n";
