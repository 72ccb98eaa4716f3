//! How far everyone has come: acknowledgements, read marks, and mail that is sent again until it is
//! acknowledged.

use proto::{
    ChannelName, Code, ConnId, Cursor, Dialect, Event, Mark, Offset, Reader, Refusal, RequestId,
};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Outcome, Task},
    home::home_of,
    input::{Envelope, Marked, Moved, Origin, Ticket},
    knock::{Knock, Marking},
    log::{CURSORS_MAX, Log, whose},
    owed::{Owed, PROVE_AFTER, RESENDS_MAX},
    policy::Storage,
};

impl Shard {
    /// A client says how far it has come.
    pub(super) fn mark_as(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: Option<RequestId>,
        channel: ChannelName,
        (mark, offset): (Mark, Offset),
        effects: &mut Vec<Effect>,
    ) {
        let namespace = self.namespace(&channel);
        let (has_cursors, by_device) = (namespace.has_cursors(), namespace.by_device);
        let key = self.channels.key(&channel);
        let record = self.conns.at_mut(conn);
        let user = record.identity.as_ref().map(|it| &it.user);
        let reader = whose(user, record.device.as_ref(), by_device);
        let refusal = match (key.filter(|it| record.is_in(*it)), reader) {
            (None, _) => Code::NotSubscribed.into(),
            (Some(_), None) => Refusal::new(Code::Denied).saying("Only users have cursors."),
            (Some(_), Some(_)) if !has_cursors => {
                Refusal::new(Code::NoLog).saying("Nobody's place is kept in this channel.")
            }
            (Some(key), Some(reader)) => {
                self.acknowledged(now, conn, key, offset);
                let shard = self.rules.shard;
                let origin = id.map_or(Origin::Nobody, |id| Origin::Conn { shard, conn, id });
                self.send_mark(now, channel, Marking { reader, mark, offset }, origin, effects);
                return;
            }
        };
        self.refuse(conn, id, refusal, effects);
    }

