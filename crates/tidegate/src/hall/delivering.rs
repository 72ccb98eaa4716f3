//! One batch for each channel and turn, framed once for each dialect.

use std::{collections::HashMap, sync::Arc};

use engine::{Input, Member, Stamp};
use net::{Batch, Net, Overfull};
use proto::{ChannelName, ConnId, Dialect, Kind, Offset, Publication};

use super::Hall;

/// Publications of one channel that are written together, and what their home counts them as; no
/// number where they are not in order with those of other channels.
pub(super) struct Gathered {
    channel: ChannelName,
    publications: Vec<Arc<Publication>>,
    stamps: Vec<Stamp>,
}

impl Gathered {
    fn of(publication: Arc<Publication>, stamp: Stamp) -> Self {
        let channel = publication.channel.clone();
        Self { channel, publications: vec![publication], stamps: vec![stamp] }
    }

    fn push(&mut self, publication: Arc<Publication>, stamp: Stamp) {
        self.publications.push(publication);
        self.stamps.push(stamp);
    }
}

impl Hall {
    pub(super) fn gather(&mut self, publication: Arc<Publication>, stamp: Stamp) {
        let channel = &publication.channel;
        // The last one most often has more.
        if let Some(batch) = self.batches.last_mut().filter(|it| it.channel == *channel) {
            batch.push(publication, stamp);
            return;
        }
        // Where clients are told how far they are in all channels, channels stay in order, too.
        if self.standing.recovers && !self.shard.members(channel, Dialect::SocketIo).is_empty() {
            self.batches.push(Gathered::of(publication, stamp));
            return;
        }
        let next = self.batches.len();
        // Looked up, not searched for: a backend that writes to every user at once fills a turn
        // with thousands of channels.
        let place = *self.batch_places.entry(channel.clone()).or_insert(next);
        match self.batches.get_mut(place) {
            Some(batch) => batch.push(publication, Stamp::None),
            None => self.batches.push(Gathered::of(publication, Stamp::None)),
        }
    }

