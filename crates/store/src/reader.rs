//! The readers' threads. Each has a connection of its own that can only read, and never makes the
//! writer wait.
//!
//! Where the rows are is asked of the index first, and the rows are read after that. Rows leave the
//! index before they leave the file, and come into it after they came into the file: so a row that
//! is not there, or is another one, was cut meanwhile, and asking again tells. If the index still
//! says the same, the file is damaged.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use proto::{ChannelName, LogHead, Page, Publication, Span};
use rusqlite::Connection;

use crate::{
    fault::is_damage,
    index::{Entry, Index, Log},
    job::ReadFault,
    queue::Wanted,
    row::{Found, MessageRow},
    schema,
    shared::Shared,
};

#[derive(Debug)]
pub(crate) struct ReaderThread {
    shared: Arc<Shared>,
    /// With the number of the opening of the file it belongs to.
    db: Option<(u64, Connection)>,
}

/// Rows to read: those of one page.
#[derive(Debug, Eq, PartialEq)]
struct Plan {
    log: u64,
    opened: u64,
    channel: ChannelName,
    head: LogHead,
    /// The first row's offset.
    first: u64,
    rows: Vec<u64>,
}

enum Trouble {
    /// This row is not there, or is not what it should be.
    Row(u64),
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl ReaderThread {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, db: None }
    }

    /// Returns when the queue is closed and empty.
    pub(crate) fn run(mut self) {
        while let Some(wanted) = self.shared.reads.pop() {
            let page = catch_unwind(AssertUnwindSafe(|| self.page(&wanted)));
            let page = page.unwrap_or_else(|_| {
                tracing::error!("a reader of the store panicked");
                self.db = None;
                Err(ReadFault::Unavailable)
            });
            self.shared.tally().reads += 1;
            let listener = wanted.asker.listener;
            if catch_unwind(AssertUnwindSafe(|| listener.found(wanted.token, page))).is_err() {
                tracing::error!("a listener of the store panicked");
            }
        }
    }

    fn page(&mut self, wanted: &Wanted) -> Result<Page, ReadFault> {
        let mut suspect = None;
        loop {
            let plan = self.plan(wanted)?;
            match self.read(&plan) {
                Ok(messages) => return Ok(Page { head: plan.head, messages }),
                Err(Trouble::Row(row)) if suspect == Some((row, plan.opened)) => {
                    return Err(self.report(&plan));
                }
                // Each turn needs another row to have been cut; their number is limited by time.
                Err(Trouble::Row(row)) => suspect = Some((row, plan.opened)),
                Err(Trouble::Failed(error)) if is_damage(&error) => {
                    self.db = None;
                    return Err(self.report(&plan));
                }
                Err(Trouble::Failed(error)) => {
                    tracing::warn!(%error, "the store cannot be read");
                    self.db = None;
                    return Err(ReadFault::Unavailable);
                }
            }
        }
    }

    fn plan(&self, wanted: &Wanted) -> Result<Plan, ReadFault> {
        let index: &Index = &self.shared.index();
        let log = index.named(&wanted.channel).ok_or(ReadFault::Unknown)?;
        if log.is_damaged {
            return Err(ReadFault::Damaged);
        }
        let head = log.seen();
        let (first, rows) = match log.epoch == wanted.epoch {
            true => choose(log, head, wanted),
            false => (0, Vec::new()),
        };
        // Under the index's lock, which also guards the number.
        let opened = self.shared.opened();
        Ok(Plan { log: log.id, opened, channel: log.channel.clone(), head, first, rows })
    }

    fn read(&mut self, plan: &Plan) -> Result<Vec<Arc<Publication>>, Trouble> {
        if plan.rows.is_empty() {
            return Ok(Vec::new());
        }
        let db = match self.db.take() {
            Some((opened, db)) if opened == plan.opened => db,
            Some(_) | None => schema::open_to_read(&self.shared.path)?,
        };
        let db = &self.db.insert((plan.opened, db)).1;
        let text = format!("SELECT {} FROM messages WHERE id = ?", MessageRow::COLUMNS);
        let mut message = db.prepare_cached(&text)?;
        let snapshot = db.unchecked_transaction()?;
        let mut messages = Vec::with_capacity(plan.rows.len());
        for (id, offset) in plan.rows.iter().zip(plan.first..) {
            let mut rows = message.query((id.cast_signed(),))?;
            let row = rows.next()?.ok_or(Trouble::Row(*id))?;
            let Found::Whole(read) = MessageRow::read(row) else { return Err(Trouble::Row(*id)) };
            if (read.id, read.log, read.offset) != (*id, plan.log, offset) {
                return Err(Trouble::Row(*id));
            }
            let read = read.publication(&plan.channel, plan.head.at.epoch);
            messages.push(Arc::new(read.ok_or(Trouble::Row(*id))?));
        }
        drop(message);
        snapshot.commit()?;
        Ok(messages)
    }

    fn report(&self, plan: &Plan) -> ReadFault {
        if self.shared.opened() != plan.opened {
            return ReadFault::Unavailable;
        }
        self.shared.report_damage(plan.log);
        ReadFault::Damaged
    }
}

/// The rows of a page, and the first one's offset.
fn choose(log: &Log, head: LogHead, wanted: &Wanted) -> (u64, Vec<u64>) {
    let (first, end) = (head.first.0, head.at.offset.0 + 1);
    let mut left = (wanted.messages_max.max(1), wanted.bytes_max as u64);
    let mut fits = |entry: &Entry| {
        // At least one, however large: whoever reads on would else never get past it.
        let is_first = left.0 == wanted.messages_max.max(1);
        if left.0 == 0 || left.1 < entry.bytes() && !is_first {
            return false;
        }
        left = (left.0 - 1, left.1.saturating_sub(entry.bytes()));
        true
    };
    let forward = |from: u64| (from.clamp(first, end), end);
    let (range, is_backward) = match wanted.span {
        Span::After(offset) => (forward(offset.0.saturating_add(1)), false),
        Span::Since(time) => {
            let before = log.entries.partition_point(|it| it.time() < time.0);
            (forward(log.first.0 + before as u64), false)
        }
        Span::Before(offset) => ((first, offset.0.clamp(first, end)), true),
        Span::Last => ((first, end), true),
    };
    let entries = log.range(range.0..range.1);
    if !is_backward {
        return (range.0, entries.take_while(&mut fits).map(|it| it.id).collect());
    }
    let mut rows: Vec<u64> = entries.rev().take_while(&mut fits).map(|it| it.id).collect();
    rows.reverse();
    (range.1 - rows.len() as u64, rows)
}
