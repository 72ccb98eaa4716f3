//! Seats in channels: taken, given up, and kept in step on both sides.

use permission::Action;
use proto::{ChannelName, Code, ConnId, Event, Placed, Refusal, RequestId, Start};

use super::{Shard, attending::Parting};
use crate::{
    channel::Channel,
    conn::{Conn, Joined},
    deadlines::Tick,
    effect::Effect,
    home::home_of,
    input::Envelope,
    knock::Knock,
    owed::{Begins, Owed},
};

impl Shard {
    /// Asked for by a client. Whoever wants to be told who comes and goes, and may not, gets no
    /// seat either: nobody gets less than they believe they have.
    pub(super) fn subscribe(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: RequestId,
        channel: ChannelName,
        (start, presence): (Start, bool),
        effects: &mut Vec<Effect>,
    ) {
        let may = self.may_subscribe(conn, &channel, 0);
        let may_see = || if presence { self.may_see(conn, &channel) } else { Ok(()) };
        if let Err(code) = may.and_then(|()| may_see()) {
            self.refuse(conn, Some(id), code, effects);
            return;
        }
        self.join(now, conn, channel.clone(), start, Begins::For(id), effects);
        if presence {
            self.watch(conn, &channel);
        }
    }

    /// Takes a seat that a command asked for. Whoever begins in the log hears from its home where;
    /// everyone else begins where the channel stands.
    pub(super) fn join(
        &mut self,
        now: Tick,
        conn: ConnId,
        channel: ChannelName,
        start: Start,
        begins: Begins,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.channel_key(now, &channel, effects);
        let has_cursors = self.namespace(&channel).has_cursors();
        let at = self.seat(now, conn, key, false, effects);
        let id = match begins {
            Begins::For(id) if start == Start::Unsaid && !has_cursors => id,
            Begins::For(_) | Begins::Resumed | Begins::Silently | Begins::Recovered => {
                self.begin(now, conn, channel, start, begins, effects);
                return;
            }
        };
        match at {
            Some(at) => {
                let (id, stand) = (Some(id), at.into());
                let event = Event::Subscribed { id, channel, stand };
                effects.push(Effect::Tell { conn, event });
            }
            None => self.channels.at_mut(key).wait(conn, id),
        }
    }

    /// Whether the connection may, with so many others that it is about to join.
    pub(super) fn may_subscribe(
        &self,
        id: ConnId,
        channel: &ChannelName,
        others: usize,
    ) -> Result<(), Code> {
        let conn = self.conns.find(id).expect("the caller has seen that the connection is open");
        self.authorize(conn, Action::Subscribe, channel)?;
        if self.channels.key(channel).is_some_and(|it| conn.is_in(it)) {
            return Err(Code::AlreadySubscribed);
        }
        if usize::from(self.policy(conn).channels_max) <= conn.joined.len() + others {
            return Err(Code::TooManyChannels);
        }
        Ok(())
    }

    pub(super) fn authorize(
        &self,
        conn: &Conn,
        action: Action,
        channel: &ChannelName,
    ) -> Result<(), Code> {
        let identity = conn.identity.as_deref();
        permission::authorize(&self.rules.permissions, identity, action, channel)
            .map_err(|_| Code::Denied)
    }

    /// A seat the route or the application gives; asked of nobody, told to nobody.
    pub(super) fn join_by_route(
        &mut self,
        now: Tick,
        conn: ConnId,
        channel: ChannelName,
        effects: &mut Vec<Effect>,
    ) {
        let known = self.channels.key(&channel);
        if self.conns.find(conn).is_none_or(|it| known.is_some_and(|key| it.is_in(key))) {
            return;
        }
        let key = self.channel_key(now, &channel, effects);
        let at = self.seat(now, conn, key, true, effects);
        self.tell_seated(conn, &channel, at, effects);
        if self.namespace(&channel).is_mailbox {
            self.begin(now, conn, channel, Start::Unsaid, Begins::Silently, effects);
        }
    }

    pub(super) fn unsubscribe(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: Option<RequestId>,
        channel: ChannelName,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.channels.key(&channel);
        match key.filter(|it| self.conns.at_mut(conn).is_in(*it)) {
            Some(key) => {
                self.give_up(now, conn, key, effects);
                if let Some(id) = id {
                    let event = Event::Unsubscribed { id, channel };
                    effects.push(Effect::Tell { conn, event });
                }
            }
            None => self.refuse(conn, id, Code::NotSubscribed, effects),
        }
    }

    /// Takes the seat of a connection that stays. If it was still waiting to be told that it has
    /// one, that request is answered too: every request is.
    pub(super) fn give_up(&mut self, now: Tick, id: ConnId, key: u32, effects: &mut Vec<Effect>) {
        let begins = self.conns.at_mut(id).owed.as_mut().and_then(|it| it.replay(key));
        let begins = begins.filter(|it| it.next.is_none()).map(|it| it.begins);
        let replaying = match begins {
            Some(Begins::For(request)) => Some(request),
            Some(Begins::Resumed | Begins::Silently | Begins::Recovered) | None => None,
        };
        if let Some(request) = self.channels.at(key).waits(id).or(replaying) {
            let refusal = Refusal::new(Code::NotSubscribed).saying("You have left it meanwhile.");
            self.refuse(id, Some(request), refusal, effects);
        }
        self.leave(now, id, key, effects);
    }

