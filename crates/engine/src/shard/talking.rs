//! Talking with applications: one question at a time for each connection, in order.

use std::time::Instant;

use proto::{Action, Code, ConnId, Message, Reach, Refusal};

use super::Shard;
use crate::{
    conn::Stage,
    conversation::{Conversation, awaited},
    deadlines::Tick,
    effect::{Ask, Effect},
    input::{Draft, Origin},
};

impl Shard {
    /// The application speaks first; publications wait for it, but for those of whoever goes on
    /// where it was.
    pub(super) fn greet(&mut self, id: ConnId, recovered: bool, effects: &mut Vec<Effect>) {
        let talk = self.conns.at_mut(id).conversation.get_or_insert_default();
        (talk.is_asking, talk.is_greeting) = (true, !recovered);
        self.tally.asks += 1;
        if !recovered {
            effects.push(Effect::Hold { conn: id });
        }
        effects.push(Effect::Ask { conn: id, ask: Ask::Connected { recovered } });
    }

    /// A client said something in words only its application understands.
    pub(super) fn say(
        &mut self,
        now: Instant,
        id: ConnId,
        message: Message,
        effects: &mut Vec<Effect>,
    ) {
        let tick = self.deadlines.tick(now);
        let Some(conn) = self.conns.find_mut(id) else { return };
        conn.spoke_at = tick;
        let stage = conn.stage;
        if let Err(refusal) = self.spend(now, id) {
            self.refuse(id, awaited(&message), refusal, effects);
            return;
        }
        match stage {
            Stage::Live => self.ask(id, message, effects),
            Stage::Greeting => match proto::json::first_token(&message) {
                Some(token) => self.prove(id, None, token, effects),
                None => self.close(tick, id, Code::AuthRequired.into(), effects),
            },
            // Said too early; what was said before admission is nobody's.
            Stage::Proving => self.close(tick, id, Code::AuthRequired.into(), effects),
        }
    }

    fn ask(&mut self, id: ConnId, message: Message, effects: &mut Vec<Effect>) {
        let conn = self.conns.at_mut(id);
        let policy = &self.rules.policies[usize::from(conn.policy)];
        if !policy.has_app {
            self.refuse(id, awaited(&message), Code::NotAccepted, effects);
            return;
        }
        let talk = conn.conversation.get_or_insert_default();
        if talk.is_asking {
            talk.waiting.push_back(message);
        } else {
            talk.is_asking = true;
            talk.awaited = awaited(&message);
            self.tally.asks += 1;
            effects.push(Effect::Ask { conn: id, ask: Ask::Said(message) });
        }
        // Nothing is thrown away: the socket is not read until the application has caught up.
        if !talk.is_paused && usize::from(policy.asks_waiting_max) <= talk.waiting.len() {
            talk.is_paused = true;
            effects.push(Effect::Pause { conn: id });
        }
    }

    pub(super) fn answered(
        &mut self,
        now: Tick,
        id: ConnId,
        answer: Result<Vec<Action>, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        self.tally.asks_answered += 1;
        match answer {
            Ok(actions) => {
                for action in actions {
                    self.act(now, id, action, effects);
                }
            }
            Err(refusal) => {
                self.tally.asks_failed += 1;
                if let Some(conn) = self.conns.find(id) {
                    let awaited = conn.conversation.as_ref().and_then(|it| it.awaited);
                    self.refuse(id, awaited, refusal, effects);
                }
            }
        }
        self.talk_on(now, id, effects);
    }

    fn act(&mut self, now: Tick, id: ConnId, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Publish { channel, payload, except, event, reach } => {
                let (from, key) = (None, None);
                let is_signal = reach != Reach::Members;
                let except_conn = (reach == Reach::Others).then_some((self.rules.shard, id));
                let draft =
                    Draft { channel, payload, from, except, except_conn, event, key, is_signal };
                self.publish(now, draft, Origin::Nobody, effects);
            }
            // The rest concerns a connection, which may have closed meanwhile.
            _ if self.conns.find(id).is_none() => {}
            Action::Reply(message) => effects.push(Effect::Reply { conn: id, message }),
            Action::Acknowledge { reply, values } => {
                effects.push(Effect::Acknowledge { conn: id, reply, values });
            }
            Action::Join(channel) => self.join_by_route(now, id, channel, effects),
            Action::Leave(channel) => {
                let key = self.channels.key(&channel);
                if let Some(key) = key.filter(|it| self.conns.at_mut(id).is_in(*it)) {
                    self.give_up(now, id, key, effects);
                }
            }
            Action::Close(refusal) => self.close(now, id, refusal, effects),
        }
    }

    /// Asks what has waited, and reads on once the application has caught up.
    fn talk_on(&mut self, now: Tick, id: ConnId, effects: &mut Vec<Effect>) {
        let Some(conn) = self.conns.find_mut(id) else {
            self.farewell(id, effects);
            return;
        };
        let may_wait = 0 < self.rules.policies[usize::from(conn.policy)].asks_waiting_max;
        let Some(talk) = &mut conn.conversation else { return };
        if std::mem::take(&mut talk.is_greeting) {
            effects.push(Effect::Release { conn: id });
        }
        match talk.waiting.pop_front() {
            Some(message) => {
                talk.awaited = awaited(&message);
                self.tally.asks += 1;
                effects.push(Effect::Ask { conn: id, ask: Ask::Said(message) });
            }
            None => talk.is_asking = false,
        }
        let has_caught_up = talk.waiting.is_empty() && (may_wait || !talk.is_asking);
        if talk.is_paused && has_caught_up {
            talk.is_paused = false;
            effects.push(Effect::Resume { conn: id });
            self.hear(now, id);
            self.conns.at_mut(id).spoke_at = now;
            self.schedule(id);
        }
    }

    /// The connection is gone. What it said before is still heard, then its application is told.
    pub(super) fn part(
        &mut self,
        id: ConnId,
        conversation: Box<Conversation>,
        effects: &mut Vec<Effect>,
    ) {
        if conversation.is_asking {
            self.farewells.insert(id, conversation);
        } else {
            self.tally.asks += 1;
            effects.push(Effect::Ask { conn: id, ask: Ask::Disconnected });
        }
    }

    fn farewell(&mut self, id: ConnId, effects: &mut Vec<Effect>) {
        let Some(talk) = self.farewells.get_mut(&id) else { return };
        let ask = match talk.waiting.pop_front() {
            Some(message) => Ask::Said(message),
            None => {
                self.farewells.remove(&id);
                Ask::Disconnected
            }
        };
        self.tally.asks += 1;
        effects.push(Effect::Ask { conn: id, ask });
    }
}
