//! Cutting the heads of logs, a slice between two groups.
//!
//! A message that is cut leaves the index first and the file soon after, so that no reader is
//! promised what it then does not find. If the process ends in between, it is cut again.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    desk::Desk,
    index::{Entry, Index, Log},
    row::LogRow,
    shared::Shared,
};

/// Rows of one slice, and the longest that deleting them may take. Measured with rows all over the
/// file; what is left waits for the next slice.
const SLICE_ROWS_MAX: usize = 5000;
const SLICE_TIME_MAX: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
pub(crate) struct Cuts {
    /// Logs that have a limit of age, by the time in milliseconds when their first message passes
    /// it. Each is here once, or its `is_due` is false.
    due: BTreeSet<(u64, u64)>,
    /// Logs that have passed another limit. Each is here once; see `is_over`.
    over: VecDeque<u64>,
    /// Logs that were erased, with the rows that are left of them.
    erased: VecDeque<(u64, u64, VecDeque<Entry>)>,
    /// The slice: rows that are no longer in the index, in their order in the file.
    slice: VecDeque<u64>,
    /// The last row that was gathered of logs that are served.
    cut: u64,
    /// Logs whose last message is in the slice: from here on their rows hold their heads.
    emptied: Vec<u64>,
    /// Erased logs of which nothing is left after the slice, with their seals.
    finished: Vec<(u64, u64)>,
}

impl Cuts {
    /// All logs are looked at once.
    pub(crate) fn begin(&mut self, index: &mut Index, erased: BTreeMap<u64, (LogRow, Vec<Entry>)>) {
        for id in index.logs().map(|it| it.id).collect::<Vec<_>>() {
            if let Some(log) = index.log_mut(id) {
                self.watch(log);
            }
        }
        for (id, (row, entries)) in erased {
            self.erased.push_back((id, row.seal(), entries.into()));
        }
    }

    /// A log has got a message, or may have too many.
    pub(crate) fn watch(&mut self, log: &mut Log) {
        if let (Some(age), Some(first), false) = (log.keep.age, log.entries.front(), log.is_due) {
            log.is_due = true;
            self.due.insert((due(*first, age), log.id));
        }
        // Cut in lots of an eighth: rows of one log are far apart in the file, and each one alone
        // would cost a page.
        let lot = |max: u64| max.saturating_add((max / 8).max(1));
        let is_over = log.keep.messages.is_some_and(|it| lot(it) <= log.entries.len() as u64)
            || log.keep.bytes.is_some_and(|it| lot(it) <= log.bytes);
        if is_over && !log.is_over {
            log.is_over = true;
            self.over.push_back(log.id);
        }
    }

    pub(crate) fn erase(&mut self, log: Log, sealed: u64) {
        self.erased.push_back((log.id, sealed, log.entries));
    }

    /// Whether there is something to do at this time.
    pub(crate) fn is_waiting(&self, now: u64) -> bool {
        !self.slice.is_empty()
            || !self.finished.is_empty()
            || !self.over.is_empty()
            || !self.erased.is_empty()
            || self.due.first().is_some_and(|it| it.0 <= now)
    }

    /// Whether there is more than a slice to do.
    pub(crate) fn is_behind(&self) -> bool {
        !self.slice.is_empty() || SLICE_ROWS_MAX <= self.over.len() || !self.erased.is_empty()
    }

    /// Takes out of the index what has to go next.
    fn gather(&mut self, index: &mut Index, now: u64) {
        let mut slice = Vec::new();
        while slice.len() < SLICE_ROWS_MAX
            && let Some((_, id)) = self.due.pop_first_if(|it| it.0 <= now)
        {
            self.cut_old(index, id, now, &mut slice);
        }
        while slice.len() < SLICE_ROWS_MAX
            && let Some(id) = self.over.pop_front()
        {
            self.cut_many(index, id, &mut slice);
        }
        while slice.len() < SLICE_ROWS_MAX
            && let Some((id, sealed, mut entries)) = self.erased.pop_front()
        {
            let count = entries.len().min(SLICE_ROWS_MAX - slice.len());
            slice.extend(entries.drain(..count).map(|it| it.id));
            match entries.is_empty() {
                true => self.finished.push((id, sealed)),
                false => self.erased.push_front((id, sealed, entries)),
            }
        }
        slice.sort_unstable();
        self.slice = slice.into();
    }