    /// Gives up a seat because that was asked for.
    pub(super) fn leave(&mut self, now: Tick, id: ConnId, key: u32, effects: &mut Vec<Effect>) {
        if self.is_recoverable(id) {
            let channel = self.channels.at(key).name.clone();
            effects.push(Effect::Unseated { conn: id, channel });
        }
        self.vacate(now, id, key, Parting::Left, effects);
    }

    /// Gives up a seat; with the last one the channel is closed here and its home told.
    pub(super) fn vacate(
        &mut self,
        now: Tick,
        id: ConnId,
        key: u32,
        parting: Parting,
        effects: &mut Vec<Effect>,
    ) {
        self.put_down_pen(now, id, key, effects);
        let conn = self.conns.at_mut(id);
        let dialect = self.rules.policies[usize::from(conn.policy)].dialect;
        let index = conn.joined.iter().position(|it| it.channel == key);
        let joined =
            conn.joined.swap_remove(index.expect("callers pass a channel that was joined"));
        self.memberships -= 1;
        let channel = self.channels.at_mut(key);
        conn.settle(|it| it.gaps.retain(|it| it.channel != channel.name));
        if let Some(owed) = &mut conn.owed {
            owed.forget(key);
            Owed::tidy(&mut conn.owed);
        }
        if let Some(moved) = channel.unseat(dialect, id, joined.seat as usize) {
            let moved = self.conns.at_mut(moved);
            let seat = moved.joined.iter_mut().find(|it| it.channel == key);
            seat.expect("a member mirrors its seat").seat = joined.seat;
        }
        self.exit(now, id, joined, parting, effects);
        if self.channels.at(key).member_count() == 0 {
            let channel = self.channels.close(key);
            self.unfollow(now, channel, effects);
        }
    }

    /// Whether it is kept where the connection sits.
    pub(super) fn is_recoverable(&self, id: ConnId) -> bool {
        self.recovers && self.conns.find(id).is_some_and(|it| self.policy(it).recovers)
    }

    /// For whoever keeps where the connection sits.
    pub(super) fn tell_seated(
        &self,
        conn: ConnId,
        channel: &ChannelName,
        at: Option<Placed>,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_recoverable(conn) {
            effects.push(Effect::Seated { conn, channel: channel.clone(), at });
        }
    }

    /// The channel's key on this shard. For a new one the home is asked where the channel stands.
    pub(super) fn channel_key(
        &mut self,
        now: Tick,
        name: &ChannelName,
        effects: &mut Vec<Effect>,
    ) -> u32 {
        if let Some(key) = self.channels.key(name) {
            return key;
        }
        let key = self.channels.open(name.clone());
        let home = home_of(name, self.rules.shards);
        let follow = self.channels.at(key).follow();
        if home == self.rules.shard {
            self.knock(now, name.clone(), Knock::Follow { follow, shard: home }, effects);
        } else {
            let shard = self.rules.shard;
            let envelope = Envelope::Follow { channel: name.clone(), follow, shard };
            effects.push(Effect::Send { to: home, envelope });
        }
        key
    }

    pub(super) fn seat(
        &mut self,
        now: Tick,
        id: ConnId,
        key: u32,
        is_given: bool,
        effects: &mut Vec<Effect>,
    ) -> Option<Placed> {
        let conn = self.conns.at_mut(id);
        let dialect = self.rules.policies[usize::from(conn.policy)].dialect;
        let (seat, at) = self.channels.at_mut(key).seat(dialect, id);
        let seat = u32::try_from(seat).expect("fewer members than connections");
        conn.sit(Joined { channel: key, seat, is_given, sees_presence: false });
        self.memberships += 1;
        self.enter(now, id, key, effects);
        at
    }

    fn unfollow(&mut self, now: Tick, channel: ChannelName, effects: &mut Vec<Effect>) {
        let home = home_of(&channel, self.rules.shards);
        if home == self.rules.shard {
            self.homes.unfollow(now, &channel, home);
        } else {
            let envelope = Envelope::Unfollow { channel, shard: self.rules.shard };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// Messages of a channel were lost on their way here: its members come back and recover.
    pub(super) fn missed(&mut self, now: Tick, channel: &ChannelName, effects: &mut Vec<Effect>) {
        let Some(channel) = self.channels.find(channel) else { return };
        for member in channel.all_members() {
            self.close(now, member.conn, Code::ShardFailed.into(), effects);
        }
    }

    /// Leaves what a newer token no longer covers (C3), and says so.
    pub(super) fn recheck(&mut self, now: Tick, id: ConnId, effects: &mut Vec<Effect>) {
        let Some(conn) = self.conns.find(id) else { return };
        let asked = conn.joined.iter().filter(|it| !it.is_given);
        let lost: Vec<(u32, ChannelName)> = asked
            .map(|it| (it.channel, self.channels.at(it.channel)))
            .filter(|it| self.is_lost(conn, it.1))
            .map(|it| (it.0, it.1.name.clone()))
            .collect();
        for (key, channel) in lost {
            self.give_up(now, id, key, effects);
            let sentence = format!("Your token no longer covers {channel}; you have left it.");
            let refusal = Refusal::new(Code::Denied).saying(sentence);
            self.refuse(id, None, refusal, effects);
        }
        self.recheck_presence(id, effects);
    }

    fn is_lost(&self, conn: &Conn, channel: &Channel) -> bool {
        self.authorize(conn, Action::Subscribe, &channel.name).is_err()
    }
}