    fn send_mark(
        &mut self,
        now: Tick,
        channel: ChannelName,
        mark: Marking,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let home = home_of(&channel, self.rules.shards);
        if home == self.rules.shard {
            self.knock(now, channel, Knock::Mark { mark, origin }, effects);
        } else {
            let envelope = Envelope::Mark { channel, mark, origin };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// At home: moves a cursor, never back.
    pub(super) fn mark(
        &mut self,
        now: Tick,
        channel: ChannelName,
        mark: Marking,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let storage = self.namespace(&channel).log.storage;
        let Some(home) = self.homes.find_mut(&channel) else { return };
        home.used_at = now;
        let end = home.at.offset;
        let Some(log) = &mut home.log else {
            self.marked(origin, channel, Err(Code::NoLog.into()), effects);
            return;
        };
        if end < mark.offset {
            self.marked(origin, channel, Err(Code::BadOffset.into()), effects);
            return;
        }
        let Marking { reader, mark, offset } = mark;
        let to = match mark {
            Mark::Delivered => Cursor { delivered: offset, read: Offset(0) },
            Mark::Read => Cursor { delivered: offset, read: offset },
        };
        let before = log.cursors.get(&reader).copied();
        if before.is_none() && CURSORS_MAX as usize <= log.cursors.len() {
            self.marked(origin, channel, Err(Code::Busy.into()), effects);
            return;
        }
        let cursor = before.unwrap_or_default().forward(to);
        log.cursors.insert(reader.clone(), cursor);
        let moved = Moved { reader, cursor, origin };
        if matches!(storage, Storage::Disk(_)) {
            // Also if it stands there already: what moved it may not be on disk yet.
            effects.push(Effect::Store(Task::Move { channel, moved }));
        } else {
            self.moved(now, channel, moved, Ok(()), effects);
        }
    }

    /// At home: how far somebody has come, for someone outside.
    pub(super) fn tell_cursor(
        &self,
        channel: &ChannelName,
        reader: &Reader,
        ticket: Ticket,
        effects: &mut Vec<Effect>,
    ) {
        let Some(home) = self.homes.find(channel) else { return };
        let outcome = match &home.log {
            None => Outcome::Refused(Code::NoLog.into()),
            Some(log) => {
                let cursor = log.cursors.get(reader).copied().unwrap_or_default();
                let unread = Log::unread(home.at.offset, cursor);
                Outcome::Cursor(Marked { cursor, unread })
            }
        };
        effects.push(Effect::Conclude { ticket, outcome });
    }

    /// A cursor is where it was to be, for good.
    pub(super) fn moved(
        &mut self,
        now: Tick,
        channel: ChannelName,
        moved: Moved,
        outcome: Result<(), Code>,
        effects: &mut Vec<Effect>,
    ) {
        let home = self.homes.find(&channel);
        let head = home.map_or(Offset(0), |it| it.at.offset);
        // The disk moves a cursor no further than it has messages.
        let missing = home.and_then(|it| it.log.as_ref()).and_then(|it| it.pending.front());
        let is_there = missing.is_none_or(|it| moved.cursor.delivered < it.at.offset);
        let outcome = outcome.and(if is_there { Ok(()) } else { Err(Code::StoreUnavailable) });
        let unread = Log::unread(head, moved.cursor);
        if outcome.is_ok() {
            self.receipt(now, &channel, &moved);
        }
        let marked = outcome.map(|()| Marked { cursor: moved.cursor, unread });
        self.marked(moved.origin, channel, marked.map_err(Refusal::new), effects);
    }

    /// Tells whoever waits for it.
    pub(super) fn marked(
        &mut self,
        origin: Origin,
        channel: ChannelName,
        marked: Result<Marked, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        match (origin, marked) {
            (Origin::Nobody, _) => {}
            (Origin::Ticket(ticket), marked) => {
                let outcome = marked.map_or_else(Outcome::Refused, Outcome::Cursor);
                effects.push(Effect::Conclude { ticket, outcome });
            }
            (Origin::Conn { shard, .. }, marked) if shard != self.rules.shard => {
                let envelope = Envelope::Marked { channel, origin, marked };
                effects.push(Effect::Send { to: shard, envelope });
            }
            (Origin::Conn { conn, .. }, _) if self.conns.find(conn).is_none() => {}
            (Origin::Conn { conn, id, .. }, Ok(Marked { cursor, unread })) => {
                let event = Event::Marked { id, channel, cursor, unread };
                effects.push(Effect::Tell { conn, event });
            }
            (Origin::Conn { conn, id, .. }, Err(refusal)) => {
                self.refuse(conn, Some(id), refusal, effects);
            }
        }
    }

    fn acknowledged(&mut self, now: Tick, conn: ConnId, key: u32, offset: Offset) {
        let end = self.channels.at(key).at().map_or(Offset(0), |it| it.offset);
        let Some(owed) = self.conns.at_mut(conn).owed.as_mut() else { return };
        let Some(mail) = owed.mail(key) else { return };
        if mail.delivered < offset && offset <= end {
            mail.delivered = offset;
            mail.resends = 0;
            mail.due = if offset < end { mail.resend_at(now) } else { Tick::NEVER };
            self.schedule(conn);
        }
    }

    /// Something has been sent that has to be acknowledged.
    pub(super) fn expect_acknowledgement(&mut self, now: Tick, conn: ConnId, key: u32) {
        let end = self.channels.at(key).at().map_or(Offset(0), |it| it.offset);
        let record = self.conns.at_mut(conn);
        let dialect = self.rules.policies[usize::from(record.policy)].dialect;
        Owed::tidy(&mut record.owed);
        let Some(mail) = record.owed.as_mut().and_then(|it| it.mail(key)) else { return };
        mail.send(now, end);
        if mail.due == Tick::NEVER && mail.delivered < end {
            mail.due = match dialect {
                Dialect::Native => mail.resend_at(now),
                Dialect::Plain | Dialect::SocketIo => now.after(PROVE_AFTER),
            };
            self.schedule(conn);
        }
    }

    /// Everyone here who is in a mailbox has been sent something.
    pub(super) fn mailed(&mut self, now: Tick, key: u32) {
        let channel = self.channels.at(key);
        let members = Dialect::ALL.map(|it| channel.members(it).to_vec());
        for member in members.into_iter().flatten() {
            self.expect_acknowledgement(now, member.conn, key);
        }
    }

    /// Mail that was not acknowledged in time.
    pub(super) fn resend(&mut self, now: Tick, conn: ConnId, effects: &mut Vec<Effect>) {
        let record = self.conns.at_mut(conn);
        let dialect = self.rules.policies[usize::from(record.policy)].dialect;
        let Some(owed) = &record.owed else { return };
        let due = owed.mails.iter().filter(|it| it.due <= now);
        for key in due.map(|it| it.channel).collect::<Vec<_>>() {
            // What was sent again last may have been refused, and the connection with it.
            if self.conns.find(conn).is_none() {
                return;
            }
            match dialect {
                Dialect::Native => self.resend_mail(now, conn, key, effects),
                Dialect::Plain | Dialect::SocketIo => self.prove_mail(now, conn, key, effects),
            }
        }
    }

    fn resend_mail(&mut self, now: Tick, conn: ConnId, key: u32, effects: &mut Vec<Effect>) {
        let end = self.channels.at(key).at().map_or(Offset(0), |it| it.offset);
        let Some(owed) = self.conns.at_mut(conn).owed.as_mut() else { return };
        let is_behind = owed.replay(key).is_some();
        let Some(mail) = owed.mail(key) else { return };
        let open = end.0.saturating_sub(mail.delivered.0);
        mail.due = Tick::NEVER;
        if open == 0 {
            return;
        }
        if is_behind {
            // Not everything has been sent once.
            mail.due = mail.resend_at(now);
        } else if mail.resends < RESENDS_MAX {
            mail.resends += 1;
            mail.due = mail.resend_at(now);
            let delivered = mail.delivered;
            self.tally.resent += open;
            self.begin_again(now, conn, key, delivered, effects);
        } else {
            self.tally.undelivered += open;
        }
    }

    /// A ping's answer proves that everything before it has arrived: TCP keeps the order. What is
    /// delivered at the end of this turn comes after it.
    fn prove_mail(&mut self, now: Tick, conn: ConnId, key: u32, effects: &mut Vec<Effect>) {
        self.pings = self.pings.wrapping_add(1);
        let number = self.pings;
        let Some(owed) = self.conns.at_mut(conn).owed.as_mut() else { return };
        let behind = owed.replay(key).map(|it| it.next.map_or(Offset(0), |it| it.offset));
        let Some(mail) = owed.mail(key) else { return };
        mail.due = Tick::NEVER;
        let written = mail.written(now);
        mail.proving = Some((number, behind.map_or(written, |it| it.min(written))));
        effects.push(Effect::Ping { conn, number });
    }

    /// Anybody can send a pong, and one may be on its way since long before: only those of pings
    /// that came after the mail prove it.
    pub(super) fn ponged(
        &mut self,
        now: Tick,
        conn: ConnId,
        number: u32,
        effects: &mut Vec<Effect>,
    ) {
        let Some(owed) = self.conns.find_mut(conn).and_then(|it| it.owed.as_mut()) else { return };
        let proved = owed.mails.iter_mut().filter_map(|it| {
            let (_, offset) = it.proving.take_if(|it| number.wrapping_sub(it.0) < 1 << 31)?;
            it.delivered = it.delivered.max(offset);
            Some((it.channel, it.reader.clone(), offset))
        });
        for (key, reader, offset) in proved.collect::<Vec<_>>() {
            let channel = self.channels.at(key).name.clone();
            let mark = Marking { reader, mark: Mark::Delivered, offset };
            self.send_mark(now, channel, mark, Origin::Nobody, effects);
            self.expect_acknowledgement(now, conn, key);
        }
    }
}
