//! One group: some jobs, one transaction, one sync.

use std::{collections::BTreeSet, sync::Arc};

use proto::{ChannelName, Cursor, Kind, Offset, Placed, Publication, Reader, UnixMillis};
use rusqlite::OptionalExtension as _;

use crate::{
    desk::{Desk, insert_cursor, insert_kept, insert_message, now},
    index::Entry,
    job::{Answer, Class, Fault, Job, Loaded, Table},
    queue::Waiting,
    row::{CursorRow, Found, LogRow, MessageRow, State, device_column},
    shared::Shared,
    tidy::ACCOUNT_EVERY,
};

/// A group on its way to the disk.
#[derive(Debug)]
struct Group<'a> {
    desk: &'a mut Desk,
    shared: &'a Shared,
    /// Messages that readers may see once it is committed.
    appended: Vec<(u64, Entry)>,
    /// The logs of those.
    logs: BTreeSet<u64>,
    bytes: u64,
}

impl Desk {
    /// Does the first jobs in one transaction, and answers those: nearly always all. Afterwards
    /// they are on the disk. On an error, nobody knows what is.
    pub(crate) fn commit(
        &mut self,
        shared: &Shared,
        jobs: &[Waiting],
    ) -> rusqlite::Result<Vec<Result<Answer, Fault>>> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let mut group =
            Group { desk: self, shared, appended: Vec::new(), logs: BTreeSet::new(), bytes: 0 };
        let mut answers = Vec::with_capacity(jobs.len());
        for waiting in jobs {
            match group.take(&waiting.job)? {
                Some(answer) => answers.push(answer),
                None => break,
            }
        }
        let Group { appended, bytes, .. } = group;
        self.finish(shared, appended, bytes)?;
        Ok(answers)
    }

    fn finish(
        &mut self,
        shared: &Shared,
        appended: Vec<(u64, Entry)>,
        bytes: u64,
    ) -> rusqlite::Result<()> {
        // Appends alone need no account: they are consecutive.
        let is_due = self.account != self.written && ACCOUNT_EVERY <= self.written_at.elapsed();
        if is_due || self.account.logs != self.written.logs {
            self.write_account()?;
        }
        self.db.prepare_cached("COMMIT")?.execute(())?;
        self.is_wal_empty = false;
        self.wal_bytes += bytes;

        shared.tally().appended += appended.len() as u64;
        shared.set_row_last(self.account.id_last);
        let mut index = shared.index_mut();
        for (log, entry) in appended {
            if let Some(log) = index.push(log, entry) {
                self.cuts.watch(log);
            }
        }
        Ok(())
    }
}

