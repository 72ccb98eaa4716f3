//! What is said on lines: events and their acknowledgements, either way.

use std::{sync::Arc, time::Duration};

use admission::RouteId;
use engine::{Input, Member};
use net::{Batch, Net, Overfull};
use proto::{
    ChannelName, ComeBack, ConnId, Dialect, Message, Publication, Refusal, ReplyId, Values,
};
use socketio::{
    Encoded, Json,
    eio::{Answer, RequestId},
    sio::{self, AckId, Args, AskId, EventName, Payload, Reply, SocketId, encode},
};
use tracing::warn;

use super::{
    Hall,
    delivering::{before, offsets},
    lines::{HELD_MAX, LineId, Voice, link_of},
};

/// What a publication without a name is heard as.
const EVENT: &str = "message";

/// How long a client may think about what its application asks. As long as browsers' libraries
/// wait for an answer of ours by themselves.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

impl Hall {
    pub(super) fn voice(&mut self, conn: ConnId) -> Option<&mut Voice> {
        self.guest(conn)?.voice.as_deref_mut()
    }

    /// The WebSocket of a connection's line.
    pub(super) fn link_of(&mut self, conn: ConnId) -> Option<ConnId> {
        let line = self.voice(conn)?.line;
        self.lines.get(line)?.connection.link().map(link_of)
    }

    pub(super) fn hear_event(
        &mut self,
        net: &mut Net,
        id: LineId,
        socket: SocketId,
        event: &sio::Event,
        reply: Option<Reply>,
    ) {
        let Some(conn) = self.lines.get(id).and_then(|it| it.conn_of(socket)) else { return };
        let name = event.name().as_str().into();
        let reply = reply.map(|it| ReplyId(it.id.0));
        let message = Message::Event { name, values: values(&event.args), reply };
        self.tell(net, Input::Said { conn, message });
    }

    pub(super) fn hear_answer(
        &mut self,
        net: &mut Net,
        id: LineId,
        socket: SocketId,
        ask: AskId,
        args: Option<&Args>,
    ) {
        let Some(conn) = self.lines.get(id).and_then(|it| it.conn_of(socket)) else { return };
        let Ok(number) = u32::try_from(ask.0) else { return };
        let message = Message::Answer { reply: ReplyId(number), values: args.map(values) };
        self.tell(net, Input::Said { conn, message });
    }

    /// Says to one client what its application replied.
    pub(super) fn reply_by_line(&mut self, net: &mut Net, conn: ConnId, message: Message) {
        let Some(voice) = self.voice(conn) else { return };
        let (line, socket, namespace) = (voice.line, voice.socket, Arc::clone(&voice.namespace));
        let (name, values, reply) = match message {
            Message::Event { name, values, reply } => (name, values, reply),
            // An application that knows nothing of events says one value.
            Message::Text(text) => (EVENT.into(), Values::new(one_value(&text)), None),
            Message::Binary(bytes) => {
                let json = format!("[{}]", encode::placeholder(0)).into();
                (EVENT.into(), Values { json, attachments: Arc::new([bytes]) }, None)
            }
            Message::Answer { .. } => return,
        };
        let Some(event) = payload(&name, &values) else { return };
        let input = match reply {
            Some(ReplyId(number)) => {
                let (ask, until) = (AskId(number.into()), self.now + ANSWER_WITHIN);
                sio::Input::Ask { socket, ask, event, until }
            }
            None => {
                let event = encode::event_of(&namespace, None, &event);
                sio::Input::Emit { socket, event }
            }
        };
        self.drive(net, line, socketio::Input::Socket(input));
    }

    pub(super) fn acknowledge(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        reply: ReplyId,
        values: Values,
    ) {
        let Some((line, socket)) = self.voice(conn).map(|it| (it.line, it.socket)) else { return };
        let Ok(answer) = Payload::answer_of(&values.json) else {
            warn!("an application acknowledged with what is not a JSON array");
            return;
        };
        let answer = answer.with_attachments(values.attachments);
        let reply = Reply { socket, id: AckId(reply.0) };
        let acknowledge = sio::Input::Acknowledge { reply, answer };
        self.drive(net, line, socketio::Input::Socket(acknowledge));
    }

    /// A refusal that concerns a connection which stays: in the acknowledgement that is awaited, or
    /// as an event.
    pub(super) fn except(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        awaited: Option<proto::RequestId>,
        refusal: &Refusal,
    ) {
        let Some(route) = self.guest(conn).map(|it| it.route) else { return };
        if let Some(reply) = awaited.and_then(|it| u32::try_from(it.0).ok()) {
            let values = self.failure(route, refusal);
            return self.acknowledge(net, conn, ReplyId(reply), values);
        }
        let (name, values) = self.exception(route, refusal);
        self.reply_by_line(net, conn, Message::Event { name, values, reply: None });
    }

