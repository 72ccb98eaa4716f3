//! One reading of one file: the faults found, and the keys that were asked for.
//!
//! Asking is all there is to it: a key that nobody asked for is unknown, and the documentation is
//! what was asked for. So every key is asked for whether or not it will be used, and each question
//! carries the sentence that explains it. To *explain* is to read with nothing there: lists and
//! named tables are then visited once, with a placeholder.

use std::{cell::RefCell, collections::BTreeSet};

use toml::de::DeTable;

use crate::{
    explain::Key,
    fault::{Fault, Place, Source, Wrong, suggest},
    surroundings::Surroundings,
    table::Table,
};

/// One reading of one file.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    source: Source<'a>,
    surroundings: &'a Surroundings,
    explaining: bool,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    keys: RefCell<Vec<Key>>,
    /// Variables that stand for a key, whether set or not.
    variables: RefCell<BTreeSet<String>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(source: Source<'a>, surroundings: &'a Surroundings) -> Self {
        Self {
            source,
            surroundings,
            explaining: false,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            keys: RefCell::default(),
            variables: RefCell::default(),
        }
    }

    /// A reading of nothing, for the sake of its questions.
    pub(crate) fn explaining(surroundings: &'a Surroundings) -> Self {
        let source = Source { file: "", text: "" };
        Self { explaining: true, ..Self::new(source, surroundings) }
    }

    pub(crate) fn is_explaining(&self) -> bool {
        self.explaining
    }

    pub(crate) fn surroundings(&self) -> &'a Surroundings {
        self.surroundings
    }

    pub(crate) fn fault(&self, at: &At, wrong: Wrong) {
        self.faults.borrow_mut().push(self.complaint(at, wrong));
    }

    pub(crate) fn warn(&self, at: &At, wrong: Wrong) {
        self.warnings.borrow_mut().push(self.complaint(at, wrong));
    }

    fn complaint(&self, at: &At, wrong: Wrong) -> Fault {
        let offset = wrong.span.map_or(at.offset, |it| it.start);
        let place = match &at.variable {
            Some(name) => Place::Variable(name.clone()),
            None => self.source.place(offset),
        };
        let key = format!("{}{}", at.key, wrong.below);
        Fault { place, key, wrong: wrong.what, remedy: wrong.remedy }
    }

    /// Reads the whole document. What `read` does not ask for is a fault.
    pub(crate) fn document<T>(
        &'a self,
        root: Option<&'a DeTable<'a>>,
        read: impl FnOnce(&mut Table<'a>) -> T,
    ) -> T {
        Table::read_all(self, String::new(), 0, root, None, read)
    }

    /// A variable with this prefix that stands for no key is a fault, like an unknown key.
    pub(crate) fn refuse_unknown_variables(&self, prefix: &str) {
        let variables = self.variables.borrow();
        let known: Vec<&str> = variables.iter().map(String::as_str).collect();
        for name in self.surroundings.variables(prefix).filter(|it| !variables.contains(*it)) {
            let at = At { variable: Some(name.to_owned()), ..At::default() };
            self.fault(&at, Wrong::new("no key of this name", suggest(name, &known)));
        }
    }

    /// A key was asked for, which this variable can override.
    pub(crate) fn asked(&self, key: Key, variable: Option<String>) {
        self.variables.borrow_mut().extend(variable);
        if self.explaining {
            self.keys.borrow_mut().push(key);
        }
    }

    /// Everything found: faults, warnings, and the keys that were asked for. Faults are in the
    /// order of the file, then those of the environment.
    pub(crate) fn finish(self) -> (Vec<Fault>, Vec<Fault>, Vec<Key>) {
        let mut faults = self.faults.into_inner();
        let mut warnings = self.warnings.into_inner();
        faults.sort_by(|a, b| a.place.cmp(&b.place));
        warnings.sort_by(|a, b| a.place.cmp(&b.place));
        (faults, warnings, self.keys.into_inner())
    }
}

/// Where a key stands, so that something can be said about it later.
#[derive(Clone, Debug, Default)]
pub(crate) struct At {
    pub(crate) key: String,
    /// In bytes from the start of the file.
    pub(crate) offset: usize,
    pub(crate) variable: Option<String>,
}
