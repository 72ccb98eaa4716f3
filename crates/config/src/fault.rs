//! What is wrong with a configuration: where, which key, what, and what to do.
//!
//! Faults are collected, never thrown one by one: whoever edits the file should see all of them at
//! once. A fault never repeats the value of a secret.

use std::{fmt, ops::Range};

/// One fault, or one warning.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    pub place: Place,
    /// The key's full path: `routes[2].limits.messages`. Empty for what concerns no key.
    pub key: String,
    /// What is wrong, without a full stop.
    pub wrong: String,
    /// What to do, as a sentence.
    pub remedy: String,
}

/// Where the faulty value was written.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// In the file. Lines and columns count from 1, columns in characters.
    File { file: String, line: usize, column: usize },
    /// In an environment variable.
    Variable(String),
}

/// Everything that is wrong, in the order of the file. Never empty as an error.
///
/// Printed as one line of `file:line:column: key: what` and one indented line of remedy each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Variable(name) => write!(f, "environment {name}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n    {}", self.wrong, self.remedy)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// What is wrong with one value, before it is known where and under which key it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    /// Below the key: `[1]` for a list's second item. Usually empty.
    pub(crate) below: String,
    /// Where, if more exact than the whole value.
    pub(crate) span: Option<Range<usize>>,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { below: String::new(), span: None, what: what.into(), remedy: remedy.into() }
    }
}

/// A file's name and text, to turn byte offsets into lines and columns.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    pub(crate) fn place(&self, offset: usize) -> Place {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |it| it + 1);
        Place::File {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The known word that was most likely meant, if one is near enough to say so.
pub(crate) fn nearest<'w>(written: &str, known: &[&'w str]) -> Option<&'w str> {
    let written = written.to_lowercase();
    let distance = |it: &str| strsim::damerau_levenshtein(&written, &it.to_lowercase());
    let (distance, word) = known.iter().map(|it| (distance(it), *it)).min()?;
    // A third of the word may be wrong; a word of three letters may miss one.
    (distance <= (written.chars().count().max(word.chars().count()) / 3).max(1)).then_some(word)
}

/// A longer list is not read.
const WORDS_MAX: usize = 10;

/// The remedy for a word that is not known: the nearest one, or all of them if there are few.
pub(crate) fn suggest(written: &str, known: &[&str]) -> String {
    if let Some(word) = nearest(written, known) {
        return format!("Did you mean \"{word}\"?");
    }
    if known.is_empty() {
        return "Nothing is known here; remove it.".to_owned();
    }
    if WORDS_MAX < known.len() {
        return "docs/configuration.md lists what is known here.".to_owned();
    }
    let words: Vec<String> = known.iter().map(|it| format!("\"{it}\"")).collect();
    format!("Known here: {}.", words.join(", "))
}
