//! How much is kept, and how much may wait.

use std::time::Duration;

/// What a store is told when it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is kept of the channels of a namespace, by the namespace's name.
    pub retention: Vec<(String, Retention)>,
    /// What is kept of the channels of every other namespace.
    pub default_retention: Retention,
    /// Jobs that may wait for the writer. What comes on top is refused with [`Full`](crate::Full).
    pub queue_jobs_max: usize,
    /// Bytes of the jobs that may wait for the writer.
    pub queue_bytes_max: usize,
    /// Reads that may wait for a reader thread.
    pub reads_max: usize,
    /// The longest that jobs of [`Class::Interval`](crate::Class::Interval) wait for company.
    pub interval: Duration,
    /// How long an idempotency key is remembered.
    pub key_window: Duration,
    /// Idempotency keys that one log answers when it is loaded; the newest ones.
    pub keys_max: usize,
    /// Cursors in one log.
    pub cursors_max: u32,
    /// Logs that are known, with and without messages. Each costs some 300 bytes of memory.
    pub logs_max: usize,
    /// When the write-ahead log is carried over to the file. Much larger, and reading it gets
    /// slower; much smaller, and pages that are written again and again are carried over as often.
    pub wal_bytes_max: u64,
    /// Threads that read.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention: Vec::new(),
            default_retention: Retention::default(),
            // A second's work at the budget of the crate, 60 000 messages a second.
            queue_jobs_max: 65_536,
            queue_bytes_max: 64 << 20,
            reads_max: 1024,
            interval: Duration::from_millis(100),
            key_window: Duration::from_secs(10 * 60),
            keys_max: 4096,
            cursors_max: 10_000,
            logs_max: 1_000_000,
            wal_bytes_max: 16 << 20,
            readers: 2,
        }
    }
}

/// What is kept of a log: the newest messages that are within every limit. `None` is no limit.
///
/// Age and bytes are cut in lots; for a while more may be kept than they say, never less. The
/// number of messages holds for every page, whatever is still on the disk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    pub messages: Option<u64>,
    pub age: Option<Duration>,
    pub bytes: Option<u64>,
}
