//! The end of a turn, and parts of logs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::Input;
use proto::{ConnId, Dialect, Kind, Publication};

use super::{Checked, House, Onward};
use crate::{model::Model, rules};

impl House {
    /// The end of a turn: the members are read now. Whose outbox is full is reported at once.
    pub(crate) fn deliver(
        &mut self,
        now: (Instant, Duration),
        model: &mut Model,
        onward: &mut Vec<Onward>,
    ) -> Checked {
        let mut overfull = Vec::new();
        for publication in std::mem::take(&mut self.owed) {
            for conn in self.owed_to(&publication) {
                self.check_open(conn, &publication)?;
                let Some(socket) = self.sockets.get_mut(&conn) else { continue };
                // A deadline is kept within a second by slot, a tick, and a turn.
                if socket.expires_at + Duration::from_millis(1_200) < now.1 {
                    return Err(format!("{conn} hears {publication:?} after its token's end"));
                }
                if !socket.publish(&publication)
                    && let Kind::Message(at) = publication.kind
                {
                    let channel = publication.channel.clone();
                    let (from, to) = (at.offset, at.offset);
                    overfull.push(Input::Overfull { conn, channel, from, to });
                }
            }
        }
        for input in overfull {
            self.handle(now, input, model, onward)?;
        }
        Ok(())
    }

    fn owed_to(&self, publication: &Publication) -> Vec<ConnId> {
        [Dialect::Native, Dialect::Plain]
            .into_iter()
            .filter(|it| publication.kind.is_for(*it))
            .flat_map(|it| self.shard.members(&publication.channel, it))
            .filter(|it| it.is_owed(publication))
            .map(|it| it.conn)
            .filter(|it| !self.shard.is_excepted(*it, publication))
            .collect()
    }

    /// Sends one connection what it has missed, as far as its outbox takes it.
    pub(super) fn replay(
        &mut self,
        conn: ConnId,
        messages: &[Arc<Publication>],
        model: &mut Model,
    ) -> Checked {
        self.check_open(conn, &messages)?;
        for publication in messages {
            model.given(publication)?;
        }
        let offset = |it: &Arc<Publication>| match it.kind {
            Kind::Message(at) => Ok(at.offset),
            Kind::Signal | Kind::Notice(_) => Err(format!("{it:?} is replayed")),
        };
        let Some(last) = messages.last() else { return Err("nothing is replayed".to_owned()) };
        let Some(socket) = self.sockets.get_mut(&conn) else { return Ok(()) };
        socket.is_replaying = true;
        for publication in messages {
            let channel = publication.channel.clone();
            if rules::is_mailbox(&channel)
                && let Some(acknowledged) = socket.acknowledged.get(&channel)
                && offset(publication)? <= *acknowledged
            {
                return Err(format!("{conn} has acknowledged {publication:?}"));
            }
            if !socket.publish(publication) {
                let (from, to) = (offset(publication)?, offset(last)?);
                self.overfull.push(Input::Overfull { conn, channel, from, to });
                break;
            }
        }
        Ok(())
    }
}
