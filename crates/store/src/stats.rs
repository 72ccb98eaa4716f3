//! What a store holds, for whoever runs it. Works beside the process that has it open.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use proto::{ChannelName, UnixMillis};

use crate::{
    aside::with_suffix,
    inspect::{InspectError, open},
    row::{LogRow, State},
};

/// Logs that are shown by name.
const LARGEST: usize = 10;

/// The figures of a store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    pub path: PathBuf,
    /// Bytes of the file, and of the write-ahead log beside it.
    pub file_bytes: u64,
    pub wal_bytes: u64,
    /// Bytes of the file that hold nothing.
    pub free_bytes: u64,
    pub logs: u64,
    /// Logs without a message.
    pub logs_empty: u64,
    /// Logs that are damaged and set aside.
    pub logs_aside: u64,
    pub messages: u64,
    /// Bytes of the messages' payloads.
    pub payload_bytes: u64,
    /// When the oldest and the newest of them were said.
    pub oldest: Option<UnixMillis>,
    pub newest: Option<UnixMillis>,
    pub cursors: u64,
    pub sessions: u64,
    pub revocations: u64,
    /// The logs with most bytes: channel, messages, bytes.
    pub largest: Vec<(ChannelName, u64, u64)>,
}

/// Reads the figures of the store in a data directory.
pub fn stats(dir: &Path) -> Result<Stats, InspectError> {
    let (path, db) = open(dir)?;
    let failed = |source| InspectError::Read { path: path.clone(), source };
    let mut stats = read(&db).map_err(failed)?;
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
    stats.file_bytes = bytes(&path);
    stats.wal_bytes = bytes(&with_suffix(&path, "-wal"));
    stats.path = path;
    Ok(stats)
}

fn read(db: &rusqlite::Connection) -> rusqlite::Result<Stats> {
    let snapshot = db.unchecked_transaction()?;
    let number = |text: &str| -> rusqlite::Result<u64> {
        db.query_row(text, (), |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
    };
    let mut stats = Stats {
        free_bytes: number("PRAGMA freelist_count")? * number("PRAGMA page_size")?,
        cursors: number("SELECT count(*) FROM cursors")?,
        sessions: number("SELECT count(*) FROM kept WHERE kind = 1")?,
        revocations: number("SELECT count(*) FROM kept WHERE kind = 2")?,
        ..Stats::default()
    };
    let mut channels = BTreeMap::new();
    let mut logs = db.prepare(&format!("SELECT {} FROM logs", LogRow::COLUMNS))?;
    let mut rows = logs.query(())?;
    while let Some(row) = rows.next()? {
        match LogRow::read(row) {
            Some(log) if log.state == State::Live => drop(channels.insert(log.id, log.channel)),
            Some(log) => stats.logs_aside += u64::from(log.state == State::Aside),
            None => {}
        }
    }
    stats.logs = channels.len() as u64;
    let mut known: Vec<(ChannelName, u64, u64)> = Vec::new();
    let mut sums = db.prepare(
        "SELECT log, count(*), sum(length(CAST(payload AS BLOB))), min(time), max(time) \
         FROM messages GROUP BY log",
    )?;
    let mut rows = sums.query(())?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let (log, count, bytes) = (number(0)?, number(1)?, number(2)?);
        let (oldest, newest) = (UnixMillis(number(3)?), UnixMillis(number(4)?));
        stats.messages += count;
        stats.payload_bytes += bytes;
        stats.oldest = Some(stats.oldest.map_or(oldest, |it| it.min(oldest)));
        stats.newest = Some(stats.newest.map_or(newest, |it| it.max(newest)));
        if let Some(channel) = channels.get(&log) {
            known.push((channel.clone(), count, bytes));
        }
    }
    stats.logs_empty = stats.logs - known.len() as u64;
    known.sort_by_key(|it| std::cmp::Reverse(it.2));
    known.truncate(LARGEST);
    stats.largest = known;
    drop(rows);
    drop(sums);
    snapshot.commit()?;
    Ok(stats)
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
        writeln!(f, "{}", self.path.display())?;
        writeln!(
            f,
            "  file          {}, of that free {}, and a write-ahead log of {}",
            mib(self.file_bytes),
            mib(self.free_bytes),
            mib(self.wal_bytes)
        )?;
        writeln!(f, "  logs          {}, of those empty {}", self.logs, self.logs_empty)?;
        writeln!(f, "  messages      {}, payloads {}", self.messages, mib(self.payload_bytes))?;
        if let (Some(oldest), Some(newest)) = (self.oldest, self.newest) {
            let span = newest.0.saturating_sub(oldest.0) / 1000;
            let (days, hours, minutes) = (span / 86_400, span / 3600 % 24, span / 60 % 60);
            writeln!(f, "  from first    {days} d {hours} h {minutes} min to the last")?;
        }
        writeln!(f, "  cursors       {}", self.cursors)?;
        writeln!(f, "  sessions      {}", self.sessions)?;
        writeln!(f, "  revocations   {}", self.revocations)?;
        if 0 < self.logs_aside {
            writeln!(f, "  set aside     {} damaged logs; see verify", self.logs_aside)?;
        }
        for (index, (channel, messages, bytes)) in self.largest.iter().enumerate() {
            let label = if index == 0 { "largest logs" } else { "" };
            writeln!(f, "  {label:<13} {channel}: {messages} messages, {}", mib(*bytes))?;
        }
        Ok(())
    }
}
