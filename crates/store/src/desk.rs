//! The open file as the writer has it: the connection, and what it keeps beside the index. When
//! anything fails, the desk is thrown away and set up anew from what the disk says.

use std::{
    collections::BTreeSet,
    fmt,
    time::{Instant, SystemTime},
};

use proto::{ChannelName, Epoch, Offset, UnixMillis};
use rusqlite::Connection;

use crate::{
    account::{Account, GAP},
    fault::{OpenError, Trouble},
    index::Index,
    rescue,
    retention::Cuts,
    row::{CursorRow, LogRow, MessageRow, State, device_column, kept_seal},
    scan::{Scan, scan},
    schema,
    shared::Shared,
    wal,
};

/// Chooses epochs that have never been.
pub(crate) struct Fresh(pub(crate) Box<dyn FnMut() -> Epoch + Send>);

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) db: Connection,
    pub(crate) account: Account,
    /// The account as it is in the file, and since when.
    pub(crate) written: Account,
    pub(crate) written_at: Instant,
    pub(crate) log_last: u64,
    pub(crate) cuts: Cuts,
    /// Bytes written to the write-ahead log since it was last carried over, about.
    pub(crate) wal_bytes: u64,
    pub(crate) is_wal_empty: bool,
    pub(crate) tidied_at: Instant,
}

impl Desk {
    /// Opens the file, looks at all of it, and makes good what is wrong. Channels in `lost` get a
    /// new epoch: what was told of them before it was stored has not been stored. With `is_damaged`
    /// the file has shown damage that reading it does not show; false once it is out of the way.
    pub(crate) fn set_up(
        shared: &Shared,
        fresh: &mut Fresh,
        lost: &BTreeSet<ChannelName>,
        is_damaged: &mut bool,
    ) -> Result<Self, OpenError> {
        let path = &shared.path;
        rescue::adopt(path)?;
        let failed = |source| OpenError::Database { path: path.clone(), source };
        let looked = match *is_damaged {
            true => Err(Trouble::Damaged("it cannot be written".to_owned())),
            false => look(shared),
        };
        let found = match looked {
            Ok((_, Scan { doubt: Some(why), .. })) | Err(Trouble::Damaged(why)) => {
                shared.tally().damaged_files += 1;
                rescue::rescue(path, &why)?;
                *is_damaged = false;
                look(shared)
            }
            Ok(found) => Ok(found),
            Err(trouble) => Err(trouble),
        };
        let (db, scan) = match found {
            Ok(found) => found,
            Err(Trouble::Newer(version)) => {
                return Err(OpenError::Newer { path: path.clone(), version });
            }
            Err(Trouble::Failed(source)) => return Err(failed(source)),
            // A file that was made a moment ago: the disk does not keep what it is given.
            Err(Trouble::Damaged(_)) => {
                return Err(failed(rusqlite::Error::InvalidQuery));
            }
        };
        Self::settle(shared, fresh, lost, db, scan).map_err(failed)
    }

    /// Writes down what the scan found, so that it is found once.
    fn settle(
        shared: &Shared,
        fresh: &mut Fresh,
        lost: &BTreeSet<ChannelName>,
        db: Connection,
        mut scan: Scan,
    ) -> rusqlite::Result<Self> {
        // After a failed sync nobody knows what of the write-ahead log the disk has, whatever the
        // cache says. Carried over, it is written and synced once more, or this fails too.
        match carry_over(&db) {
            // At the start, whoever looks at the store from outside must not hold it up.
            Err(error) if is_busy(&error) && shared.opened() == 0 => {}
            carried => carried?,
        }
        let was_clean = scan.account.is_some_and(|it| it.clean);
        let mut index = std::mem::take(&mut scan.index);
        let mut desk = Self {
            db,
            account: scan.found,
            written: scan.found,
            written_at: Instant::now(),
            log_last: scan.log_last,
            cuts: Cuts::default(),
            wal_bytes: 0,
            is_wal_empty: false,
            tidied_at: Instant::now(),
        };
        desk.db.execute_batch("BEGIN IMMEDIATE")?;
        for (log, wrong) in std::mem::take(&mut scan.damaged).into_values() {
            tracing::error!(channel = %log.channel, ?wrong, "a log is damaged and set aside");
            shared.tally().damaged_logs += 1;
            desk.begin_anew(log.row(), log.sealed, &mut index, shared, fresh)?;
        }
        let is_suspect = |id: u64, channel: &ChannelName, loose: bool| {
            loose && !was_clean || scan.shortened.contains(&id) || lost.contains(channel)
        };
        let suspects = index.logs().filter(|it| is_suspect(it.id, &it.channel, it.loose));
        for id in suspects.map(|it| it.id).collect::<Vec<_>>() {
            desk.renew(id, &mut index, fresh)?;
            shared.tally().renewed_logs += 1;
        }
        // At a start only: while this process runs it knows what it has given, whatever has become
        // of the file.
        if !was_clean && shared.opened() == 0 {
            desk.account.id_last += GAP;
        }
        desk.account.id_last = desk.account.id_last.max(shared.row_last());
        desk.account.clean = false;
        desk.write_account()?;
        desk.db.execute_batch("COMMIT")?;

        let changed = scan.changed_cursors + scan.changed_kept;
        if 0 < changed {
            tracing::error!(rows = changed, "rows of the store are damaged and ignored");
            shared.tally().damaged_rows += changed;
        }
        desk.cuts.begin(&mut index, scan.erased);
        shared.set_row_last(desk.account.id_last);
        shared.replace_index(index);
        Ok(desk)
    }

