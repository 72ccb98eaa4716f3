//! What the HTTP side wants done.

use std::sync::Arc;

use proto::{ChannelName, ConnId, Identity, Refusal, ShardId};

use super::Shard;
use crate::{
    deadlines::Tick,
    effect::{Effect, Outcome},
    home::home_of,
    input::{Envelope, Errand, Origin, Ticket, Whom},
    knock::{AskedBy, Knock, Wish},
    policy::Storage,
};

impl Shard {
    pub(super) fn seek(
        &mut self,
        now: Tick,
        ticket: Ticket,
        errand: Errand,
        effects: &mut Vec<Effect>,
    ) {
        match errand {
            Errand::Publish(draft) => {
                self.is_at_home(&draft.channel);
                self.take_in(now, draft, Origin::Ticket(ticket), effects);
            }
            Errand::Describe(channel) => {
                let members = self.channels.find(&channel).map_or(0, |it| it.member_count());
                let is_here = home_of(&channel, self.rules.shards) == self.rules.shard;
                // Only a log on disk may be there without anyone having used it.
                let storage = self.namespace(&channel).log.storage;
                if is_here && matches!(storage, Storage::Disk(_)) {
                    self.knock(now, channel, Knock::Describe { ticket, members }, effects);
                    return;
                }
                let head = self.homes.find(&channel).map(|it| it.at);
                let outcome = Outcome::Described { members, head };
                effects.push(Effect::Conclude { ticket, outcome });
            }
            Errand::Read { channel, span, epoch, limit } => {
                self.is_at_home(&channel);
                let wish = Wish::Read { span, epoch, limit };
                let asked_by = AskedBy::Ticket(ticket);
                self.knock(now, channel, Knock::Fetch { wish, asked_by }, effects);
            }
            Errand::Cursor { channel, reader } => {
                self.is_at_home(&channel);
                self.knock(now, channel, Knock::Tell { reader, ticket }, effects);
            }
            Errand::Presence { channel, who } => {
                self.is_at_home(&channel);
                self.inform(channel, &who, Origin::Ticket(ticket), effects);
            }
            Errand::Erase(channel) => {
                self.is_at_home(&channel);
                self.knock(now, channel, Knock::Erase { ticket }, effects);
            }
            Errand::Disconnect(whom, refusal) => {
                let count = self.disconnect(now, &whom, &refusal, effects);
                effects.push(Effect::Conclude { ticket, outcome: Outcome::Disconnected(count) });
            }
            Errand::Canary(text) => self.release_canary(&text, effects),
        }
    }

    fn is_at_home(&self, channel: &ChannelName) {
        let home = home_of(channel, self.rules.shards);
        assert!(home == self.rules.shard, "{channel} is at home on {home}");
    }

    /// Walks every connection: an operator asks this now and then, and an index by user would cost
    /// every connection memory.
    fn disconnect(
        &mut self,
        now: Tick,
        whom: &Whom,
        refusal: &Refusal,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let found: Vec<ConnId> = match whom {
            Whom::Conn(conn) => self.conns.find(*conn).map(|_| *conn).into_iter().collect(),
            Whom::User(user) => {
                let conns = self.conns.iter();
                conns.filter(|it| it.1.user() == Some(user)).map(|it| it.0).collect()
            }
            Whom::Token(id) => {
                let shown = |it: &Identity| it.token_id.as_ref() == Some(id);
                self.identified(shown)
            }
            Whom::IssuedBefore { user, before } => self.identified(|it| {
                let is_older = it.issued_at.is_none_or(|it| it < *before);
                is_older && user.as_ref().is_none_or(|user| it.user == *user)
            }),
        };
        for conn in &found {
            self.close(now, *conn, refusal.clone(), effects);
        }
        found.len()
    }

    fn identified(&self, is_meant: impl Fn(&Identity) -> bool) -> Vec<ConnId> {
        let conns = self.conns.iter();
        let meant = conns.filter(|it| it.1.identity.as_deref().is_some_and(&is_meant));
        meant.map(|it| it.0).collect()
    }

    /// Every shard is sent the canary through the same inboxes as any publication.
    fn release_canary(&self, text: &Arc<str>, effects: &mut Vec<Effect>) {
        for shard in (0..self.rules.shards).map(ShardId) {
            let envelope = Envelope::Canary { text: Arc::clone(text) };
            effects.push(Effect::Send { to: shard, envelope });
        }
    }
}
