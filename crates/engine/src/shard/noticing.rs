//! At a channel's home: what members are told in passing, and when.

use std::sync::Arc;

use proto::{ChannelName, Kind, Notice, Publication};

use super::Shard;
use crate::{deadlines::Tick, effect::Effect, input::Moved, position::Stamp};

impl Shard {
    /// A home's bell has rung: tells what is due, and listens for the next.
    pub(super) fn tell_in_passing(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        effects: &mut Vec<Effect>,
    ) {
        let Some(home) = self.homes.find_mut(channel) else { return };
        if home.rings_at <= now {
            home.rings_at = Tick::NEVER;
        }
        let mut notices = Vec::new();
        if let Some(typing) = &mut home.typing {
            let stopped = typing.take_stopped(now).into_iter();
            notices.extend(stopped.map(|user| Notice::Typing { user, active: false }));
            home.typing.take_if(|it| it.is_empty());
        }
        notices.extend(home.log.as_mut().and_then(|it| it.receipts.take(now)));
        notices.extend(home.presence.as_mut().and_then(|it| it.take(now)));
        for notice in notices {
            self.notify(now, channel, notice, effects);
        }
        self.homes.expect_notice(channel);
    }

    /// On the home shard: passes a notice on. It has no place and changes nothing, so it can be
    /// neither waited for nor missed.
    pub(super) fn notify(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        notice: Notice,
        effects: &mut Vec<Effect>,
    ) {
        self.tally.notices += 1;
        let followers = self.homes.find(channel).map_or(0, |it| it.followers);
        let publication = Publication {
            channel: channel.clone(),
            kind: Kind::Notice(Box::new(notice)),
            from: None,
            except: None,
            except_conn: None,
            event: None,
            payload: Arc::default(),
            time: self.wall,
        };
        self.pass_on(now, followers, (Arc::new(publication), Stamp::None), effects);
    }

    /// A cursor stands where it was to stand for good: members are told soon (R75).
    pub(super) fn receipt(&mut self, now: Tick, channel: &ChannelName, moved: &Moved) {
        if !self.namespace(channel).has_receipts {
            return;
        }
        let Some(home) = self.homes.find_mut(channel) else { return };
        let Some(log) = &mut home.log else { return };
        // Of a life of the log before this one, which was erased while the disk was at it.
        if home.at.offset < moved.cursor.delivered {
            return;
        }
        log.receipts.moved(now, &moved.reader.user, moved.cursor);
        self.homes.expect_notice(channel);
    }
}
