//! A channel's log, as its home keeps it: what is on its way to the disk, what is remembered here,
//! and how far everyone has come.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use proto::{Cursor, Kind, Offset, Placed, Publication, Reader, UnixMillis, UserId};

use crate::{
    deadlines::Tick,
    input::{Draft, Loaded, Origin},
    keys::Keys,
    knock::Knock,
    policy::Keep,
    position::Stamp,
    receipts::Receipts,
    recent::Recent,
};

/// Messages of one channel on their way to the disk. So many are more than a group commit takes;
/// whoever says more is told to wait.
pub(crate) const PENDING_MAX: usize = 8192;

/// Readers whose cursors one channel keeps: a very large room (F14).
pub const CURSORS_MAX: u32 = 100_000;

/// How long after a failure the disk is tried again.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// What is remembered here of a log that is on disk.
pub(crate) const CACHE: Keep =
    Keep { messages_max: 256, bytes_max: 256 << 10, age_max: Duration::from_secs(300) };

/// What is kept while the disk is behind: everything it has not taken, and that is bounded by
/// [`PENDING_MAX`].
const KEEP: Keep =
    Keep { messages_max: PENDING_MAX as u64, bytes_max: u64::MAX, age_max: Duration::MAX };

#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) stage: Stage,
    /// The oldest message that is kept, as far as is known here.
    pub(crate) first: Offset,
    /// The last offset that was handed out; the channel's own place is the last that was confirmed.
    pub(crate) assigned: Offset,
    /// What the last message was told as its time.
    time: UnixMillis,
    pub(crate) recent: Recent,
    /// Sent to the disk, oldest first.
    pub(crate) pending: VecDeque<Pending>,
    /// Whoever has heard less than this row may lack what is in the log and was never passed on.
    pub(crate) sure_after: Option<u64>,
    /// Answers of the disk that are outstanding.
    pub(crate) awaited: usize,
    pub(crate) keys: Keys,
    /// At most [`CURSORS_MAX`].
    pub(crate) cursors: BTreeMap<Reader, Cursor>,
    /// What members are told of them, where the namespace does.
    pub(crate) receipts: Receipts,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// On disk, and nobody has needed it yet.
    Unloaded,
    /// The disk has been asked where it stands; these wait.
    Loading { waiting: Vec<Knock> },
    /// As good as new.
    Ready,
    /// The disk refused what was confirmed already; it is tried again then.
    Behind { retry_at: Tick },
    /// The disk refused something, and nothing is taken until it has told where the log stands.
    /// [`Tick::NEVER`] while its answers are outstanding.
    Broken { retry_at: Tick },
}

/// A message on its way to the disk.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) publication: Arc<Publication>,
    pub(crate) at: Placed,
    pub(crate) key: Option<Arc<str>>,
    /// Who waits to be told. Several, if it was said again with its key meanwhile.
    pub(crate) origins: Vec<Origin>,
    /// Members have it already.
    pub(crate) is_told: bool,
}

impl Log {
    pub(crate) fn new(stage: Stage, recent: Recent) -> Self {
        Self {
            stage,
            first: Offset(1),
            assigned: Offset(0),
            time: UnixMillis(0),
            recent,
            pending: VecDeque::new(),
            sure_after: None,
            awaited: 0,
            keys: Keys::default(),
            cursors: BTreeMap::new(),
            receipts: Receipts::default(),
        }
    }

    /// What the disk knows of it.
    pub(crate) fn settle(&mut self, now: Tick, loaded: Loaded) {
        self.stage = Stage::Ready;
        self.first = loaded.head.first;
        self.recent.cut(self.first);
        self.assigned = loaded.head.at.offset;
        self.time = self.time.max(loaded.time);
        // What moved while the disk was asked counts too, as far as there is something.
        for cursor in self.cursors.values_mut() {
            let Cursor { delivered, read } = *cursor;
            let end = self.assigned;
            *cursor = Cursor { delivered: delivered.min(end), read: read.min(end) };
        }
        for (reader, cursor) in loaded.cursors {
            let known = self.cursors.entry(reader).or_default();
            *known = known.forward(cursor);
        }
        loaded.keys.into_iter().for_each(|(key, offset)| self.keys.remember(now, key, offset));
    }

    /// A message is on disk: it is remembered here for those who come back soon.
    pub(crate) fn stored(&mut self, now: Tick, stamp: Stamp, pending: &Pending) {
        if !pending.is_told {
            self.recent.push(now, stamp, Arc::clone(&pending.publication));
        }
        if let Some(key) = &pending.key {
            self.keys.remember(now, Arc::clone(key), pending.at.offset);
        }
        // What the disk has not taken yet can be had from nowhere else.
        let keep = match self.pending.is_empty() {
            true => CACHE,
            false => {
                Keep { messages_max: CACHE.messages_max.max(self.pending.len() as u64), ..KEEP }
            }
        };
        self.recent.trim_to(now, &keep, self.pending.len().max(1));
    }

    /// The disk was asked for messages that end where the log does, and none of them are remembered
    /// here, as after a restart: the others who come back then need not ask it again.
    pub(crate) fn found(&mut self, now: Tick, at: Placed, messages: &[Arc<Publication>]) {
        let is_last = messages.last().is_some_and(|it| it.kind == Kind::Message(at));
        if is_last && self.pending.is_empty() && self.recent.first().is_none() {
            messages.iter().for_each(|it| self.recent.push(now, Stamp::None, Arc::clone(it)));
            self.recent.trim(now, &CACHE);
        }
    }

    /// The next time: never before the last, whatever the clock does (L10).
    pub(crate) fn tick(&mut self, wall: UnixMillis) -> UnixMillis {
        self.time = self.time.max(wall);
        self.time
    }

    /// Whether nothing of it is under way, so that it may be forgotten here.
    pub(crate) fn is_idle(&self) -> bool {
        let is_at_rest = match self.stage {
            Stage::Unloaded | Stage::Ready => true,
            Stage::Loading { .. } | Stage::Behind { .. } | Stage::Broken { .. } => false,
        };
        is_at_rest && self.pending.is_empty()
    }

    pub(crate) const fn retry_at(&self) -> Tick {
        match self.stage {
            Stage::Behind { retry_at } | Stage::Broken { retry_at } => retry_at,
            Stage::Unloaded | Stage::Loading { .. } | Stage::Ready => Tick::NEVER,
        }
    }

    /// Messages after what somebody has read.
    pub(crate) fn unread(head: Offset, cursor: Cursor) -> u64 {
        head.0.saturating_sub(cursor.read.0)
    }
}

/// The publication that a draft becomes at its place.
pub(crate) fn publication(draft: Draft, kind: Kind, time: UnixMillis) -> Arc<Publication> {
    let Draft { channel, payload, from, except, except_conn, event, .. } = draft;
    Arc::new(Publication { channel, kind, from, except, except_conn, payload, event, time })
}

/// Who somebody is in a channel's cursors.
pub(crate) fn whose(
    user: Option<&UserId>,
    device: Option<&Arc<str>>,
    by_device: bool,
) -> Option<Reader> {
    let device = device.filter(|_| by_device).cloned();
    user.map(|user| Reader { user: user.clone(), device })
}
