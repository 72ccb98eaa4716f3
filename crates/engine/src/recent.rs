//! The newest messages of a log, in memory: all of a log in memory, and of one on disk what those
//! who come back after a moment ask for, so that a storm of them does not reach the disk (L1).

use std::{cell::Cell, collections::VecDeque, rc::Rc, sync::Arc};

use proto::{Kind, Offset, Publication, Span};

use crate::{deadlines::Tick, policy::Keep, position::Stamp};

/// Messages whose offsets follow each other.
#[derive(Debug)]
pub(crate) struct Recent {
    messages: VecDeque<Said>,
    /// Whoever has heard less than this may lack what is not here any more, or never was. Counted
    /// as messages are that do not wait for the disk.
    dropped: u64,
    bytes: u64,
    scale: Rc<Scale>,
}

/// A message, since when it is here, and what its home has counted it as; 0 if that is not known.
#[derive(Debug)]
struct Said {
    at: Tick,
    count: u64,
    message: Arc<Publication>,
}

/// What all logs in a shard's memory weigh together (F14).
#[derive(Debug)]
pub(crate) struct Scale {
    bytes: Cell<u64>,
    bytes_max: u64,
}

impl Scale {
    pub(crate) fn new(bytes_max: u64) -> Rc<Self> {
        Rc::new(Self { bytes: Cell::new(0), bytes_max })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    fn is_over(&self) -> bool {
        self.bytes_max < self.bytes.get()
    }
}

/// What a message weighs besides its payload: its record, its names, its place here.
const MESSAGE_BYTES: u64 = 160;

impl Recent {
    /// `passed_on` is the last that its home has passed on, of whatever log: one that is forgotten
    /// and loaded again does not know which were its own.
    pub(crate) const fn new(scale: Rc<Scale>, passed_on: u64) -> Self {
        Self { messages: VecDeque::new(), dropped: passed_on, bytes: 0, scale }
    }

    pub(crate) fn push(&mut self, now: Tick, stamp: Stamp, message: Arc<Publication>) {
        // A message between them was refused, and is on disk all the same.
        let last = self.messages.back().map(|it| offset(&it.message).0);
        if last.is_some_and(|it| it + 1 != offset(&message).0) {
            self.clear();
        }
        let weight = weight(&message);
        self.bytes += weight;
        self.scale.bytes.update(|it| it + weight);
        let count = match stamp {
            Stamp::None => 0,
            Stamp::Disk(count) | Stamp::Live(count) => count,
        };
        self.messages.push_back(Said { at: now, count, message });
    }

    /// Drops the oldest until what is left may be kept. Where all logs together weigh too much,
    /// whoever speaks keeps only what they said last.
    pub(crate) fn trim(&mut self, now: Tick, keep: &Keep) {
        self.trim_to(now, keep, 1);
    }

    /// The same, and the last `least` stay however much all logs weigh.
    pub(crate) fn trim_to(&mut self, now: Tick, keep: &Keep, least: usize) {
        while let Some(Said { at, .. }) = self.messages.front() {
            let is_over = keep.messages_max < self.messages.len() as u64
                || keep.bytes_max < self.bytes
                || keep.age_max < now.since(*at)
                || (self.scale.is_over() && least < self.messages.len());
            if !is_over {
                break;
            }
            self.drop_oldest();
        }
    }

    /// Whether all logs together weigh more than they may.
    pub(crate) fn is_over(&self) -> bool {
        self.scale.is_over()
    }

    pub(crate) fn clear(&mut self) {
        self.scale.bytes.update(|it| it - self.bytes);
        self.bytes = 0;
        let last = self.messages.back().map_or(0, |it| it.count);
        self.dropped = self.dropped.max(last);
        self.messages = VecDeque::new();
    }

    /// The oldest that is here.
    pub(crate) fn first(&self) -> Option<Offset> {
        self.messages.front().map(|it| offset(&it.message))
    }

    /// The part of the log that is wanted, if all of it is here; `first` is where the log begins.
    pub(crate) fn part(
        &self,
        span: Span,
        first: Offset,
        messages_max: usize,
        bytes_max: u64,
    ) -> Option<Vec<Arc<Publication>>> {
        let from = self.first()?;
        let is_whole = from <= first;
        // Whoever asks may name the largest offset there is.
        let next = |after: Offset| after.0.saturating_add(1);
        let skipped = |after: Offset| usize::try_from(next(after).saturating_sub(from.0)).ok();
        let (start, newest_first) = match span {
            Span::After(after) if from.0 <= next(after) => (skipped(after)?, false),
            Span::After(_) if is_whole => (0, false),
            Span::Since(time) => {
                let start = self.messages.partition_point(|it| it.message.time < time);
                // The first one here may not be the first of that time.
                if start == 0 && !is_whole {
                    return None;
                }
                (start, false)
            }
            Span::Before(before) => {
                let end = usize::try_from(before.0.saturating_sub(from.0)).ok()?;
                (end.min(self.messages.len()), true)
            }
            Span::Last => (self.messages.len(), true),
            Span::After(_) => return None,
        };
        if newest_first {
            let wanted = start.min(messages_max);
            if wanted < messages_max && !is_whole {
                return None;
            }
            let some = self.messages.iter().take(start).map(|it| &it.message);
            return Some(bounded(some, wanted, bytes_max, true));
        }
        let some = self.messages.iter().skip(start).map(|it| &it.message);
        Some(bounded(some, messages_max, bytes_max, false))
    }