impl Group<'_> {
    /// `None`: it needs what this group has not committed yet, and begins the next one.
    fn take(&mut self, job: &Job) -> rusqlite::Result<Option<Result<Answer, Fault>>> {
        match job {
            Job::Append { publication, key, class } => {
                self.append(publication, key.as_deref(), *class).map(Some)
            }
            Job::Load { channel } | Job::Erase { channel } if self.is_ahead(channel) => Ok(None),
            Job::Load { channel } => self.load(channel).map(|it| Some(Ok(Answer::Loaded(it)))),
            Job::Erase { channel } => self.erase(channel).map(|()| Some(Ok(Answer::Done))),
            Job::MoveCursor { channel, reader, to } => {
                self.move_cursor(channel, reader, *to).map(Some)
            }
            Job::Put { table, key, value } => self.put(*table, key, value).map(Some),
            Job::Remove { table, key } => self.remove(*table, key).map(Some),
        }
    }

    fn is_ahead(&self, channel: &ChannelName) -> bool {
        self.shared.index().named(channel).is_some_and(|it| self.logs.contains(&it.id))
    }

    fn append(
        &mut self,
        publication: &Publication,
        key: Option<&str>,
        class: Class,
    ) -> rusqlite::Result<Result<Answer, Fault>> {
        let Kind::Message(placed) = publication.kind else { return Ok(Err(Fault::OutOfOrder)) };
        let log = match self.log_of(&publication.channel, placed, class)? {
            Ok(log) => log,
            Err(fault) => return Ok(Err(fault)),
        };
        let row = MessageRow {
            id: self.desk.account.id_last + 1,
            log,
            offset: placed.offset.0,
            time: publication.time.0,
            key,
            sender: publication.from.as_ref().map(|it| it.as_str()),
            passed_over: publication.except.as_ref().map(|it| it.as_str()),
            event: publication.event.as_deref(),
            payload: &publication.payload,
        };
        insert_message(&self.desk.db, &row)?;
        self.desk.account.add(row.id);
        if let Some(log) = self.shared.index_mut().log_mut(log) {
            log.head = placed.offset;
            log.time_last = log.time_last.max(publication.time);
        }
        self.bytes += 2 * row.bytes() as u64 + 200;
        self.logs.insert(log);
        let entry = Entry::new(row.id, publication.time, row.bytes(), key.is_some());
        self.appended.push((log, entry));
        Ok(Ok(Answer::Appended { row: row.id }))
    }

    /// The log whose next message this is.
    fn log_of(
        &mut self,
        channel: &ChannelName,
        placed: Placed,
        class: Class,
    ) -> rusqlite::Result<Result<u64, Fault>> {
        let loose = class == Class::Interval;
        let mut index = self.shared.index_mut();
        if let Some(log) = index.named_mut(channel) {
            let is_next = placed.epoch == log.epoch && placed.offset.0 == log.head.0 + 1;
            if !is_next || log.is_damaged {
                return Ok(Err(Fault::OutOfOrder));
            }
            if log.loose != loose {
                log.loose = loose;
                let row = LogRow { head: log.stored(), ..log.row() };
                log.sealed = self.desk.write_log(&row, Some(log.sealed))?;
            }
            return Ok(Ok(log.id));
        }
        if placed.offset != Offset(1) {
            return Ok(Err(Fault::OutOfOrder));
        }
        if self.shared.options.logs_max <= index.len() {
            return Ok(Err(Fault::TooMany));
        }
        self.desk.log_last += 1;
        let (id, epoch) = (self.desk.log_last, placed.epoch);
        let row = LogRow {
            id,
            channel: channel.clone(),
            epoch,
            head: Offset(0),
            time: UnixMillis(0),
            state: State::Live,
            loose,
        };
        self.desk.write_log(&row, None)?;
        index.insert(row, &self.shared.options);
        Ok(Ok(id))
    }

    fn load(&mut self, channel: &ChannelName) -> rusqlite::Result<Option<Loaded>> {
        let index = self.shared.index();
        let Some(log) = index.named(channel).filter(|it| !it.is_damaged) else { return Ok(None) };
        let (id, head, time_last) = (log.id, log.seen(), log.time_last);
        let window = self.shared.options.key_window.as_millis();
        let since = u128::from(now().0).saturating_sub(window);
        let keyed = log.entries.iter().rev().take_while(|it| since <= u128::from(it.time()));
        let keyed = keyed.filter(|it| it.is_keyed()).take(self.shared.options.keys_max);
        let keyed: Vec<u64> = keyed.map(|it| it.id).collect();
        drop(index);

        let mut keys = Vec::with_capacity(keyed.len());
        for row in keyed.into_iter().rev() {
            match self.desk.key(row)? {
                Some(key) => keys.push(key),
                None => {
                    self.shared.report_damage(id);
                    return Ok(None);
                }
            }
        }
        Ok(Some(Loaded { head, time_last, cursors: self.desk.cursors(id)?, keys }))
    }

    fn erase(&mut self, channel: &ChannelName) -> rusqlite::Result<()> {
        let mut index = self.shared.index_mut();
        let Some(id) = index.named(channel).map(|it| it.id) else { return Ok(()) };
        let log = index.remove(id).expect("it was just there");
        drop(index);
        let row = LogRow { state: State::Erased, ..log.row() };
        let sealed = self.desk.write_log(&row, Some(log.sealed))?;
        let text = "DELETE FROM cursors WHERE log = ?";
        self.desk.db.prepare_cached(text)?.execute((id.cast_signed(),))?;
        self.desk.cuts.erase(log, sealed);
        Ok(())
    }

    fn move_cursor(
        &mut self,
        channel: &ChannelName,
        reader: &Reader,
        to: Cursor,
    ) -> rusqlite::Result<Result<Answer, Fault>> {
        let known = self.shared.index().named(channel).map(|it| (it.id, it.head, it.cursors));
        let Some((log, head, count)) = known else { return Ok(Err(Fault::OutOfOrder)) };
        let to = Cursor { delivered: to.delivered.min(head), read: to.read.min(head) };
        let stood = self.desk.cursor(log, reader)?;
        if stood.is_none() && self.shared.options.cursors_max <= count {
            return Ok(Err(Fault::TooMany));
        }
        let cursor = stood.unwrap_or_default().forward(to);
        if stood != Some(cursor) {
            insert_cursor(&self.desk.db, &CursorRow { log, reader: reader.clone(), cursor })?;
            self.bytes += 4096;
        }
        if let (None, Some(log)) = (stood, self.shared.index_mut().log_mut(log)) {
            log.cursors += 1;
        }
        Ok(Ok(Answer::Done))
    }

    fn put(
        &mut self,
        table: Table,
        key: &str,
        value: &str,
    ) -> rusqlite::Result<Result<Answer, Fault>> {
        insert_kept(&self.desk.db, table as u64, key, value)?;
        self.bytes += 4096;
        Ok(Ok(Answer::Done))
    }

    fn remove(&mut self, table: Table, key: &str) -> rusqlite::Result<Result<Answer, Fault>> {
        let text = "DELETE FROM kept WHERE kind = ? AND key = ?";
        self.desk.db.prepare_cached(text)?.execute((table as i64, key))?;
        self.bytes += 4096;
        Ok(Ok(Answer::Done))
    }
}

impl Desk {
    /// The key of a message. `None` if the row is not what was written.
    fn key(&self, id: u64) -> rusqlite::Result<Option<(Arc<str>, Offset)>> {
        let text = format!("SELECT {} FROM messages WHERE id = ?", MessageRow::COLUMNS);
        let mut message = self.db.prepare_cached(&text)?;
        let mut rows = message.query((id.cast_signed(),))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let Found::Whole(message) = MessageRow::read(row) else { return Ok(None) };
        Ok(message.key.map(|it| (it.into(), Offset(message.offset))))
    }

    fn cursor(&self, log: u64, reader: &Reader) -> rusqlite::Result<Option<Cursor>> {
        let columns = CursorRow::COLUMNS;
        let text =
            format!("SELECT {columns} FROM cursors WHERE log = ? AND user = ? AND device = ?");
        let mut cursor = self.db.prepare_cached(&text)?;
        let place = (log.cast_signed(), reader.user.as_str(), device_column(reader));
        let read = cursor.query_row(place, |row| Ok(CursorRow::read(row))).optional()?;
        Ok(read.flatten().map(|it| it.cursor))
    }
}
