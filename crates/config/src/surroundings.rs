//! What a configuration depends on besides its file: the environment and the file's folder.
//!
//! Taken as a value, so that tests set no variable of the process and two loads cannot disagree.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The environment, and the folder that relative paths in the file start from.
#[derive(Clone, Default)]
pub struct Surroundings {
    variables: BTreeMap<String, String>,
    /// Where the configuration file is.
    pub folder: PathBuf,
}

impl Surroundings {
    pub fn new(variables: BTreeMap<String, String>, folder: impl Into<PathBuf>) -> Self {
        Self { variables, folder: folder.into() }
    }

    /// The process's environment, and the folder of `file`.
    ///
    /// Variables that are not Unicode are passed over: none of ours can be.
    pub fn of_process(file: &Path) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
            .collect();
        Self::new(variables, file.parent().unwrap_or(Path::new("")))
    }

    /// As if the variable had been set, for what the command line overrides.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.variables.insert(name.to_owned(), text.into());
    }

    /// A variable's text. One that is empty counts as unset.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    pub(crate) fn variables<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s str> {
        self.variables.keys().map(String::as_str).filter(move |it| it.starts_with(prefix))
    }
}

/// Names only: among the texts are secrets.
impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.variables.keys().map(String::as_str).collect();
        f.debug_struct("Surroundings")
            .field("variables", &names)
            .field("folder", &self.folder)
            .finish()
    }
}
