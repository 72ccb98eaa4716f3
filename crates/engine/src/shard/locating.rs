//! At a channel's home: where in its log somebody was who names a position in all logs.

use proto::{ChannelName, Epoch, LogHead, Offset, Placed, Refusal};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Task},
    home::home_of,
    input::Fetched,
    knock::AskedBy,
    policy::{Confirm, LogRules, Storage},
    position::{Position, Stamp},
};

impl Shard {
    /// Answers with the place, and no messages; `recovered` says whether all that comes after it is
    /// still there. Whoever took its seat later than its position says has it from there.
    pub(super) fn locate(
        &mut self,
        now: Tick,
        channel: ChannelName,
        position: &Position,
        joined: Placed,
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let rules = self.namespace(&channel).log;
        let Some(home) = self.homes.find_mut(&channel) else { return };
        home.used_at = now;
        home.trim(now, &rules);
        let head = home.head();
        let heard = match position.elsewhere(&channel) {
            Some(offset) => Some(offset),
            None => match stamp_in(position, &channel, &rules) {
                // Nothing of that home had been heard by then.
                None => Some(joined.offset),
                Some(stamp) if !self.homes.has_passed_on(stamp) => None,
                Some(stamp) => {
                    let log = self.homes.find(&channel).and_then(|it| it.log.as_ref());
                    let heard = log.and_then(|it| it.recent.last_until(stamp, head.at.offset));
                    let is_sure =
                        |row| log.is_some_and(|it| it.sure_after.is_none_or(|after| after < row));
                    match (stamp, heard) {
                        (Stamp::Disk(row), None) if is_sure(row) => {
                            let epoch = head.at.epoch;
                            let task = Task::Locate { channel, epoch, row, joined, asked_by };
                            effects.push(Effect::Store(task));
                            return;
                        }
                        (_, heard) => heard,
                    }
                }
            },
        };
        self.tell_place(now, channel, (head, heard, joined), asked_by, effects);
    }

    /// The disk has answered.
    pub(super) fn located(
        &mut self,
        now: Tick,
        channel: ChannelName,
        epoch: Epoch,
        (stood_at, joined): (Option<Offset>, Placed),
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let Some(head) = self.homes.find(&channel).map(|it| it.head()) else {
            let refusal = Refusal::new(proto::Code::Busy);
            self.hand_over(now, channel, asked_by, Err(refusal), effects);
            return;
        };
        // It was asked about an earlier life of the log.
        let heard = stood_at.filter(|_| epoch == head.at.epoch);
        self.tell_place(now, channel, (head, heard, joined), asked_by, effects);
    }

    fn tell_place(
        &mut self,
        now: Tick,
        channel: ChannelName,
        (head, heard, joined): (LogHead, Option<Offset>, Placed),
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let from = heard.and_then(|heard| place_of(head, heard, joined));
        let fetched = Fetched {
            head,
            from: from.unwrap_or(head.at.offset),
            recovered: Some(from.is_some()),
            cursor: None,
            messages: Vec::new(),
        };
        self.hand_over(now, channel, asked_by, Ok(fetched), effects);
    }
}

/// Up to where the channel's home had passed messages on; `None` where none had been heard.
fn stamp_in(position: &Position, channel: &ChannelName, rules: &LogRules) -> Option<Stamp> {
    let shards = u16::try_from(position.homes.len()).unwrap_or(u16::MAX);
    let reached = position.homes.get(usize::from(home_of(channel, shards).0))?;
    match (rules.storage, rules.confirm) {
        (Storage::Disk(_), Confirm::Disk) => reached.disk.map(Stamp::Disk),
        (Storage::Disk(_), Confirm::Accepted) | (Storage::Memory, _) => {
            reached.live.map(Stamp::Live)
        }
        (Storage::None, _) => Some(Stamp::None),
    }
}

/// From where somebody goes on, if nothing after that is missing.
fn place_of(head: LogHead, heard: Offset, joined: Placed) -> Option<Offset> {
    let from = heard.min(head.at.offset).max(joined.offset);
    (joined.epoch == head.at.epoch && head.has_all_after(from)).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(epoch: u64, offset: u64) -> Placed {
        Placed { epoch: Epoch(epoch), offset: Offset(offset) }
    }

    #[test]
    fn whoever_goes_on_lacks_nothing_and_gets_nothing_from_before() {
        let head = LogHead { at: place(1, 9), first: Offset(5) };
        for (heard, joined, expected) in [
            (9, place(1, 0), Some(9)),
            (6, place(1, 0), Some(6)),
            (4, place(1, 0), Some(4)),
            (3, place(1, 0), None),
            (3, place(1, 7), Some(7)),
            (8, place(1, 7), Some(8)),
            (8, place(2, 7), None),
            // Not confirmed yet, and somebody has heard it all the same.
            (12, place(1, 0), Some(9)),
            (9, place(1, 10), None),
        ] {
            let from = place_of(head, Offset(heard), joined).map(|it| it.0);
            assert_eq!(from, expected, "{heard} {joined:?}");
        }
    }
}
