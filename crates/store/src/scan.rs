//! The file, read from end to end: every seal, every gap, and what it all adds up to. Out of it
//! come the index and the list of what is wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proto::{Offset, UnixMillis};
use rusqlite::Connection;

use crate::{
    account::Account,
    desk::now,
    fault::Trouble,
    index::{Entry, Index, Log},
    options::Options,
    row::{CursorRow, Found, LogRow, MessageRow, State, read_kept},
};

/// What a file turned out to hold.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) index: Index,
    /// Logs that are no longer served, and those of their rows that are still there.
    pub(crate) erased: BTreeMap<u64, (LogRow, Vec<Entry>)>,
    pub(crate) aside: Vec<LogRow>,
    /// Logs with a row that changed, or a gap. Not in the index.
    pub(crate) damaged: BTreeMap<u64, (Log, Wrong)>,
    /// Logs whose last messages may be missing.
    pub(crate) shortened: BTreeSet<u64>,
    /// What rows there are, added up.
    pub(crate) found: Account,
    /// The largest number of a log that occurs anywhere.
    pub(crate) log_last: u64,
    /// Rows of no use to anybody: cursors and kept rows that changed.
    pub(crate) changed_cursors: u64,
    pub(crate) changed_kept: u64,
    /// Why the tables cannot be trusted as a whole, if so: rows are missing, or nobody's.
    pub(crate) doubt: Option<String>,
    /// The account as it was written.
    pub(crate) account: Option<Account>,
}

/// How long a damaged log is kept to be looked at.
const ASIDE_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wrong {
    Changed,
    Gap,
}

/// Reads everything. `Err` if SQLite itself cannot.
pub(crate) fn scan(db: &Connection, options: &Options) -> Result<Scan, Trouble> {
    let mut scan = Scan { account: Account::read(db)?, ..Scan::default() };
    scan.read_logs(db, options)?;
    scan.read_messages(db)?;
    scan.read_cursors(db)?;
    scan.count_kept(db)?;
    scan.settle();
    Ok(scan)
}

impl Scan {
    fn doubt(&mut self, why: &str) {
        self.doubt.get_or_insert_with(|| why.to_owned());
    }

    fn read_logs(&mut self, db: &Connection, options: &Options) -> Result<(), Trouble> {
        let mut logs = db.prepare(&format!("SELECT {} FROM logs ORDER BY id", LogRow::COLUMNS))?;
        let mut rows = logs.query(())?;
        while let Some(row) = rows.next()? {
            let Some(log) = LogRow::read(row) else {
                self.doubt("a row of the table of logs has changed");
                continue;
            };
            self.log_last = self.log_last.max(log.id);
            self.found.logs = self.found.logs.wrapping_add(log.seal());
            match log.state {
                State::Live if self.index.named(&log.channel).is_some() => {
                    self.doubt("a channel has two logs");
                }
                State::Live => self.index.insert(log, options),
                State::Aside if log.time.0 + ASIDE_KEPT.as_millis() as u64 <= now().0 => {
                    self.erased.insert(log.id, (log, Vec::new()));
                }
                State::Erased => drop(self.erased.insert(log.id, (log, Vec::new()))),
                State::Aside => self.aside.push(log),
            }
        }
        Ok(())
    }

    fn read_messages(&mut self, db: &Connection) -> Result<(), Trouble> {
        let text = format!("SELECT {} FROM messages ORDER BY id", MessageRow::COLUMNS);
        let mut messages = db.prepare(&text)?;
        let mut rows = messages.query(())?;
        while let Some(row) = rows.next()? {
            match MessageRow::read(row) {
                Found::Whole(message) => self.take(&message),
                Found::Changed { id, log } => {
                    self.count(id, log);
                    match self.erased.get_mut(&log) {
                        // It only has to go.
                        Some(erased) => erased.1.push(Entry::new(id, UnixMillis(0), 0, false)),
                        None => self.set_aside(log, Wrong::Changed),
                    }
                }
                Found::Lost => self.doubt("a row of the table of messages has changed"),
            }
        }
        Ok(())
    }

    fn count(&mut self, id: u64, log: u64) {
        // What was appended since the account was last written is consecutive.
        let known = self.account.map_or(0, |it| it.id_last);
        if known < id && id != self.found.id_last.max(known) + 1 {
            self.doubt("messages are missing");
        }
        self.found.add(id);
        self.log_last = self.log_last.max(log);
    }

    fn take(&mut self, message: &MessageRow<'_>) {
        self.count(message.id, message.log);
        let (id, time) = (message.log, UnixMillis(message.time));
        let entry = Entry::new(message.id, time, message.bytes(), message.key.is_some());
        if let Some(log) = self.erased.get_mut(&id) {
            return log.1.push(entry);
        }
        let Some(log) = self.index.log_mut(id) else {
            let is_known =
                self.damaged.contains_key(&id) || self.aside.iter().any(|it| it.id == id);
            if !is_known {
                self.doubt("messages are there whose log is not");
            }
            return;
        };
        if log.entries.is_empty() {
            // The row of a log that has messages may be behind, but never ahead of them.
            log.first = Offset(message.offset);
            if message.offset == 0 {
                return self.set_aside(id, Wrong::Gap);
            }
        } else if message.offset != log.stored().0 + 1 {
            return self.set_aside(id, Wrong::Gap);
        }
        log.time_last = log.time_last.max(time);
        self.index.push(id, entry);
    }

    fn set_aside(&mut self, id: u64, wrong: Wrong) {
        if let Some(log) = self.index.remove(id) {
            self.damaged.insert(id, (log, wrong));
        }
    }

    fn read_cursors(&mut self, db: &Connection) -> Result<(), Trouble> {
        let mut cursors = db.prepare(&format!("SELECT {} FROM cursors", CursorRow::COLUMNS))?;
        let mut rows = cursors.query(())?;
        while let Some(row) = rows.next()? {
            match CursorRow::read(row) {
                Some(read) => {
                    if let Some(log) = self.index.log_mut(read.log) {
                        log.cursors += 1;
                    }
                }
                None => self.changed_cursors += 1,
            }
        }
        Ok(())
    }

    fn count_kept(&mut self, db: &Connection) -> Result<(), Trouble> {
        let mut kept = db.prepare("SELECT kind, key, value, seal FROM kept")?;
        let mut rows = kept.query(())?;
        while let Some(row) = rows.next()? {
            self.changed_kept += u64::from(read_kept(row).is_none());
        }
        Ok(())
    }

    /// Heads, and whether it adds up.
    fn settle(&mut self) {
        self.found.cut = self.account.map_or(0, |it| it.cut);
        for id in self.index.logs().map(|it| it.id).collect::<Vec<_>>() {
            let log = self.index.log_mut(id).expect("it was just there");
            if log.stored() < log.head && !log.entries.is_empty() {
                self.shortened.insert(id);
            }
            log.head = log.stored();
            if log.first != Offset(1) {
                log.cut = self.found.cut;
            }
        }
        let Some(account) = self.account else {
            return self.doubt("the account has changed");
        };
        self.found.id_last = self.found.id_last.max(account.id_last);
        let new = self.found.id_last - account.id_last;
        let ids_new = (account.id_last + 1..=self.found.id_last).fold(0, u64::wrapping_add);
        if account.messages + new != self.found.messages
            || account.ids.wrapping_add(ids_new) != self.found.ids
        {
            self.doubt("messages are missing");
        }
        if account.clean && new != 0 {
            self.doubt("messages are there that nobody has stored");
        }
        if account.logs != self.found.logs {
            self.doubt("a log is missing");
        }
    }
}
