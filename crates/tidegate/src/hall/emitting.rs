//! Publications for members who speak Socket.IO: each framed once for everybody it can be.

use std::sync::Arc;

use engine::{Elsewhere, Input, Member, Stamp};
use net::{Batch, Net, Overfull};
use proto::{ChannelName, ConnId, Dialect, Kind, Offset, Publication};
use socketio::{
    Encoded, Json,
    sio::{self, EventName, encode},
};

use super::{
    Hall,
    delivering::{before, offsets},
    lines::{HELD_MAX, LineId, Voice, link_of},
};

/// What a publication without a name is heard as.
pub(super) const EVENT: &str = "message";

/// Publications of one channel that are written together.
struct Said<'a> {
    channel: &'a ChannelName,
    publications: &'a [Arc<Publication>],
    /// Where everyone on this shard stands after each of them; empty where nobody is told.
    positions: Vec<Arc<str>>,
}

impl Hall {
    /// This turn's publications of a channel, one after the other or all at once, and what they
    /// move the position by.
    pub(super) fn emit_batch(
        &mut self,
        net: &mut Net,
        channel: &ChannelName,
        publications: &[Arc<Publication>],
        stamps: &[Stamp],
    ) {
        if self.shard.members(channel, Dialect::SocketIo).is_empty() {
            return;
        }
        let is_readable = |it: &Arc<Publication>| it.kind.is_for(Dialect::SocketIo);
        let is_for_all = |it: &Arc<Publication>| is_readable(it) && it.is_for_everyone();
        if publications.len() == 1 || publications.iter().all(is_for_all) {
            return self.emit_together(net, channel, publications, stamps);
        }
        for (publication, stamp) in publications.iter().zip(stamps) {
            if is_readable(publication) {
                let (one, its) = (std::slice::from_ref(publication), std::slice::from_ref(stamp));
                self.emit_together(net, channel, one, its);
            }
        }
    }

    /// Framed once for all who are in the main namespace by WebSocket, encoded once for everyone
    /// else.
    fn emit_together(
        &mut self,
        net: &mut Net,
        channel: &ChannelName,
        publications: &[Arc<Publication>],
        stamps: &[Stamp],
    ) {
        if !publications[0].kind.is_for(Dialect::SocketIo) {
            return;
        }
        let positions = self.positions_after(channel, stamps);
        let said = Said { channel, publications, positions };
        let members = self.shard.members(channel, Dialect::SocketIo);
        let owed: Vec<Member> =
            members.iter().filter(|it| self.is_owed(**it, publications)).copied().collect();
        self.metrics.delivered(owed.len() as u64 * publications.len() as u64);
        let mut words = self.words(channel);
        // With their position told, and without.
        let mut fans = [true, false].map(|it| (it, Fan::default()));
        for member in owed {
            let skip = before(publications, member);
            match self.link_in_main(member.conn) {
                Some((link, recovers)) => {
                    fans[usize::from(!recovers)].1.add(link, member.conn, skip);
                }
                None => self.emit(net, member.conn, &said, skip, &mut words),
            }
        }
        for (recovers, fan) in fans {
            self.fan_out(net, &said, fan, recovers, &mut words);
        }
    }

    fn fan_out(
        &mut self,
        net: &mut Net,
        said: &Said<'_>,
        mut fan: Fan,
        recovers: bool,
        words: &mut Words,
    ) {
        if fan.by_link.is_empty() {
            return;
        }
        let texts = words.of("/", recovers, said).iter().map(|it| it.text.to_string());
        let mut batch = Batch::new(texts.collect());
        let mut overfull = Vec::new();
        net.fan_out(&mut batch, fan.by_link.into_iter(), &mut overfull);
        if !overfull.is_empty() {
            fan.links.sort_unstable();
        }
        for Overfull { conn: link, from } in overfull {
            let Ok(place) = fan.links.binary_search_by_key(&link, |it| it.0) else { continue };
            let missed = &said.publications[from..];
            self.overfull(net, fan.links[place].1, said.channel, missed);
        }
    }

    fn words(&self, channel: &ChannelName) -> Words {
        let event = self.namespaces.of(channel.namespace()).event.clone();
        Words { event: event.unwrap_or_else(|| EVENT.into()), known: Vec::new() }
    }

    fn is_owed(&self, member: Member, publications: &[Arc<Publication>]) -> bool {
        match publications {
            [one] => !self.shard.is_excepted(member.conn, one),
            _ => true,
        }
    }

    fn overfull(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        channel: &ChannelName,
        missed: &[Arc<Publication>],
    ) {
        if let Some((from, to)) = offsets(missed) {
            let channel = channel.clone();
            self.tell(net, Input::Overfull { conn, channel, from, to });
        }
    }

    /// The WebSocket to which what everyone in the main namespace hears may be written, and whether
    /// it is told where it stands.
    pub(super) fn link_in_main(&mut self, conn: ConnId) -> Option<(ConnId, bool)> {
        let is_like_all =
            |it: &&mut Voice| it.held.is_none() && it.behind.is_empty() && &*it.namespace == "/";
        let voice = self.voice(conn).filter(is_like_all)?;
        let (line, socket, recovers) = (voice.line, voice.socket, voice.recovers);
        let link = self.lines.get(line)?.connection.writes_to(socket).map(link_of)?;
        Some((link, recovers))
    }

