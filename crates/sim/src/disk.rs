//! The store, as an honest one behaves: what is asked is done in order and answered when it is on
//! disk, an append has to continue its log, and whatever it cannot promise it does not.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use engine::{Input, Loaded, Moved, Task};
use proto::{
    ChannelName, Code, Cursor, Epoch, Kind, LogHead, Offset, Page, Placed, Publication, Reader,
    Span, UnixMillis,
};

use crate::{
    dice::Dice,
    model::Model,
    rules::{self, KEYS_FOR, Kept},
};

#[derive(Debug)]
pub(crate) struct Disk {
    logs: BTreeMap<ChannelName, Log>,
    /// What it has been asked and has not answered.
    asked: VecDeque<(u16, Task)>,
    pub(crate) mood: Mood,
    /// What waits for it at most; whatever comes then is turned away.
    pub(crate) asked_max: usize,
    /// Parts are read beside what is written, so a question may overtake what was asked before.
    pub(crate) reads_overtake: bool,
    /// Channels with messages that were told and then refused here.
    lost: BTreeSet<ChannelName>,
    epoch_next: u64,
    row_last: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    Works,
    Refuses,
    /// Refuses, and has done it all the same.
    Lies,
}

#[derive(Debug)]
struct Log {
    epoch: Epoch,
    /// The offset of the first message here.
    first: u64,
    messages: VecDeque<Arc<Publication>>,
    cursors: BTreeMap<Reader, Cursor>,
    keys: Vec<(Arc<str>, Offset, Duration)>,
    time: UnixMillis,
}

impl Disk {
    pub(crate) const fn new(asked_max: usize, reads_overtake: bool) -> Self {
        Self {
            logs: BTreeMap::new(),
            asked: VecDeque::new(),
            mood: Mood::Works,
            asked_max,
            reads_overtake,
            lost: BTreeSet::new(),
            // Far from those that shards choose.
            epoch_next: 1 << 40,
            row_last: 0,
        }
    }

    /// Takes a task, or turns it away at once, before what was asked earlier is answered.
    pub(crate) fn ask(&mut self, shard: u16, task: Task) -> Option<Input> {
        if self.asked.len() < self.asked_max {
            self.asked.push_back((shard, task));
            return None;
        }
        let busy = Code::Busy;
        Some(match task {
            Task::Load { channel } => Input::Loaded { channel, loaded: Err(busy) },
            Task::Find { channel, epoch, wish, asked_by, .. } => {
                Input::Found { channel, epoch, wish, asked_by, page: Err(busy) }
            }
            Task::Locate { channel, epoch, joined, asked_by, .. } => {
                Input::Located { channel, epoch, stood_at: None, joined, asked_by }
            }
            Task::Append { publication, .. } => {
                let at = place_of(&publication);
                let channel = publication.channel.clone();
                Input::Appended { channel, at, outcome: Err(busy) }
            }
            Task::Move { channel, moved } => Input::Moved { channel, moved, outcome: Err(busy) },
            Task::Erase { channel, ticket } => {
                Input::Erased { channel, ticket, outcome: Err(busy) }
            }
        })
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.asked.is_empty()
    }

    /// Does the next thing, and says what came of it.
    pub(crate) fn work(
        &mut self,
        now: Duration,
        dice: &mut Dice,
        model: &mut Model,
    ) -> Option<(u16, Input)> {
        let mut place = 0;
        if self.reads_overtake && dice.once_in(2) {
            let is_read = |it: &(u16, Task)| matches!(it.1, Task::Find { .. });
            place = self.asked.iter().position(is_read).unwrap_or(0);
        }
        let (shard, task) = self.asked.remove(place)?;
        let refused = match self.mood {
            Mood::Works => None,
            Mood::Refuses | Mood::Lies => Some(Code::StoreUnavailable),
        };
        let is_done = self.mood != Mood::Refuses;
        let input = match task {
            Task::Load { channel } => {
                let loaded = refused.map_or_else(|| Ok(self.load(now, &channel)), Err);
                Input::Loaded { channel, loaded }
            }
            Task::Find { channel, epoch, span, messages_max, wish, asked_by, .. } => {
                let page = || self.page(&channel, epoch, span, messages_max);
                let page = refused.map_or_else(|| Ok(page()), Err);
                Input::Found { channel, epoch, wish, asked_by, page }
            }
            Task::Locate { channel, epoch, joined, asked_by, .. } => {
                Input::Located { channel, epoch, stood_at: None, joined, asked_by }
            }
            Task::Append { publication, key, .. } => {
                let channel = publication.channel.clone();
                let at = place_of(&publication);
                let done = if is_done { self.append(now, publication, key, model) } else { Ok(0) };
                if refused.is_some() && rules::kept(&channel) == Kept::Soon {
                    self.lost.insert(channel.clone());
                }
                Input::Appended { channel, at, outcome: refused.map_or(done, Err) }
            }
            Task::Move { channel, moved } => {
                let done = if is_done { self.move_cursor(&channel, &moved, model) } else { Ok(()) };
                Input::Moved { channel, moved, outcome: refused.map_or(done, Err) }
            }
            Task::Erase { channel, ticket } => {
                if is_done {
                    self.logs.remove(&channel);
                    model.erased(&channel);
                }
                Input::Erased { channel, ticket, outcome: refused.map_or(Ok(()), Err) }
            }
        };
        Some((shard, input))
    }

    /// It works again. What was told of some logs before they had it may be lost.
    pub(crate) fn recover(&mut self, model: &mut Model) {
        self.mood = Mood::Works;
        for channel in std::mem::take(&mut self.lost) {
            self.renew(&channel, model);
        }
    }

