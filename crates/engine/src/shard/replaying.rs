//! Members who are behind: they are sent the log in parts, each once the one before has left, and
//! become members like all others when nothing is between it and what comes live.

use proto::{ChannelName, Code, ConnId, Dialect, Event, Offset, Placed, Refusal, Stand, Start};

use super::Shard;
use crate::{
    channel::Member,
    deadlines::Tick,
    effect::Effect,
    input::Fetched,
    knock::{AskedBy, Wish},
    log::{Log, whose},
    owed::{Begins, Mail, Owed},
    recent::offset,
};

impl Shard {
    /// A seat has been taken by someone who begins in the log: asks its home from where.
    pub(super) fn begin(
        &mut self,
        now: Tick,
        conn: ConnId,
        channel: ChannelName,
        start: Start,
        begins: Begins,
        effects: &mut Vec<Effect>,
    ) {
        let Some(key) = self.channels.key(&channel) else { return };
        let namespace = self.namespace(&channel);
        let (by_device, mailbox) = (namespace.by_device, namespace.is_mailbox);
        let has_cursors = namespace.has_cursors();
        let record = self.conns.at_mut(conn);
        let user = record.identity.as_ref().map(|it| &it.user).filter(|_| has_cursors);
        let reader = whose(user, record.device.as_ref(), by_device);
        self.attempts = self.attempts.wrapping_add(1);
        let attempt = self.attempts;
        let since = if let Start::After(place) = start { Some(place) } else { None };
        record.owed.get_or_insert_default().begin(attempt, key, begins, (since, None));
        self.seek_seat(conn, key, Member::BEGINNING);
        let asked_by = AskedBy::Member { shard: self.rules.shard, conn, attempt };
        self.ask_home(now, channel, Wish::Begin { start, reader, mailbox }, asked_by, effects);
    }

    /// Sends mail again from here on.
    pub(super) fn begin_again(
        &mut self,
        now: Tick,
        conn: ConnId,
        key: u32,
        after: Offset,
        effects: &mut Vec<Effect>,
    ) {
        let channel = self.channels.at(key);
        let Some(at) = channel.at() else { return };
        let name = channel.name.clone();
        let after = Placed { offset: after, ..at };
        let owed = self.conns.at_mut(conn).owed.get_or_insert_default();
        self.attempts = self.attempts.wrapping_add(1);
        let attempt = self.attempts;
        owed.begin(attempt, key, Begins::Silently, (None, Some(after)));
        self.seek_seat(conn, key, Member::BEHIND);
        let asked_by = AskedBy::Member { shard: self.rules.shard, conn, attempt };
        self.ask_home(now, name, Wish::GoOn { after }, asked_by, effects);
    }

    /// A part of the log has come for a member who is behind.
    pub(super) fn caught_up(
        &mut self,
        now: Tick,
        channel: &ChannelName,
        conn: ConnId,
        attempt: u32,
        fetched: Result<Fetched, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(key) = self.channels.key(channel) else { return };
        let Some(owed) = self.conns.find_mut(conn).and_then(|it| it.owed.as_mut()) else { return };
        let Some(replay) = owed.replay(key).filter(|it| it.attempt == attempt) else { return };
        let begins = replay.next.is_none().then_some(replay.begins);
        let is_again = begins.is_none() && replay.begins == Begins::Silently;
        let fetched = match (fetched, begins) {
            // What it was to be told has been cut meanwhile.
            (Ok(fetched), Some(Begins::Recovered)) if fetched.recovered != Some(true) => {
                self.close(now, conn, Code::TooSlow.into(), effects);
                return;
            }
            (Ok(fetched), _) => fetched,
            (Err(refusal), Some(Begins::For(id))) => {
                self.leave(now, conn, key, effects);
                self.refuse(conn, Some(id), refusal, effects);
                return;
            }
            (Err(refusal), _) => {
                self.close(now, conn, refusal, effects);
                return;
            }
        };
        let Fetched { head, from, messages, .. } = &fetched;
        let last = messages.last().map_or(*from, |it| offset(it));
        let has_more = !messages.is_empty();
        replay.next = Some(Placed { epoch: head.at.epoch, offset: last });
        replay.is_sending = has_more;
        if let Some(begins) = begins {
            self.seek_seat(conn, key, Member::BEHIND);
            self.tell_where_it_begins(conn, channel, key, begins, &fetched, effects);
        }
        let mut messages = self.meant_for(conn, fetched.messages);
        if is_again {
            // Some of it may have been acknowledged while it was asked for.
            let owed = self.conns.at_mut(conn).owed.as_mut();
            let delivered = owed.and_then(|it| it.mail(key)).map(|it| it.delivered);
            messages.retain(|it| delivered.is_none_or(|delivered| delivered < offset(it)));
        }
        if !messages.is_empty() {
            effects.push(Effect::Replay { conn, messages });
        } else if has_more {
            // Nothing of it was for them, so nothing says that it has gone out.
            self.replayed(now, conn, effects);
            return;
        }
        self.settle(now, conn, key, effects);
        if !has_more {
            self.begin_queued(now, conn, effects);
        }
    }

