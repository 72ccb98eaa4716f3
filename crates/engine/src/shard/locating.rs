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
        joined: Option<Placed>,
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let rules = self.namespace(&channel).log;
        let Some(home) = self.homes.find_mut(&channel) else { return };
        home.used_at = now;
        let head = home.head();
        let heard = if let Some(place) = position.elsewhere(&channel) {
            Some(place)
        } else {
            match stamp_in(position, &channel, &rules) {
                // Nothing of that home had been heard by then.
                None => joined,
                Some(stamp) if !self.homes.has_passed_on(stamp) => None,
                Some(stamp) => {
                    let Some(log) = self.homes.find(&channel).and_then(|it| it.log.as_ref()) else {
                        return self
                            .tell_place(now, channel, head, None, joined, asked_by, effects);
                    };
                    let stood_at = log.recent.last_until(stamp, head.at.offset);
                    if let (Stamp::Disk(row), None) = (stamp, stood_at)
                        && log.sure_after.is_none_or(|it| it < row)
                    {
                        let (epoch, time) = (head.at.epoch, position.time);
                        let task = Task::Locate { channel, epoch, row, time, joined, asked_by };
                        effects.push(Effect::Store(task));
                        return;
                    }
                    stood_at.map(|offset| Placed { offset, ..head.at })
                }
            }
        };
        self.tell_place(now, channel, head, heard, joined, asked_by, effects);
    }

    /// The disk has answered.
    pub(super) fn located(
        &mut self,
        now: Tick,
        channel: ChannelName,
        epoch: Epoch,
        (stood_at, joined): (Option<Offset>, Option<Placed>),
        asked_by: AskedBy,
        effects: &mut Vec<Effect>,
    ) {
        let Some(head) = self.homes.find(&channel).map(|it| it.head()) else {
            let refusal = Refusal::new(proto::Code::Busy);
            self.hand_over(now, channel, asked_by, Err(refusal), effects);
            return;
        };
        let heard = stood_at.map(|offset| Placed { epoch, offset });
        self.tell_place(now, channel, head, heard, joined, asked_by, effects);
    }

    #[expect(clippy::too_many_arguments, reason = "what is known, and who asks")]
    fn tell_place(
        &mut self,
        now: Tick,
        channel: ChannelName,
        head: LogHead,
        heard: Option<Placed>,
        joined: Option<Placed>,
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
fn place_of(head: LogHead, heard: Placed, joined: Option<Placed>) -> Option<Offset> {
    let is_same_life = |it: Placed| it.epoch == head.at.epoch;
    let joined_at = joined.map_or(Offset(0), |it| it.offset);
    let from = heard.offset.min(head.at.offset).max(joined_at);
    let is_known = is_same_life(heard) && joined.is_none_or(is_same_life);
    (is_known && head.has_all_after(from)).then_some(from)
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
            (place(1, 9), None, Some(9)),
            (place(1, 6), None, Some(6)),
            (place(1, 4), None, Some(4)),
            (place(1, 3), None, None),
            (place(1, 3), Some(place(1, 7)), Some(7)),
            (place(1, 8), Some(place(1, 7)), Some(8)),
            (place(1, 8), Some(place(2, 7)), None),
            (place(2, 9), None, None),
            // Not confirmed yet, and somebody has heard it all the same.
            (place(1, 12), None, Some(9)),
            (place(1, 9), Some(place(1, 10)), None),
        ] {
            let from = place_of(head, heard, joined).map(|it| it.0);
            assert_eq!(from, expected, "{heard:?} {joined:?}");
        }
    }
}
