//! At a channel's home: messages on their way to the disk, and what becomes of them.

use std::{sync::Arc, time::Duration};

use proto::{ChannelName, Code, Kind, Offset, Placed, Publication, Refusal, UnixMillis};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Outcome, Task},
    home::Home,
    input::{Draft, Origin, Ticket},
    log::{self, Log, PENDING_MAX, Pending, RETRY, Stage},
    policy::{Class, Confirm, Keep, Storage},
    position::Stamp,
};

/// What becomes of a draft.
enum Taken {
    /// It has its place in a log, and goes on to members now.
    Placed(Arc<Publication>, Placed),
    /// It has its place, and there is no log.
    Passing(Arc<Publication>, Placed),
    /// It goes to the disk first.
    Waits,
    /// It was said before, and has this place.
    Known(Placed),
    Refused(Code),
}

impl Shard {
    /// Gives a draft its place in the channel's log, if the channel has one.
    pub(super) fn keep(
        &mut self,
        now: Tick,
        draft: Draft,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let rules = self.namespace(&draft.channel).log;
        let (wall, keys_for) = (self.wall, self.rules.keys_for);
        let live = self.homes.live_next();
        let channel = draft.channel.clone();
        let Some(home) = self.homes.find_mut(&channel) else { return };
        let taken = match (&mut home.log, rules.storage) {
            (Some(log), Storage::Disk(class)) => {
                let is_told = rules.confirm == Confirm::Accepted;
                log.keys.expire(now, keys_for);
                append(log, now, home.at, draft, origin, (class, is_told, live), wall, effects)
            }
            (Some(_), Storage::Memory | Storage::None) => {
                remember(home, now, draft, live, keys_for, wall, &rules.keep)
            }
            (None, _) => {
                home.at.offset = Offset(home.at.offset.0 + 1);
                home.time = home.time.max(wall);
                let message = log::publication(draft, Kind::Message(home.at), home.time);
                Taken::Passing(message, home.at)
            }
        };
        match taken {
            Taken::Placed(message, at) => {
                self.confirm(now, message, at, live, effects);
                self.placed(origin, channel, Ok(Some(at)), effects);
            }
            Taken::Passing(message, at) => {
                self.confirm(now, message, at, Stamp::None, effects);
                self.placed(origin, channel, Ok(Some(at)), effects);
            }
            Taken::Waits => {}
            Taken::Known(at) => self.placed(origin, channel, Ok(Some(at)), effects),
            Taken::Refused(code) => self.placed(origin, channel, Err(code.into()), effects),
        }
    }

    /// A message has its place for good: its channel stands there, and members get it.
    fn confirm(
        &mut self,
        now: Tick,
        message: Arc<Publication>,
        at: Placed,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        self.homes.reached.advance(stamp);
        let Some(home) = self.homes.find_mut(&message.channel) else { return };
        home.at = at;
        home.used_at = now;
        let followers = home.followers;
        self.tally.published += 1;
        self.pass_on(now, followers, (message, stamp), effects);
    }

    /// The disk has a message, or has refused it.
    pub(super) fn appended(
        &mut self,
        now: Tick,
        channel: ChannelName,
        at: Placed,
        outcome: Result<u64, Code>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(log) = self.homes.find_mut(&channel).and_then(|it| it.log.as_mut()) else {
            return;
        };
        // Of an engine before this one, or of a log that was erased.
        if !log.pending.iter().any(|it| it.at == at) {
            return;
        }
        log.awaited = log.awaited.saturating_sub(1);
        match outcome {
            Ok(row) => self.stored(now, &channel, at, Stamp::Disk(row), effects),
            Err(code) => self.not_stored(&channel, at, code, effects),
        }
        self.look_again(now, channel, effects);
    }

    fn stored(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        at: Placed,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(log) = self.homes.find_mut(channel).and_then(|it| it.log.as_mut()) else { return };
        let Some(pending) = log.pending.pop_front_if(|it| it.at == at) else { return };
        log.stored(now, stamp, &pending);
        if !pending.is_told {
            self.confirm(now, pending.publication, at, stamp, effects);
        }
        for origin in pending.origins {
            self.placed(origin, channel.clone(), Ok(Some(at)), effects);
        }
    }

