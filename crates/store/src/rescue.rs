//! A file that cannot be trusted: everything in it that is whole goes into a new one, and the file
//! itself is moved aside and kept (L9).
//!
//! What has no seal, or a broken one, is left behind. Every log is marked so that it gets a new
//! epoch: nobody knows which last messages are missing, and no offset is used twice in an epoch.
//! For the same reason rows are counted on from far ahead.
//!
//! The new file is finished under another name before anything is moved, so that a crash in the
//! middle finds the old file or the new one, and begins again or goes on.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{
    account::{Account, LEAP},
    aside::{move_aside, with_suffix},
    desk::{insert_cursor, insert_kept, insert_log, insert_message},
    fault::{OpenError, Trouble, is_damage},
    row::{CursorRow, Found, LogRow, MessageRow, State, read_kept},
    schema,
};

/// Replaces the file by a new one with what is whole in it.
pub(crate) fn rescue(path: &Path, why: &str) -> Result<(), OpenError> {
    let new = rescued(path);
    remove(&new);
    match copy(path, &new) {
        Ok(count) => {
            let kept = move_aside(path)?;
            adopt(path)?;
            let kept = kept.display();
            tracing::error!(why, %kept, messages = count, "the store was damaged; what is whole goes on");
        }
        // There is no room for it, or the like: throwing it all away would not make it better.
        Err(Trouble::Failed(source)) => {
            remove(&new);
            return Err(OpenError::Database { path: new, source });
        }
        Err(trouble @ (Trouble::Damaged(_) | Trouble::Newer(_))) => {
            remove(&new);
            let kept = move_aside(path)?;
            let kept = kept.display();
            tracing::error!(why, ?trouble, %kept, "the store was damaged; it begins anew");
        }
    }
    Ok(())
}

/// A rescue that was cut off between its two moves is finished.
pub(crate) fn adopt(path: &Path) -> Result<(), OpenError> {
    let new = rescued(path);
    if path.exists() || !new.exists() {
        return Ok(());
    }
    let moved = fs::rename(&new, path).and_then(|()| match path.parent() {
        Some(dir) => fs::File::open(dir)?.sync_all(),
        None => Ok(()),
    });
    moved.map_err(|source| OpenError::Aside { path: new, source })
}

fn rescued(path: &Path) -> PathBuf {
    with_suffix(path, ".rescued")
}

fn remove(new: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let path = with_suffix(new, suffix);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "cannot be removed");
        }
    }
}

/// Returns how many messages were whole.
fn copy(old: &Path, new: &Path) -> Result<u64, Trouble> {
    let from = schema::open_to_rescue(old)?;
    let to = schema::open(new)?;
    to.execute_batch("BEGIN IMMEDIATE")?;
    let mut account = Account { clean: false, ..Account::default() };
    let logs = copy_logs(&from, &to, &mut account)?;
    let seen = copy_messages(&from, &to, &logs, &mut account)?;
    copy_rest(&from, &to, &logs)?;
    // What cannot be read of the account is not known; the messages have said the rest.
    let given = Account::read(&from).ok().flatten().map_or(0, |it| it.id_last);
    account.id_last = seen.max(given) + LEAP;
    // What is missing is as good as cut.
    account.cut = account.id_last;
    account.write(&to)?;
    to.execute_batch("COMMIT")?;
    to.close().map_err(|it| it.1)?;
    Ok(account.messages)
}

fn copy_logs(
    from: &Connection,
    to: &Connection,
    account: &mut Account,
) -> Result<BTreeSet<u64>, Trouble> {
    let mut logs = BTreeSet::new();
    let mut names = BTreeSet::new();
    walk(from, "logs", LogRow::COLUMNS, |row| {
        let Some(log) = LogRow::read(row).filter(|it| it.state == State::Live) else {
            return Ok(None);
        };
        if names.insert(log.channel.clone()) && logs.insert(log.id) {
            let log = LogRow { loose: true, ..log.clone() };
            account.logs = account.logs.wrapping_add(log.seal());
            insert_log(to, &log)?;
        }
        Ok(Some(log.id))
    })?;
    Ok(logs)
}

/// Returns the last row there is, whole or not.
fn copy_messages(
    from: &Connection,
    to: &Connection,
    logs: &BTreeSet<u64>,
    account: &mut Account,
) -> Result<u64, Trouble> {
    let mut seen = 0;
    walk(from, "messages", MessageRow::COLUMNS, |row| {
        let message = match MessageRow::read(row) {
            Found::Whole(message) => message,
            Found::Changed { id, .. } => {
                seen = seen.max(id);
                return Ok(Some(id));
            }
            Found::Lost => return Ok(None),
        };
        seen = seen.max(message.id);
        // Two rows of one id are the sign of a table in disorder; the first one stays.
        if logs.contains(&message.log) && account.id_last < message.id {
            insert_message(to, &message)?;
            account.add(message.id);
        }
        Ok(Some(message.id))
    })?;
    Ok(seen)
}

