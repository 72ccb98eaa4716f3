//! What comes to people's minds.

use std::time::Duration;

use proto::{ChannelName, Mark, Offset, Placed, Span, Start, UnixMillis};

use super::{Acknowledges, Asked, Deed, Person, Session};
use crate::{
    dice::Dice,
    model::Model,
    rules::{self, APP, NATIVE},
};

/// How long something is said again with its key: well within the time that one is recognised.
const REPEATED_FOR: Duration = Duration::from_secs(20);

impl Person {
    pub(crate) fn deed(&self, now: (Duration, UnixMillis), model: &Model, dice: &mut Dice) -> Deed {
        let Some(session) = &self.session else { return Deed::Connect };
        if dice.once_in(self.leaves_once_in) {
            return Deed::Leave;
        }
        match self.route {
            APP => Deed::Say,
            NATIVE if session.awaits_token && session.asked.is_empty() => match &session.token {
                Some(token) => Deed::Ask(Asked::Connect, Some(token.clone())),
                None => Deed::Nothing,
            },
            NATIVE if session.is_connected => self.request(now, session, model, dice),
            _ => Deed::Nothing,
        }
    }

    fn request(
        &self,
        now: (Duration, UnixMillis),
        session: &Session,
        model: &Model,
        dice: &mut Dice,
    ) -> Deed {
        let channel = rules::some_channel(dice);
        if session.may_resume && session.asked.is_empty() && dice.once_in(2) {
            return Deed::Ask(Asked::Resume(self.since(dice)), None);
        }
        let asked = match dice.below(24) {
            0..6 => {
                let start = self.start(&channel, now.1, dice);
                let floor = rules::reader(&channel, self.user, self.device.as_ref());
                let floor = floor.and_then(|it| model.marks.told(&channel, &it));
                Asked::Subscribe(channel, start, floor)
            }
            6 | 7 => Asked::Unsubscribe(channel),
            8 => Asked::Signal(channel),
            9 => Asked::Ping,
            10 => {
                let (role, token) = self.token(dice);
                return Deed::Ask(Asked::Refresh { role }, Some(token));
            }
            11..14 => self.history(channel, now.1, model, dice),
            14..17 => match self.mark(session, dice) {
                Some(mark) => mark,
                None => return Deed::Nothing,
            },
            17 => {
                let fresh = self.said.iter().filter(|it| now.0 < it.at + REPEATED_FOR);
                let fresh: Vec<_> = fresh.collect();
                if fresh.is_empty() {
                    return Deed::Nothing;
                }
                return Deed::Repeat(fresh[dice.below(fresh.len())].clone());
            }
            _ => return Deed::Publish(channel),
        };
        Deed::Ask(asked, None)
    }

    /// From what they have, most often; sometimes from what is in nobody's log.
    fn start(&self, channel: &ChannelName, wall: UnixMillis, dice: &mut Dice) -> Start {
        match (dice.below(8), self.has.get(channel)) {
            (0, _) => Start::Last(u16::try_from(dice.below(20)).expect("less than twenty")),
            (1, _) => Start::Since(UnixMillis(wall.0.saturating_sub(dice.roll() % 10_000))),
            (2, _) | (_, None) => Start::Unsaid,
            (3, Some(place)) => {
                let back = dice.roll() % 12;
                Start::After(Placed {
                    offset: Offset(place.offset.0.saturating_sub(back)),
                    ..*place
                })
            }
            (4, Some(place)) if dice.once_in(3) => {
                Start::After(Placed { offset: Offset(place.offset.0 + 5), ..*place })
            }
            (_, Some(place)) => Start::After(*place),
        }
    }

    fn since(&self, dice: &mut Dice) -> Vec<(ChannelName, Placed)> {
        let all = self.has.iter().filter(|_| !dice.once_in(3));
        all.map(|it| (it.0.clone(), *it.1)).collect()
    }

    fn history(
        &self,
        channel: ChannelName,
        wall: UnixMillis,
        model: &Model,
        dice: &mut Dice,
    ) -> Asked {
        let head = model.head(&channel);
        let offset = Offset(dice.roll() % (head.map_or(0, |it| it.offset.0) + 3));
        let span = match dice.below(5) {
            0 => Span::Last,
            1 | 2 => Span::After(offset),
            3 => Span::Before(offset),
            _ => Span::Since(UnixMillis(wall.0.saturating_sub(dice.roll() % 10_000))),
        };
        let epoch = self.has.get(&channel).map(|it| it.epoch).filter(|_| dice.once_in(3));
        let limit = u16::try_from(1 + dice.below(12)).expect("not many");
        Asked::History { channel, span, epoch, limit, head }
    }

    fn mark(&self, session: &Session, dice: &mut Dice) -> Option<Asked> {
        let known = session.stands.iter().filter_map(|it| Some((it.0, (*it.1)?)));
        let marked: Vec<(&ChannelName, Placed)> =
            known.filter(|it| rules::reader(it.0, self.user, None).is_some()).collect();
        if marked.is_empty() {
            return None;
        }
        let (channel, at) = marked[dice.below(marked.len())];
        let offset = match self.acknowledges {
            Acknowledges::Gladly => at.offset.0,
            Acknowledges::Late => dice.roll() % (at.offset.0 + 1),
            Acknowledges::Never => return None,
            Acknowledges::Wrongly => at.offset.0 + dice.roll() % 3,
        };
        let mark = dice.pick(&[Mark::Delivered, Mark::Delivered, Mark::Read]);
        Some(Asked::Mark(channel.clone(), mark, Offset(offset)))
    }

    /// Mostly a good token of this user; sometimes not a token, sometimes somebody else's.
    pub(crate) fn token(&self, dice: &mut Dice) -> (String, String) {
        let role = dice.pick(&["guest", "staff"]);
        let user = if dice.once_in(15) { "u9" } else { self.user };
        let lasts = dice.millis(2_000, 25_000).as_millis();
        let token = format!("{user} {role} {lasts}");
        (role.to_owned(), if dice.once_in(15) { "forged".to_owned() } else { token })
    }
}
