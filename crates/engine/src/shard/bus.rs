//! What shards say to each other.

use proto::{ChannelName, Code, ConnId, Event, Placed, ShardId};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::Effect,
    home::home_of,
    input::{Envelope, FollowId},
};

impl Shard {
    pub(super) fn sent(&mut self, now: Tick, envelope: Envelope, effects: &mut Vec<Effect>) {
        match envelope {
            Envelope::Publish { draft, origin } => self.place(now, draft, origin, effects),
            Envelope::Follow { channel, follow, shard } => {
                let at = self.homes.follow(now, &channel, shard);
                let envelope = Envelope::Followed { channel, follow, at };
                effects.push(Effect::Send { to: shard, envelope });
            }
            Envelope::Unfollow { channel, shard } => self.homes.unfollow(now, &channel, shard),
            Envelope::Followed { channel, follow, at } => {
                self.followed(now, channel, follow, at, effects);
            }
            Envelope::Forgot { shard } => self.follow_again(now, shard, effects),
            Envelope::FollowAll { channels, shard } => {
                self.homes.unfollow_all(now, shard);
                let follow = |(channel, follow)| {
                    let at = self.homes.follow(now, &channel, shard);
                    (channel, follow, at)
                };
                let places = channels.into_iter().map(follow).collect();
                effects
                    .push(Effect::Send { to: shard, envelope: Envelope::FollowedAll { places } });
            }
            Envelope::FollowedAll { places } => {
                for (channel, follow, at) in places {
                    self.followed(now, channel, follow, at, effects);
                }
            }
            Envelope::Published { publication } => self.published(now, publication, effects),
            Envelope::Placed { origin, channel, at } => self.placed(origin, channel, at, effects),
            Envelope::Canary { text } => effects.push(Effect::Sing { text }),
        }
    }

    /// Our home told where a channel stands.
    fn followed(
        &mut self,
        now: Tick,
        channel: ChannelName,
        follow: FollowId,
        at: Placed,
        effects: &mut Vec<Effect>,
    ) {
        // Everyone may have left before the answer came.
        let Some(state) = self.channels.find_mut(&channel) else { return };
        let Ok(waiting) = state.followed(follow, at) else {
            self.missed(now, &channel, effects);
            return;
        };
        for (conn, id) in waiting {
            let event = Event::Subscribed { id, channel: channel.clone(), at };
            effects.push(Effect::Tell { conn, event });
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
        // That we forgot says that we follow nothing. An envelope for each channel besides could
        // overflow the next inbox.
        closing
            .retain(|it| !matches!(it, Effect::Send { envelope: Envelope::Unfollow { .. }, .. }));
        effects.append(&mut closing);
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
        self.homes.unfollow_all(now, forgetful);
        let shards = self.rules.shards;
        let channels = self.channels.follow_again(|it| home_of(it, shards) == forgetful);
        let envelope = Envelope::FollowAll { channels, shard: self.rules.shard };
        effects.push(Effect::Send { to: forgetful, envelope });
    }
}
