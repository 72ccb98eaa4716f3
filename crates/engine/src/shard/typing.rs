//! Who writes: said by a connection, known at the channel's home, told to members when it changes
//! (R76).

use std::time::Instant;

use limits::Limit;
use permission::Action;
use proto::{ChannelName, Code, ConnId, Event, Notice, Refusal, RequestId, ShardId, UserId};

use super::Shard;
use crate::{deadlines::Tick, effect::Effect, home::home_of, input::Envelope};

impl Shard {
    /// Spends one of the times that the connection may say that it writes. Not one of its
    /// messages: whoever types fast has more to say, not less.
    pub(super) fn spend_typing(&mut self, now: Instant, id: ConnId) -> Result<(), Refusal> {
        self.tally.messages += 1;
        let conn = self.conns.at_mut(id);
        let policy = usize::from(conn.policy);
        let Some(pace) = &self.typing_paces[policy] else { return Ok(()) };
        let wait = conn.noticed.get_or_insert_default().budget.spend(pace, now).err();
        self.judge(Limit::Typing, policy, wait)
    }

    pub(super) fn type_as(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: Option<RequestId>,
        channel: ChannelName,
        active: bool,
        effects: &mut Vec<Effect>,
    ) {
        let key = self.channels.key(&channel);
        let record = self.conns.at_mut(conn);
        let key = key.filter(|it| record.is_in(*it));
        let refusal = match (key, record.user().cloned()) {
            (None, _) => Code::NotSubscribed.into(),
            (Some(_), None) => Refusal::new(Code::Denied).saying("Only users can be seen writing."),
            (Some(key), Some(user)) => match self.may_signal(conn, &channel) {
                Err(code) => code.into(),
                Ok(()) => {
                    let typing_in =
                        &mut self.conns.at_mut(conn).noticed.get_or_insert_default().typing_in;
                    let was_active = typing_in.contains(&key);
                    if active && !was_active {
                        typing_in.push(key);
                    }
                    typing_in.retain(|it| active || *it != key);
                    // Saying so again extends it; stopping what was not begun is nothing.
                    if active || was_active {
                        self.send_typing(now, channel.clone(), user, conn, active, effects);
                    }
                    if let Some(id) = id {
                        let event = Event::Typing { id, channel, active };
                        effects.push(Effect::Tell { conn, event });
                    }
                    return;
                }
            },
        };
        self.refuse(conn, id, refusal, effects);
    }

    /// A connection that leaves a channel writes in it no more.
    pub(super) fn put_down_pen(
        &mut self,
        now: Tick,
        conn: ConnId,
        key: u32,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        let Some(noticed) = &mut record.noticed else { return };
        let Some(index) = noticed.typing_in.iter().position(|it| *it == key) else { return };
        noticed.typing_in.swap_remove(index);
        let Some(user) = record.user().cloned() else { return };
        let channel = self.channels.at(key).name.clone();
        self.send_typing(now, channel, user, conn, false, effects);
    }

    fn send_typing(
        &mut self,
        now: Tick,
        channel: ChannelName,
        user: UserId,
        conn: ConnId,
        active: bool,
        effects: &mut Vec<Effect>,
    ) {
        let by = (self.rules.shard, conn);
        let home = home_of(&channel, self.rules.shards);
        if home == self.rules.shard {
            self.typed(now, channel, user, by, active, effects);
        } else {
            let envelope = Envelope::Typing { channel, user, by, active };
            effects.push(Effect::Send { to: home, envelope });
        }
    }

    /// On the home shard: tells members, if it is news to them.
    pub(super) fn typed(
        &mut self,
        now: Tick,
        channel: ChannelName,
        user: UserId,
        by: (ShardId, ConnId),
        active: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(home) = self.homes.find_mut(&channel) else { return };
        home.used_at = now;
        let is_news = match (&mut home.typing, active) {
            (typing, true) => typing.get_or_insert_default().write(now, &user, by),
            (Some(typing), false) => typing.stop(&user, by),
            (None, false) => false,
        };
        home.typing.take_if(|it| it.is_empty());
        self.homes.expect_notice(&channel);
        if is_news {
            self.notify(now, &channel, Notice::Typing { user, active }, effects);
        }
    }

    fn may_signal(&self, conn: ConnId, channel: &ChannelName) -> Result<(), Code> {
        let record =
            self.conns.find(conn).expect("the caller has seen that the connection is open");
        self.authorize(record, Action::Signal, channel)
    }
}
