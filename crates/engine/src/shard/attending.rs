//! Who is here: counted where they are seated, added up at the channel's home, told to members who
//! asked for it and may know (R77, R79, C4).

use std::time::Duration;

use permission::Action;
use proto::{
    ChannelName, Code, ComeBack, ConnId, Event, Refusal, RequestId, Roll, ShardId, Status, Who,
};

use super::Shard;
use crate::{
    conn::{Conn, Joined},
    deadlines::Tick,
    effect::{Effect, Outcome},
    home::home_of,
    input::{Envelope, Origin, Seats},
    policy::PresenceRules,
    presence::Presence,
};

/// How a connection gives up a seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parting {
    /// By asking for it, or because it may not stay.
    Left,
    /// With its socket, after so much silence; it may come back.
    Lost { silence: Duration },
}

impl Parting {
    /// Of a connection that ends. Whoever is told to stay away, or has signed out everywhere, is
    /// not waited for.
    pub(super) fn of(code: Option<Code>, silence: Duration) -> Self {
        match code.map(|it| (it, it.come_back())) {
            // The connection that took over the session is about to take its seats again.
            Some((Code::SessionReplaced, _)) => Self::Lost { silence },
            Some((Code::TokenRevoked, _) | (_, ComeBack::No)) => Self::Left,
            Some((_, ComeBack::WithToken | ComeBack::Later | ComeBack::Now)) | None => {
                Self::Lost { silence }
            }
        }
    }

    fn grace(self, rules: &PresenceRules) -> Duration {
        match self {
            Self::Left => Duration::ZERO,
            Self::Lost { silence } => rules.grace_after(silence),
        }
    }
}

impl Shard {
    /// A connection has taken a seat.
    pub(super) fn enter(&mut self, now: Tick, id: ConnId, key: u32, effects: &mut Vec<Effect>) {
        let channel = self.channels.at_mut(key);
        if self.rules.namespaces.of(channel.name.namespace()).presence.is_none() {
            return;
        }
        let conn = self.conns.at_mut(id);
        let company = channel.company.get_or_insert_default();
        let seats = company.enter(conn.user(), id, &conn.status());
        let channel = channel.name.clone();
        self.send_present(now, channel, seats, effects);
    }

    /// A connection has given up its seat.
    pub(super) fn exit(
        &mut self,
        now: Tick,
        id: ConnId,
        joined: Joined,
        parting: Parting,
        effects: &mut Vec<Effect>,
    ) {
        let channel = self.channels.at_mut(joined.channel);
        let Some(company) = &mut channel.company else { return };
        let rules = self.rules.namespaces.of(channel.name.namespace()).presence.unwrap_or_default();
        let conn = self.conns.at_mut(id);
        if joined.sees_presence {
            company.watchers -= 1;
        }
        let seats = company.exit(conn.user(), id, &conn.status(), parting.grace(&rules));
        let channel = channel.name.clone();
        self.send_present(now, channel, seats, effects);
    }

    /// A client says how it wants to be seen.
    pub(super) fn show_as(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: Option<RequestId>,
        status: Status,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        let Some(user) = record.user().cloned() else {
            let refusal = Refusal::new(Code::Denied).saying("Only users have a status.");
            self.refuse(conn, id, refusal, effects);
            return;
        };
        let noticed = record.noticed.get_or_insert_default();
        let before = std::mem::replace(&mut noticed.status, status.clone());
        let keys: Vec<u32> = record.joined.iter().map(|it| it.channel).collect();
        for key in keys.into_iter().filter(|_| before != status) {
            let channel = self.channels.at_mut(key);
            let Some(company) = &mut channel.company else { continue };
            let changes = company.change(&user, conn, &before, &status);
            let channel = channel.name.clone();
            for seats in changes {
                self.send_present(now, channel.clone(), seats, effects);
            }
        }
        if let Some(id) = id {
            effects.push(Effect::Tell { conn, event: Event::Status { id, status } });
        }
    }