    fn failure(&self, route: RouteId, refusal: &Refusal) -> Values {
        let worded = self.ground.app(route).and_then(|it| it.failure(refusal));
        worded.unwrap_or_else(|| Values::new(format!("[{}]", refusal.to_json())))
    }

    /// A refusal in the words that the application's clients understand.
    fn exception(&self, route: RouteId, refusal: &Refusal) -> (Arc<str>, Values) {
        let worded = self.ground.app(route).and_then(|it| it.exception(refusal));
        let plain = || ("exception".into(), Values::new(format!("[{}]", refusal.to_json())));
        worded.unwrap_or_else(plain)
    }

    /// The engine has closed a connection. Whoever is to come back loses its transport, which it
    /// replaces by itself; whoever is not is told why, and made to leave.
    pub(super) fn part_socket(&mut self, net: &mut Net, conn: ConnId, refusal: &Refusal) {
        let Some((line, socket)) = self.voice(conn).map(|it| (it.line, it.socket)) else { return };
        match refusal.code.come_back() {
            ComeBack::Now | ComeBack::Later => self.hang_up(net, line, refusal),
            ComeBack::No | ComeBack::WithToken => {
                self.release_socket(net, conn);
                self.except(net, conn, None, refusal);
                let disconnect = sio::Input::Disconnect { socket };
                self.drive(net, line, socketio::Input::Socket(disconnect));
            }
        }
    }

    pub(super) fn hold_socket(&mut self, conn: ConnId) -> bool {
        let voice = self.voice(conn);
        voice.map(|it| it.held = Some(Vec::new())).is_some()
    }

    /// The application has spoken; what was published meanwhile follows.
    pub(super) fn release_socket(&mut self, net: &mut Net, conn: ConnId) -> bool {
        let Some(voice) = self.voice(conn) else { return false };
        let (line, socket, held) = (voice.line, voice.socket, voice.held.take());
        for event in held.into_iter().flatten() {
            let emit = sio::Input::Emit { socket, event };
            self.drive(net, line, socketio::Input::Socket(emit));
        }
        true
    }

    /// Reads nothing more from a line while one of its connections has enough waiting.
    pub(super) fn pause_socket(&mut self, net: &mut Net, conn: ConnId, is_paused: bool) -> bool {
        let Some(voice) = self.voice(conn) else { return false };
        let id = voice.line;
        let was_paused = std::mem::replace(&mut voice.is_paused, is_paused);
        self.count_paused(net, id, was_paused, is_paused);
        true
    }

    pub(super) fn count_paused(
        &mut self,
        net: &mut Net,
        id: LineId,
        was_paused: bool,
        is_paused: bool,
    ) {
        let Some(line) = self.lines.get_mut(id) else { return };
        match (was_paused, is_paused) {
            (false, true) => line.paused += 1,
            (true, false) => line.paused -= 1,
            (true, true) | (false, false) => return,
        }
        let link = line.connection.link().map(link_of);
        let withheld = if line.paused == 0 { line.withheld.take() } else { None };
        match (link, line.paused) {
            (Some(link), 0) => net.resume(link),
            (Some(link), _) => net.pause(link),
            (None, _) => {}
        }
        if let Some((request, answer)) = withheld {
            self.lines.answer(id, request, answer);
        }
    }

    /// Answers a request of a line that polls.
    pub(super) fn answer_request(&mut self, id: LineId, request: RequestId, answer: Answer) {
        let Some(line) = self.lines.get_mut(id) else { return };
        // Its client says no more before it is told that this was taken.
        if 0 < line.paused && answer == Answer::Taken {
            line.withheld = Some((request, answer));
            return;
        }
        if matches!(answer, Answer::Payload(_)) {
            self.replayed.append(&mut line.replaying);
        }
        self.lines.answer(id, request, answer);
    }

