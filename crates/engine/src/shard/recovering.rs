//! A connection goes on where an earlier one of its session was, in all its channels or in none:
//! what Socket.IO calls connection state recovery.
//!
//! ```text
//!   opened ─► which rooms still? ─► where in each? ─► all known: told that it is in, recovered
//!               the application       their homes  └► one is not: told that it is in, anew
//! ```

use std::sync::Arc;

use proto::{ChannelName, ConnId, Placed, Refusal, Start};

use super::{Shard, Welcome};
use crate::{
    channel::Member,
    conn::{Conn, Resuming},
    deadlines::Tick,
    effect::{Ask, Effect},
    input::{Fetched, Returning},
    knock::{AskedBy, Wish},
    owed::Begins,
    policy::Storage,
    position::Position,
};

/// Somebody who has not been told yet that it is in.
#[derive(Debug)]
pub(crate) struct Recovering {
    position: Arc<Position>,
    rooms: Vec<(ChannelName, Option<Placed>)>,
    welcome: Welcome,
    attempt: u32,
    /// Channels whose homes have been asked.
    waiting: Vec<ChannelName>,
    /// Where it goes on.
    places: Vec<(ChannelName, Placed)>,
    /// What is not acknowledged in a mailbox comes again anyway.
    mailboxes: Vec<ChannelName>,
}

impl Shard {
    /// Nothing is told before it is known.
    pub(super) fn recover(
        &mut self,
        now: Tick,
        id: ConnId,
        returning: Returning,
        welcome: Welcome,
        effects: &mut Vec<Effect>,
    ) {
        let Returning { position, rooms } = returning;
        self.attempts = self.attempts.wrapping_add(1);
        let has_app = welcome.has_app;
        let recovering = Recovering {
            position: Arc::new(position),
            rooms,
            welcome,
            attempt: self.attempts,
            waiting: Vec::new(),
            places: Vec::new(),
            mailboxes: Vec::new(),
        };
        let rooms = recovering.rooms.iter().map(|it| it.0.clone()).collect();
        self.conns.at_mut(id).resuming = Resuming::Recovering(Box::new(recovering));
        if has_app {
            self.tally.asks += 1;
            effects.push(Effect::Ask { conn: id, ask: Ask::Returned { rooms } });
        } else {
            self.look_for_places(now, id, Vec::new(), effects);
        }
    }

    /// The application has said which rooms it may be in.
    pub(super) fn may_return(
        &mut self,
        now: Tick,
        id: ConnId,
        rooms: Option<Vec<ChannelName>>,
        effects: &mut Vec<Effect>,
    ) {
        self.tally.asks_answered += 1;
        match rooms {
            Some(rooms) => self.look_for_places(now, id, rooms, effects),
            None => self.decide(now, id, false, effects),
        }
    }

    /// Asks the homes of the route's channels, and of these.
    fn look_for_places(
        &mut self,
        now: Tick,
        id: ConnId,
        rooms: Vec<ChannelName>,
        effects: &mut Vec<Effect>,
    ) {
        let shard = self.rules.shard;
        let Some(waits) = self.conns.find_mut(id).and_then(Conn::recovering) else { return };
        let mut channels = waits.welcome.channels.clone();
        channels.extend(rooms);
        channels.sort_unstable();
        channels.dedup();
        let (position, attempt) = (Arc::clone(&waits.position), waits.attempt);
        // Where it did not sit it has missed nothing.
        let joined =
            |it: &ChannelName| waits.rooms.iter().find(|room| room.0 == *it).map(|it| it.1);
        let sat_in: Vec<_> =
            channels.into_iter().filter_map(|it| joined(&it).map(|at| (it, at))).collect();
        let is_mailbox = |it: &ChannelName| self.namespace(it).is_mailbox;
        let (mailboxes, asked): (Vec<_>, Vec<_>) =
            sat_in.into_iter().partition(|it| is_mailbox(&it.0));
        let has_log = |it: &ChannelName| self.namespace(it).log.storage != Storage::None;
        let is_known = |it: &(ChannelName, Option<Placed>)| it.1.is_some() && has_log(&it.0);
        let is_somewhere = !asked.is_empty() || !mailboxes.is_empty();
        let is_possible = is_somewhere && asked.iter().all(is_known);
        let Some(waits) = self.conns.find_mut(id).and_then(Conn::recovering) else { return };
        waits.mailboxes = mailboxes.into_iter().map(|it| it.0).collect();
        if !is_possible || asked.is_empty() {
            self.decide(now, id, is_possible, effects);
            return;
        }
        waits.waiting = asked.iter().map(|it| it.0.clone()).collect();
        for (channel, joined) in asked {
            let Some(joined) = joined else { continue };
            let wish = Wish::Locate { position: Arc::clone(&position), joined };
            let asked_by = AskedBy::Recovery { shard, conn: id, attempt };
            self.ask_home(now, channel, wish, asked_by, effects);
        }
    }