    /// Completes what was read from the disk, which ended at `end`, by what is only here: messages
    /// that were told before the disk had them, or stored since it was asked.
    pub(crate) fn complete(
        &self,
        mut messages: Vec<Arc<Publication>>,
        end: Offset,
        span: Span,
        messages_max: usize,
        bytes_max: u64,
    ) -> Vec<Arc<Publication>> {
        let end = messages.last().map_or(end, |it| offset(it));
        let follows = self.first().is_some_and(|it| it.0 <= end.0 + 1);
        let skipped = self.messages.partition_point(|it| offset(&it.message) <= end);
        let rest =
            self.messages.iter().skip(skipped).map(|it| &it.message).filter(|it| match span {
                Span::Since(time) => time <= it.time,
                Span::Before(before) => offset(it) < before,
                Span::After(_) | Span::Last => true,
            });
        messages.extend(rest.filter(|_| follows).cloned());
        let from_the_end = matches!(span, Span::Before(_) | Span::Last);
        bounded(messages.iter(), messages_max, bytes_max, from_the_end)
    }

    /// The last message that whoever has heard up to this count has, if that can be said from what
    /// is here. `end` is the log's last.
    pub(crate) fn last_until(&self, stamp: Stamp, end: Offset) -> Option<Offset> {
        let (heard, is_on_disk) = match stamp {
            Stamp::None => return None,
            Stamp::Disk(row) => (row, true),
            Stamp::Live(count) => (count, false),
        };
        if !is_on_disk && heard < self.dropped {
            return None;
        }
        let heard_here = self.messages.partition_point(|it| it.count <= heard);
        match heard_here.checked_sub(1).map(|it| &self.messages[it]) {
            // Read from the disk, which knows more.
            Some(last) if is_on_disk && last.count == 0 => None,
            Some(last) => Some(offset(&last.message)),
            None if is_on_disk => None,
            None => Some(self.first().map_or(end, |it| Offset(it.0 - 1))),
        }
    }

    /// What is older is no longer kept anywhere else either.
    pub(crate) fn cut(&mut self, first: Offset) {
        while self.first().is_some_and(|it| it < first) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(Said { count, message, .. }) = self.messages.pop_front() {
            let weight = weight(&message);
            self.dropped = self.dropped.max(count);
            self.bytes -= weight;
            self.scale.bytes.update(|it| it - weight);
        }
    }
}

/// At least one, if there is one; they are counted from the end that is nearer to what was asked
/// for.
fn bounded<'a>(
    messages: impl DoubleEndedIterator<Item = &'a Arc<Publication>>,
    messages_max: usize,
    bytes_max: u64,
    from_the_end: bool,
) -> Vec<Arc<Publication>> {
    let mut bytes = 0;
    let mut fits = |it: &&Arc<Publication>| {
        let is_first = bytes == 0;
        bytes += weight(it);
        is_first || bytes <= bytes_max
    };
    if from_the_end {
        let some = messages.rev().take(messages_max).take_while(|it| fits(it));
        let mut some: Vec<_> = some.cloned().collect();
        some.reverse();
        some
    } else {
        messages.take(messages_max).take_while(|it| fits(it)).cloned().collect()
    }
}

impl Drop for Recent {
    fn drop(&mut self) {
        self.clear();
    }
}

pub(crate) fn offset(message: &Publication) -> Offset {
    match message.kind {
        Kind::Message(at) => at.offset,
        Kind::Signal | Kind::Notice(_) => Offset(0),
    }
}