    /// The power fails: of what was asked last, some is done and answered to nobody.
    pub(crate) fn fail(&mut self, now: Duration, dice: &mut Dice, model: &mut Model) {
        let done = dice.below(self.asked.len() + 1);
        for _ in 0..done {
            self.work(now, dice, model);
        }
        self.asked.clear();
        self.recover(model);
        let channels: Vec<ChannelName> = self.logs.keys().cloned().collect();
        for channel in channels.iter().filter(|it| rules::kept(it) == Kept::Soon) {
            self.renew(channel, model);
        }
    }

    /// What is left is kept, in a new epoch: an offset is used once in each.
    fn renew(&mut self, channel: &ChannelName, model: &mut Model) {
        let Some(log) = self.logs.get_mut(channel) else { return };
        self.epoch_next += 1;
        log.epoch = Epoch(self.epoch_next);
        let head = log.head().at.offset;
        for cursor in log.cursors.values_mut() {
            let Cursor { delivered, read } = *cursor;
            *cursor = Cursor { delivered: delivered.min(head), read: read.min(head) };
        }
        model.renewed(channel, log.head());
    }

    /// The oldest messages of some log go.
    pub(crate) fn cut(&mut self, dice: &mut Dice, model: &mut Model) {
        let names: Vec<ChannelName> = self.logs.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let name = &names[dice.below(names.len())];
        let Some(log) = self.logs.get_mut(name) else { return };
        let count = dice.below(log.messages.len() + 1);
        log.messages.drain(..count);
        log.first += count as u64;
        // Keys are rows of their messages.
        log.keys.retain(|it| log.first <= it.1.0);
        model.cut(name, log.head());
    }

    fn load(&self, now: Duration, channel: &ChannelName) -> Option<Loaded> {
        let log = self.logs.get(channel)?;
        let keys = log.keys.iter().filter(|it| now <= it.2 + KEYS_FOR);
        Some(Loaded {
            head: log.head(),
            time: log.time,
            cursors: log.cursors.clone().into_iter().collect(),
            keys: keys.map(|it| (Arc::clone(&it.0), it.1)).collect(),
        })
    }

    fn append(
        &mut self,
        now: Duration,
        publication: Arc<Publication>,
        key: Option<Arc<str>>,
        model: &mut Model,
    ) -> Result<u64, Code> {
        let at = place_of(&publication);
        let channel = publication.channel.clone();
        let log = match self.logs.get_mut(&channel) {
            Some(log) => log,
            None if at.offset != Offset(1) => return Err(Code::StoreUnavailable),
            None => self.logs.entry(channel.clone()).or_insert(Log::new(at.epoch)),
        };
        let head = log.head().at;
        if at.epoch != head.epoch || at.offset.0 != head.offset.0 + 1 {
            return Err(Code::StoreUnavailable);
        }
        log.time = log.time.max(publication.time);
        log.keys.extend(key.map(|it| (it, at.offset, now)));
        log.messages.push_back(Arc::clone(&publication));
        model.stored(&publication, log.head());
        self.row_last += 1;
        Ok(self.row_last)
    }

    /// Forward, and no further than the log goes.
    fn move_cursor(
        &mut self,
        channel: &ChannelName,
        moved: &Moved,
        model: &mut Model,
    ) -> Result<(), Code> {
        let log = self.logs.get_mut(channel).ok_or(Code::StoreUnavailable)?;
        let head = log.head().at;
        let Cursor { delivered, read } = moved.cursor;
        let to = Cursor { delivered: delivered.min(head.offset), read: read.min(head.offset) };
        let cursor = log.cursors.entry(moved.reader.clone()).or_default();
        *cursor = cursor.forward(to);
        model.marks.stored(channel, &moved.reader, *cursor);
        Ok(())
    }

    fn page(&self, channel: &ChannelName, epoch: Epoch, span: Span, messages_max: usize) -> Page {
        let Some(log) = self.logs.get(channel) else {
            let head = LogHead { at: Placed { epoch, offset: Offset(0) }, first: Offset(1) };
            return Page { head, messages: Vec::new() };
        };
        if log.epoch != epoch {
            return Page { head: log.head(), messages: Vec::new() };
        }
        let all = log.messages.iter().zip(log.first..);
        let messages: Vec<_> = match span {
            Span::After(after) => all.filter(|it| after.0 < it.1).take(messages_max).collect(),
            Span::Since(time) => all.skip_while(|it| it.0.time < time).take(messages_max).collect(),
            Span::Before(_) | Span::Last => {
                let before = if let Span::Before(it) = span { it.0 } else { u64::MAX };
                let all: Vec<_> = all.filter(|it| it.1 < before).collect();
                all[all.len().saturating_sub(messages_max)..].to_vec()
            }
        };
        let placed = |(message, offset): (&Arc<Publication>, u64)| {
            let at = Placed { epoch, offset: Offset(offset) };
            Arc::new(Publication { kind: Kind::Message(at), ..Publication::clone(message) })
        };
        Page { head: log.head(), messages: messages.into_iter().map(placed).collect() }
    }
}

impl Log {
    const fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            first: 1,
            messages: VecDeque::new(),
            cursors: BTreeMap::new(),
            keys: Vec::new(),
            time: UnixMillis(0),
        }
    }

    fn head(&self) -> LogHead {
        let offset = Offset(self.first + self.messages.len() as u64 - 1);
        LogHead { at: Placed { epoch: self.epoch, offset }, first: Offset(self.first) }
    }
}

fn place_of(publication: &Publication) -> Placed {
    let Kind::Message(at) = publication.kind else { unreachable!("signals are not kept") };
    at
}
