//! The disk of the stories: keeps what it is told in order, and can be held, fail and forget.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use proto::{
    ChannelName, Code, Cursor, Epoch, Kind, LogHead, Offset, Page, Placed, Publication, Reader,
    Span, UnixMillis,
};

use crate::{Effect, Input, Loaded, Task};

#[derive(Default)]
pub(super) struct Disk {
    logs: BTreeMap<ChannelName, Kept>,
    pub(super) row_last: u64,
    /// What it has been asked, by which shard.
    asked: VecDeque<(u16, Task)>,
    pub(super) is_held: bool,
    pub(super) fails: bool,
    /// Writes are carried out and said to have failed.
    pub(super) lies: bool,
}

#[derive(Default)]
struct Kept {
    epoch: Epoch,
    /// The offset of the first message here.
    first: u64,
    messages: Vec<Arc<Publication>>,
    /// Where those are.
    rows: Vec<u64>,
    cursors: BTreeMap<Reader, Cursor>,
    keys: Vec<(Arc<str>, Offset)>,
}

impl Disk {
    /// Takes what is for it, and gives back what is not.
    pub(super) fn ask(&mut self, shard: u16, effect: Effect) -> Option<Effect> {
        let Effect::Store(task) = effect else { return Some(effect) };
        self.asked.push_back((shard, task));
        None
    }

    /// What was asked last was too much. Said at once, whatever waits.
    pub(super) fn turn_away(&mut self) -> Option<(u16, Input)> {
        let (shard, Task::Append { publication, .. }) = self.asked.pop_back()? else { return None };
        let Kind::Message(at) = publication.kind else { panic!("signals are not kept") };
        let channel = publication.channel.clone();
        Some((shard, Input::Appended { channel, at, outcome: Err(Code::Busy) }))
    }

    /// Does the next thing it was asked.
    pub(super) fn work(&mut self) -> Option<(u16, Input)> {
        let (shard, task) = self.asked.pop_front()?;
        let failed = self.fails.then_some(Code::StoreUnavailable);
        let input = match task {
            Task::Load { channel } => {
                let loaded = failed.map_or_else(|| Ok(self.load(&channel)), Err);
                Input::Loaded { channel, loaded }
            }
            Task::Append { publication, key, .. } => {
                let channel = publication.channel.clone();
                let Kind::Message(at) = publication.kind else { panic!("signals are not kept") };
                let mut outcome = failed.map_or(Ok(0), Err);
                if failed.is_none() || self.lies {
                    outcome =
                        self.append(publication, key, at).and_then(|row| outcome.map(|_| row));
                }
                Input::Appended { channel, at, outcome }
            }
            Task::Move { channel, moved } => {
                if failed.is_none() {
                    let kept = self.logs.entry(channel.clone()).or_default();
                    let head = if kept.first == 0 { Offset(0) } else { kept.head().at.offset };
                    let Cursor { delivered, read } = moved.cursor;
                    let cursor = Cursor { delivered: delivered.min(head), read: read.min(head) };
                    kept.cursors.insert(moved.reader.clone(), cursor);
                }
                Input::Moved { channel, moved, outcome: failed.map_or(Ok(()), Err) }
            }
            Task::Erase { channel, ticket } => {
                if failed.is_none() || self.lies {
                    self.logs.remove(&channel);
                }
                Input::Erased { channel, ticket, outcome: failed.map_or(Ok(()), Err) }
            }
            Task::Find { channel, epoch, span, messages_max, wish, asked_by, .. } => {
                let page = || self.page(&channel, epoch, span, messages_max);
                let page = failed.map_or_else(|| Ok(page()), Err);
                Input::Found { channel, epoch, wish, asked_by, page }
            }
            Task::Locate { channel, epoch, row, joined, asked_by, .. } => {
                let stood_at = self.logs.get(&channel).and_then(|it| it.stood_at(row));
                let stood_at = stood_at.filter(|_| failed.is_none());
                Input::Located { channel, epoch, stood_at, joined, asked_by }
            }
        };
        Some((shard, input))
    }

    /// The oldest messages go, up to this one.
    pub(super) fn cut(&mut self, channel: &ChannelName, first: u64) {
        let kept = self.logs.get_mut(channel).unwrap();
        while kept.first < first {
            kept.messages.remove(0);
            kept.rows.remove(0);
            kept.first += 1;
        }
    }

    /// A log that has come as far as this, and has nothing left of it.
    pub(super) fn begin_after(&mut self, channel: ChannelName, offset: u64) {
        let kept = Kept { epoch: Epoch(0xd1), first: offset + 1, ..Kept::default() };
        self.logs.insert(channel, kept);
    }

    fn load(&self, channel: &ChannelName) -> Option<Loaded> {
        let kept = self.logs.get(channel).filter(|it| it.first != 0)?;
        Some(Loaded {
            head: kept.head(),
            time: UnixMillis(0),
            cursors: kept.cursors.clone().into_iter().collect(),
            keys: kept.keys.clone(),
        })
    }

    fn append(
        &mut self,
        publication: Arc<Publication>,
        key: Option<Arc<str>>,
        at: Placed,
    ) -> Result<u64, Code> {
        let kept = self.logs.entry(publication.channel.clone()).or_default();
        if kept.first == 0 {
            (kept.first, kept.epoch) = (1, at.epoch);
        }
        let head = kept.head().at;
        if at.epoch != head.epoch || at.offset.0 != head.offset.0 + 1 {
            return Err(Code::StoreUnavailable);
        }
        self.row_last += 1;
        kept.rows.push(self.row_last);
        kept.messages.push(publication);
        kept.keys.extend(key.map(|it| (it, at.offset)));
        Ok(self.row_last)
    }

    fn page(&self, channel: &ChannelName, epoch: Epoch, span: Span, messages_max: usize) -> Page {
        let Some(kept) = self.logs.get(channel) else {
            let head = LogHead { at: Placed { epoch, offset: Offset(0) }, first: Offset(1) };
            return Page { head, messages: Vec::new() };
        };
        assert_eq!(kept.epoch, epoch, "asked about another life of {channel}");
        let all = kept.messages.iter().zip(kept.first..);
        let messages: Vec<_> = match span {
            Span::After(after) => all.filter(|it| after.0 < it.1).take(messages_max).collect(),
            Span::Since(time) => all.filter(|it| time <= it.0.time).take(messages_max).collect(),
            Span::Before(_) | Span::Last => {
                let before = if let Span::Before(it) = span { it.0 } else { u64::MAX };
                let all: Vec<_> = all.filter(|it| it.1 < before).collect();
                all[all.len().saturating_sub(messages_max)..].to_vec()
            }
        };
        let messages = messages.into_iter().map(|it| Arc::clone(it.0)).collect();
        Page { head: kept.head(), messages }
    }
}

impl Kept {
    /// Whoever lacks something that was cut is not told that it does not.
    fn stood_at(&self, row: u64) -> Option<Offset> {
        let count = self.rows.iter().filter(|it| **it <= row).count() as u64;
        (0 < count || self.first == 1).then(|| Offset(self.first - 1 + count))
    }

    fn head(&self) -> LogHead {
        let offset = Offset(self.first + self.messages.len() as u64 - 1);
        LogHead { at: Placed { epoch: self.epoch, offset }, first: Offset(self.first) }
    }
}
