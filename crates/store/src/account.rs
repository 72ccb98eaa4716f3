//! What the tables should add up to. Checksums find a row that has changed; the account finds one
//! that is no longer there.
//!
//! It is written with every change but plain appends, with those once a second, and at a clean
//! stop. Appends since it was last written are consecutive, which is checked instead.
//!
//! It also says which rows have been given. None is given twice, because somebody may have been
//! told that all up to it was heard. Where rows may be gone that were given, some are passed over.

use rusqlite::{Connection, OptionalExtension as _};

use crate::{row::seal_of, schema::VERSION};

/// Rows passed over after a stop that was not clean. All that was confirmed was synced. Where a
/// disk has not done as it said, what is gone was in the write-ahead log: its 16 MiB hold a tenth
/// of these.
pub(crate) const GAP: u64 = 1 << 20;

/// Rows passed over in a rescued file, and in a copy. Nobody knows how many were given that are not
/// in it; at a thousand a second, these are given in thirty years. Numbers do not run out: there is
/// room for eight million of such leaps.
pub(crate) const LEAP: u64 = 1 << 40;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    pub(crate) version: i64,
    /// Whether whoever had the file open last has closed it in peace.
    pub(crate) clean: bool,
    /// Rows of `messages`.
    pub(crate) messages: u64,
    /// Their ids, added up.
    pub(crate) ids: u64,
    /// No message has ever had a later id: the next one gets the next. None is used twice.
    pub(crate) id_last: u64,
    /// No message that was cut to keep its log within limits had a later id.
    pub(crate) cut: u64,
    /// The seals of `logs`, added up.
    pub(crate) logs: u64,
}

impl Default for Account {
    /// Of a file in which nothing is.
    fn default() -> Self {
        Self { version: VERSION, clean: true, messages: 0, ids: 0, id_last: 0, cut: 0, logs: 0 }
    }
}

impl Account {
    pub(crate) const fn add(&mut self, id: u64) {
        self.messages += 1;
        self.ids = self.ids.wrapping_add(id);
        self.id_last = id;
    }

    pub(crate) const fn take(&mut self, id: u64) {
        self.messages = self.messages.wrapping_sub(1);
        self.ids = self.ids.wrapping_sub(id);
    }

    pub(crate) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        let text = "INSERT OR REPLACE INTO account VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)";
        db.prepare_cached(text)?.execute((
            self.version,
            self.clean,
            self.messages.cast_signed(),
            self.ids.cast_signed(),
            self.id_last.cast_signed(),
            self.cut.cast_signed(),
            self.logs.cast_signed(),
            self.seal().cast_signed(),
        ))?;
        Ok(())
    }

    /// `None` unless it is whole.
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Option<Self>> {
        let text = "SELECT version, clean, messages, ids, id_last, cut, logs, seal FROM account";
        let read = db.query_row(text, (), |row| {
            let number = |column| row.get(column).map(i64::cast_unsigned);
            let account = Self {
                version: row.get(0)?,
                clean: row.get(1)?,
                messages: number(2)?,
                ids: number(3)?,
                id_last: number(4)?,
                cut: number(5)?,
                logs: number(6)?,
            };
            Ok((account, number(7)?))
        });
        let read = read.optional()?;
        Ok(read.filter(|(account, seal)| account.seal() == *seal).map(|it| it.0))
    }

    fn seal(&self) -> u64 {
        let numbers = [
            self.version.cast_unsigned(),
            self.clean.into(),
            self.messages,
            self.ids,
            self.id_last,
            self.cut,
            self.logs,
        ];
        seal_of(&numbers, &[])
    }
}