    fn send_present(
        &mut self,
        now: Tick,
        channel: ChannelName,
        seats: Seats,
        effects: &mut Vec<Effect>,
    ) {
        let (home, shard) = (home_of(&channel, self.rules.shards), self.rules.shard);
        if home == shard {
            self.present(now, channel, shard, seats);
        } else {
            let envelope = Envelope::Present { channel, shard, seats };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// On the home shard: so many connections of somebody are in the channel on a shard.
    pub(super) fn present(
        &mut self,
        now: Tick,
        channel: ChannelName,
        shard: ShardId,
        seats: Seats,
    ) {
        let namespace = self.rules.namespaces.of(channel.namespace());
        let Some(rules) = namespace.presence else { return };
        let home = match seats.count {
            // Nobody is missed where nobody has been.
            0 => self.homes.find_mut(&channel),
            _ => Some(self.homes.open(now, &channel, &namespace.log)),
        };
        let Some(home) = home else { return };
        home.used_at = now;
        let presence = home.presence.get_or_insert_with(|| Box::new(Presence::new(rules)));
        presence.seat(now, self.wall, shard, seats);
        self.homes.expect_notice(&channel);
    }

    /// On the home shard, which may have forgotten: everyone who is in these channels on a shard.
    pub(super) fn present_all(
        &mut self,
        now: Tick,
        present: Vec<(ChannelName, Vec<Seats>)>,
        shard: ShardId,
    ) {
        for (channel, all) in present {
            for seats in all {
                self.present(now, channel.clone(), shard, seats);
            }
        }
    }

    /// A client asks who is in a channel, and perhaps to be told from now on who comes and goes.
    pub(super) fn inquire_as(
        &mut self,
        conn: ConnId,
        id: RequestId,
        channel: ChannelName,
        who: Who,
        watch: bool,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.channels.key(&channel);
        let is_in = || key.is_some_and(|it| self.conns.find(conn).is_some_and(|of| of.is_in(it)));
        let may_watch = || if watch && !is_in() { Err(Code::NotSubscribed) } else { Ok(()) };
        if let Err(code) = self.may_see(conn, &channel).and_then(|()| may_watch()) {
            self.refuse(conn, Some(id), code, effects);
            return;
        }
        if watch {
            self.watch(conn, &channel);
        }
        let (home, shard) = (home_of(&channel, self.rules.shards), self.rules.shard);
        let origin = Origin::Conn { shard, conn, id };
        if home == shard {
            self.inform(channel, &who, origin, effects);
        } else {
            let envelope = Envelope::Inquire { channel, who, origin };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// On the home shard: tells who is in a channel.
    pub(super) fn inform(
        &mut self,
        channel: ChannelName,
        who: &Who,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let rules = self.namespace(&channel).presence;
        let presence = self.homes.find(&channel).and_then(|it| it.presence.as_ref());
        let roll = match (presence, rules) {
            (Some(presence), _) => presence.roll(who),
            // Nobody has been here for as long as is remembered.
            (None, Some(rules)) => Presence::new(rules).roll(who),
            (None, None) => {
                if let Origin::Ticket(ticket) = origin {
                    let outcome = Outcome::Refused(Code::NoPresence.into());
                    effects.push(Effect::Conclude { ticket, outcome });
                }
                return;
            }
        };
        self.informed(origin, channel, roll, effects);
    }

    pub(super) fn informed(
        &self,
        origin: Origin,
        channel: ChannelName,
        roll: Roll,
        effects: &mut Vec<Effect>,
    ) {
        match origin {
            Origin::Nobody => {}
            Origin::Ticket(ticket) => {
                effects.push(Effect::Conclude { ticket, outcome: Outcome::Present(roll) });
            }
            Origin::Conn { shard, .. } if shard != self.rules.shard => {
                let envelope = Envelope::Informed { channel, origin, roll };
                effects.push(Effect::Send { to: shard, envelope });
            }
            // What it was allowed to ask it may have lost the right to hear meanwhile.
            Origin::Conn { conn, id, .. } => {
                let Some(record) = self.conns.find(conn) else { return };
                let event = match self.authorize(record, Action::Presence, &channel) {
                    Ok(()) => Event::Presence { id, channel, roll },
                    Err(code) => Event::Refused { id: Some(id), refusal: code.into() },
                };
                effects.push(Effect::Tell { conn, event });
            }
        }
    }

    /// Whether the connection may know who is in the channel.
    pub(super) fn may_see(&self, conn: ConnId, channel: &ChannelName) -> Result<(), Code> {
        let record =
            self.conns.find(conn).expect("the caller has seen that the connection is open");
        self.authorize(record, Action::Presence, channel)?;
        match self.namespace(channel).presence {
            Some(_) => Ok(()),
            None => Err(Code::NoPresence),
        }
    }

    /// A member, if it still is one, is told from now on who comes and goes.
    pub(super) fn watch(&mut self, conn: ConnId, channel: &ChannelName) {
        let Some(key) = self.channels.key(channel) else { return };
        self.set_watching(conn, key, true);
    }

    /// A newer token may not cover it (C3, C4). Asked of every seat, also of those that were given.
    pub(super) fn recheck_presence(&mut self, id: ConnId, effects: &mut Vec<Effect>) {
        let Some(conn) = self.conns.find(id) else { return };
        let watching = conn.joined.iter().filter(|it| it.sees_presence).map(|it| it.channel);
        let lost = watching.filter(|it| {
            self.authorize(conn, Action::Presence, &self.channels.at(*it).name).is_err()
        });
        for key in lost.collect::<Vec<_>>() {
            self.set_watching(id, key, false);
            let channel = &self.channels.at(key).name;
            let sentence = format!("Your token no longer covers who is in {channel}.");
            self.refuse(id, None, Refusal::new(Code::Denied).saying(sentence), effects);
        }
    }

    fn set_watching(&mut self, conn: ConnId, key: u32, watches: bool) {
        let Some(record) = self.conns.find_mut(conn) else { return };
        let joined = record.joined.iter_mut().find(|it| it.channel == key);
        let Some(joined) = joined.filter(|it| it.sees_presence != watches) else { return };
        let Some(company) = &mut self.channels.at_mut(key).company else { return };
        joined.sees_presence = watches;
        company.watchers = if watches { company.watchers + 1 } else { company.watchers - 1 };
    }

    pub(super) fn sees_presence(&self, conn: &Conn, channel: &ChannelName) -> bool {
        let Some(key) = self.channels.key(channel) else { return false };
        conn.joined.iter().any(|it| it.channel == key && it.sees_presence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_come_back_is_waited_for() {
        let silence = Duration::from_secs(3);
        for code in [Code::PingTimeout, Code::TooSlow, Code::TokenExpired, Code::SessionReplaced] {
            assert_eq!(Parting::of(Some(code), silence), Parting::Lost { silence }, "{code}");
        }
        assert_eq!(Parting::of(None, silence), Parting::Lost { silence });
        for code in [Code::Disconnected, Code::SessionEnded, Code::Forbidden, Code::TokenRevoked] {
            assert_eq!(Parting::of(Some(code), silence), Parting::Left, "{code}");
        }
    }

    /// Threat L3: whatever the grace, silence and grace are forty seconds together.
    #[test]
    fn silence_counts_as_waiting() {
        let seconds = Duration::from_secs_f64;
        let rules = PresenceRules { grace: seconds(15.0), ..PresenceRules::default() };
        let cases =
            [(0.0, 15.0), (24.5, 15.0), (25.0, 14.5), (35.0, 4.5), (39.5, 0.0), (90.0, 0.0)];
        for (silence, grace) in cases {
            let parting = Parting::Lost { silence: seconds(silence) };
            assert_eq!(parting.grace(&rules), seconds(grace), "after {silence} s");
        }
        assert_eq!(Parting::Left.grace(&rules), Duration::ZERO);
    }
}
