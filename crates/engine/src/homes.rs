//! The channels that are at home on this shard: their order, and which shards follow them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use proto::{ChannelName, Epoch, Offset, Placed, ShardId};

use crate::{deadlines::Tick, home::Home};

/// How long an unused channel's place is remembered, and twice as long at most. Long
/// enough for a page to be reloaded and find its offsets still good; short enough that made-up
/// names cost nothing for long (F14).
const IDLE: Duration = Duration::from_secs(60);

/// Channels looked at in one turn when forgetting, so that a million idle ones stall nobody.
const SWEEP_MAX: usize = 256;

#[derive(Debug)]
pub(crate) struct Homes {
    by_name: HashMap<ChannelName, Home>,
    /// Every home once, in the order in which they are next looked at.
    sweep: VecDeque<(Tick, ChannelName)>,
    epoch_next: u64,
}

impl Homes {
    pub(crate) fn new(epoch_seed: u64) -> Self {
        Self { by_name: HashMap::new(), sweep: VecDeque::new(), epoch_next: epoch_seed }
    }

    /// Gives the next place in the channel's order, and tells who follows.
    pub(crate) fn place(&mut self, now: Tick, channel: &ChannelName) -> &Home {
        let home = self.open(now, channel);
        home.at.offset = Offset(home.at.offset.0 + 1);
        home
    }

    pub(crate) fn follow(&mut self, now: Tick, channel: &ChannelName, shard: ShardId) -> Placed {
        let home = self.open(now, channel);
        home.follow(shard);
        home.at
    }

    pub(crate) fn unfollow(&mut self, now: Tick, channel: &ChannelName, shard: ShardId) {
        if let Some(home) = self.by_name.get_mut(channel) {
            home.unfollow(shard);
            home.used_at = now;
        }
    }

    /// A shard has no members in any channel.
    pub(crate) fn unfollow_all(&mut self, now: Tick, shard: ShardId) {
        // Every home is in there once, and unlike the table it has an order.
        for (_, channel) in &self.sweep {
            let Some(home) = self.by_name.get_mut(channel) else { continue };
            if home.unfollow(shard) {
                home.used_at = now;
            }
        }
    }

    pub(crate) fn find(&self, channel: &ChannelName) -> Option<&Home> {
        self.by_name.get(channel)
    }

    /// The channel's home, made if there is none, and marked as used.
    fn open(&mut self, now: Tick, channel: &ChannelName) -> &mut Home {
        if !self.by_name.contains_key(channel) {
            let at = Placed { epoch: Epoch(self.epoch_next), offset: Offset(0) };
            self.epoch_next = self.epoch_next.wrapping_add(1);
            self.sweep.push_back((now.after(IDLE), channel.clone()));
            let home = Home { at, followers: 0, used_at: now };
            self.by_name.insert(channel.clone(), home);
        }
        let home = self.by_name.get_mut(channel).expect("it was inserted above");
        home.used_at = now;
        home
    }

    /// Forgets channels that nobody follows and nobody used for [`IDLE`].
    pub(crate) fn sweep(&mut self, now: Tick) {
        for _ in 0..SWEEP_MAX {
            if self.sweep.front().is_none_or(|it| now < it.0) {
                break;
            }
            let Some((_, channel)) = self.sweep.pop_front() else { break };
            let Some(home) = self.by_name.get(&channel) else { continue };
            let idle = home.used_at.after(IDLE);
            if home.followers != 0 {
                self.sweep.push_back((now.after(IDLE), channel));
                continue;
            }
            if now < idle {
                self.sweep.push_back((idle, channel));
                continue;
            }
            self.by_name.remove(&channel);
        }
        // A table that was large once gives its room back.
        if self.by_name.len() * 4 < self.by_name.capacity() && 1024 < self.by_name.capacity() {
            self.by_name.shrink_to(self.by_name.len() * 2);
            self.sweep.shrink_to(self.by_name.len() * 2);
        }
    }

    /// When the next one may be forgotten.
    pub(crate) fn wakes_at(&self) -> Tick {
        self.sweep.front().map_or(Tick::NEVER, |it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32) -> ChannelName {
        ChannelName::parse(&format!("room:{number}")).unwrap()
    }

    #[test]
    fn a_channel_that_is_followed_is_not_looked_at_all_the_time() {
        let mut homes = Homes::new(0);
        homes.follow(Tick(0), &name(1), ShardId(0));
        let mut looks = 0;
        while homes.wakes_at() < Tick(36_000) {
            homes.sweep(homes.wakes_at());
            looks += 1;
        }
        assert_eq!(looks, 59, "once a minute in an hour");
    }

    /// Threat F14.
    #[test]
    fn ever_new_names_come_and_go_and_nothing_is_left() {
        let mut homes = Homes::new(0);
        for number in 0..100_000 {
            homes.follow(Tick(0), &name(number), ShardId(0));
            homes.unfollow(Tick(0), &name(number), ShardId(0));
        }
        while homes.wakes_at() != Tick::NEVER {
            homes.sweep(homes.wakes_at());
        }
        assert_eq!(homes.by_name.len(), 0);
        assert!(homes.by_name.capacity() < 4096, "{}", homes.by_name.capacity());
        assert!(homes.sweep.capacity() < 4096, "{}", homes.sweep.capacity());
    }
}
