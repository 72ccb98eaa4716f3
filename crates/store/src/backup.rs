//! A copy of a store, as of one moment, while a process has it open and writes.
//!
//! Restoring it is going back in time: offsets that were used since would be used again. So every
//! log in the copy is marked, and gets a new epoch when the copy is opened; nobody mistakes an old
//! place for a new one. Rows that were given since are not given again either: the copy counts on
//! from far ahead, further than a store comes in thirty years of a thousand messages a second.

use std::{
    fs::{self, File},
    path::Path,
};

use rusqlite::{
    Connection, Transaction,
    backup::{Backup, StepResult},
};

use crate::{
    account::{Account, LEAP},
    aside::with_suffix,
    desk::insert_log,
    inspect::{InspectError, open},
    row::LogRow,
};

/// Pages of one step: a few milliseconds.
const STEP_PAGES: i32 = 1000;

/// Copies the store of a data directory to a new file. `progress` hears how many pages of how many
/// are copied. Put the copy in a data directory as `tidegate.db` to restore it.
pub fn backup(
    dir: &Path,
    to: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), InspectError> {
    let (path, from) = open(dir)?;
    if to.exists() {
        return Err(InspectError::Exists { path: to.to_owned() });
    }
    // Under another name until it is whole.
    let part = with_suffix(to, ".part");
    let finish = |source| InspectError::Finish { path: to.to_owned(), source };
    if part.exists() {
        fs::remove_file(&part).map_err(finish)?;
    }
    // The snapshot is held throughout, or the copy would begin again at each commit.
    let snapshot = hold(&from).map_err(|source| InspectError::Read { path, source })?;
    copy(&from, &part, &mut progress)
        .map_err(|source| InspectError::Write { path: to.to_owned(), source })?;
    drop(snapshot);
    File::open(&part).and_then(|it| it.sync_all()).map_err(finish)?;
    fs::rename(&part, to).map_err(finish)?;
    let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|it| it.sync_all()).map_err(finish)
}

/// A snapshot begins with the first thing that is read.
fn hold(db: &Connection) -> rusqlite::Result<Transaction<'_>> {
    let snapshot = db.unchecked_transaction()?;
    db.query_row("SELECT count(*) FROM account", (), |_| Ok(()))?;
    Ok(snapshot)
}

fn copy(from: &Connection, to: &Path, progress: &mut impl FnMut(u64, u64)) -> rusqlite::Result<()> {
    let mut copy = Connection::open(to)?;
    let backup = Backup::new(from, &mut copy)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let state = backup.progress();
        let pages = |count: i32| u64::from(count.unsigned_abs());
        progress(pages(state.pagecount - state.remaining), pages(state.pagecount));
        if step == StepResult::Done {
            break;
        }
    }
    drop(backup);
    mark(&copy)?;
    copy.close().map_err(|it| it.1)
}

/// Every log gets a new epoch when the copy is opened, as after a stop that was not clean, and new
/// rows are none that have been.
fn mark(copy: &Connection) -> rusqlite::Result<()> {
    // One file, without a write-ahead log beside it.
    copy.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    copy.execute_batch("BEGIN IMMEDIATE")?;
    let mut logs = Vec::new();
    let mut statement = copy.prepare(&format!("SELECT {} FROM logs", LogRow::COLUMNS))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        logs.extend(LogRow::read(row));
    }
    drop(rows);
    drop(statement);
    // An account that is not whole is left so: the copy is as damaged as the store.
    if let Some(account) = Account::read(copy)?
        && let Some(mut account) = counted(copy, account)?
    {
        account.clean = false;
        account.id_last += LEAP;
        for log in logs {
            let loose = LogRow { loose: true, ..log.clone() };
            account.logs = account.logs.wrapping_sub(log.seal()).wrapping_add(loose.seal());
            insert_log(copy, &loose)?;
        }
        account.write(copy)?;
    }
    copy.execute_batch("COMMIT")
}

/// With what was appended since the account was last written. `None` if some of that is missing.
fn counted(copy: &Connection, mut account: Account) -> rusqlite::Result<Option<Account>> {
    let mut ids = copy.prepare("SELECT id FROM messages WHERE ? < id ORDER BY id")?;
    let mut rows = ids.query((account.id_last.cast_signed(),))?;
    while let Some(row) = rows.next()? {
        let id = row.get(0).map(i64::cast_unsigned)?;
        if id != account.id_last + 1 {
            return Ok(None);
        }
        account.add(id);
    }
    Ok(Some(account))
}
