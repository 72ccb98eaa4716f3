//! The channels that are at home on this shard: their order, and which shards follow them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    time::Duration,
};

use proto::{ChannelName, Epoch, Offset, Placed, ShardId, UnixMillis};

use crate::{
    deadlines::Tick,
    home::Home,
    log::{Log, Stage},
    policy::{LogRules, Storage},
    position::{Reached, Stamp},
    recent::{Recent, Scale},
};

/// How long an unused channel's place is remembered, and twice as long at most. Long
/// enough for a page to be reloaded and find its offsets still good; short enough that made-up
/// names cost nothing for long (F14).
const IDLE: Duration = Duration::from_secs(60);

/// Channels looked at in one turn when forgetting, so that a million idle ones stall nobody.
const SWEEP_MAX: usize = 256;

#[derive(Debug)]
pub(crate) struct Homes {
    by_name: HashMap<ChannelName, Home>,
    /// Every home once, by when it is next looked at.
    sweep: BTreeMap<Tick, Vec<ChannelName>>,
    /// Homes to be looked at for something of their own, and when.
    bells: BTreeMap<Tick, BTreeSet<ChannelName>>,
    epoch_next: u64,
    /// The last that was passed on, whatever its channel.
    pub(crate) reached: Reached,
    /// Where this home began to count what is not on disk.
    live_first: u64,
    scale: Rc<Scale>,
}

impl Homes {
    /// `row_last` is the last row of the store.
    pub(crate) fn new(epoch_seed: u64, log_bytes_max: u64, row_last: u64) -> Self {
        // No start that another process has had, and room to count up from it.
        let live_first = epoch_seed >> 4;
        Self {
            reached: Reached { disk: Some(row_last), live: None },
            live_first,
            scale: Scale::new(log_bytes_max),
            by_name: HashMap::new(),
            sweep: BTreeMap::new(),
            bells: BTreeMap::new(),
            epoch_next: epoch_seed,
        }
    }

    /// What the next message that does not wait for the disk is counted as.
    pub(crate) fn live_next(&self) -> Stamp {
        Stamp::Live(self.reached.live.unwrap_or(self.live_first) + 1)
    }

    /// Whether this home, in this life, has passed on what somebody has heard.
    pub(crate) fn has_passed_on(&self, stamp: Stamp) -> bool {
        match stamp {
            Stamp::None => false,
            Stamp::Disk(row) => self.reached.disk.is_some_and(|it| row <= it),
            Stamp::Live(count) => {
                self.live_first < count && self.reached.live.is_some_and(|it| count <= it)
            }
        }
    }

    pub(crate) fn unfollow(&mut self, now: Tick, channel: &ChannelName, shard: ShardId) {
        if let Some(home) = self.by_name.get_mut(channel) {
            home.unfollow(shard);
            home.used_at = now;
        }
    }

    /// A shard has no members in any channel. Its users may come back.
    pub(crate) fn unfollow_all(&mut self, now: Tick, wall: UnixMillis, shard: ShardId) {
        // Every home is in there once, and unlike the table it has an order.
        for channel in self.sweep.values().flatten() {
            let Some(home) = self.by_name.get_mut(channel) else { continue };
            if home.unfollow(shard) {
                home.used_at = now;
            }
            if let Some(presence) = &mut home.presence {
                presence.lose(now, wall, shard);
                expect_notice(&mut self.bells, home, channel);
            }
        }
    }

    pub(crate) fn find(&self, channel: &ChannelName) -> Option<&Home> {
        self.by_name.get(channel)
    }

    pub(crate) fn find_mut(&mut self, channel: &ChannelName) -> Option<&mut Home> {
        self.by_name.get_mut(channel)
    }

    pub(crate) fn count(&self) -> usize {
        self.by_name.len()
    }

    /// A log that begins anew, or is to be loaded: what was passed on of it before is not known
    /// here.
    pub(crate) fn new_log(&self, stage: Stage) -> Log {
        let passed_on = self.reached.live.unwrap_or(self.live_first);
        Log::new(stage, Recent::new(Rc::clone(&self.scale), passed_on))
    }

