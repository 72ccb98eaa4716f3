//! Secrets: named by environment variable or file, never written in the configuration.

use std::{fmt, fs, path::Path};

use crate::{fault::Wrong, profile::Profile, reader::At, table::Table};

/// Shorter ones can be guessed: 256 bits, as RFC 7518 section 3.2 asks of HS256 keys (D1, A12).
pub const SECRET_BYTES_MIN: usize = 32;

/// Far above any key; a larger file is the wrong file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

const HOW_TO_MAKE_ONE: &str = "openssl rand -hex 32";

/// Bytes that must not be seen. Not printed, not even for debugging.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes. Compare them in constant time.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Which secrets may be short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strength {
    /// A fault in any profile.
    Always,
    /// A fault in production, a warning in development.
    Production(Profile),
}

/// Reads `{ env = "NAME" }` or `{ file = "PATH" }` at `key`.
pub(crate) fn read(
    table: &mut Table<'_>,
    key: &'static str,
    strength: Strength,
    says: &'static str,
) -> Option<Secret> {
    let remedy = "Write { env = \"NAME\" } or { file = \"PATH\" }, and treat this one as leaked.";
    if table.refuses_text(key, Wrong::new("a secret is written in the file", remedy)) {
        return None;
    }
    let at = table.at(key);
    let reading = table.reading();
    let secret = table.maybe_table(key, says, |it| source(it, &at, true))??;
    if secret.0.len() < SECRET_BYTES_MIN {
        let what = format!("{} bytes are too short for a secret", secret.0.len());
        let remedy = format!("Take at least {SECRET_BYTES_MIN} bytes: {HOW_TO_MAKE_ONE}");
        let wrong = Wrong::new(what, remedy);
        match strength {
            Strength::Always | Strength::Production(Profile::Production) => {
                reading.fault(&at, wrong);
                return None;
            }
            Strength::Production(Profile::Development) => reading.warn(&at, wrong),
        }
    }
    Some(secret)
}

/// The same for what is no secret but comes from the same places: a public key in PEM.
pub(crate) fn read_public(
    table: &mut Table<'_>,
    key: &'static str,
    says: &'static str,
) -> Option<Vec<u8>> {
    let at = table.at(key);
    let secret = table.maybe_table(key, says, |it| source(it, &at, false))??;
    Some(secret.0)
}

fn source(table: &mut Table<'_>, at: &At, is_secret: bool) -> Option<Secret> {
    let variable = table.maybe::<String>("env", "The environment variable that holds it.");
    let file = table.maybe::<std::path::PathBuf>(
        "file",
        "The file that holds it, relative to the configuration's folder. A line break at its end \
         is not part of it.",
    );
    match (variable, file) {
        (Some(name), None) => from_variable(table, at, &name, is_secret),
        (None, Some(path)) => {
            let path = table.resolve("file", &path);
            match read_file(&path) {
                Ok(bytes) => Some(Secret(bytes)),
                Err(wrong) => {
                    table.fault("file", wrong);
                    None
                }
            }
        }
        // One of them was written and is faulty, which has been told already.
        (None, None) if table.has("env") != table.has("file") => None,
        (None, None) | (Some(_), Some(_)) => {
            let remedy = "Write { env = \"NAME\" } or { file = \"PATH\" }.";
            table.reading().fault(at, Wrong::new("needs either env or file", remedy));
            None
        }
    }
}

fn from_variable(table: &Table<'_>, at: &At, name: &str, is_secret: bool) -> Option<Secret> {
    let is_fit = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    if !name.bytes().all(is_fit) || name.starts_with(|it: char| it.is_ascii_digit()) {
        // Not repeated: it may be the secret itself.
        let remedy = "Write the name of a variable, such as \"TIDEGATE_SECRET\".";
        table.fault("env", Wrong::new("not the name of a variable", remedy));
        return None;
    }
    if let Some(text) = table.reading().surroundings().variable(name) {
        return Some(Secret(text.trim_end_matches(['\r', '\n']).into()));
    }
    let remedy = if is_secret {
        format!("Set it, for instance with: export {name}=$({HOW_TO_MAKE_ONE})")
    } else {
        "Set it to the text of a PEM file.".to_owned()
    };
    table.reading().fault(at, Wrong::new(format!("the variable {name} is not set"), remedy));
    None
}

/// A file's bytes without the line break at its end.
fn read_file(path: &Path) -> Result<Vec<u8>, Wrong> {
    let failed = |error: std::io::Error| {
        let what = format!("{} cannot be read: {error}", path.display());
        Wrong::new(what, "Check the path and that this user may read it.")
    };
    let size = fs::metadata(path).map_err(failed)?.len();
    if FILE_BYTES_MAX < size {
        let what = format!("{} has {size} bytes", path.display());
        return Err(Wrong::new(what, "That is no key; check the path."));
    }
    let mut bytes = fs::read(path).map_err(failed)?;
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(bytes)
}

/// A file that someone else will read later must be there and readable now.
pub(crate) fn readable(table: &Table<'_>, key: &'static str) -> impl Fn(&Path) -> bool {
    let (at, reading) = (table.at(key), table.reading());
    move |path| match fs::File::open(path).and_then(|it| it.metadata()) {
        Ok(found) if found.is_file() => true,
        Ok(_) => {
            let wrong = Wrong::new(format!("{} is no file", path.display()), "Name a PEM file.");
            reading.fault(&at, wrong);
            false
        }
        Err(error) => {
            let what = format!("{} cannot be read: {error}", path.display());
            let remedy = "Check the path and that this user may read it.";
            reading.fault(&at, Wrong::new(what, remedy));
            false
        }
    }
}
