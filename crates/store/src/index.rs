//! Where the messages of each log are, in memory: sixteen bytes a message. Rebuilt from the file at
//! every start, and after every failure.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Range,
};

use proto::{ChannelName, Epoch, LogHead, Offset, Placed, UnixMillis};

use crate::{
    options::{Options, Retention},
    row::{LogRow, State},
};

/// A message: its row, when it was said, what it weighs, and whether it has a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    /// 43 bits of milliseconds (until 2248), 20 bits of [`UNIT`]s (16 MiB), 1 bit for the key.
    packed: u64,
}

const UNIT: usize = 16;
const UNITS_MAX: u64 = (1 << 20) - 1;
const TIME_MAX: u64 = (1 << 43) - 1;

impl Entry {
    pub(crate) fn new(id: u64, time: UnixMillis, bytes: usize, is_keyed: bool) -> Self {
        let units = (bytes.div_ceil(UNIT) as u64).min(UNITS_MAX);
        Self { id, packed: time.0.min(TIME_MAX) << 21 | units << 1 | u64::from(is_keyed) }
    }

    pub(crate) const fn time(self) -> u64 {
        self.packed >> 21
    }

    /// Rounded up to sixteens; never less than the message has, up to 16 MiB.
    pub(crate) const fn bytes(self) -> u64 {
        (self.packed >> 1 & UNITS_MAX) * UNIT as u64
    }

    pub(crate) const fn is_keyed(self) -> bool {
        self.packed & 1 == 1
    }
}

#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) id: u64,
    pub(crate) channel: ChannelName,
    pub(crate) epoch: Epoch,
    /// With what is being committed. What readers see ends with `entries`.
    pub(crate) head: Offset,
    pub(crate) time_last: UnixMillis,
    pub(crate) loose: bool,
    /// The seal of its row, which is written more rarely than the head moves.
    pub(crate) sealed: u64,
    pub(crate) cursors: u32,
    pub(crate) keep: Retention,
    /// The offset of the first of `entries`, or of the message that will be.
    pub(crate) first: Offset,
    pub(crate) entries: VecDeque<Entry>,
    /// No message that was cut is in a later row; 0 if none was. Before the first is cut since the
    /// file was opened it is what the account says of all logs together.
    pub(crate) cut: u64,
    pub(crate) bytes: u64,
    /// A reader found damage; the writer will set it aside.
    pub(crate) is_damaged: bool,
    /// Whether retention by age looks at it again, and whether its other limits have been passed.
    pub(crate) is_due: bool,
    pub(crate) is_over: bool,
}

impl Log {
    pub(crate) fn row(&self) -> LogRow {
        LogRow {
            id: self.id,
            channel: self.channel.clone(),
            epoch: self.epoch,
            head: self.head,
            time: self.time_last,
            state: State::Live,
            loose: self.loose,
        }
    }

    /// The last message that is surely stored.
    pub(crate) fn stored(&self) -> Offset {
        Offset(self.first.0 + self.entries.len() as u64 - 1)
    }

    /// What a reader is told.
    pub(crate) fn seen(&self) -> LogHead {
        let head = self.stored();
        let kept = self.keep.messages.unwrap_or(u64::MAX);
        let first = self.first.0.max((head.0 + 1).saturating_sub(kept));
        LogHead { at: Placed { epoch: self.epoch, offset: head }, first: Offset(first) }
    }

    /// The entries of these offsets, which are in the log.
    pub(crate) fn range(&self, offsets: Range<u64>) -> impl DoubleEndedIterator<Item = Entry> {
        let place = |offset: u64| {
            usize::try_from(offset.saturating_sub(self.first.0)).unwrap_or(usize::MAX)
        };
        let end = place(offsets.end).min(self.entries.len());
        self.entries.range(place(offsets.start).min(end)..end).copied()
    }

    /// The last message that is not past this row. `None` where messages may have been cut that
    /// are.
    pub(crate) fn last_until(&self, row: u64) -> Option<Offset> {
        let count = self.entries.partition_point(|it| it.id <= row) as u64;
        let is_known = 0 < count || self.cut <= row;
        is_known.then(|| Offset(self.first.0 - 1 + count))
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.first.0 += 1;
        self.cut = entry.id;
        self.bytes -= entry.bytes();
        Some(entry)
    }
}

/// All logs that are served.
#[derive(Debug, Default)]
pub(crate) struct Index {
    names: HashMap<ChannelName, u64>,
    logs: BTreeMap<u64, Log>,
    messages: u64,
    bytes: u64,
}

impl Index {
    pub(crate) fn named(&self, channel: &ChannelName) -> Option<&Log> {
        self.logs.get(self.names.get(channel)?)
    }

    pub(crate) fn named_mut(&mut self, channel: &ChannelName) -> Option<&mut Log> {
        self.logs.get_mut(self.names.get(channel)?)
    }

    pub(crate) fn log(&self, id: u64) -> Option<&Log> {
        self.logs.get(&id)
    }

    pub(crate) fn log_mut(&mut self, id: u64) -> Option<&mut Log> {
        self.logs.get_mut(&id)
    }

    pub(crate) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.logs.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Begins to know a log.
    pub(crate) fn insert(&mut self, row: LogRow, options: &Options) {
        let namespace = row.channel.namespace();
        let named = options.retention.iter().find(|it| it.0 == namespace);
        let log = Log {
            id: row.id,
            epoch: row.epoch,
            head: row.head,
            time_last: row.time,
            loose: row.loose,
            sealed: row.seal(),
            cursors: 0,
            keep: named.map_or(options.default_retention, |it| it.1),
            first: Offset(row.head.0 + 1),
            entries: VecDeque::new(),
            cut: 0,
            bytes: 0,
            is_damaged: false,
            is_due: false,
            is_over: false,
            channel: row.channel,
        };
        self.names.insert(log.channel.clone(), log.id);
        self.logs.insert(log.id, log);
    }

    /// Ends to know a log.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Log> {
        let log = self.logs.remove(&id)?;
        // Its channel may have begun anew meanwhile.
        if self.names.get(&log.channel) == Some(&id) {
            self.names.remove(&log.channel);
        }
        self.messages -= log.entries.len() as u64;
        self.bytes -= log.bytes;
        Some(log)
    }

    /// A message is stored. `None` if its log is no longer known.
    pub(crate) fn push(&mut self, id: u64, entry: Entry) -> Option<&mut Log> {
        let log = self.logs.get_mut(&id)?;
        log.push(entry);
        self.messages += 1;
        self.bytes += entry.bytes();
        Some(log)
    }

    /// The oldest message of a log is no longer served.
    pub(crate) fn pop(&mut self, id: u64) -> Option<Entry> {
        let entry = self.logs.get_mut(&id)?.pop()?;
        self.messages -= 1;
        self.bytes -= entry.bytes();
        Some(entry)
    }
}