    /// Writes this turn's publications to their members.
    pub(crate) fn deliver(&mut self, net: &mut Net) {
        let batches = std::mem::take(&mut self.batches);
        self.batch_places = HashMap::new();
        if 1 < batches.len() {
            for Gathered { channel, .. } in &batches {
                for dialect in Dialect::ALL {
                    let members = self.shard.members(channel, dialect);
                    let conns: Vec<ConnId> = members.iter().map(|it| it.conn).collect();
                    let links = conns.into_iter().map(|it| match dialect {
                        Dialect::Native | Dialect::Plain => it,
                        Dialect::SocketIo => self.link_in_main(it).map_or(it, |it| it.0),
                    });
                    net.announce(links);
                }
            }
        }
        for Gathered { channel, publications, stamps } in batches {
            for dialect in [Dialect::Native, Dialect::Plain] {
                self.deliver_batch(net, &channel, dialect, &publications);
            }
            self.emit_batch(net, &channel, &publications, &stamps);
        }
        self.stand();
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
        // A client is not sent what it cannot read.
        if publications.iter().any(|it| !it.kind.is_for(dialect)) {
            let readable = publications.iter().filter(|it| it.kind.is_for(dialect)).cloned();
            let readable: Vec<_> = readable.collect();
            if !readable.is_empty() {
                self.deliver_batch(net, channel, dialect, &readable);
            }
            return;
        }
        // Whoever is passed over for some gets the rest one by one, which is rare.
        if publications.iter().any(|it| !it.is_for_everyone()) && 1 < publications.len() {
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

impl Hall {
    /// Sends one connection a part of a log.
    pub(super) fn replay(&mut self, net: &mut Net, conn: ConnId, messages: &[Arc<Publication>]) {
        let Some(dialect) = self.shard.dialect(conn) else { return };
        if dialect == Dialect::SocketIo {
            return self.replay_by_line(net, conn, messages);
        }
        let mut batch = Batch::new(messages.iter().map(|it| worded(dialect, it)).collect());
        let mut overfull = Vec::new();
        net.fan_out(&mut batch, std::iter::once((conn, 0)), &mut overfull);
        self.metrics.delivered(messages.len() as u64);
        for Overfull { conn, from } in overfull {
            let Some((from, to)) = offsets(&messages[from..]) else { continue };
            let channel = messages[0].channel.clone();
            self.tell(net, Input::Overfull { conn, channel, from, to });
        }
        // Not at once: the next part may lead to another, and others want their turn.
        if net.is_empty_or_tell(conn) {
            self.replayed.push(conn);
        }
    }
}

/// How many of the batch came before the member did.
pub(super) fn before(publications: &[Arc<Publication>], member: Member) -> usize {
    let is_earlier = |it: &Publication| match it.kind {
        Kind::Message(_) => !member.is_owed(it),
        // As old as the messages around it, but for whoever is to hear no signals.
        Kind::Signal => member.is_beginning(),
        Kind::Notice(_) => false,
    };
    if member.is_beginning() {
        return publications.iter().rposition(|it| is_earlier(it)).map_or(0, |it| it + 1);
    }
    // Nearly everyone has been here for longer, which the first message shows.
    let is_message = |it: &&Arc<Publication>| matches!(it.kind, Kind::Message(_));
    match publications.iter().find(is_message) {
        Some(first) if is_earlier(first) => {
            publications.iter().rposition(|it| is_earlier(it)).map_or(0, |it| it + 1)
        }
        _ => 0,
    }
}

/// From where to where a slow member has missed messages; signals and notices are not missed.
pub(super) fn offsets(publications: &[Arc<Publication>]) -> Option<(Offset, Offset)> {
    let mut offsets = publications.iter().filter_map(|it| match it.kind {
        Kind::Message(at) => Some(at.offset),
        Kind::Signal | Kind::Notice(_) => None,
    });
    let first = offsets.next()?;
    Some((first, offsets.next_back().unwrap_or(first)))
}

fn worded(dialect: Dialect, publication: &Publication) -> String {
    match dialect {
        Dialect::Native => proto::json::publication(publication),
        Dialect::Plain | Dialect::SocketIo => publication.payload.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proto::{Epoch, Placed, UnixMillis};

    use super::*;

    fn said(kind: Kind) -> Arc<Publication> {
        let channel = ChannelName::parse("den").expect("it is a name");
        Arc::new(Publication {
            channel,
            kind,
            from: None,
            except: None,
            except_conn: None,
            payload: "1".into(),
            event: None,
            time: UnixMillis(0),
        })
    }

    fn message(offset: u64) -> Arc<Publication> {
        said(Kind::Message(Placed { epoch: Epoch(1), offset: Offset(offset) }))
    }

    /// Whoever joined in the middle of a turn is owed what came after, signals among it or not.
    #[test]
    fn a_member_is_owed_what_came_after_it_did() {
        let batch = [said(Kind::Signal), message(5), said(Kind::Signal), message(6), message(7)];
        for (after, skipped) in [(0, 0), (4, 0), (5, 2), (6, 4), (7, 5), (u64::MAX, 5)] {
            let member = Member { conn: ConnId::new(0, 0), after: Offset(after) };
            assert_eq!(before(&batch, member), skipped, "after {after}");
        }
        let signals = [said(Kind::Signal), said(Kind::Signal)];
        let member = Member { conn: ConnId::new(0, 0), after: Offset(9) };
        assert_eq!(before(&signals, member), 0);
    }

    #[test]
    fn what_a_slow_member_missed_is_told_by_its_messages() {
        let batch = [said(Kind::Signal), message(5), said(Kind::Signal), message(6)];
        assert_eq!(offsets(&batch), Some((Offset(5), Offset(6))));
        assert_eq!(offsets(&batch[2..]), Some((Offset(6), Offset(6))));
        assert_eq!(offsets(&batch[..1]), None);
    }
}
