//! Where a channel's order is kept.

use std::time::Duration;

use proto::{ChannelName, LogHead, Offset, Placed, ShardId, UnixMillis};

use crate::{
    deadlines::Tick,
    knock::Knock,
    log::{Log, Stage},
    policy::{LogRules, Storage},
    presence::Presence,
    typing::Typing,
};

/// The shard a channel is at home on: the same for every shard of a process, and for no other.
///
/// FNV-1a over the name. Names a client chooses can at worst crowd one shard, which crowds nobody
/// else's order; tables keyed by names hash with random keys (F15).
pub fn home_of(channel: &ChannelName, shards: u16) -> ShardId {
    let hash = channel.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // FNV-1a leaves the last few characters in the low bits, where `user:1` to `user:999` differ;
    // this (the finalizer of MurmurHash3) lets every bit count for every other.
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let slot = (hash ^ (hash >> 33)) % u64::from(shards.max(1));
    ShardId(u16::try_from(slot).expect("less than the number of shards"))
}

/// A channel, as its home shard keeps it.
#[derive(Debug)]
pub(crate) struct Home {
    /// The last message that was confirmed.
    pub(crate) at: Placed,
    /// When the last message was said, where no log knows.
    pub(crate) time: UnixMillis,
    /// Boxed, because most channels have none.
    pub(crate) log: Option<Box<Log>>,
    /// How long it is remembered when nobody needs it.
    pub(crate) kept_for: Duration,
    /// Which shards have members: bit n for shard n.
    pub(crate) followers: u64,
    /// When it last had followers or a message.
    pub(crate) used_at: Tick,
    /// Who writes; boxed, because mostly nobody does.
    pub(crate) typing: Option<Box<Typing>>,
    /// Who is here, where the namespace tells that.
    pub(crate) presence: Option<Box<Presence>>,
    /// When its bell rings for what is told in passing; the earliest counts.
    pub(crate) rings_at: Tick,
}

impl Home {
    /// Where its log stands; without one everything before now is gone.
    pub(crate) fn head(&self) -> LogHead {
        let none = Offset(self.at.offset.0 + 1);
        LogHead { at: self.at, first: self.log.as_ref().map_or(none, |it| it.first) }
    }

    pub(crate) fn is_needed(&self) -> bool {
        self.followers != 0
            || self.presence.as_ref().is_some_and(|it| it.has_users())
            || self.log.as_ref().is_some_and(|it| !it.is_idle())
    }

    /// Drops what a log in memory need not keep any more.
    pub(crate) fn trim(&mut self, now: Tick, rules: &LogRules) {
        if let Some(log) = &mut self.log
            && rules.storage == Storage::Memory
        {
            log.recent.trim(now, &rules.keep);
            log.first = log.recent.first().unwrap_or(Offset(self.at.offset.0 + 1));
        }
    }

    /// When the next thing is to be told in passing.
    pub(crate) fn notice_due(&self) -> Tick {
        let typing = self.typing.as_ref().map_or(Tick::NEVER, |it| it.due());
        let presence = self.presence.as_ref().map_or(Tick::NEVER, |it| it.due());
        let receipts = self.log.as_ref().map_or(Tick::NEVER, |it| it.receipts.due());
        typing.min(presence).min(receipts)
    }

    pub(crate) fn follow(&mut self, shard: ShardId) {
        self.followers |= 1 << shard.0;
    }

    /// Answers whether it had followed.
    pub(crate) fn unfollow(&mut self, shard: ShardId) -> bool {
        let before = self.followers;
        self.followers &= !(1 << shard.0);
        if let Some(Stage::Loading { waiting }) = self.log.as_mut().map(|it| &mut it.stage) {
            let is_its_follow = |it: &Knock| match it {
                Knock::Follow { shard: of, .. } => *of == shard,
                Knock::Publish { .. }
                | Knock::Fetch { .. }
                | Knock::Mark { .. }
                | Knock::Tell { .. }
                | Knock::Describe { .. }
                | Knock::Erase { .. } => false,
            };
            waiting.retain(|it| !is_its_follow(it));
        }
        before != self.followers
    }
}

/// The shards whose bits are set, in order.
pub(crate) fn shards_in(followers: u64) -> impl Iterator<Item = ShardId> {
    (0..SHARDS_MAX).filter(move |it| followers & (1 << it) != 0).map(ShardId)
}

/// Shards are a bit each in [`Home::followers`].
pub(crate) const SHARDS_MAX: u16 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_spread_over_all_shards() {
        for shards in [2, 3, 4, 8, 16] {
            let mut counts = vec![0; usize::from(shards)];
            for user in 1..=1600 {
                let channel = ChannelName::parse(&format!("user:{user}")).unwrap();
                counts[usize::from(home_of(&channel, shards).0)] += 1;
            }
            let fair = 1600 / i32::from(shards);
            for count in &counts {
                assert!((count - fair).abs() < fair / 3, "{shards} shards: {counts:?}");
            }
        }
    }
}