    /// What all logs here weigh, in bytes.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.scale.bytes()
    }

    /// A place before the first message of an epoch that was never used.
    pub(crate) const fn beginning(&mut self) -> Placed {
        let epoch = Epoch(self.epoch_next);
        self.epoch_next = self.epoch_next.wrapping_add(1);
        Placed { epoch, offset: Offset(0) }
    }

    /// Sees to it that the home is looked at then.
    pub(crate) fn ring(&mut self, at: Tick, channel: &ChannelName) {
        self.bells.entry(at).or_default().insert(channel.clone());
    }

    /// Sees to it that the home is looked at when the next thing is to be told in passing.
    pub(crate) fn expect_notice(&mut self, channel: &ChannelName) {
        if let Some(home) = self.by_name.get_mut(channel) {
            expect_notice(&mut self.bells, home, channel);
        }
    }

    /// Takes the channels whose bell has rung.
    pub(crate) fn take_rung(&mut self, now: Tick) -> Option<BTreeSet<ChannelName>> {
        let entry = self.bells.first_entry()?;
        (*entry.key() <= now).then(|| entry.remove())
    }

    /// The channel's home, made if there is none, and marked as used.
    pub(crate) fn open(&mut self, now: Tick, channel: &ChannelName, rules: &LogRules) -> &mut Home {
        if !self.by_name.contains_key(channel) {
            let at = self.beginning();
            self.sweep.entry(now.after(IDLE)).or_default().push(channel.clone());
            let (log, kept_for) = match rules.storage {
                Storage::None => (None, IDLE),
                // In another epoch than any before.
                Storage::Memory => {
                    let recent = Recent::new(Rc::clone(&self.scale), 0);
                    (Some(Log::new(Stage::Ready, recent)), IDLE.max(rules.keep.age_max))
                }
                Storage::Disk(_) => (Some(self.new_log(Stage::Unloaded)), IDLE),
            };
            let log = log.map(Box::new);
            let home = Home {
                at,
                time: UnixMillis(0),
                log,
                kept_for,
                followers: 0,
                used_at: now,
                typing: None,
                presence: None,
                rings_at: Tick::NEVER,
            };
            self.by_name.insert(channel.clone(), home);
        }
        let home = self.by_name.get_mut(channel).expect("it was inserted above");
        home.used_at = now;
        home
    }

    /// Forgets channels that nobody follows and nobody used for [`IDLE`].
    pub(crate) fn sweep(&mut self, now: Tick) {
        for _ in 0..SWEEP_MAX {
            let Some(mut due) = self.sweep.first_entry().filter(|it| *it.key() <= now) else {
                break;
            };
            let channel = due.get_mut().pop();
            if due.get().is_empty() {
                due.remove();
            }
            let Some(channel) = channel else { continue };
            let Some(home) = self.by_name.get(&channel) else { continue };
            let idle = home.used_at.after(home.kept_for);
            if home.is_needed() || now < idle {
                let again = if home.is_needed() { now.after(IDLE) } else { idle };
                self.sweep.entry(again).or_default().push(channel);
                continue;
            }
            self.by_name.remove(&channel);
        }
        // A table that was large once gives its room back.
        if self.by_name.len() * 4 < self.by_name.capacity() && 1024 < self.by_name.capacity() {
            self.by_name.shrink_to(self.by_name.len() * 2);
        }
    }

    /// When the next one may be forgotten.
    pub(crate) fn wakes_at(&self) -> Tick {
        let rings_at = self.bells.first_key_value().map_or(Tick::NEVER, |it| *it.0);
        self.sweep.first_key_value().map_or(Tick::NEVER, |it| *it.0).min(rings_at)
    }
}

fn expect_notice(
    bells: &mut BTreeMap<Tick, BTreeSet<ChannelName>>,
    home: &mut Home,
    channel: &ChannelName,
) {
    let due = home.notice_due();
    if due < home.rings_at {
        home.rings_at = due;
        bells.entry(due).or_default().insert(channel.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::{Class, PresenceRules},
        presence::Presence,
    };

    fn name(number: u32) -> ChannelName {
        ChannelName::parse(&format!("room:{number}")).unwrap()
    }

    #[test]
    fn a_channel_that_is_followed_is_not_looked_at_all_the_time() {
        let mut homes = Homes::new(0, u64::MAX, 0);
        homes.open(Tick(0), &name(1), &LogRules::default()).follow(ShardId(0));
        let mut looks = 0;
        while homes.wakes_at() < Tick(36_000) {
            homes.sweep(homes.wakes_at());
            looks += 1;
        }
        assert_eq!(looks, 59, "once a minute in an hour");
    }

    /// Threat F14.
    #[test]
    fn rooms_that_were_entered_once_are_forgotten_with_all_who_were_in_them() {
        use crate::input::Seats;
        let user = proto::UserId::parse("ann");
        let seats = |count| Seats { user: user.clone(), was: 0, count, ..Seats::default() };
        let mut homes = Homes::new(0, u64::MAX, 0);
        for number in 0..10_000 {
            let home = homes.open(Tick(0), &name(number), &LogRules::default());
            let presence = home.presence.insert(Box::new(Presence::new(PresenceRules::default())));
            presence.seat(Tick(0), UnixMillis(0), ShardId(0), seats(1));
            presence.seat(Tick(0), UnixMillis(0), ShardId(0), seats(0));
            homes.expect_notice(&name(number));
        }
        while let Some(rung) = homes.take_rung(Tick(2)) {
            for channel in rung {
                let presence = homes.find_mut(&channel).and_then(|it| it.presence.as_mut());
                assert_eq!(presence.unwrap().take(Tick(2)), None, "nobody was there to be told of");
            }
        }
        while homes.wakes_at() != Tick::NEVER {
            homes.sweep(homes.wakes_at());
        }
        assert_eq!((homes.count(), homes.bells.len()), (0, 0));
    }

    /// Threat F14.
    #[test]
    fn ever_new_names_come_and_go_and_nothing_is_left() {
        for storage in [Storage::None, Storage::Memory, Storage::Disk(Class::Sync)] {
            let rules = LogRules { storage, ..LogRules::default() };
            let mut homes = Homes::new(0, u64::MAX, 0);
            for number in 0..100_000 {
                homes.open(Tick(0), &name(number), &rules).follow(ShardId(0));
                homes.unfollow(Tick(0), &name(number), ShardId(0));
            }
            while homes.wakes_at() != Tick::NEVER {
                homes.sweep(homes.wakes_at());
            }
            assert_eq!(homes.by_name.len(), 0, "{storage:?}");
            assert!(homes.by_name.capacity() < 4096, "{}", homes.by_name.capacity());
            assert!(homes.sweep.is_empty(), "{}", homes.sweep.len());
        }
    }
}
