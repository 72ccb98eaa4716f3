//! The file: its tables, its settings, its version.
//!
//! ```text
//! messages   id ─► log, offset, time, key, sender, passed_over, event, payload, seal
//! logs       id ─► channel, epoch, head, time, state, loose, seal               a row for each log
//! cursors    log, user, device ─► delivered, read, seal
//! kept       kind, key ─► value, seal                                  sessions, revocations
//! account    one row: what the other tables should add up to
//! ```
//!
//! Messages are in the order in which they came, whatever their channel. So a commit writes the
//! pages at the end of one table, and nothing else: there is no second index that would cost a page
//! in a random place for each message. Where the messages of one log are, memory knows.

use std::{fs::File, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{
    account::Account,
    fault::{Trouble, is_damage},
};

/// Of the tables. Is both in the file's header and in the account, so that one flipped bit does
/// not look like a later version.
pub(crate) const VERSION: i64 = 1;

pub(crate) const FILE: &str = "tidegate.db";

/// Each as SQLite keeps it, to the letter. A file with other words in it is not ours.
pub(crate) const TABLES: &[(&str, &str)] = &[
    (
        "messages",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, log INTEGER NOT NULL, \
         offset INTEGER NOT NULL, time INTEGER NOT NULL, key TEXT, sender TEXT, passed_over TEXT, \
         event TEXT, payload TEXT NOT NULL, seal INTEGER NOT NULL)",
    ),
    (
        "logs",
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, \
         epoch INTEGER NOT NULL, head INTEGER NOT NULL, time INTEGER NOT NULL, \
         state INTEGER NOT NULL, loose INTEGER NOT NULL, seal INTEGER NOT NULL)",
    ),
    (
        "cursors",
        "CREATE TABLE cursors (log INTEGER NOT NULL, user TEXT NOT NULL, device TEXT NOT NULL, \
         delivered INTEGER NOT NULL, read INTEGER NOT NULL, seal INTEGER NOT NULL, \
         PRIMARY KEY (log, user, device)) WITHOUT ROWID",
    ),
    (
        "kept",
        "CREATE TABLE kept (kind INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, \
         seal INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID",
    ),
    (
        "account",
        "CREATE TABLE account (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, \
         clean INTEGER NOT NULL, messages INTEGER NOT NULL, ids INTEGER NOT NULL, \
         id_last INTEGER NOT NULL, cut INTEGER NOT NULL, logs INTEGER NOT NULL, seal INTEGER NOT NULL)",
    ),
];

/// Opens or makes the file, to read and write.
pub(crate) fn open(path: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    prepare(&db).map_err(|trouble| match trouble {
        // A header may claim that the file must not be written.
        Trouble::Failed(error) if is_read_only(&error) && is_writable(path) => {
            Trouble::Damaged(error.to_string())
        }
        Trouble::Damaged(_) | Trouble::Newer(_) | Trouble::Failed(_) => trouble,
    })?;
    Ok(db)
}

fn is_read_only(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ReadOnly)
}

fn is_writable(path: &Path) -> bool {
    File::options().append(true).open(path).is_ok()
}

/// Nobody else writes, but an operator may try. Then we wait no longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

fn prepare(db: &Connection) -> Result<(), Trouble> {
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(64);
    // The first before any page is read, the second before there is a table, or they come too late.
    db.execute_batch("PRAGMA cell_size_check = ON; PRAGMA auto_vacuum = INCREMENTAL;")?;
    // These answer with what they have chosen, and are therefore queries.
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    db.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()))?;
    db.query_row("PRAGMA journal_size_limit = 67108864", (), |_| Ok(()))?;
    // Two MiB hold what a group writes. More would be a second copy of what the system keeps
    // anyway: with sixteen, every session's row stayed in memory, 450 bytes for each connection.
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;",
    )?;
    let is_new = db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0));
    if is_new.map(|it: i64| it == 0)? {
        return make(db).map_err(Trouble::from);
    }
    check_version(db)?;
    check_tables(db)
}

fn make(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    for (_, text) in TABLES {
        db.execute_batch(text)?;
    }
    Account::default().write(db)?;
    db.execute_batch(&format!("PRAGMA user_version = {VERSION}; COMMIT"))
}

/// The header and the account have to agree that the file is from a later version.
fn check_version(db: &Connection) -> Result<(), Trouble> {
    let header: i64 = db.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let account = match Account::read(db) {
        Ok(account) => account.map(|it| it.version),
        Err(error) if is_damage(&error) => None,
        Err(error) => return Err(Trouble::Failed(error)),
    };
    match account {
        Some(VERSION) if header == VERSION => Ok(()),
        Some(VERSION) => Ok(db.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?),
        Some(version) if VERSION < version => Err(Trouble::Newer(version)),
        None if VERSION < header => Err(Trouble::Newer(header)),
        Some(_) | None => Err(Trouble::Damaged("the account cannot be read".to_owned())),
    }
}

fn check_tables(db: &Connection) -> Result<(), Trouble> {
    let mut tables = db.prepare("SELECT name, sql FROM sqlite_schema")?;
    let mut rows = tables.query(())?;
    let mut known = 0;
    while let Some(row) = rows.next()? {
        let (name, text): (String, String) = (row.get(0)?, row.get(1)?);
        if !TABLES.contains(&(&*name, &*text)) {
            return Err(Trouble::Damaged(format!("table {name:?} is not ours")));
        }
        known += 1;
    }
    match known == TABLES.len() {
        true => Ok(()),
        false => Err(Trouble::Damaged("a table is missing".to_owned())),
    }
}

/// Opens the file to read it, beside whoever writes.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let db = open_to_rescue(path)?;
    db.execute_batch("PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096;")?;
    Ok(db)
}

/// Opens the file to read whatever can be read.
pub(crate) fn open_to_rescue(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    Ok(db)
}
