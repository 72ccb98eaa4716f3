//! What the threads of a store share.

use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    index::Index,
    options::Options,
    queue::{Queue, Reads},
    tally::Tally,
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    pub(crate) queue: Queue,
    pub(crate) reads: Reads,
    index: RwLock<Index>,
    tally: Mutex<Tally>,
    /// How often the file has been opened: a reader whose connection is older opens it again.
    opened: AtomicU64,
    askers: AtomicU64,
    /// The last row that was given to a message which is on the disk, or that was passed over.
    row_last: AtomicU64,
}

impl Shared {
    pub(crate) fn new(path: PathBuf, options: Options) -> Self {
        Self {
            path,
            queue: Queue::new(options.queue_jobs_max, options.queue_bytes_max),
            reads: Reads::new(options.reads_max),
            options,
            index: RwLock::default(),
            tally: Mutex::default(),
            opened: AtomicU64::new(0),
            askers: AtomicU64::new(0),
            row_last: AtomicU64::new(0),
        }
    }

    /// After a panic the writer builds the index anew, so nobody stays with half a change.
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire)
    }

    /// The file has been opened, perhaps another one in its place.
    pub(crate) fn replace_index(&self, index: Index) {
        let mut current = self.index_mut();
        *current = index;
        self.opened.fetch_add(1, Ordering::Release);
    }

    /// A log is not served any more, and the writer will set it aside.
    pub(crate) fn report_damage(&self, log: u64) {
        if let Some(found) = self.index_mut().log_mut(log).filter(|it| !it.is_damaged) {
            found.is_damaged = true;
            self.queue.report_damage(log);
        }
    }

    pub(crate) fn row_last(&self) -> u64 {
        self.row_last.load(Ordering::Acquire)
    }

    pub(crate) fn set_row_last(&self, row: u64) {
        self.row_last.store(row, Ordering::Release);
    }

    pub(crate) fn asker_next(&self) -> u64 {
        self.askers.fetch_add(1, Ordering::Relaxed)
    }
}
