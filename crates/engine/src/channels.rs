//! The channels this shard has members in.

use std::collections::HashMap;

use proto::ChannelName;
use slab::Slab;

use crate::{
    channel::Channel,
    input::{FollowId, Seats},
};

/// Found by name when something is said, by key when a connection leaves.
#[derive(Debug)]
pub(crate) struct Channels {
    by_name: HashMap<ChannelName, u32>,
    by_key: Slab<Channel>,
    follow_next: u64,
}

impl Channels {
    pub(crate) fn new(follow_seed: u64) -> Self {
        Self { by_name: HashMap::new(), by_key: Slab::new(), follow_next: follow_seed }
    }

    pub(crate) fn find(&self, name: &ChannelName) -> Option<&Channel> {
        self.by_name.get(name).map(|it| &self.by_key[*it as usize])
    }

    pub(crate) fn find_mut(&mut self, name: &ChannelName) -> Option<&mut Channel> {
        self.by_name.get(name).map(|it| &mut self.by_key[*it as usize])
    }

    pub(crate) fn key(&self, name: &ChannelName) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn at(&self, key: u32) -> &Channel {
        &self.by_key[key as usize]
    }

    pub(crate) fn at_mut(&mut self, key: u32) -> &mut Channel {
        &mut self.by_key[key as usize]
    }

    pub(crate) fn open(&mut self, name: ChannelName) -> u32 {
        let follow = self.next_follow();
        let key = self.by_key.insert(Channel::new(name.clone(), follow));
        let key = u32::try_from(key).expect("fewer channels than bytes of memory");
        let before = self.by_name.insert(name, key);
        assert!(before.is_none(), "a channel was opened twice");
        key
    }

    /// The channels that are at home on a shard, to be asked about anew.
    pub(crate) fn follow_again(
        &mut self,
        is_home: impl Fn(&ChannelName) -> bool,
    ) -> Vec<(ChannelName, FollowId)> {
        let mut follow = self.follow_next;
        let channels = self.by_key.iter_mut().filter(|it| is_home(&it.1.name));
        let again = channels.map(|(_, channel)| {
            follow = follow.wrapping_add(1);
            channel.follow_again(FollowId(follow));
            (channel.name.clone(), FollowId(follow))
        });
        let again = again.collect();
        self.follow_next = follow;
        again
    }

    /// Who is in the channels that are at home on a shard, where that is told.
    pub(crate) fn present(
        &self,
        is_home: impl Fn(&ChannelName) -> bool,
    ) -> Vec<(ChannelName, Vec<Seats>)> {
        let channels = self.by_key.iter().map(|it| it.1).filter(|it| is_home(&it.name));
        channels.filter_map(|it| Some((it.name.clone(), it.company.as_ref()?.all()))).collect()
    }

    const fn next_follow(&mut self) -> FollowId {
        self.follow_next = self.follow_next.wrapping_add(1);
        FollowId(self.follow_next)
    }

    /// Forgets a channel that has lost its last member.
    pub(crate) fn close(&mut self, key: u32) -> ChannelName {
        let channel = self.by_key.remove(key as usize);
        assert!(channel.member_count() == 0, "{} closed with members in it", channel.name);
        self.by_name.remove(&channel.name);
        // A table that was large once gives its room back (F14).
        if self.by_name.len() * 4 < self.by_name.capacity() && 1024 < self.by_name.capacity() {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
        if self.by_key.is_empty() {
            self.by_key = Slab::new();
        }
        channel.name
    }

    pub(crate) fn count(&self) -> usize {
        self.by_key.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat F14.
    #[test]
    fn ever_new_names_come_and_go_and_nothing_is_left() {
        let mut channels = Channels::new(0);
        let name = |it| ChannelName::parse(&format!("room:{it}")).unwrap();
        let keys: Vec<u32> = (0..100_000).map(|it| channels.open(name(it))).collect();
        for key in keys {
            channels.close(key);
        }
        assert_eq!(channels.by_name.len(), 0);
        assert!(channels.by_name.capacity() < 4096, "{}", channels.by_name.capacity());
        assert_eq!(channels.by_key.capacity(), 0);
    }
}
