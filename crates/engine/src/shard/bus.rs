//! What shards say to each other.

use proto::{ChannelName, Code, ConnId, Event, Placed, Refusal, ShardId};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::Effect,
    home::home_of,
    input::{Envelope, FollowId},
    knock::Knock,
    owed::Begins,
    position::Reached,
};

impl Shard {
    pub(super) fn sent(&mut self, now: Tick, envelope: Envelope, effects: &mut Vec<Effect>) {
        match envelope {
            Envelope::Publish { draft, origin } => self.take_in(now, draft, origin, effects),
            Envelope::Follow { channel, follow, shard } => {
                self.knock(now, channel, Knock::Follow { follow, shard }, effects);
            }
            Envelope::Unfollow { channel, shard } => self.homes.unfollow(now, &channel, shard),
            Envelope::Followed { channel, follow, at, reached } => {
                self.reached(home_of(&channel, self.rules.shards), reached, effects);
                self.followed(now, channel, follow, at, effects);
            }
            Envelope::NotFollowed { channel, follow, refusal } => {
                self.not_followed(now, &channel, follow, &refusal, effects);
            }
            Envelope::Missed { channel } => self.missed(now, &channel, effects),
            Envelope::Forgot { shard } => self.follow_again(now, shard, effects),
            Envelope::FollowAll { channels, present, shard } => {
                self.followed_by(now, channels, shard, effects);
                self.present_all(now, present, shard);
            }
            Envelope::FollowedAll { places, reached } => {
                if let Some((channel, ..)) = places.first() {
                    self.reached(home_of(channel, self.rules.shards), reached, effects);
                }
                for (channel, follow, at) in places {
                    self.followed(now, channel, follow, at, effects);
                }
            }
            Envelope::Published { publication, stamp } => {
                self.published(now, publication, stamp, effects);
            }
            Envelope::Placed { origin, channel, at } => self.placed(origin, channel, at, effects),
            Envelope::Fetch { channel, wish, asked_by } => {
                self.knock(now, channel, Knock::Fetch { wish, asked_by }, effects);
            }
            Envelope::Fetched { channel, asked_by, fetched } => {
                self.fetched(now, channel, asked_by, fetched, effects);
            }
            Envelope::Mark { channel, mark, origin } => {
                self.knock(now, channel, Knock::Mark { mark, origin }, effects);
            }
            Envelope::Marked { channel, origin, marked } => {
                self.marked(origin, channel, marked, effects);
            }
            Envelope::Typing { channel, user, by, active } => {
                self.typed(now, channel, user, by, active, effects);
            }
            Envelope::Present { channel, shard, seats } => {
                self.present(now, channel, shard, seats);
            }
            Envelope::Inquire { channel, who, origin } => {
                self.inform(channel, &who, origin, effects);
            }
            Envelope::Informed { channel, origin, roll } => {
                self.informed(origin, channel, roll, effects);
            }
            Envelope::Canary { text } => effects.push(Effect::Sing { text }),
        }
    }

    /// These are the channels a shard follows here, and there are no others. Where they stand goes
    /// back in one envelope, but for those the disk has to be asked about.
    fn followed_by(
        &mut self,
        now: Tick,
        channels: Vec<(ChannelName, FollowId)>,
        shard: ShardId,
        effects: &mut Vec<Effect>,
    ) {
        self.homes.unfollow_all(now, self.wall, shard);
        let mut answers = Vec::new();
        for (channel, follow) in channels {
            self.knock(now, channel, Knock::Follow { follow, shard }, &mut answers);
        }
        let mut places = Vec::new();
        for effect in answers {
            let Effect::Send { to, envelope } = effect else {
                effects.push(effect);
                continue;
            };
            if let Envelope::Followed { channel, follow, at, .. } = envelope {
                places.push((channel, follow, at));
            } else {
                effects.push(Effect::Send { to, envelope });
            }
        }
        let envelope = Envelope::FollowedAll { places, reached: self.homes.reached };
        effects.push(Effect::Send { to: shard, envelope });
    }

    /// Our home cannot tell where a channel stands: whoever waited for that goes without.
    pub(super) fn not_followed(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        follow: FollowId,
        refusal: &Refusal,
        effects: &mut Vec<Effect>,
    ) {
        let Some(key) = self.channels.key(channel) else { return };
        let Some(waiting) = self.channels.at_mut(key).take_waiting(follow) else { return };
        for member in self.channels.at(key).all_members() {
            let conn = member.conn;
            let waits = waiting.iter().find(|it| it.0 == conn).map(|it| it.1);
            let owed = self.conns.find_mut(conn).and_then(|it| it.owed.as_mut());
            let begins = owed.and_then(|it| it.replay(key)).filter(|it| it.next.is_none());
            match (waits, begins.map(|it| it.begins)) {
                (Some(id), _) | (None, Some(Begins::For(id))) => {
                    self.leave(now, conn, key, effects);
                    self.refuse(conn, Some(id), refusal.clone(), effects);
                }
                // Seats that were given or taken up have nobody to tell; they come back.
                (None, _) => self.close(now, conn, refusal.clone(), effects),
            }
        }
    }

