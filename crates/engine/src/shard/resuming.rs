//! A connection takes up what an earlier one of its session was subscribed to.

use proto::{ChannelName, Code, ConnId, Event, Placed, Refusal, RequestId, SessionId, Start};

use super::Shard;
use crate::{
    conn::{Asked, Resuming},
    deadlines::Tick,
    effect::Effect,
    input::TakenUp,
    owed::Begins,
};

impl Shard {
    /// Asked for by a client, once, before it has joined anything by itself.
    pub(super) fn resume(
        &mut self,
        conn: ConnId,
        id: RequestId,
        session: SessionId,
        since: Vec<(ChannelName, Placed)>,
        effects: &mut Vec<Effect>,
    ) {
        let record = self.conns.at_mut(conn);
        let has_joined = record.joined.iter().any(|it| !it.is_given);
        if has_joined || !matches!(record.resuming, Resuming::No) {
            let sentence = "Resume before subscribing, and once.";
            let refusal = Refusal::new(Code::BadCommand).saying(sentence);
            self.refuse(conn, Some(id), refusal, effects);
            return;
        }
        record.resuming = Resuming::Asked(Box::new(Asked { id, since }));
        effects.push(Effect::TakeUp { conn, session });
    }

    /// What the earlier connection had. What the client says it has of a channel counts more: the
    /// earlier one may have been sent what never arrived.
    pub(super) fn resumed(
        &mut self,
        now: Tick,
        conn: ConnId,
        taken_up: Result<TakenUp, Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(record) = self.conns.find_mut(conn) else { return };
        if !matches!(record.resuming, Resuming::Asked(_)) {
            return;
        }
        let asked = std::mem::replace(&mut record.resuming, Resuming::Done);
        let Resuming::Asked(asked) = asked else { return };
        let Asked { id, since } = *asked;
        let TakenUp { session, left } = match taken_up {
            Ok(it) => it,
            Err(refusal) => {
                // Another may be named.
                record.resuming = Resuming::No;
                self.refuse(conn, Some(id), refusal, effects);
                return;
            }
        };
        let mut wanted: Vec<(ChannelName, Option<Placed>)> =
            since.into_iter().map(|it| (it.0, Some(it.1))).collect();
        let is_named = |name: &ChannelName| wanted.iter().any(|it| it.0 == *name);
        let others: Vec<_> = left.into_iter().filter(|it| !is_named(&it.0)).collect();
        wanted.extend(others);
        // Nothing is taken up that may not be subscribed now (C3).
        let mut allowed = Vec::new();
        for (channel, place) in wanted {
            let is_new = !allowed.iter().any(|it: &(ChannelName, _)| it.0 == channel);
            if is_new && self.may_subscribe(conn, &channel, allowed.len()).is_ok() {
                allowed.push((channel, place));
            }
        }
        let channels = allowed.iter().map(|it| it.0.clone()).collect();
        effects.push(Effect::Tell { conn, event: Event::Resumed { id, session, channels } });
        for (channel, place) in allowed {
            if self.conns.find(conn).is_none() {
                return;
            }
            let start = place.map_or(Start::Unsaid, Start::After);
            self.join(now, conn, channel, start, Begins::Resumed, effects);
        }
    }
}
