//! What shards say to each other.

use proto::{Code, ConnId, Event};

use super::Shard;
use crate::{deadlines::Tick, effect::Effect, input::Envelope};

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
                // Everyone may have left before the answer came.
                let Some(state) = self.channels.find_mut(&channel) else { return };
                for (conn, id) in state.followed(follow, at) {
                    let event = Event::Subscribed { id, channel: channel.clone(), at };
                    effects.push(Effect::Tell { conn, event });
                }
            }
            Envelope::Published { publication } => self.published(publication, effects),
            Envelope::Placed { origin, channel, at } => self.placed(origin, channel, at, effects),
            Envelope::Canary { text } => effects.push(Effect::Sing { text }),
        }
    }

    /// Envelopes were lost, nobody knows which: everyone who may have missed something comes back.
    pub(super) fn overflowed(&mut self, now: Tick, effects: &mut Vec<Effect>) {
        self.tally.overflows += 1;
        let members: Vec<ConnId> =
            self.conns.iter().filter(|it| !it.1.joined.is_empty()).map(|it| it.0).collect();
        for conn in members {
            self.close(now, conn, Code::ShardFailed.into(), effects);
        }
    }
}