    fn tell_where_it_begins(
        &mut self,
        conn: ConnId,
        channel: &ChannelName,
        key: u32,
        begins: Begins,
        fetched: &Fetched,
        effects: &mut Vec<Effect>,
    ) {
        let Fetched { head, from, recovered, cursor, .. } = fetched;
        let stand = Stand {
            at: Placed { offset: *from, ..head.at },
            recovered: *recovered,
            first: (*recovered == Some(false)).then_some(head.first),
            cursor: cursor.map(|it| (it, Log::unread(head.at.offset, it))),
        };
        let id = match begins {
            Begins::For(id) => Some(Some(id)),
            Begins::Resumed => Some(None),
            Begins::Silently | Begins::Recovered => None,
        };
        if let Some(id) = id {
            let event = Event::Subscribed { id, channel: channel.clone(), stand };
            effects.push(Effect::Tell { conn, event });
        }
        let namespace = self.namespace(channel);
        let (is_mailbox, by_device) = (namespace.is_mailbox, namespace.by_device);
        let record = self.conns.at_mut(conn);
        let user = record.identity.as_ref().map(|it| &it.user);
        let reader = whose(user, record.device.as_ref(), by_device);
        if let (true, Some(reader), Some(cursor)) = (is_mailbox, reader, cursor) {
            let owed = record.owed.get_or_insert_default();
            owed.mails.push(Mail::new(key, reader, cursor.delivered));
        }
    }

    /// Whether nothing is between what was sent and what comes live; then it is a member like any
    /// other. Else it goes on once what was sent has left.
    fn settle(&mut self, now: Tick, conn: ConnId, key: u32, effects: &mut Vec<Effect>) {
        let channel = self.channels.at(key);
        let (at, name) = (channel.at(), channel.name.clone());
        let Some(owed) = self.conns.at_mut(conn).owed.as_mut() else { return };
        let Some(replay) = owed.replay(key) else { return };
        let Some(next) = replay.next else { return };
        match at {
            Some(at) if at.epoch != next.epoch => {
                self.close(now, conn, Code::ShardFailed.into(), effects);
            }
            Some(at) if next.offset < at.offset => {
                if !replay.is_sending {
                    let attempt = replay.attempt;
                    let asked_by = AskedBy::Member { shard: self.rules.shard, conn, attempt };
                    self.ask_home(now, name, Wish::GoOn { after: next }, asked_by, effects);
                }
            }
            Some(_) | None => {
                if replay.begins == Begins::Recovered {
                    effects.push(Effect::CaughtUp { conn });
                }
                owed.replays.retain(|it| it.channel != key);
                self.seek_seat(conn, key, next.offset);
                self.expect_acknowledgement(now, conn, key);
            }
        }
    }

    /// What was sent has left: on with the next part.
    pub(super) fn replayed(&mut self, now: Tick, conn: ConnId, effects: &mut Vec<Effect>) {
        let Some(owed) = self.conns.find_mut(conn).and_then(|it| it.owed.as_mut()) else { return };
        let mut keys = Vec::new();
        for replay in owed.replays.iter_mut().filter(|it| it.is_sending) {
            replay.is_sending = false;
            keys.push(replay.channel);
        }
        for key in keys {
            if self.conns.find(conn).is_some() {
                self.settle(now, conn, key, effects);
            }
        }
        self.begin_queued(now, conn, effects);
    }

    /// A part of the log did not fit into the outbox: it goes on from there when there is room.
    pub(super) fn replay_overfull(&mut self, conn: ConnId, key: u32, from: Offset) -> bool {
        let Some(owed) = self.conns.find_mut(conn).and_then(|it| it.owed.as_mut()) else {
            return false;
        };
        let Some(replay) = owed.replay(key) else { return false };
        if let Some(next) = &mut replay.next {
            next.offset = next.offset.min(Offset(from.0.saturating_sub(1)));
        }
        replay.is_sending = true;
        true
    }

    /// From where on the seat is owed what is said.
    pub(super) fn seek_seat(&mut self, conn: ConnId, key: u32, after: Offset) {
        let record = self.conns.at_mut(conn);
        let dialect: Dialect = self.rules.policies[usize::from(record.policy)].dialect;
        let joined = record.joined.iter().find(|it| it.channel == key);
        if let Some(seat) = joined.map(|it| it.seat) {
            self.channels.at_mut(key).seek(dialect, seat as usize, after);
        }
    }
}

impl Owed {
    /// Nothing is kept of a connection that is owed nothing.
    pub(crate) fn tidy(owed: &mut Option<Box<Self>>) {
        if owed.as_ref().is_some_and(|it| it.is_empty()) {
            *owed = None;
        }
    }
}
