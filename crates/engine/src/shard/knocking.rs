//! At a channel's home: what is wanted of it waits until it is known where its log stands.

use proto::{ChannelName, Code, Offset, Refusal};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Outcome, Task},
    home::shards_in,
    input::{Envelope, Loaded},
    knock::{KNOCKS_MAX, Knock},
    log::{RETRY, Stage},
    policy::Namespace,
};

impl Shard {
    /// Something is wanted of a channel that is at home here.
    pub(super) fn knock(
        &mut self,
        now: Tick,
        channel: ChannelName,
        knock: Knock,
        effects: &mut Vec<Effect>,
    ) {
        let rules = &self.rules.namespaces.of(channel.namespace()).log;
        let home = self.homes.open(now, &channel, rules);
        if let Some(log) = &mut home.log {
            if matches!(log.stage, Stage::Unloaded) {
                log.stage = Stage::Loading { waiting: Vec::new() };
                effects.push(Effect::Store(Task::Load { channel: channel.clone() }));
            }
            if let Stage::Loading { waiting } = &mut log.stage {
                if waiting.len() < KNOCKS_MAX {
                    waiting.push(knock);
                } else {
                    self.turn_away(now, channel, knock, &Code::Busy.into(), effects);
                }
                return;
            }
        }
        self.let_in(now, channel, knock, effects);
    }

    fn let_in(&mut self, now: Tick, channel: ChannelName, knock: Knock, effects: &mut Vec<Effect>) {
        match knock {
            Knock::Publish { draft, origin } => self.place(now, draft, origin, effects),
            Knock::Follow { follow, shard } => {
                let Some(home) = self.homes.find_mut(&channel) else { return };
                home.follow(shard);
                let at = home.at;
                if shard == self.rules.shard {
                    self.reached(shard, self.homes.reached, effects);
                    self.followed(now, channel, follow, at, effects);
                } else {
                    let reached = self.homes.reached;
                    let envelope = Envelope::Followed { channel, follow, at, reached };
                    effects.push(Effect::Send { to: shard, envelope });
                }
            }
            Knock::Fetch { wish, asked_by } => self.fetch(now, channel, wish, asked_by, effects),
            Knock::Mark { mark, origin } => self.mark(now, channel, mark, origin, effects),
            Knock::Tell { reader, ticket } => self.tell_cursor(&channel, &reader, ticket, effects),
            Knock::Describe { ticket, members } => {
                let head = self.homes.find(&channel).map(|it| it.at);
                let outcome = Outcome::Described { members, head };
                effects.push(Effect::Conclude { ticket, outcome });
            }
            Knock::Erase { ticket } => self.erase(now, channel, ticket, effects),
        }
    }

    /// What the disk knows of a log, or that it cannot say.
    pub(super) fn loaded(
        &mut self,
        now: Tick,
        channel: ChannelName,
        loaded: Result<Option<Loaded>, Code>,
        effects: &mut Vec<Effect>,
    ) {
        let has_receipts = self.namespace(&channel).has_receipts;
        let Some(home) = self.homes.find_mut(&channel) else { return };
        let Some(log) = &mut home.log else { return };
        match (&mut log.stage, loaded) {
            (Stage::Loading { waiting }, Err(code)) => {
                let waiting = std::mem::take(waiting);
                // The next one who knocks asks again.
                log.stage = Stage::Unloaded;
                let refusal = Refusal::new(code);
                for knock in waiting {
                    self.turn_away(now, channel.clone(), knock, &refusal, effects);
                }
            }
            (Stage::Loading { waiting }, Ok(loaded)) => {
                let waiting = std::mem::take(waiting);
                match loaded {
                    Some(loaded) => {
                        home.at = loaded.head.at;
                        log.settle(now, loaded);
                        if has_receipts {
                            log.receipts.begin(&log.cursors);
                        }
                    }
                    None => log.stage = Stage::Ready,
                }
                for knock in waiting {
                    self.knock(now, channel.clone(), knock, effects);
                }
            }
            (Stage::Broken { retry_at } | Stage::Behind { retry_at }, Err(_)) => {
                *retry_at = now.after(RETRY);
                let at = *retry_at;
                self.homes.ring(at, &channel);
            }
            (Stage::Broken { .. }, Ok(loaded)) => self.mended(now, &channel, loaded, effects),
            (Stage::Behind { .. }, Ok(Some(loaded))) if loaded.head.at.epoch == home.at.epoch => {
                self.append_again(now, &channel, loaded.head.at.offset, effects);
            }
            // Nothing of it has ever been there.
            (Stage::Behind { .. }, Ok(None))
                if log.pending.front().is_some_and(|it| it.at.offset == Offset(1)) =>
            {
                self.append_again(now, &channel, Offset(0), effects);
            }
            // Set aside meanwhile: what members have is no longer a part of it.
            (Stage::Behind { .. }, Ok(loaded)) => self.mended(now, &channel, loaded, effects),
            (Stage::Unloaded | Stage::Ready, _) => {}
        }
    }