    /// This turn's publications of a channel, for its members who speak Socket.IO: framed once for
    /// all who are in the main namespace by WebSocket, encoded once for everyone else.
    pub(super) fn emit_batch(
        &mut self,
        net: &mut Net,
        channel: &ChannelName,
        publications: &[Arc<Publication>],
    ) {
        let members = self.shard.members(channel, Dialect::SocketIo);
        let owed: Vec<Member> =
            members.iter().filter(|it| self.is_owed(**it, publications)).copied().collect();
        self.metrics.delivered(owed.len() as u64 * publications.len() as u64);
        let mut words = self.words(channel);
        let (mut by_link, mut links) = (Vec::new(), Vec::new());
        for member in owed {
            let skip = before(publications, member);
            match self.link_in_main(member.conn) {
                Some(link) => {
                    by_link.push((link, skip));
                    links.push((link, member.conn));
                }
                None => self.emit(net, member.conn, &publications[skip..], &mut words),
            }
        }
        if by_link.is_empty() {
            return;
        }
        let texts = words.of("/", publications).iter().map(|it| it.text.to_string());
        let mut batch = Batch::new(texts.collect());
        let mut overfull = Vec::new();
        net.fan_out(&mut batch, by_link.into_iter(), &mut overfull);
        if !overfull.is_empty() {
            links.sort_unstable();
        }
        for Overfull { conn: link, from } in overfull {
            let Ok(place) = links.binary_search_by_key(&link, |it| it.0) else { continue };
            self.overfull(net, links[place].1, channel, &publications[from..]);
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

    /// The WebSocket to which what everyone in the main namespace hears may be written.
    pub(super) fn link_in_main(&mut self, conn: ConnId) -> Option<ConnId> {
        let voice = self.voice(conn).filter(|it| it.held.is_none() && &*it.namespace == "/")?;
        let (line, socket) = (voice.line, voice.socket);
        self.lines.get(line)?.connection.writes_to(socket).map(link_of)
    }

    /// Publications for one connection, through its line.
    fn emit(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        publications: &[Arc<Publication>],
        words: &mut Words,
    ) {
        let Some(voice) = self.voice(conn) else { return };
        let (line, socket, namespace) = (voice.line, voice.socket, Arc::clone(&voice.namespace));
        let events = words.of(&namespace, publications);
        // Of the whole batch, whoever joined late is owed the end.
        let events = &events[events.len() - publications.len()..];
        if let Some(held) = &mut voice.held {
            let room = HELD_MAX - held.len().min(HELD_MAX);
            held.extend(events.iter().take(room).cloned());
            if room < events.len() {
                let channel = publications[0].channel.clone();
                self.overfull(net, conn, &channel, &publications[room..]);
            }
            return;
        }
        for event in events.iter().cloned() {
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
        let mut words = self.words(&messages[0].channel);
        let Some(id) = self.voice(conn).map(|it| it.line) else { return };
        let Some(line) = self.lines.get_mut(id) else { return };
        // Told once the outbox is empty, or a GET has been answered, which may be now.
        line.replaying.push(conn);
        self.emit(net, conn, messages, &mut words);
        let Some(line) = self.lines.get_mut(id) else { return };
        let Some(link) = line.connection.link().map(link_of) else { return };
        if net.is_empty_or_tell(link) {
            line.replaying.retain(|it| *it != conn);
            self.replayed.push(conn);
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

/// Publications as events, encoded once for each namespace that somebody is in.
struct Words {
    /// What one without a name is called.
    event: Arc<str>,
    known: Vec<(Box<str>, Vec<Encoded>)>,
}

impl Words {
    /// `publications` are always the same ones, or the last of them.
    fn of(&mut self, namespace: &str, publications: &[Arc<Publication>]) -> &[Encoded] {
        let Self { event, known } = self;
        let place = known
            .iter()
            .position(|it| &*it.0 == namespace && publications.len() <= it.1.len())
            .unwrap_or_else(|| {
                let events = publications.iter().map(|it| encoded(namespace, event, it)).collect();
                known.push((namespace.into(), events));
                known.len() - 1
            });
        &known[place].1
    }
}

fn encoded(namespace: &str, event: &str, publication: &Publication) -> Encoded {
    let name = publication.event.as_deref().unwrap_or(event);
    // What the libraries keep for themselves must not be said by somebody else.
    let name = EventName::parse(name).or_else(|_| EventName::parse(EVENT));
    let name = name.expect("`message` is not reserved");
    encode::event(namespace, name, [Json::known(&publication.payload)])
}

fn values(args: &Args) -> Values {
    let json = format!("[{}]", args.as_str()).into();
    Values { json, attachments: Arc::clone(args.attachments()) }
}

fn payload(name: &str, values: &Values) -> Option<Payload> {
    let name = EventName::parse(name).ok();
    let event = name.and_then(|it| Payload::event_of(it, &values.json).ok());
    if event.is_none() {
        warn!("an application said an event of a reserved name, or not with a JSON array");
    }
    event.map(|it| it.with_attachments(Arc::clone(&values.attachments)))
}

/// A text as the one value of an event: as it stands if it is JSON, or as a string.
fn one_value(text: &str) -> String {
    match Json::parse(text) {
        Ok(json) => format!("[{}]", json.as_str()),
        Err(_) => serde_json::json!([text]).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_application_says_without_events_is_one_value() {
        for (text, expected) in
            [("{\"a\":1}", "[{\"a\":1}]"), ("1", "[1]"), ("a \"word\"", "[\"a \\\"word\\\"\"]")]
        {
            assert_eq!(one_value(text), expected);
        }
    }

    /// F12: an application cannot be made to say what the libraries say.
    #[test]
    fn reserved_names_and_broken_values_are_not_said() {
        assert!(payload("tide", &Values::new("[1]")).is_some());
        assert!(payload("disconnect", &Values::new("[1]")).is_none());
        assert!(payload("tide", &Values::new("1")).is_none());
        assert!(payload("tide", &Values::new("[1],[2]")).is_none());
    }
}