    /// A damaged log stays where it is, to be looked at; its channel goes on with an empty one.
    pub(crate) fn begin_anew(
        &mut self,
        damaged: LogRow,
        sealed: u64,
        index: &mut Index,
        shared: &Shared,
        fresh: &mut Fresh,
    ) -> rusqlite::Result<()> {
        let channel = damaged.channel.clone();
        let aside = LogRow { state: State::Aside, time: now(), ..damaged };
        self.write_log(&aside, Some(sealed))?;
        self.log_last += 1;
        let row = LogRow {
            id: self.log_last,
            channel,
            epoch: fresh.0(),
            head: Offset(0),
            time: UnixMillis(0),
            state: State::Live,
            loose: false,
        };
        self.write_log(&row, None)?;
        index.insert(row, &shared.options);
        Ok(())
    }

    /// The last messages of a log may be lost: what is left is kept, in a new epoch.
    fn renew(&mut self, id: u64, index: &mut Index, fresh: &mut Fresh) -> rusqlite::Result<()> {
        let Some(log) = index.log_mut(id) else { return Ok(()) };
        log.epoch = fresh.0();
        let (row, sealed) = (log.row(), log.sealed);
        log.sealed = self.write_log(&row, Some(sealed))?;
        // Whoever was further than what is left would miss what comes.
        for (reader, cursor) in self.cursors(id)? {
            if row.head < cursor.delivered {
                let cursor = proto::Cursor {
                    delivered: cursor.delivered.min(row.head),
                    read: cursor.read.min(row.head),
                };
                insert_cursor(&self.db, &CursorRow { log: id, reader, cursor })?;
            }
        }
        Ok(())
    }

    /// Returns its seal; takes that of the row it replaces.
    pub(crate) fn write_log(&mut self, row: &LogRow, sealed: Option<u64>) -> rusqlite::Result<u64> {
        let seal = row.seal();
        insert_log(&self.db, row)?;
        self.account.logs = self.account.logs.wrapping_sub(sealed.unwrap_or(0)).wrapping_add(seal);
        Ok(seal)
    }

    pub(crate) fn delete_log(&mut self, id: u64, sealed: u64) -> rusqlite::Result<()> {
        self.db.prepare_cached("DELETE FROM logs WHERE id = ?")?.execute((id.cast_signed(),))?;
        self.account.logs = self.account.logs.wrapping_sub(sealed);
        Ok(())
    }

    pub(crate) fn cursors(
        &self,
        log: u64,
    ) -> rusqlite::Result<Vec<(proto::Reader, proto::Cursor)>> {
        let text = format!("SELECT {} FROM cursors WHERE log = ?", CursorRow::COLUMNS);
        let mut cursors = self.db.prepare_cached(&text)?;
        let mut rows = cursors.query((log.cast_signed(),))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(CursorRow::read(row).map(|it| (it.reader, it.cursor)));
        }
        Ok(found)
    }

    pub(crate) fn write_account(&mut self) -> rusqlite::Result<()> {
        self.account.write(&self.db)?;
        self.written = self.account;
        self.written_at = Instant::now();
        Ok(())
    }

    /// Says that nothing was left half done, and leaves one file.
    pub(crate) fn close(mut self) -> rusqlite::Result<()> {
        self.account.clean = true;
        self.account.write(&self.db)?;
        carry_over(&self.db)?;
        self.db.close().map_err(|it| it.1)
    }
}

pub(crate) fn insert_log(db: &Connection, row: &LogRow) -> rusqlite::Result<()> {
    let text = "INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(text)?.execute((
        row.id.cast_signed(),
        row.channel.as_str(),
        row.epoch.0.cast_signed(),
        row.head.0.cast_signed(),
        row.time.0.cast_signed(),
        row.state as i64,
        row.loose,
        row.seal().cast_signed(),
    ))?;
    Ok(())
}

pub(crate) fn insert_message(db: &Connection, row: &MessageRow<'_>) -> rusqlite::Result<()> {
    let text = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(text)?.execute((
        row.id.cast_signed(),
        row.log.cast_signed(),
        row.offset.cast_signed(),
        row.time.cast_signed(),
        row.key,
        row.sender,
        row.passed_over,
        row.event,
        row.payload,
        row.seal().cast_signed(),
    ))?;
    Ok(())
}

pub(crate) fn insert_cursor(db: &Connection, row: &CursorRow) -> rusqlite::Result<()> {
    let text = "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)";
    db.prepare_cached(text)?.execute((
        row.log.cast_signed(),
        row.reader.user.as_str(),
        device_column(&row.reader),
        row.cursor.delivered.0.cast_signed(),
        row.cursor.read.0.cast_signed(),
        row.seal().cast_signed(),
    ))?;
    Ok(())
}

pub(crate) fn insert_kept(
    db: &Connection,
    kind: u64,
    key: &str,
    value: &str,
) -> rusqlite::Result<()> {
    let seal = kept_seal(kind, key, value).cast_signed();
    let text = "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)";
    db.prepare_cached(text)?.execute((kind.cast_signed(), key, value, seal))?;
    Ok(())
}

fn look(shared: &Shared) -> Result<(Connection, Scan), Trouble> {
    // Only what a process has left behind: while this one runs, a commit that failed is known.
    let is_broken = shared.opened() == 0 && wal::is_broken(&shared.path).unwrap_or(false);
    let db = schema::open(&shared.path)?;
    let mut scan = scan(&db, &shared.options)?;
    if is_broken {
        scan.doubt = Some("the write-ahead log cannot be read to its end".to_owned());
    }
    Ok((db, scan))
}

/// Empties the write-ahead log into the file.
pub(crate) fn carry_over(db: &Connection) -> rusqlite::Result<()> {
    let is_busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    match is_busy {
        false => Ok(()),
        true => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            Some("the write-ahead log is being read".to_owned()),
        )),
    }
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

pub(crate) fn now() -> UnixMillis {
    SystemTime::now().into()
}