    /// Publications for one connection, but for the first so many, through its line.
    fn emit(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        said: &Said<'_>,
        skip: usize,
        words: &mut Words,
    ) {
        let Some(voice) = self.voice(conn) else { return };
        let (line, socket, namespace) = (voice.line, voice.socket, Arc::clone(&voice.namespace));
        let events = match voice.recovers && !voice.behind.is_empty() {
            true => own_words(voice, &words.event, said, skip),
            false => words.of(&namespace, voice.recovers, said)[skip..].to_vec(),
        };
        if let Some(held) = &mut voice.held {
            let room = HELD_MAX - held.events.len().min(HELD_MAX);
            let count = events.len();
            held.events.extend(events.into_iter().take(room));
            if room < count {
                let missed = &said.publications[skip + room..];
                self.overfull(net, conn, said.channel, missed);
            }
            return;
        }
        for event in events {
            let emit = sio::Input::Emit { socket, event };
            self.drive(net, line, socketio::Input::Socket(emit));
        }
    }

    /// A part of a log for one connection.
    pub(super) fn replay_by_line(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        messages: &[Arc<Publication>],
    ) {
        self.metrics.delivered(messages.len() as u64);
        let channel = &messages[0].channel;
        let mut words = self.words(channel);
        let Some(id) = self.voice(conn).map(|it| it.line) else { return };
        let positions = vec![self.position_here(); messages.len()];
        let said = Said { channel, publications: messages, positions };
        let Some(line) = self.lines.get_mut(id) else { return };
        // Told once the outbox is empty, or a GET has been answered, which may be now.
        line.replaying.push(conn);
        self.emit(net, conn, &said, 0, &mut words);
        self.await_emptied(net, id);
    }

    /// Those who wait for what they were sent to have left are told by its WebSocket. It may have
    /// come to be the line's since that was said.
    pub(super) fn await_emptied(&mut self, net: &mut Net, id: LineId) {
        let Some(line) = self.lines.get_mut(id).filter(|it| !it.replaying.is_empty()) else {
            return;
        };
        let Some(link) = line.connection.link().map(link_of) else { return };
        if net.is_empty_or_tell(link) {
            self.replayed.append(&mut line.replaying);
        }
    }

    /// The outbox of a line's WebSocket is empty.
    pub(super) fn link_emptied(&mut self, net: &mut Net, id: LineId) {
        let replaying = self.lines.get_mut(id).map(|it| std::mem::take(&mut it.replaying));
        for conn in replaying.into_iter().flatten() {
            self.tell(net, Input::Replayed { conn });
        }
    }
}

/// WebSockets that are written the same.
#[derive(Default)]
struct Fan {
    /// With how many of the publications each is passed over.
    by_link: Vec<(ConnId, usize)>,
    /// Whose they are.
    links: Vec<(ConnId, ConnId)>,
}

impl Fan {
    fn add(&mut self, link: ConnId, conn: ConnId, skip: usize) {
        self.by_link.push((link, skip));
        self.links.push((link, conn));
    }
}

/// Publications as events, encoded once for each namespace that somebody is in.
struct Words {
    /// What one without a name is called.
    event: Arc<str>,
    /// For each namespace, with positions and without.
    known: Vec<(Box<str>, bool, Vec<Encoded>)>,
}

impl Words {
    /// What is said is always the same.
    fn of(&mut self, namespace: &str, recovers: bool, said: &Said<'_>) -> &[Encoded] {
        let Self { event, known } = self;
        let place = known.iter().position(|it| &*it.0 == namespace && it.1 == recovers);
        let place = place.unwrap_or_else(|| {
            let positions = said.positions.iter().map(|it| recovers.then_some(&**it));
            let positions = positions.chain(std::iter::repeat(None));
            let events = said.publications.iter().zip(positions);
            let events = events.map(|it| encoded(namespace, event, it.0, it.1));
            known.push((namespace.into(), recovers, events.collect()));
            known.len() - 1
        });
        &known[place].2
    }
}

/// For whoever is behind in some channels, and is told where: the last it is sent in each counts.
fn own_words(voice: &mut Voice, event: &str, said: &Said<'_>, skip: usize) -> Vec<Encoded> {
    let all = said.publications.iter().zip(&said.positions).skip(skip);
    let own = all.map(|(publication, position)| {
        if let Kind::Message(at) = publication.kind {
            reach(&mut voice.behind, said.channel, at.offset);
        }
        let position = format!("{position}{}", Elsewhere(&voice.behind));
        encoded(&voice.namespace, event, publication, Some(&position))
    });
    own.collect()
}

fn reach(behind: &mut [(ChannelName, Offset)], channel: &ChannelName, at: Offset) {
    if let Some(place) = behind.iter_mut().find(|it| it.0 == *channel) {
        place.1 = at;
    }
}

/// `at` is where the client stands with it, if it is told.
fn encoded(namespace: &str, event: &str, publication: &Publication, at: Option<&str>) -> Encoded {
    let name = publication.event.as_deref().unwrap_or(event);
    // What the libraries keep for themselves must not be said by somebody else.
    let name = EventName::parse(name).or_else(|_| EventName::parse(EVENT));
    let name = name.expect("`message` is not reserved");
    let payload = [Json::known(&publication.payload)];
    match at {
        Some(at) => encode::event_at(namespace, name, payload, at),
        None => encode::event(namespace, name, payload),
    }
}
