//! One batch for each channel and turn, framed once for each dialect.

use std::sync::Arc;

use engine::{Input, Member};
use net::{Batch, Net, Overfull};
use proto::{ChannelName, Dialect, Kind, Offset, Publication};

use super::Hall;

impl Hall {
    pub(super) fn gather(&mut self, publication: Arc<Publication>) {
        let channel = &publication.channel;
        // Few channels have something in one turn, and the last one most often has more.
        match self.batches.iter_mut().rev().find(|it| it.0 == *channel) {
            Some(batch) => batch.1.push(publication),
            None => self.batches.push((channel.clone(), vec![publication])),
        }
    }

    /// Writes this turn's publications to their members.
    pub(crate) fn deliver(&mut self, net: &mut Net) {
        let batches = std::mem::take(&mut self.batches);
        if 1 < batches.len() {
            for (channel, _) in &batches {
                for dialect in DIALECTS {
                    let members = self.shard.members(channel, dialect);
                    net.announce(members.iter().map(|it| it.conn));
                }
            }
        }
        for (channel, publications) in batches {
            for dialect in DIALECTS {
                self.deliver_batch(net, &channel, dialect, &publications);
            }
        }
    }

    fn deliver_batch(
        &mut self,
        net: &mut Net,
        channel: &ChannelName,
        dialect: Dialect,
        publications: &[Arc<Publication>],
    ) {
        let members = self.shard.members(channel, dialect);
        if members.is_empty() {
            return;
        }
        // Whoever is passed over for some gets the rest one by one, which is rare.
        if publications.iter().any(|it| it.except.is_some()) && 1 < publications.len() {
            for publication in publications {
                let one = std::slice::from_ref(publication);
                self.deliver_batch(net, channel, dialect, one);
            }
            return;
        }
        let mut overfull = Vec::new();
        let mut batch = Batch::new(publications.iter().map(|it| worded(dialect, it)).collect());
        let shard = &self.shard;
        let owed = members.iter().filter(|it| match publications {
            [one] => !shard.is_excepted(it.conn, one),
            _ => true,
        });
        let owed = owed.map(|it| (it.conn, before(publications, *it)));
        net.fan_out(&mut batch, owed, &mut overfull);
        self.metrics.delivered(members.len() as u64 * publications.len() as u64);
        for Overfull { conn, from } in overfull {
            let Some((from, to)) = offsets(&publications[from..]) else { continue };
            let channel = channel.clone();
            self.tell(net, Input::Overfull { conn, channel, from, to });
        }
    }
}

const DIALECTS: [Dialect; 2] = [Dialect::Native, Dialect::Plain];

/// How many of the batch came before the member did.
fn before(publications: &[Arc<Publication>], member: Member) -> usize {
    let is_owed = |it: &Publication| match it.kind {
        Kind::Message(at) => member.after < at.offset,
        Kind::Signal => true,
    };
    // Nearly everyone has been here for longer.
    match publications.first() {
        Some(first) if is_owed(first) => 0,
        _ => publications.iter().take_while(|it| !is_owed(it)).count(),
    }
}

/// From where to where a slow member has missed messages; signals are not missed.
fn offsets(publications: &[Arc<Publication>]) -> Option<(Offset, Offset)> {
    let mut offsets = publications.iter().filter_map(|it| match it.kind {
        Kind::Message(at) => Some(at.offset),
        Kind::Signal => None,
    });
    let first = offsets.next()?;
    Some((first, offsets.last().unwrap_or(first)))
}

fn worded(dialect: Dialect, publication: &Publication) -> String {
    match dialect {
        Dialect::Native => proto::json::publication(publication),
        Dialect::Plain => publication.payload.to_string(),
    }
}
