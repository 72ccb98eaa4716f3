//! What a store counts, for whoever shows it.

use std::time::Duration;

/// Counters since the start, and how things stand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Jobs that wait for the writer, their bytes, and reads that wait for a reader.
    pub queue_jobs: usize,
    pub queue_bytes: usize,
    pub queue_reads: usize,
    /// Jobs and reads that were refused because too much waited.
    pub refused: u64,
    /// Groups that were committed, the jobs in them, and the messages among those.
    pub groups: u64,
    pub jobs: u64,
    pub appended: u64,
    /// Jobs that were answered [`Fault::Unavailable`](crate::Fault::Unavailable).
    pub failed: u64,
    pub commits: Commits,
    /// Commits, syncs and other writes that the system failed.
    pub write_failures: u64,
    /// Times the file was opened again after such a failure.
    pub reopenings: u64,
    /// Whether it is failing now.
    pub is_unavailable: bool,
    /// Messages that are kept, their bytes, and the logs there are.
    pub messages: u64,
    pub bytes: u64,
    pub logs: usize,
    /// Messages that retention has cut.
    pub cut: u64,
    pub reads: u64,
    /// Logs that were found damaged and set aside; files that were.
    pub damaged_logs: u64,
    pub damaged_files: u64,
    /// Cursors and kept rows that were found damaged, and are ignored.
    pub damaged_rows: u64,
    /// Logs that got a new epoch because their last messages may be lost.
    pub renewed_logs: u64,
}

/// How long groups took, from the first job to the disk.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Commits {
    /// How many took at most as long as the same place of [`Self::BOUNDS`]; the last, longer.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    pub sum: Duration,
    pub max: Duration,
}

impl Commits {
    /// In microseconds.
    pub const BOUNDS: [u64; 11] =
        [250, 500, 1000, 2000, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

    pub(crate) fn add(&mut self, took: Duration) {
        let place = Self::BOUNDS.partition_point(|it| u128::from(*it) < took.as_micros());
        self.counts[place] += 1;
        self.sum += took;
        self.max = self.max.max(took);
    }
}