    /// The disk works again. What it holds may be more than what was confirmed: a write that
    /// failed may have been carried out.
    fn mended(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        loaded: Option<Loaded>,
        effects: &mut Vec<Effect>,
    ) {
        let has_receipts = self.namespace(channel).has_receipts;
        let beginning = self.homes.beginning();
        let new = self.homes.new_log(Stage::Ready);
        let row_last = self.homes.reached.disk;
        let Some(home) = self.homes.find_mut(channel) else { return };
        let Some(log) = &mut home.log else { return };
        let before = home.at;
        match loaded {
            Some(loaded) => {
                // Keys and cursors of another life speak of messages that are no more.
                if loaded.head.at.epoch != before.epoch {
                    **log = new;
                }
                home.at = loaded.head.at;
                log.settle(now, loaded);
                if has_receipts {
                    log.receipts.begin(&log.cursors);
                }
            }
            None if before.offset.0 == 0 => log.stage = Stage::Ready,
            // Set aside meanwhile; what was there is not to be taken for what comes.
            None => {
                home.at = beginning;
                **log = new;
            }
        }
        log.assigned = home.at.offset;
        log.pending.clear();
        if home.at != before {
            log.sure_after = row_last;
            log.recent.clear();
            let followers = std::mem::take(&mut home.followers);
            self.tell_missed(now, channel, followers, effects);
        }
    }

    /// Members have not been told everything; they come back and recover.
    pub(super) fn tell_missed(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        followers: u64,
        effects: &mut Vec<Effect>,
    ) {
        for shard in shards_in(followers) {
            if shard == self.rules.shard {
                self.missed(now, channel, effects);
            } else {
                let envelope = Envelope::Missed { channel: channel.clone() };
                effects.push(Effect::Send { to: shard, envelope });
            }
        }
    }

    /// Says no to something that waited.
    fn turn_away(
        &mut self,
        now: Tick,
        channel: ChannelName,
        knock: Knock,
        refusal: &Refusal,
        effects: &mut Vec<Effect>,
    ) {
        let refusal = refusal.clone();
        match knock {
            Knock::Publish { origin, .. } => self.placed(origin, channel, Err(refusal), effects),
            Knock::Follow { follow, shard } if shard == self.rules.shard => {
                self.not_followed(now, &channel, follow, &refusal, effects);
            }
            Knock::Follow { follow, shard } => {
                let envelope = Envelope::NotFollowed { channel, follow, refusal };
                effects.push(Effect::Send { to: shard, envelope });
            }
            Knock::Fetch { asked_by, .. } => {
                self.hand_over(now, channel, asked_by, Err(refusal), effects);
            }
            Knock::Mark { origin, .. } => self.marked(origin, channel, Err(refusal), effects),
            Knock::Tell { ticket, .. }
            | Knock::Describe { ticket, .. }
            | Knock::Erase { ticket } => {
                effects.push(Effect::Conclude { ticket, outcome: Outcome::Refused(refusal) });
            }
        }
    }

    /// Homes whose time for something has come.
    pub(super) fn ring(&mut self, now: Tick, effects: &mut Vec<Effect>) {
        while let Some(channels) = self.homes.take_rung(now) {
            for channel in channels {
                self.try_again(now, &channel, effects);
                self.tell_in_passing(now, &channel, effects);
            }
        }
    }

    fn try_again(&mut self, now: Tick, channel: &ChannelName, effects: &mut Vec<Effect>) {
        let Some(log) = self.homes.find_mut(channel).and_then(|it| it.log.as_mut()) else { return };
        if now < log.retry_at() {
            return;
        }
        match &mut log.stage {
            Stage::Broken { retry_at } | Stage::Behind { retry_at } => {
                *retry_at = Tick::NEVER;
                effects.push(Effect::Store(Task::Load { channel: channel.clone() }));
            }
            Stage::Unloaded | Stage::Loading { .. } | Stage::Ready => {}
        }
    }

    pub(super) fn namespace(&self, channel: &ChannelName) -> &Namespace {
        self.rules.namespaces.of(channel.namespace())
    }
}
