//! One table of a file, asked key by key.

use std::{
    borrow::Cow,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use crate::{
    explain::Key,
    fault::{Wrong, suggest},
    reader::{At, Reading},
    value::{Raw, Value, mismatch},
};

/// One table being read.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    reading: &'a Reading<'a>,
    path: String,
    /// Where the table itself stands: the place of what is missing in it.
    offset: usize,
    entries: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
    /// `TIDEGATE_SERVER_`: keys may also be given as variables of this prefix.
    prefix: Option<&'static str>,
}

/// A value and where it was found.
struct Found<'a> {
    at: At,
    raw: Cow<'a, Raw<'a>>,
}

impl<'a> Table<'a> {
    pub(crate) fn read_all<T>(
        reading: &'a Reading<'a>,
        path: String,
        offset: usize,
        entries: Option<&'a DeTable<'a>>,
        prefix: Option<&'static str>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut table = Self { reading, path, offset, entries, asked: Vec::new(), prefix };
        let value = read(&mut table);
        table.refuse_unknown();
        value
    }

    pub(crate) fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// A key that must be there.
    pub(crate) fn need<T: Value>(&mut self, key: &'static str, says: &'static str) -> Option<T> {
        self.explain(key, T::kind(), "required".to_owned(), says);
        let Some(found) = self.found(key) else {
            let remedy = format!("Add {key} = …. {says}");
            self.fault(key, Wrong::new("is missing", remedy));
            return None;
        };
        self.read_value(&found)
    }

    /// A key with a default.
    pub(crate) fn or<T: Value>(&mut self, key: &'static str, default: T, says: &'static str) -> T {
        self.explain(key, T::kind(), format!("`{}`", default.show()), says);
        self.found(key).and_then(|it| self.read_value(&it)).unwrap_or(default)
    }

    /// A key with a default and bounds, both included.
    pub(crate) fn within<T: Value + PartialOrd>(
        &mut self,
        key: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
        says: &'static str,
    ) -> T {
        self.explain(key, kind_within(&bounds), format!("`{}`", default.show()), says);
        self.bounded(key, &bounds).unwrap_or(default)
    }

    /// A key with bounds that may be absent; `says` tells what happens then.
    pub(crate) fn maybe_within<T: Value + PartialOrd>(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<T>,
        says: &'static str,
    ) -> Option<T> {
        self.explain(key, kind_within(&bounds), "none".to_owned(), says);
        self.bounded(key, &bounds)
    }

    fn bounded<T: Value + PartialOrd>(
        &self,
        key: &'static str,
        bounds: &RangeInclusive<T>,
    ) -> Option<T> {
        let found = self.found(key)?;
        let value = self.read_value::<T>(&found)?;
        if bounds.contains(&value) {
            return Some(value);
        }
        let what = format!("{} is out of bounds", value.show());
        let remedy = format!("Write something {}.", range(bounds));
        self.reading.fault(&found.at, Wrong::new(what, remedy));
        None
    }

    /// A key that may be absent; `says` tells what happens then.
    pub(crate) fn maybe<T: Value>(&mut self, key: &'static str, says: &'static str) -> Option<T> {
        self.explain(key, T::kind(), "none".to_owned(), says);
        self.found(key).and_then(|it| self.read_value(&it))
    }

    /// A table that is read whether or not it is there: all its keys have defaults.
    pub(crate) fn table<T>(
        &mut self,
        key: &'static str,
        says: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.table_or_variables(key, None, says, read)
    }

    /// The same, where keys may also be given as variables of this prefix.
    pub(crate) fn table_or_variables<T>(
        &mut self,
        key: &'static str,
        prefix: Option<&'static str>,
        says: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.explain(key, "table".to_owned(), String::new(), says);
        let (entries, offset) = self.entry(key).and_then(|raw| self.entries_of(key, raw)).unzip();
        let offset = offset.unwrap_or(self.offset);
        Table::read_all(self.reading, self.full(key), offset, entries, prefix, read)
    }

    /// A table that is read whether or not it is there, unless `"none"` stands in its place.
    pub(crate) fn table_or_none<T>(
        &mut self,
        key: &'static str,
        says: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.entry(key).is_some_and(|it| it.get_ref().as_str() == Some("none")) {
            self.asked.push(key);
            return None;
        }
        Some(self.table(key, says, read))
    }

