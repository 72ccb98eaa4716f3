//! Where clients of Socket.IO stand, so that whoever comes back after an interruption goes on
//! there: connection state recovery.
//!
//! Everyone on a shard hears what its homes pass on in one order, so one [`Position`] says where
//! all of them are, and goes out with each event. Whoever is still being sent a log is elsewhere in
//! that channel, and told so in words of its own.

use std::{fmt::Write as _, sync::Arc};

use engine::{Elsewhere, Policy, Position, Reached, Returning, Stamp, home_of};
use proto::{ChannelName, ConnId, Placed, ShardId};
use session::Left;

use super::Hall;
use crate::inbox::lock;

/// What this shard has delivered, and to whom it is told otherwise.
#[derive(Default)]
pub(super) struct Standing {
    position: Position,
    /// The position in words, until it changes.
    text: Option<Arc<str>>,
    /// What homes say of themselves in this turn. Holds when all that came before is written.
    reached: Vec<(ShardId, Reached)>,
    /// Those who have caught up in a channel, which holds then, too.
    caught_up: Vec<ConnId>,
    /// Whether anyone is told at all.
    pub(super) recovers: bool,
    /// Whose clients are, by route.
    routes: Vec<bool>,
}

impl Standing {
    pub(super) fn new(shards: usize, policies: &[Policy]) -> Self {
        let homes = vec![Reached::default(); shards];
        let position = Position { homes, elsewhere: Vec::new() };
        let routes: Vec<bool> = policies.iter().map(|it| it.recovers).collect();
        Self { position, recovers: routes.contains(&true), routes, ..Self::default() }
    }

    pub(super) fn recovers_on(&self, route: u16) -> bool {
        self.routes.get(usize::from(route)).copied().unwrap_or(false)
    }

    fn change(&mut self, home: ShardId, change: impl FnOnce(&mut Reached)) {
        if let Some(reached) = self.position.homes.get_mut(usize::from(home.0)) {
            let before = *reached;
            change(reached);
            if *reached != before {
                self.text = None;
            }
        }
    }

    fn text(&mut self) -> Arc<str> {
        let text = self.text.get_or_insert_with(|| self.position.to_string().into());
        Arc::clone(text)
    }
}

impl Hall {
    /// A message is about to be written.
    fn pass(&mut self, channel: &ChannelName, stamp: Stamp) {
        if self.standing.recovers && stamp != Stamp::None {
            let home = home_of(channel, self.shards());
            self.standing.change(home, |it| it.advance(stamp));
        }
    }

    /// Where everyone stands after each of these messages. Empty where nobody is told.
    pub(super) fn positions_after(
        &mut self,
        channel: &ChannelName,
        stamps: &[Stamp],
    ) -> Vec<Arc<str>> {
        if !self.standing.recovers {
            return Vec::new();
        }
        let after = |stamp: &Stamp| {
            self.pass(channel, *stamp);
            self.standing.text()
        };
        stamps.iter().map(after).collect()
    }

    /// Where everyone stands now who is not behind.
    pub(super) fn position_here(&mut self) -> Arc<str> {
        self.standing.text()
    }

    /// Where one client stands now, if it is told.
    pub(super) fn position_of(&mut self, conn: ConnId) -> Option<Arc<str>> {
        if !self.standing.recovers {
            return None;
        }
        let here = self.standing.text();
        let voice = self.voice(conn).filter(|it| it.recovers)?;
        if let Some(held) = &voice.held {
            return held.at.clone();
        }
        if voice.behind.is_empty() {
            return Some(here);
        }
        let mut text = String::from(&*here);
        write!(text, "{}", Elsewhere(&voice.behind)).expect("a string takes all");
        Some(text.into())
    }

    pub(super) fn home_reached(&mut self, home: ShardId, reached: Reached) {
        self.standing.reached.push((home, reached));
    }

    /// All that came in this turn is written.
    pub(super) fn stand(&mut self) {
        for (home, reached) in std::mem::take(&mut self.standing.reached) {
            self.standing.change(home, |it| it.advance_to(reached));
        }
        // What has been written on the way may have led to more.
        if !self.batches.is_empty() {
            return;
        }
        for conn in std::mem::take(&mut self.standing.caught_up) {
            let Some(voice) = self.voice(conn) else { continue };
            let mut behind = std::mem::take(&mut voice.behind);
            behind.retain(|it| self.shard.is_behind(conn, &it.0));
            if let Some(voice) = self.voice(conn) {
                voice.behind = behind;
            }
        }
    }

    pub(super) fn caught_up(&mut self, conn: ConnId) {
        self.standing.caught_up.push(conn);
    }

    /// Where a connection's session was, for it to go on there, if that is known. Else it sits
    /// nowhere yet.
    pub(super) fn returning(
        &self,
        conn: ConnId,
        place: session::Place,
        offset: Option<&str>,
    ) -> Option<Returning> {
        let seat = self.seat_of(conn);
        let sessions = &mut lock(&self.ground.register).sessions;
        let position = offset.and_then(Position::parse);
        let rooms = sessions.rooms(place, seat).map(<[Left]>::to_vec);
        let returning = position.zip(rooms).map(|(position, rooms)| Returning { position, rooms });
        if returning.is_none() {
            sessions.sit_only(place, seat, Vec::new());
        }
        returning
    }

    /// It goes on in these channels, and nowhere else.
    pub(super) fn recovered(&mut self, conn: ConnId, places: Vec<(ChannelName, Placed)>) {
        let seat = self.seat_of(conn);
        let Some(guest) = self.guest(conn) else { return };
        let session = guest.session;
        let Some(voice) = guest.voice.as_deref_mut() else { return };
        let rooms = places.iter().map(|it| (it.0.clone(), Some(it.1))).collect();
        voice.recovered = true;
        voice.behind = places.into_iter().map(|it| (it.0, it.1.offset)).collect();
        if let Some(place) = session {
            lock(&self.ground.register).sessions.sit_only(place, seat, rooms);
        }
    }

    /// It begins anew: what an earlier connection sat in is not its own.
    pub(super) fn begins_anew(&mut self, conn: ConnId) {
        let seat = self.seat_of(conn);
        if let Some(place) = self.guest(conn).and_then(|it| it.session) {
            lock(&self.ground.register).sessions.sit_only(place, seat, Vec::new());
        }
    }

    pub(super) fn seated(&mut self, conn: ConnId, channel: ChannelName, at: Option<Placed>) {
        let seat = self.seat_of(conn);
        if let Some(place) = self.guest(conn).and_then(|it| it.session) {
            lock(&self.ground.register).sessions.sit(place, seat, channel, at);
        }
    }

    pub(super) fn unseated(&mut self, conn: ConnId, channel: &ChannelName) {
        let seat = self.seat_of(conn);
        if let Some(place) = self.guest(conn).and_then(|it| it.session) {
            lock(&self.ground.register).sessions.rise(place, seat, channel);
        }
    }
}