fn weight(message: &Publication) -> u64 {
    MESSAGE_BYTES + message.payload.len() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proto::{ChannelName, Epoch, Placed, UnixMillis};

    use super::*;

    const ALL: u64 = u64::MAX;

    fn message(number: u64) -> Arc<Publication> {
        let at = Placed { epoch: Epoch(1), offset: Offset(number) };
        Arc::new(Publication {
            channel: ChannelName::parse("den").unwrap(),
            kind: Kind::Message(at),
            from: None,
            except: None,
            except_conn: None,
            payload: "1234567890".into(),
            event: None,
            time: UnixMillis(1000 * number),
        })
    }

    /// Messages 5 to 9 of a log.
    fn recent() -> Recent {
        let mut recent = Recent::new(Scale::new(ALL), 0);
        for it in 5..10 {
            let now = Tick(u32::try_from(it).unwrap());
            recent.push(now, Stamp::Live(10 * it), message(it));
        }
        recent
    }

    fn offsets(part: Option<Vec<Arc<Publication>>>) -> Option<Vec<u64>> {
        Some(part?.iter().map(|it| offset(it).0).collect())
    }

    #[test]
    fn a_part_is_given_if_all_of_it_is_here() {
        // What is wanted, with the log beginning at 1; and with it beginning at 5.
        let cases = [
            (Span::After(Offset(3)), None, Some(vec![5, 6, 7])),
            (Span::After(Offset(4)), Some(vec![5, 6, 7]), Some(vec![5, 6, 7])),
            (Span::After(Offset(7)), Some(vec![8, 9]), Some(vec![8, 9])),
            (Span::After(Offset(9)), Some(vec![]), Some(vec![])),
            (Span::After(Offset(20)), Some(vec![]), Some(vec![])),
            (Span::After(Offset(u64::MAX)), Some(vec![]), Some(vec![])),
            (Span::Before(Offset(9)), Some(vec![6, 7, 8]), Some(vec![6, 7, 8])),
            (Span::Before(Offset(7)), None, Some(vec![5, 6])),
            (Span::Before(Offset(2)), None, Some(vec![])),
            (Span::Before(Offset(99)), Some(vec![7, 8, 9]), Some(vec![7, 8, 9])),
            (Span::Before(Offset(u64::MAX)), Some(vec![7, 8, 9]), Some(vec![7, 8, 9])),
            (Span::Last, Some(vec![7, 8, 9]), Some(vec![7, 8, 9])),
            (Span::Since(UnixMillis(5000)), None, Some(vec![5, 6, 7])),
            (Span::Since(UnixMillis(5001)), Some(vec![6, 7, 8]), Some(vec![6, 7, 8])),
            (Span::Since(UnixMillis(99_000)), Some(vec![]), Some(vec![])),
        ];
        for (span, of_more, of_all) in cases {
            let part = |first| offsets(recent().part(span, Offset(first), 3, ALL));
            assert_eq!(part(1), of_more, "{span:?}");
            assert_eq!(part(5), of_all, "{span:?} of all there is");
        }
        assert_eq!(Recent::new(Scale::new(ALL), 0).part(Span::Last, Offset(1), 3, ALL), None);
    }

    #[test]
    fn a_part_is_cut_where_its_bytes_end_but_is_never_empty_for_that() {
        let part = |span, bytes| offsets(recent().part(span, Offset(5), 9, bytes));
        assert_eq!(part(Span::After(Offset(4)), 0), Some(vec![5]));
        assert_eq!(part(Span::After(Offset(4)), 2 * 170), Some(vec![5, 6]));
        assert_eq!(part(Span::Last, 2 * 170), Some(vec![8, 9]));
    }

    #[test]
    fn the_oldest_goes_first() {
        let keep = |messages_max, bytes_max, age| Keep {
            messages_max,
            bytes_max,
            age_max: Duration::from_millis(age),
        };
        for (keep, first) in [
            (keep(2, ALL, 10_000), 8),
            (keep(9, 3 * 170, 10_000), 7),
            (keep(9, ALL, 500), 5),
            (keep(9, ALL, 200), 8),
        ] {
            let mut recent = recent();
            recent.trim(Tick(10), &keep);
            assert_eq!(recent.first(), Some(Offset(first)), "{keep:?}");
        }
    }

    /// Threat F14.
    #[test]
    fn where_all_logs_weigh_too_much_each_keeps_its_last_message() {
        let scale = Scale::new(5 * 170);
        let mut logs: Vec<Recent> = (0..3).map(|_| Recent::new(Rc::clone(&scale), 0)).collect();
        for log in &mut logs {
            for number in 1..=4 {
                log.push(Tick(0), Stamp::None, message(number));
                log.trim(Tick(0), &Keep::default());
            }
        }
        let firsts: Vec<_> = logs.iter().map(|it| it.first().unwrap().0).collect();
        assert_eq!(firsts, [1, 4, 4]);
        assert_eq!(scale.bytes(), 6 * 170);
        drop(logs);
        assert_eq!(scale.bytes(), 0);
    }

    #[test]
    fn what_somebody_has_heard_is_found_by_its_count() {
        let mut recent = recent();
        let until =
            |it: &Recent, count| it.last_until(Stamp::Live(count), Offset(9)).map(|it| it.0);
        let heard = [49, 50, 69, 70, 999].map(|it| until(&recent, it));
        assert_eq!(heard, [4, 5, 6, 7, 9].map(Some), "none has been dropped");
        recent.cut(Offset(8));
        let heard = [69, 70, 79, 80].map(|it| until(&recent, it));
        assert_eq!(heard, [None, Some(7), Some(7), Some(8)], "70 was dropped last");
        assert_eq!(recent.last_until(Stamp::Disk(70), Offset(9)), None, "the disk knows more");
        recent.clear();
        assert_eq!([89, 90].map(|it| until(&recent, it)), [None, Some(9)]);
    }
}