    /// A table that is read only if it is there.
    pub(crate) fn maybe_table<T>(
        &mut self,
        key: &'static str,
        says: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.explain(key, "table".to_owned(), "none".to_owned(), says);
        let path = self.full(key);
        if self.reading.is_explaining() {
            return Some(Table::read_all(self.reading, path, 0, None, None, read));
        }
        let (entries, offset) = self.entry(key).and_then(|raw| self.entries_of(key, raw))?;
        Some(Table::read_all(self.reading, path, offset, Some(entries), None, read))
    }

    /// A table of named tables, `[keys.NAME]`. What `read` gives up on is left out.
    pub(crate) fn named<T>(
        &mut self,
        key: &'static str,
        says: &'static str,
        mut read: impl FnMut(&str, &mut Self) -> Option<T>,
    ) -> Vec<T> {
        self.explain(key, "named tables".to_owned(), "none".to_owned(), says);
        let path = self.full(key);
        if self.reading.is_explaining() {
            let one = format!("{path}.NAME");
            Table::read_all(self.reading, one, 0, None, None, |it| read("NAME", it));
            return Vec::new();
        }
        let Some((entries, _)) = self.entry(key).and_then(|raw| self.entries_of(key, raw)) else {
            return Vec::new();
        };
        let mut values = Vec::new();
        for (name, raw) in entries {
            let name = name.get_ref();
            let one = format!("{path}.{name}");
            let Some((entries, offset)) = self.entries_at(&one, raw) else { continue };
            let entries = Some(entries);
            values.extend(Table::read_all(self.reading, one, offset, entries, None, |it| {
                read(name, it)
            }));
        }
        values
    }

    /// A list of tables, `[[routes]]`. What `read` gives up on is left out.
    pub(crate) fn each<T>(
        &mut self,
        key: &'static str,
        says: &'static str,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        self.explain(key, "list of tables".to_owned(), "none".to_owned(), says);
        let path = self.full(key);
        if self.reading.is_explaining() {
            let one = format!("{path}[]");
            Table::read_all(self.reading, one, 0, None, None, |it| read(it));
            return Vec::new();
        }
        let Some(raw) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(items) = raw.get_ref() else {
            let remedy = format!("Write [[{path}]] above each of them.");
            self.fault(key, mismatch(raw, "a list of tables", &remedy));
            return Vec::new();
        };
        let mut values = Vec::new();
        for (index, raw) in items.iter().enumerate() {
            let one = format!("{path}[{index}]");
            let Some(entries) = raw.get_ref().as_table() else {
                let at = At { key: one, offset: raw.span().start, variable: None };
                let remedy = format!("Write [[{path}]] and its keys below.");
                self.reading.fault(&at, mismatch(raw, "a table", &remedy));
                continue;
            };
            let (entries, offset) = (Some(entries), raw.span().start);
            values.extend(Table::read_all(self.reading, one, offset, entries, None, &mut read));
        }
        values
    }

    /// Something is wrong with what stands at `key`, or with its absence.
    pub(crate) fn fault(&self, key: &str, wrong: Wrong) {
        self.reading.fault(&self.at(key), wrong);
    }

    /// Where `key` stands; where its table stands, if it is absent.
    pub(crate) fn at(&self, key: &str) -> At {
        let variable = self.variable_set(key).map(|it| it.0);
        let offset = self.entry(key).map_or(self.offset, |it| it.span().start);
        At { key: self.full(key), offset, variable }
    }