    fn cut_old(&mut self, index: &mut Index, id: u64, now: u64, slice: &mut Vec<u64>) {
        let Some(log) = index.log_mut(id) else { return };
        log.is_due = false;
        let Some(age) = log.keep.age else { return };
        while slice.len() < SLICE_ROWS_MAX
            && let Some(first) = index.log(id).and_then(|it| it.entries.front())
            && due(*first, age) <= now
        {
            slice.extend(index.pop(id).map(|it| it.id));
        }
        self.cut(index, id);
    }

    fn cut_many(&mut self, index: &mut Index, id: u64, slice: &mut Vec<u64>) {
        let Some(log) = index.log_mut(id) else { return };
        log.is_over = false;
        let keep = log.keep;
        while slice.len() < SLICE_ROWS_MAX
            && let Some(log) = index.log(id)
            && (keep.messages.is_some_and(|it| it < log.entries.len() as u64)
                || keep.bytes.is_some_and(|it| it < log.bytes))
            && let Some(entry) = index.pop(id)
        {
            slice.push(entry.id);
        }
        self.cut(index, id);
    }

    /// A log has been cut.
    fn cut(&mut self, index: &mut Index, id: u64) {
        let Some(log) = index.log_mut(id) else { return };
        self.cut = self.cut.max(log.cut);
        if log.entries.is_empty() {
            self.emptied.push(id);
        }
        self.watch(log);
    }
}

/// When a message passes the limit of age, in milliseconds.
fn due(entry: Entry, age: Duration) -> u64 {
    entry.time().saturating_add(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

/// `BTreeSet::pop_first`, if it is time.
trait PopFirstIf<T> {
    fn pop_first_if(&mut self, is_time: impl FnOnce(&T) -> bool) -> Option<T>;
}

impl<T: Ord> PopFirstIf<T> for BTreeSet<T> {
    fn pop_first_if(&mut self, is_time: impl FnOnce(&T) -> bool) -> Option<T> {
        self.first().is_some_and(is_time).then(|| self.pop_first()).flatten()
    }
}

impl Desk {
    /// Cuts one slice, if there is one. A transaction of its own.
    pub(crate) fn cut(&mut self, shared: &Shared, now: u64) -> rusqlite::Result<()> {
        if self.cuts.slice.is_empty() {
            self.cuts.gather(&mut shared.index_mut(), now);
        }
        if self.cuts.slice.is_empty() && self.cuts.finished.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for id in std::mem::take(&mut self.cuts.emptied) {
            self.write_head(shared, id)?;
        }
        let mut count = 0;
        while let Some((first, last)) = run(&mut self.cuts.slice) {
            count += self.delete(first, last)?;
            if SLICE_TIME_MAX <= began.elapsed() {
                break;
            }
        }
        if self.cuts.slice.is_empty() {
            for (id, sealed) in std::mem::take(&mut self.cuts.finished) {
                self.delete_log(id, sealed)?;
            }
        }
        // Known to be cut before it is gone, or with it.
        self.account.cut = self.account.cut.max(self.cuts.cut);
        self.write_account()?;
        self.db.execute_batch("COMMIT")?;
        // A page a row, at worst.
        self.wal_bytes += 4096 * (count + 2);
        shared.tally().cut += count;
        Ok(())
    }

    fn write_head(&mut self, shared: &Shared, id: u64) -> rusqlite::Result<()> {
        let known = shared.index().log(id).map(|it| (it.row(), it.sealed));
        let Some((row, sealed)) = known else { return Ok(()) };
        let sealed = self.write_log(&row, Some(sealed))?;
        if let Some(log) = shared.index_mut().log_mut(id) {
            log.sealed = sealed;
        }
        Ok(())
    }

    fn delete(&mut self, first: u64, last: u64) -> rusqlite::Result<u64> {
        let text = "DELETE FROM messages WHERE id BETWEEN ? AND ?";
        let bounds = (first.cast_signed(), last.cast_signed());
        let count = self.db.prepare_cached(text)?.execute(bounds)? as u64;
        if count != last - first + 1 {
            // Rows have gone that nobody has cut.
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some("messages are missing".to_owned()),
            ));
        }
        for id in first..=last {
            self.account.take(id);
        }
        Ok(count)
    }
}

/// The next rows that follow each other: one statement deletes them all. At most as many as take
/// about a millisecond.
fn run(slice: &mut VecDeque<u64>) -> Option<(u64, u64)> {
    let first = slice.pop_front()?;
    let mut last = first;
    while slice.front() == Some(&(last + 1)) && last - first < 500 {
        last += 1;
        slice.pop_front();
    }
    Some((first, last))
}