    /// Our home told where a channel stands.
    pub(super) fn followed(
        &mut self,
        now: Tick,
        channel: ChannelName,
        follow: FollowId,
        at: Placed,
        effects: &mut Vec<Effect>,
    ) {
        // Everyone may have left before the answer came.
        let Some(state) = self.channels.find_mut(&channel) else { return };
        let unplaced = if self.recovers { state.unplaced(follow) } else { Vec::new() };
        let Ok(waiting) = state.followed(follow, at) else {
            self.missed(now, &channel, effects);
            return;
        };
        for conn in unplaced {
            self.tell_seated(conn, &channel, Some(at), effects);
        }
        for (conn, id) in waiting {
            let (id, stand) = (Some(id), at.into());
            let event = Event::Subscribed { id, channel: channel.clone(), stand };
            effects.push(Effect::Tell { conn, event });
        }
    }

    /// A home has passed on no more than this before its channel began to be followed here.
    pub(super) fn reached(&self, home: ShardId, reached: Reached, effects: &mut Vec<Effect>) {
        if self.recovers {
            effects.push(Effect::Reached { home, reached });
        }
    }

    /// Envelopes were lost, nobody knows which: everyone who may have missed something comes back,
    /// and the other shards say again what we may not have heard.
    pub(super) fn overflowed(&mut self, now: Tick, effects: &mut Vec<Effect>) {
        self.tally.overflows += 1;
        let members: Vec<ConnId> =
            self.conns.iter().filter(|it| !it.1.joined.is_empty()).map(|it| it.0).collect();
        let mut closing = Vec::new();
        for conn in members {
            self.close(now, conn, Code::ShardFailed.into(), &mut closing);
        }
        // That we forgot says that we follow nothing and have nobody. An envelope for each channel
        // besides could overflow the next inbox.
        closing.retain(
            |it| !matches!(it, Effect::Send { envelope, .. } if is_said_by_forgot(envelope)),
        );
        effects.append(&mut closing);
        self.ask_no_more(now, None, effects);
        self.tell_forgotten(effects);
    }

    pub(super) fn tell_forgotten(&self, effects: &mut Vec<Effect>) {
        let shard = self.rules.shard;
        for to in (0..self.rules.shards).map(ShardId).filter(|it| *it != shard) {
            effects.push(Effect::Send { to, envelope: Envelope::Forgot { shard } });
        }
    }

    /// Another shard has forgotten: it follows nothing here, and does not know what we follow
    /// there.
    fn follow_again(&mut self, now: Tick, forgetful: ShardId, effects: &mut Vec<Effect>) {
        self.homes.unfollow_all(now, self.wall, forgetful);
        let shards = self.rules.shards;
        let channels = self.channels.follow_again(|it| home_of(it, shards) == forgetful);
        let present = self.channels.present(|it| home_of(it, shards) == forgetful);
        let shard = self.rules.shard;
        let envelope = Envelope::FollowAll { channels, present, shard };
        effects.push(Effect::Send { to: forgetful, envelope });
        self.ask_no_more(now, Some(forgetful), effects);
    }

    /// What was asked of a home is not answered any more: whoever was behind comes back, and
    /// whoever read may ask again.
    fn ask_no_more(&mut self, now: Tick, home: Option<ShardId>, effects: &mut Vec<Effect>) {
        let shards = self.rules.shards;
        let is_it = |of: ShardId| home.is_none_or(|it| it == of);
        let mut behind = Vec::new();
        let mut reading = Vec::new();
        for (conn, record) in self.conns.iter() {
            let replays = record.owed.iter().flat_map(|it| &it.replays);
            let mut asking = replays.filter(|it| !it.is_sending).map(|it| it.channel);
            let is_behind = asking.any(|it| is_it(home_of(&self.channels.at(it).name, shards)));
            if is_behind || record.recovers_from(|it| is_it(home_of(it, shards))) {
                behind.push(conn);
            } else if let Some((id, _)) = record.reading().filter(|it| is_it(it.1)) {
                reading.push((conn, id));
            }
        }
        for conn in behind {
            self.close(now, conn, Code::ShardFailed.into(), effects);
        }
        for (conn, id) in reading {
            self.conns.at_mut(conn).settle(|it| it.reading = None);
            self.refuse(conn, Some(id), Code::Busy, effects);
        }
    }
}

/// Whether the envelope tells a home what [`Envelope::Forgot`] tells all of them.
const fn is_said_by_forgot(envelope: &Envelope) -> bool {
    matches!(
        envelope,
        Envelope::Unfollow { .. } | Envelope::Typing { .. } | Envelope::Present { .. }
    )
}
