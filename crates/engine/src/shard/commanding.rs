//! What clients that speak in commands ask.

use std::time::Instant;

use permission::Action;
use proto::{ChannelName, Code, Command, ConnId, Event, Refusal, Request, RequestId};

use super::Shard;
use crate::{
    conn::Stage,
    deadlines::Tick,
    effect::Effect,
    home::home_of,
    input::{Draft, Origin},
    knock::{AskedBy, Wish},
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
        let is_typing = matches!(&request, Ok(Request { command: Command::Typing { .. }, .. }));
        let spent = if is_typing { self.spend_typing(now, conn) } else { self.spend(now, conn) };
        if let Err(refusal) = spent {
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
            (Command::Subscribe { channel, start, presence }, Some(id)) => {
                self.subscribe(tick, conn, id, channel, (start, presence), effects);
            }
            (Command::Unsubscribe { channel }, id) => {
                self.unsubscribe(tick, conn, id, channel, effects);
            }
            (Command::Publish { channel, payload, key }, id) => {
                let draft = self.draft(conn, channel, payload, false, key.as_deref());
                self.publish_as(now, conn, id, draft, effects);
            }
            (Command::Signal { channel, payload }, id) => {
                let draft = self.draft(conn, channel, payload, true, None);
                self.publish_as(now, conn, id, draft, effects);
            }
            (Command::History { channel, span, epoch, limit }, Some(id)) => {
                let wish = Wish::Read { span, epoch, limit };
                self.read_history(tick, conn, id, channel, wish, effects);
            }
            (Command::Mark { channel, mark, offset }, id) => {
                self.mark_as(tick, conn, id, channel, (mark, offset), effects);
            }
            (Command::Resume { session, since }, Some(id)) => {
                self.resume(conn, id, session, since, effects);
            }
            (Command::Typing { channel, active }, id) => {
                self.type_as(tick, conn, id, channel, active, effects);
            }
            (Command::Presence { channel, who, watch }, Some(id)) => {
                self.inquire_as(conn, id, channel, who, watch, effects);
            }
            (Command::Status { status }, id) => {
                self.show_as(tick, conn, id, status, effects);
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
            (
                Command::Subscribe { .. }
                | Command::History { .. }
                | Command::Resume { .. }
                | Command::Presence { .. }
                | Command::Ping
                | Command::Refresh { .. },
                None,
            ) => {
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
        key: Option<&str>,
    ) -> Draft {
        let identity = self.conns.find(conn).and_then(|it| it.identity.as_ref());
        let from = identity.map(|it| it.user.clone());
        // Nobody's key can be taken for another's.
        let key = key.map(|it| format!("user:{}:{it}", from.as_ref().map_or("", |it| it.as_str())));
        let key = key.map(Into::into);
        let (except, except_conn, event) = (None, None, None);
        Draft { channel, payload, from, except, except_conn, event, is_signal, key }
    }

    /// Reading needs a permission of its own, asked at every reading (C5).
    fn read_history(
        &mut self,
        now: Tick,
        conn: ConnId,
        id: RequestId,
        channel: ChannelName,
        wish: Wish,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        if record.reading().is_some() {
            let refusal = Refusal::new(Code::Busy).saying("An earlier reading is under way.");
            self.refuse(conn, Some(id), refusal, effects);
            return;
        }
        let record = self.conns.find(conn).expect("it has just been there");
        if let Err(code) = self.authorize(record, Action::History, &channel) {
            self.refuse(conn, Some(id), code, effects);
            return;
        }
        let home = home_of(&channel, self.rules.shards);
        self.conns.at_mut(conn).pending_mut().reading = Some((id, home));
        let asked_by = AskedBy::Client { shard: self.rules.shard, conn, id };
        self.ask_home(now, channel, wish, asked_by, effects);
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