    /// A home has said where in its channel the connection was.
    pub(super) fn located_for(
        &mut self,
        now: Tick,
        id: ConnId,
        attempt: u32,
        channel: ChannelName,
        fetched: Result<Fetched, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(waits) = self.conns.find_mut(id).and_then(Conn::recovering) else { return };
        let place = waits.waiting.iter().position(|it| *it == channel);
        let Some(place) = place.filter(|_| waits.attempt == attempt) else { return };
        waits.waiting.swap_remove(place);
        let found = fetched.ok().filter(|it| it.recovered == Some(true));
        let Some(Fetched { head, from, .. }) = found else {
            self.decide(now, id, false, effects);
            return;
        };
        waits.places.push((channel, Placed { offset: from, ..head.at }));
        if waits.waiting.is_empty() {
            self.decide(now, id, true, effects);
        }
    }

    /// Tells it that it is in.
    fn decide(&mut self, now: Tick, id: ConnId, recovered: bool, effects: &mut Vec<Effect>) {
        let Some(conn) = self.conns.find_mut(id).filter(|it| it.is_recovering()) else { return };
        let before = std::mem::replace(&mut conn.resuming, Resuming::Done);
        let Resuming::Recovering(waits) = before else { return };
        let Recovering { mut welcome, mut places, mailboxes, .. } = *waits;
        if recovered {
            places.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            welcome.channels.retain(|it| !places.iter().any(|place| place.0 == *it));
            effects.push(Effect::Recovered { conn: id, places: places.clone() });
            welcome.channels.extend(mailboxes);
            welcome.places = Some(places);
        }
        self.welcome(now, id, welcome, effects);
        self.schedule(id);
    }

    /// Takes a seat again; all that has been said there since follows in its turn.
    pub(super) fn sit_again(
        &mut self,
        now: Tick,
        id: ConnId,
        channel: &ChannelName,
        at: Placed,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.channels.key(channel);
        if self.conns.find(id).is_none_or(|it| known.is_some_and(|key| it.is_in(key))) {
            return;
        }
        let key = self.channel_key(now, channel, effects);
        self.seat(now, id, key, true, effects);
        self.tell_seated(id, channel, Some(at), effects);
        self.seek_seat(id, key, Member::BEGINNING);
        self.conns.at_mut(id).owed.get_or_insert_default().queue(key, at);
    }

    /// One channel after the other, so that whoever has missed a little in many is not buried.
    pub(super) fn begin_queued(&mut self, now: Tick, id: ConnId, effects: &mut Vec<Effect>) {
        // A home on this shard answers at once, which leads here again.
        if std::mem::replace(&mut self.is_beginning, true) {
            return;
        }
        while let Some((key, at)) = self.conns.find_mut(id).and_then(Conn::next_queued) {
            let channel = self.channels.at(key).name.clone();
            self.begin(now, id, channel, Start::After(at), Begins::Recovered, effects);
        }
        self.is_beginning = false;
    }
}

impl Conn {
    /// Which of the channels it goes on in is next, if none is under way.
    fn next_queued(&mut self) -> Option<(u32, Placed)> {
        self.owed.as_mut()?.next_queued()
    }

    pub(crate) const fn is_recovering(&self) -> bool {
        matches!(self.resuming, Resuming::Recovering(_))
    }

    /// Whether it waits for a home of which this is true.
    pub(crate) fn recovers_from(&self, is_it: impl FnMut(&ChannelName) -> bool) -> bool {
        match &self.resuming {
            Resuming::Recovering(waits) => waits.waiting.iter().any(is_it),
            Resuming::No | Resuming::Asked(_) | Resuming::Done => false,
        }
    }
}
