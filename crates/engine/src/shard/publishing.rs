//! A channel's order, and who hears.

use std::sync::Arc;

use proto::{
    ChannelName, Code, ConnId, Dialect, Event, Kind, Offset, Placed, Publication, Refusal,
};

use super::Shard;
use crate::{
    channel::Missed,
    conn::Gap,
    deadlines::Tick,
    effect::{Effect, Outcome},
    home::{home_of, shards_in},
    input::{Draft, Envelope, Origin},
    knock::Knock,
    log,
    policy::Slow,
    position::Stamp,
};

impl Shard {
    /// Sends a draft home, where it gets its place.
    pub(super) fn publish(
        &mut self,
        now: Tick,
        draft: Draft,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let home = home_of(&draft.channel, self.rules.shards);
        if home == self.rules.shard {
            self.take_in(now, draft, origin, effects);
        } else {
            let envelope = Envelope::Publish { draft, origin };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// On the home shard: a signal goes on at once, a message once its channel's log is known.
    pub(super) fn take_in(
        &mut self,
        now: Tick,
        draft: Draft,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        if draft.is_signal {
            self.place(now, draft, origin, effects);
        } else {
            let channel = draft.channel.clone();
            self.knock(now, channel, Knock::Publish { draft, origin }, effects);
        }
    }

    /// On the home shard: gives the draft its place and passes it on.
    pub(super) fn place(
        &mut self,
        now: Tick,
        draft: Draft,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        if !draft.is_signal {
            self.keep(now, draft, origin, effects);
            return;
        }
        self.tally.published += 1;
        let followers = self.homes.find(&draft.channel).map_or(0, |it| it.followers);
        let channel = draft.channel.clone();
        let publication = log::publication(draft, Kind::Signal, self.wall);
        self.pass_on(now, followers, (publication, Stamp::None), effects);
        self.placed(origin, channel, Ok(None), effects);
    }

    /// To every shard with members.
    pub(super) fn pass_on(
        &mut self,
        now: Tick,
        followers: u64,
        (publication, stamp): (Arc<Publication>, Stamp),
        effects: &mut Vec<Effect>,
    ) {
        for shard in shards_in(followers) {
            let publication = Arc::clone(&publication);
            if shard == self.rules.shard {
                self.published(now, publication, stamp, effects);
            } else {
                let envelope = Envelope::Published { publication, stamp };
                effects.push(Effect::Send { to: shard, envelope });
            }
        }
    }

    /// On a shard with members: delivers.
    pub(super) fn published(
        &mut self,
        now: Tick,
        publication: Arc<Publication>,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        // The last member may have left while the message was on its way.
        let Some(channel) = self.channels.find_mut(&publication.channel) else { return };
        let is_owed = match publication.kind {
            Kind::Message(at) => channel.advance(at),
            Kind::Signal => Ok(channel.at().is_some()),
            Kind::Notice(ref it) => Ok(channel.at().is_some() && channel.is_noticed(it)),
        };
        let is_mail = matches!(publication.kind, Kind::Message(_))
            && self.namespace(&publication.channel).is_mailbox;
        match is_owed {
            Ok(true) => {
                if is_mail && let Some(key) = self.channels.key(&publication.channel) {
                    self.mailed(now, key);
                }
                effects.push(Effect::Deliver { publication, stamp });
            }
            Ok(false) => {}
            Err(Missed) => self.missed(now, &publication.channel, effects),
        }
    }

    /// Tells whoever published that it has its place, or was not taken.
    pub(super) fn placed(
        &mut self,
        origin: Origin,
        channel: ChannelName,
        at: Result<Option<Placed>, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        match (origin, at) {
            (Origin::Nobody, _) => {}
            (Origin::Ticket(ticket), at) => {
                let outcome = at.map_or_else(Outcome::Refused, Outcome::Placed);
                effects.push(Effect::Conclude { ticket, outcome });
            }
            (Origin::Conn { shard, .. }, at) if shard != self.rules.shard => {
                let envelope = Envelope::Placed { origin, channel, at };
                effects.push(Effect::Send { to: shard, envelope });
            }
            (Origin::Conn { conn, .. }, _) if self.conns.find(conn).is_none() => {}
            (Origin::Conn { conn, id, .. }, Ok(at)) => {
                let event = match at {
                    Some(at) => Event::Published { id, channel, at },
                    None => Event::Signalled { id, channel },
                };
                effects.push(Effect::Tell { conn, event });
            }
            (Origin::Conn { conn, id, .. }, Err(refusal)) => {
                self.refuse(conn, Some(id), refusal, effects);
            }
        }
    }

    /// A member's outbox was full: part with it, or remember what it has to be told it missed
    /// (F10).
    pub(super) fn overfull(
        &mut self,
        now: Tick,
        id: ConnId,
        channel: ChannelName,
        from: Offset,
        to: Offset,
        effects: &mut Vec<Effect>,
    ) {
        let Some(conn) = self.conns.find(id) else { return };
        // It may have left since; then it is owed nothing, and there is nothing to tell.
        if !self.channels.key(&channel).is_some_and(|it| conn.is_in(it)) {
            return;
        }
        if let Some(key) = self.channels.key(&channel)
            && self.replay_overfull(id, key, from)
        {
            return;
        }
        let Some(conn) = self.conns.find(id) else { return };
        let slow = self.rules.namespaces.of(channel.namespace()).slow;
        if slow == Slow::Close || self.policy(conn).dialect != Dialect::Native {
            self.tally.too_slow += 1;
            // Whoever comes back for the rest begins with what it did not get.
            self.conns.at_mut(id).pending_mut().gaps.push(Gap { channel, from, to });
            self.close(now, id, Code::TooSlow.into(), effects);
            return;
        }
        self.tally.dropped += (to.0 + 1).saturating_sub(from.0);
        let gaps = &mut self.conns.at_mut(id).pending_mut().gaps;
        match gaps.iter_mut().find(|it| it.channel == channel) {
            Some(gap) => gap.to = to,
            // Bounded by the channels a connection may be in: leaving one forgets its gap (F14).
            None => gaps.push(Gap { channel, from, to }),
        }
    }

    /// There is room again: say what was missed.
    pub(super) fn unclogged(&mut self, id: ConnId, effects: &mut Vec<Effect>) {
        let Some(conn) = self.conns.find_mut(id) else { return };
        for Gap { channel, from, to } in conn.settle(|it| std::mem::take(&mut it.gaps)) {
            let event = Event::Gap { channel, from, to };
            effects.push(Effect::Tell { conn: id, event });
        }
    }
}
