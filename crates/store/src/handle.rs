//! The store as others hold it.

use std::{
    collections::BTreeSet,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use proto::{ChannelName, Epoch, Offset, Span};

use crate::{
    desk::{Desk, Fresh},
    fault::{OpenError, ReadError},
    job::{Full, Job, Listener, Table, Token},
    lock::Lock,
    options::Options,
    queue::{Asker, Wanted},
    reader::ReaderThread,
    row::read_kept,
    schema,
    shared::Shared,
    tally::Tally,
    writer::WriterThread,
};

/// An open store. Cheap to clone; closed with its last clone, or by [`Store::close`].
#[derive(Clone, Debug)]
pub struct Store {
    opened: Arc<Opened>,
}

/// The key and the value of a row in a [`Table`].
pub type Row = (Box<str>, Box<str>);

/// Submits jobs, and has their answers told to its listener.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    asker: Asker,
}

#[derive(Debug)]
struct Opened {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    // Let go last, after the threads have ended.
    _lock: Lock,
}

impl Store {
    /// Opens or makes `tidegate.db` in a directory that no other process has open (L16), and starts
    /// the threads.
    ///
    /// A file that is damaged is moved aside, and what is whole in it goes on in a new one; what is
    /// damaged in one log alone costs that log (L9). `fresh_epoch` chooses epochs that have never
    /// been, for logs whose last messages may be lost.
    pub fn open(
        dir: &Path,
        options: Options,
        fresh_epoch: impl FnMut() -> Epoch + Send + 'static,
    ) -> Result<Self, OpenError> {
        let lock = Lock::take(dir)?;
        let readers = options.readers.max(1);
        let shared = Arc::new(Shared::new(dir.join(schema::FILE), options));
        let mut fresh = Fresh(Box::new(fresh_epoch));
        let desk = Desk::set_up(&shared, &mut fresh, &BTreeSet::new(), &mut false)?;

        let writer = WriterThread::new(Arc::clone(&shared), fresh);
        let mut threads = vec![spawn("store".to_owned(), move || writer.run(desk))?];
        for number in 0..readers {
            let reader = ReaderThread::new(Arc::clone(&shared));
            threads.push(spawn(format!("store-read-{number}"), move || reader.run())?);
        }
        Ok(Self { opened: Arc::new(Opened { shared, threads: Mutex::new(threads), _lock: lock }) })
    }

    /// A handle that submits jobs and has their answers told to `listener`.
    pub fn writer(&self, listener: Arc<dyn Listener>) -> Writer {
        let shared = Arc::clone(&self.opened.shared);
        let asker = Asker { id: shared.asker_next(), listener };
        Writer { shared, asker }
    }

    /// The keys and values of a table, as they are on the disk. For the start: it reads them all.
    /// A row that is damaged is left out; it was counted and logged when the file was opened.
    pub fn rows(&self, table: Table) -> Result<Vec<Row>, ReadError> {
        let db = schema::open_to_read(&self.opened.shared.path)?;
        let mut kept = db.prepare("SELECT kind, key, value, seal FROM kept")?;
        // From end to end, as when the file was opened: looking for the first row of a kind may
        // meet damage that reading all of them does not.
        let mut rows = kept.query(())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let read = read_kept(row).filter(|it| it.0 == table as u64);
            found.extend(read.map(|it| (it.1.into(), it.2.into())));
        }
        Ok(found)
    }

    /// The last row that was given to a message which is on the disk, or that was passed over
    /// since; 0 before the first. All that come are past it.
    pub fn row_last(&self) -> u64 {
        self.opened.shared.row_last()
    }

    /// Counters, and how things stand.
    pub fn tally(&self) -> Tally {
        let shared = &self.opened.shared;
        let mut tally = shared.tally().clone();
        let (jobs, bytes, refused) = shared.queue.depth();
        (tally.queue_jobs, tally.queue_bytes) = (jobs, bytes);
        tally.refused += refused;
        tally.queue_reads = shared.reads.depth();
        let index = shared.index();
        (tally.messages, tally.bytes, tally.logs) = (index.messages(), index.bytes(), index.len());
        tally
    }

    /// Does what was submitted before, closes the file in peace, and ends the threads. Whoever
    /// still has a clone or a [`Writer`] is told [`Full`] from now on.
    pub fn close(self) {
        self.opened.close();
    }
}

impl Opened {
    fn close(&self) {
        self.shared.reads.close();
        self.shared.queue.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // Readers first: the last connection to close leaves one file.
        while let Some(thread) = threads.pop() {
            // A listener that drops the last clone cannot wait for its own thread.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.close();
    }
}

impl Writer {
    /// All or none are taken; each is answered once, in this order.
    pub fn submit(&self, jobs: Vec<(Token, Job)>) -> Result<(), Full> {
        self.shared.queue.push(&self.asker, jobs)
    }

    /// The last message of a log that is not past this row: what somebody has who had everything up
    /// to it. `None` where messages that are past it may have been cut, or where there is no such
    /// log. Asks memory, and not the disk.
    pub fn last_until(&self, channel: &ChannelName, epoch: Epoch, row: u64) -> Option<Offset> {
        let index = self.shared.index();
        let log = index.named(channel).filter(|it| it.epoch == epoch && !it.is_damaged)?;
        log.last_until(row)
    }

    /// Reads part of a log: at most so many messages and bytes, but one message if there is one. An
    /// epoch that is not the log's finds no messages, and the true head.
    pub fn read(
        &self,
        token: Token,
        channel: ChannelName,
        epoch: Epoch,
        span: Span,
        messages_max: usize,
        bytes_max: usize,
    ) -> Result<(), Full> {
        let asker = self.asker.clone();
        let wanted = Wanted { asker, token, channel, epoch, span, messages_max, bytes_max };
        let pushed = self.shared.reads.push(wanted);
        self.shared.tally().refused += u64::from(pushed.is_err());
        pushed
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.asker, f)
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name);
    thread.spawn(run).map_err(|source| OpenError::Thread { source })
}
