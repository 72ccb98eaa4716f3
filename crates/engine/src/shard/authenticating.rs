//! Tokens that come after the upgrade: with the first message, or to replace an older one.

use std::{sync::Arc, time::Duration};

use proto::{Code, ConnId, Event, Refusal, RequestId};

use super::{Shard, Welcome};
use crate::{conn::Stage, deadlines::Tick, effect::Effect, input::Proof};

impl Shard {
    /// The first message of a connection that came without a token.
    pub(super) fn prove(
        &mut self,
        conn: ConnId,
        id: Option<RequestId>,
        token: Arc<str>,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        record.stage = Stage::Proving;
        if let Some(id) = id {
            record.pending_mut().proving = Some(id);
        }
        effects.push(Effect::Authenticate { conn, token, refresh: false });
    }

    pub(super) fn refresh(
        &mut self,
        conn: ConnId,
        id: RequestId,
        token: Arc<str>,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        if record.pending.as_ref().is_some_and(|it| it.proving.is_some()) {
            let refusal = Refusal::new(Code::Busy).saying("A refresh is under way already.");
            self.refuse(conn, Some(id), refusal, effects);
            return;
        }
        record.pending_mut().proving = Some(id);
        effects.push(Effect::Authenticate { conn, token, refresh: true });
    }

    pub(super) fn authenticated(
        &mut self,
        now: Tick,
        id: ConnId,
        proof: Result<Box<Proof>, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(conn) = self.conns.find_mut(id) else { return };
        let request = conn.settle(|it| it.proving.take());
        match (conn.stage, proof) {
            (Stage::Greeting | Stage::Proving, Err(refusal)) => {
                self.close(now, id, refusal, effects);
            }
            (Stage::Greeting | Stage::Proving, Ok(proof)) => {
                let has_app = self.rules.policies[usize::from(conn.policy)].has_app;
                self.adopt(now, id, &proof);
                let Proof { session, channels, .. } = *proof;
                let welcome = Welcome { request, session, channels, has_app, places: None };
                self.welcome(now, id, welcome, effects);
                self.schedule(id);
            }
            (Stage::Live, Err(refusal)) => self.refuse(id, request, refusal, effects),
            (Stage::Live, Ok(proof)) => self.refreshed(now, id, request, &proof, effects),
        }
    }

    fn refreshed(
        &mut self,
        now: Tick,
        id: ConnId,
        request: Option<RequestId>,
        proof: &Proof,
        effects: &mut Vec<Effect>,
    ) {
        let conn = self.conns.at_mut(id);
        // Whoever shows another user's token is either confused or an attacker; both start afresh
        // (A8).
        if conn.identity.as_ref().is_none_or(|it| it.user != proof.identity.user) {
            let refusal = Refusal::new(Code::Forbidden).saying("The token is another user's.");
            self.close(now, id, refusal, effects);
            return;
        }
        self.adopt(now, id, proof);
        self.recheck(now, id, effects);
        self.schedule(id);
        if let Some(request) = request {
            let expires_at = proof.identity.expires_at;
            let event = Event::Refreshed { id: request, expires_at };
            effects.push(Effect::Tell { conn: id, event });
        }
    }

    /// Takes over whom the token names and until when.
    pub(super) fn adopt(&mut self, now: Tick, id: ConnId, proof: &Proof) {
        let conn = self.conns.at_mut(id);
        conn.identity = Some(Arc::clone(&proof.identity));
        conn.expires_at = now.after(proof.expires_in).after(stagger(id));
        conn.expiry_told = false;
    }
}

/// Up to 0.9 s by slot, so that ten thousand tokens that end in the same second do not end their
/// connections in the same instant (A8). At least one tick, because it has begun: nobody is told
/// that a token has expired which would still be taken.
fn stagger(id: ConnId) -> Duration {
    let step = u64::try_from(id.slot() % 9).unwrap_or(0);
    Duration::from_millis(100 * (1 + step))
}