    /// Whether anything was written at `key`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some() || self.variable_set(key).is_some()
    }

    /// The names in a table of named tables, in the order in which [`Self::named`] reads them.
    pub(crate) fn names(&self, key: &str) -> Vec<String> {
        let table = self.entry(key).and_then(|it| it.get_ref().as_table());
        let entries = table.into_iter().flatten().filter(|it| it.1.get_ref().is_table());
        entries.map(|it| it.0.get_ref().to_string()).collect()
    }

    /// Text that stands where a table is expected, and must not: refused with this, and true.
    pub(crate) fn refuses_text(&mut self, key: &'static str, wrong: Wrong) -> bool {
        let is_text = self.entry(key).is_some_and(|it| it.get_ref().is_str());
        if is_text {
            self.asked.push(key);
            self.fault(key, wrong);
        }
        is_text
    }

    /// A path as written at `key`. In the file it is relative to the file's folder; in a variable
    /// to the working directory, as everywhere in a shell.
    pub(crate) fn resolve(&self, key: &str, path: &Path) -> PathBuf {
        match self.variable_set(key) {
            Some(_) => path.to_owned(),
            None => self.reading.surroundings().folder.join(path),
        }
    }

    /// Remembers the question. Tables cannot come from variables; all else can.
    fn explain(&mut self, key: &'static str, kind: String, default: String, says: &'static str) {
        self.asked.push(key);
        let is_table = kind.contains("table");
        let prefix = self.prefix.filter(|_| !is_table);
        let variable = prefix.map(|it| format!("{it}{}", key.to_uppercase()));
        let key = Key { path: self.full(key), kind, default, says };
        self.reading.asked(key, variable);
    }

    fn read_value<T: Value>(&self, found: &Found<'_>) -> Option<T> {
        match T::read(&found.raw) {
            Ok(value) => Some(value),
            Err(wrongs) => {
                wrongs.into_iter().for_each(|it| self.reading.fault(&found.at, it));
                None
            }
        }
    }

    fn found(&self, key: &'static str) -> Option<Found<'a>> {
        let at = self.at(key);
        if let Some((_, text)) = self.variable_set(key) {
            return Some(Found { at, raw: Cow::Owned(bare(text)) });
        }
        self.entry(key).map(|raw| Found { at, raw: Cow::Borrowed(raw) })
    }

    fn entry(&self, key: &str) -> Option<&'a Raw<'a>> {
        self.entries?.get(key)
    }

    /// The variable that overrides `key`, if one is set.
    fn variable_set(&self, key: &str) -> Option<(String, &'a str)> {
        let surroundings = self.reading.surroundings();
        let long = self.prefix.map(|it| format!("{it}{}", key.to_uppercase()));
        let short = SHORT.iter().find(|it| it.0 == self.full(key)).map(|it| it.1.to_owned());
        short.into_iter().chain(long).find_map(|name| {
            let text = surroundings.variable(&name)?;
            Some((name, text))
        })
    }

    fn entries_of(&self, key: &str, raw: &'a Raw<'a>) -> Option<(&'a DeTable<'a>, usize)> {
        self.entries_at(&self.full(key), raw)
    }

    fn entries_at(&self, path: &str, raw: &'a Raw<'a>) -> Option<(&'a DeTable<'a>, usize)> {
        let offset = raw.span().start;
        if let DeValue::Table(entries) = raw.get_ref() {
            return Some((entries, offset));
        }
        let at = At { key: path.to_owned(), offset, variable: None };
        let remedy = format!("Write [{path}] and its keys below, or {{ key = value }}.");
        self.reading.fault(&at, mismatch(raw, "a table", &remedy));
        None
    }

    fn full(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    fn refuse_unknown(&self) {
        for (key, _) in self.entries.into_iter().flatten() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let at = At { key: self.full(name), offset: key.span().start, variable: None };
                let wrong = Wrong::new("there is no such key", suggest(name, &self.asked));
                self.reading.fault(&at, wrong);
            }
        }
    }
}

fn range<T: Value>(bounds: &RangeInclusive<T>) -> String {
    format!("from {} to {}", bounds.start().show(), bounds.end().show())
}

fn kind_within<T: Value>(bounds: &RangeInclusive<T>) -> String {
    format!("{}, {}", T::kind(), range(bounds).replace('"', "`"))
}

/// Variables with names of their own, for what is set most often.
const SHORT: &[(&str, &str)] = &[
    ("profile", "TIDEGATE_PROFILE"),
    ("server.listen", "TIDEGATE_LISTEN"),
    ("server.data_dir", "TIDEGATE_DATA_DIR"),
    ("log.level", "TIDEGATE_LOG"),
];

/// A variable's text as a value: numbers, truths and lists as such, all else as text.
fn bare(text: &str) -> Raw<'_> {
    let is_told_apart = |it: &DeValue<'_>| it.is_integer() || it.is_bool() || it.is_array();
    match DeValue::parse(text) {
        Ok(raw) if is_told_apart(raw.get_ref()) => raw,
        _ => Raw::new(0..text.len(), DeValue::String(text.into())),
    }
}