    fn not_stored(
        &mut self,
        channel: &ChannelName,
        at: Placed,
        code: Code,
        effects: &mut Vec<Effect>,
    ) {
        self.tally.not_stored += 1;
        let Some(log) = self.homes.find_mut(channel).and_then(|it| it.log.as_mut()) else { return };
        let retry_at = Tick::NEVER;
        if log.pending.front().is_some_and(|it| it.is_told) {
            // Members have it; it is tried again, unless the store had to begin another epoch.
            log.stage = Stage::Behind { retry_at };
            return;
        }
        log.stage = Stage::Broken { retry_at };
        // A store that is too busy says so before it has answered what it was asked earlier.
        let failed = log.pending.iter().position(|it| it.at == at);
        let failed = failed.and_then(|it| log.pending.remove(it));
        for origin in failed.into_iter().flat_map(|it| it.origins) {
            self.placed(origin, channel.clone(), Err(code.into()), effects);
        }
    }

    /// Once everything that was on its way when the disk refused something is answered, whatever
    /// the last answer was, the disk is asked where the log stands.
    fn look_again(&mut self, now: Tick, channel: ChannelName, effects: &mut Vec<Effect>) {
        let Some(log) = self.homes.find_mut(&channel).and_then(|it| it.log.as_mut()) else {
            return;
        };
        if log.retry_at() != Tick::NEVER {
            return;
        }
        match &mut log.stage {
            Stage::Behind { retry_at } if log.awaited == 0 => {
                let at = now.after(RETRY);
                *retry_at = at;
                self.homes.ring(at, &channel);
            }
            Stage::Broken { .. } if log.pending.is_empty() => {
                effects.push(Effect::Store(Task::Load { channel }));
            }
            Stage::Behind { .. } | Stage::Broken { .. } => {}
            Stage::Unloaded | Stage::Loading { .. } | Stage::Ready => {}
        }
    }

    /// The disk works again: sends it everything that it has not, and members have.
    pub(super) fn append_again(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        stored: Offset,
        effects: &mut Vec<Effect>,
    ) {
        let Storage::Disk(class) = self.namespace(channel).log.storage else { return };
        let Some(log) = self.homes.find_mut(channel).and_then(|it| it.log.as_mut()) else { return };
        log.stage = Stage::Ready;
        // A write that failed may have been carried out.
        while let Some(pending) = log.pending.pop_front_if(|it| it.at.offset <= stored) {
            log.stored(now, Stamp::None, &pending);
        }
        log.awaited = log.pending.len();
        effects.extend(log.pending.iter().map(|it| {
            Effect::Store(Task::Append {
                publication: Arc::clone(&it.publication),
                key: it.key.clone(),
                class,
            })
        }));
    }

    /// Forgets a log (C5): on disk first, so that nothing is forgotten here that is kept there.
    pub(super) fn erase(
        &mut self,
        now: Tick,
        channel: ChannelName,
        ticket: Ticket,
        effects: &mut Vec<Effect>,
    ) {
        if !matches!(self.namespace(&channel).log.storage, Storage::Disk(_)) {
            self.erased(now, channel, ticket, Ok(()), effects);
            return;
        }
        let log = self.homes.find(&channel).and_then(|it| it.log.as_ref());
        // What members have would be written after all, once the disk works again.
        if log.is_some_and(|it| matches!(it.stage, Stage::Behind { .. })) {
            let outcome = Outcome::Refused(Code::StoreUnavailable.into());
            effects.push(Effect::Conclude { ticket, outcome });
            return;
        }
        effects.push(Effect::Store(Task::Erase { channel, ticket }));
    }

    /// The channel begins anew: what was in it is not to be had by anyone who knows where it was.
    pub(super) fn erased(
        &mut self,
        now: Tick,
        channel: ChannelName,
        ticket: Ticket,
        outcome: Result<(), Code>,
        effects: &mut Vec<Effect>,
    ) {
        let refused = |code| Outcome::Refused(Refusal::new(code));
        match outcome {
            Ok(()) => self.begin_anew(now, channel, effects),
            // It may have been done all the same.
            Err(_) => self.doubt(&channel, effects),
        }
        let outcome = outcome.map_or_else(refused, |()| Outcome::Erased);
        effects.push(Effect::Conclude { ticket, outcome });
    }