/// Calls `take` for every row that can be reached, in the order of their ids. It returns the row's
/// id if that is certain.
fn walk(
    db: &Connection,
    table: &str,
    columns: &str,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Option<u64>>,
) -> Result<(), Trouble> {
    let text = format!("SELECT {columns} FROM {table} WHERE ? < id ORDER BY id");
    let mut after = 0_u64;
    loop {
        let walked = walk_from(db, &text, &mut after, &mut take);
        match walked {
            Ok(()) => return Ok(()),
            Err(Walk::To(error)) => return Err(Trouble::Failed(error)),
            Err(Walk::From(error)) if !is_damage(&error) => return Err(Trouble::Failed(error)),
            Err(Walk::From(_)) => match past_damage(db, &text, after) {
                Some(beyond) => after = beyond,
                None => return Ok(()),
            },
        }
    }
}

enum Walk {
    From(rusqlite::Error),
    To(rusqlite::Error),
}

fn walk_from(
    db: &Connection,
    text: &str,
    after: &mut u64,
    take: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Option<u64>>,
) -> Result<(), Walk> {
    let mut statement = db.prepare_cached(text).map_err(Walk::From)?;
    let mut rows = statement.query((after.cast_signed(),)).map_err(Walk::From)?;
    while let Some(row) = rows.next().map_err(Walk::From)? {
        if let Some(id) = take(row).map_err(Walk::To)? {
            *after = id.max(*after);
        }
    }
    Ok(())
}

/// The smallest id, about, from which the table can be read again.
fn past_damage(db: &Connection, text: &str, after: u64) -> Option<u64> {
    let can_read = |from: u64| {
        let text = format!("{text} LIMIT 1");
        db.query_row(&text, (from.cast_signed(),), |_| Ok(()))
            .map_or_else(|error| matches!(error, rusqlite::Error::QueryReturnedNoRows), |()| true)
    };
    let ids_max = i64::MAX.cast_unsigned();
    let mut step = 1;
    while !can_read(after.saturating_add(step).min(ids_max)) {
        step *= 2;
        if ids_max / 2 < step {
            return None;
        }
    }
    // Between half the step, which is damaged, and the step, which is not.
    let (mut bad, mut good) = (after + step / 2, after.saturating_add(step).min(ids_max));
    while bad + 1 < good {
        let middle = bad + (good - bad) / 2;
        match can_read(middle) {
            true => good = middle,
            false => bad = middle,
        }
    }
    Some(good)
}

/// Cursors and kept rows: from the front to where it is damaged, then from the back.
fn copy_rest(from: &Connection, to: &Connection, logs: &BTreeSet<u64>) -> Result<(), Trouble> {
    for order in ["", " ORDER BY log DESC, user DESC, device DESC"] {
        let text = format!("SELECT {} FROM cursors{order}", CursorRow::COLUMNS);
        reach(from, &text, |row| match CursorRow::read(row) {
            Some(cursor) if logs.contains(&cursor.log) => insert_cursor(to, &cursor),
            Some(_) | None => Ok(()),
        })?;
    }
    for order in ["", " ORDER BY kind DESC, key DESC"] {
        let text = format!("SELECT kind, key, value, seal FROM kept{order}");
        reach(from, &text, |row| match read_kept(row) {
            Some((kind, key, value)) => insert_kept(to, kind, key, value),
            None => Ok(()),
        })?;
    }
    Ok(())
}

fn reach(
    db: &Connection,
    text: &str,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), Trouble> {
    let take = &mut |row: &rusqlite::Row<'_>| take(row).map(|()| None);
    match walk_all(db, text, take) {
        Err(Walk::To(error)) => Err(Trouble::Failed(error)),
        Err(Walk::From(error)) if !is_damage(&error) => Err(Trouble::Failed(error)),
        Ok(()) | Err(Walk::From(_)) => Ok(()),
    }
}

fn walk_all(
    db: &Connection,
    text: &str,
    take: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Option<u64>>,
) -> Result<(), Walk> {
    let mut statement = db.prepare(text).map_err(Walk::From)?;
    let mut rows = statement.query(()).map_err(Walk::From)?;
    while let Some(row) = rows.next().map_err(Walk::From)? {
        take(row).map_err(Walk::To)?;
    }
    Ok(())
}
