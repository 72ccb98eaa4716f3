//! What clients that speak in commands ask.

use std::time::Instant;

use permission::Action;
use proto::{ChannelName, Code, Command, ConnId, Event, Refusal, Request, RequestId};

use super::Shard;
use crate::{
    conn::Stage,
    effect::Effect,
    input::{Draft, Origin},
};

impl Shard {
    pub(super) fn request(
        &mut self,
        now: Instant,
        conn: ConnId,
        request: Result<Request, (Option<RequestId>, Refusal)>,
        effects: &mut Vec<Effect>,
    ) {
        let tick = self.deadlines.tick(now);
        // A close can overtake commands that were read in the same turn.
        let Some(record) = self.conns.find_mut(conn) else { return };
        record.spoke_at = tick;
        let stage = record.stage;
        let id = request.as_ref().map_or_else(|it| it.0, |it| it.id);
        if let Err(refusal) = self.spend(now, conn) {
            self.refuse(conn, id, refusal, effects);
            return;
        }
        match (stage, request) {
            (_, Err((id, refusal))) => self.refuse(conn, id, refusal, effects),
            (Stage::Live, Ok(request)) => self.command(now, conn, request, effects),
            (Stage::Greeting, Ok(Request { id, command: Command::Connect { token } })) => {
                self.prove(conn, id, token, effects);
            }
            (Stage::Greeting | Stage::Proving, Ok(_)) => {
                self.close(tick, conn, Code::AuthRequired.into(), effects);
            }
        }
    }

    fn command(&mut self, now: Instant, conn: ConnId, request: Request, effects: &mut Vec<Effect>) {
        let tick = self.deadlines.tick(now);
        match (request.command, request.id) {
            (Command::Subscribe { channel }, Some(id)) => {
                self.subscribe(tick, conn, id, channel, effects);
            }
            (Command::Unsubscribe { channel }, id) => {
                self.unsubscribe(tick, conn, id, channel, effects);
            }
            (Command::Publish { channel, payload }, id) => {
                let draft = self.draft(conn, channel, payload, false);
                self.publish_as(now, conn, id, draft, effects);
            }
            (Command::Signal { channel, payload }, id) => {
                let draft = self.draft(conn, channel, payload, true);
                self.publish_as(now, conn, id, draft, effects);
            }
            (Command::Ping, Some(id)) => {
                effects.push(Effect::Tell { conn, event: Event::Pong { id } });
            }
            (Command::Refresh { token }, Some(id)) => self.refresh(conn, id, token, effects),
            (Command::Connect { .. }, id) => {
                let refusal = Refusal::new(Code::BadCommand)
                    .saying("You are connected. To replace the token, send refresh.");
                self.refuse(conn, id, refusal, effects);
            }
            (Command::Subscribe { .. } | Command::Ping | Command::Refresh { .. }, None) => {
                let refusal = Refusal::new(Code::BadCommand).saying("This command needs an id.");
                self.refuse(conn, None, refusal, effects);
            }
        }
    }

    /// The sender is whom the token names, whatever the payload says (C6).
    fn draft(
        &self,
        conn: ConnId,
        channel: ChannelName,
        payload: std::sync::Arc<str>,
        is_signal: bool,
    ) -> Draft {
        let identity = self.conns.find(conn).and_then(|it| it.identity.as_ref());
        let from = identity.map(|it| it.user.clone());
        Draft { channel, payload, from, except: None, is_signal }
    }

    fn publish_as(
        &mut self,
        now: Instant,
        conn: ConnId,
        id: Option<RequestId>,
        draft: Draft,
        effects: &mut Vec<Effect>,
    ) {
        let action = if draft.is_signal { Action::Signal } else { Action::Publish };
        let record = self.conns.at_mut(conn);
        let identity = record.identity.clone();
        let permissions = &self.rules.permissions;
        let channel = &draft.channel;
        if permission::authorize(permissions, identity.as_deref(), action, channel).is_err() {
            self.refuse(conn, id, Code::Denied, effects);
            return;
        }
        let shard = self.rules.shard;
        let origin = id.map_or(Origin::Nobody, |id| Origin::Conn { shard, conn, id });
        self.publish(self.deadlines.tick(now), draft, origin, effects);
    }
}