    fn begin_anew(&mut self, now: Tick, channel: ChannelName, effects: &mut Vec<Effect>) {
        let is_on_disk = matches!(self.namespace(&channel).log.storage, Storage::Disk(_));
        let beginning = self.homes.beginning();
        // Nobody gets in before the disk has said where it begins.
        let new = self.homes.new_log(if is_on_disk { Stage::Unloaded } else { Stage::Ready });
        let Some(home) = self.homes.find_mut(&channel) else { return };
        let is_unknown = |it: &Log| matches!(it.stage, Stage::Unloaded | Stage::Loading { .. });
        // Of a home before this one, which asks anyway.
        if home.log.as_ref().is_some_and(|it| is_unknown(it)) {
            return;
        }
        home.at = beginning;
        let before = home.log.as_mut().map(|it| std::mem::replace(&mut **it, new));
        let followers = std::mem::take(&mut home.followers);
        self.tell_missed(now, &channel, followers, effects);
        for origin in before.into_iter().flat_map(|it| it.pending).flat_map(|it| it.origins) {
            let refusal = Code::StoreUnavailable.into();
            self.placed(origin, channel.clone(), Err(refusal), effects);
        }
    }
}

/// Sends a draft to the disk.
#[expect(clippy::too_many_arguments, reason = "all that a message is made of")]
fn append(
    log: &mut Log,
    now: Tick,
    stands_at: Placed,
    draft: Draft,
    origin: Origin,
    (class, is_told, live): (Class, bool, Stamp),
    wall: UnixMillis,
    effects: &mut Vec<Effect>,
) -> Taken {
    if let Some(key) = &draft.key {
        if let Some(offset) = log.keys.find(key) {
            return Taken::Known(Placed { epoch: stands_at.epoch, offset });
        }
        if let Some(pending) = log.pending.iter_mut().find(|it| it.key.as_ref() == Some(key)) {
            if pending.is_told {
                return Taken::Known(pending.at);
            }
            pending.origins.push(origin);
            return Taken::Waits;
        }
    }
    if matches!(log.stage, Stage::Broken { .. }) {
        return Taken::Refused(Code::StoreUnavailable);
    }
    // What the disk does not take weighs on memory until it does.
    let is_behind = matches!(log.stage, Stage::Behind { .. });
    if PENDING_MAX <= log.pending.len() || (is_behind && log.recent.is_over()) {
        return Taken::Refused(Code::Busy);
    }
    log.assigned = Offset(log.assigned.0 + 1);
    let at = Placed { epoch: stands_at.epoch, offset: log.assigned };
    let key = draft.key.clone();
    let publication = log::publication(draft, Kind::Message(at), log.tick(wall));
    // What is behind goes to the disk again in order, and this after it.
    if !is_behind {
        log.awaited += 1;
        let publication = Arc::clone(&publication);
        effects.push(Effect::Store(Task::Append { publication, key: key.clone(), class }));
    }
    if is_told {
        log.recent.push(now, live, Arc::clone(&publication));
    }
    let message = Arc::clone(&publication);
    let origins = if is_told { Vec::new() } else { vec![origin] };
    log.pending.push_back(Pending { publication, at, key, origins, is_told });
    if is_told { Taken::Placed(message, at) } else { Taken::Waits }
}

/// Puts a draft into a log in memory.
fn remember(
    home: &mut Home,
    now: Tick,
    draft: Draft,
    live: Stamp,
    keys_for: Duration,
    wall: UnixMillis,
    keep: &Keep,
) -> Taken {
    let at = Placed { offset: Offset(home.at.offset.0 + 1), ..home.at };
    let Some(log) = &mut home.log else { return Taken::Refused(Code::NoLog) };
    log.keys.expire(now, keys_for);
    if let Some(key) = &draft.key {
        if let Some(offset) = log.keys.find(key) {
            return Taken::Known(Placed { offset, ..at });
        }
        log.keys.remember(now, Arc::clone(key), at.offset);
    }
    let message = log::publication(draft, Kind::Message(at), log.tick(wall));
    log.assigned = at.offset;
    log.recent.push(now, live, Arc::clone(&message));
    log.recent.trim(now, keep);
    log.first = log.recent.first().unwrap_or(Offset(at.offset.0 + 1));
    Taken::Placed(message, at)
}
