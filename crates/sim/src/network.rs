//! What lies between people and shards, and between shards: queues that fill, and delay.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use engine::Envelope;
use proto::{
    ChannelName, ConnId, Event, Kind, Message, Offset, Placed, Publication, Refusal, SessionId,
};

/// One thing on its way to a client.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Told(Event),
    Replied(Message),
    Published(Arc<Publication>),
    /// With its number: only the answer to the latest proves anything.
    Pinged(u32),
    Closed(Refusal),
}

/// A socket, as the driver keeps it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) outbox: VecDeque<Frame>,
    /// Publications that wait until the application has spoken.
    pub(crate) held: Option<Vec<Frame>>,
    /// Publications were refused; until the engine has said which, none is taken.
    pub(crate) is_clogged: bool,
    pub(crate) is_paused: bool,
    /// It has been sent a part of a log, and the engine wants to know when it has left.
    pub(crate) is_replaying: bool,
    pub(crate) session: SessionId,
    pub(crate) user: &'static str,
    pub(crate) device: Option<Arc<str>>,
    /// What it is subscribed to, and the last place it was sent.
    pub(crate) subscriptions: BTreeMap<ChannelName, Option<Placed>>,
    /// What it has acknowledged, as far as the engine has been told.
    pub(crate) acknowledged: BTreeMap<ChannelName, Offset>,
    /// When its token ends.
    pub(crate) expires_at: Duration,
}

impl Socket {
    const FRAMES_MAX: usize = 8;

    pub(crate) fn new(session: SessionId, user: &'static str, device: Option<Arc<str>>) -> Self {
        Self {
            session,
            user,
            device,
            is_replaying: false,
            subscriptions: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            outbox: VecDeque::new(),
            held: None,
            is_clogged: false,
            is_paused: false,
            expires_at: Duration::MAX,
        }
    }

    /// False if the outbox does not take it.
    pub(crate) fn publish(&mut self, publication: &Arc<Publication>) -> bool {
        let waiting = self.outbox.len() + self.held.as_ref().map_or(0, Vec::len);
        if self.is_clogged || Self::FRAMES_MAX <= waiting {
            self.is_clogged = true;
            return false;
        }
        let place = self.subscriptions.get_mut(&publication.channel);
        if let (&Kind::Message(at), Some(place)) = (&publication.kind, place) {
            let is_back = place.is_some_and(|it| it.epoch == at.epoch && at.offset < it.offset);
            *place = if is_back { *place } else { Some(at) };
        }
        let frame = Frame::Published(Arc::clone(publication));
        match &mut self.held {
            Some(held) => held.push(frame),
            None => self.outbox.push_back(frame),
        }
        true
    }

    /// Notes what a session is subscribed to, for whoever takes it up.
    pub(crate) fn note(&mut self, event: &Event) {
        if let Event::Subscribed { channel, stand, .. } = event {
            self.subscriptions.insert(channel.clone(), Some(stand.at));
            self.acknowledged.remove(channel);
        } else if let Event::Unsubscribed { channel, .. } = event {
            self.subscriptions.remove(channel);
        }
    }

    /// What its session leaves behind.
    pub(crate) fn part(&mut self) -> (SessionId, Vec<(ChannelName, Option<Placed>)>) {
        (self.session, std::mem::take(&mut self.subscriptions).into_iter().collect())
    }

    pub(crate) fn release(&mut self) {
        self.outbox.extend(self.held.take().into_iter().flatten());
    }
}

/// The sockets of one shard.
pub(crate) type Sockets = BTreeMap<ConnId, Socket>;

/// What shards have sent each other and not received. Between two of them, first in is first out.
#[derive(Debug)]
pub(crate) struct Bus {
    lanes: BTreeMap<(u16, u16), VecDeque<Envelope>>,
    /// When the last envelope of a lane arrives; the next one is not faster.
    latest: BTreeMap<(u16, u16), Duration>,
    /// What an inbox holds, all lanes together.
    pub(crate) inbox_max: usize,
}

impl Bus {
    pub(crate) const fn new(inbox_max: usize) -> Self {
        Self { lanes: BTreeMap::new(), latest: BTreeMap::new(), inbox_max }
    }

    /// Takes an envelope; answers when it arrives, or `None` if it is lost because the inbox is
    /// full.
    pub(crate) fn send(
        &mut self,
        lane: (u16, u16),
        envelope: Envelope,
        arrives: Duration,
    ) -> Option<Duration> {
        let waiting: usize =
            self.lanes.iter().filter(|it| it.0.1 == lane.1).map(|it| it.1.len()).sum();
        if self.inbox_max <= waiting {
            return None;
        }
        self.lanes.entry(lane).or_default().push_back(envelope);
        let latest = self.latest.entry(lane).or_default();
        *latest = arrives.max(*latest);
        Some(*latest)
    }

    /// Everything that is under way is lost with the process.
    pub(crate) fn clear(&mut self) {
        self.lanes.clear();
        self.latest.clear();
    }

    pub(crate) fn receive(&mut self, lane: (u16, u16)) -> Envelope {
        let envelope = self.lanes.get_mut(&lane).and_then(VecDeque::pop_front);
        envelope.expect("an arrival for every envelope that was taken")
    }
}
