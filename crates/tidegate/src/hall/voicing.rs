//! What is said on lines: events and their acknowledgements, either way.

use std::{sync::Arc, time::Duration};

use admission::RouteId;
use engine::Input;
use net::Net;
use proto::{ComeBack, ConnId, Message, Refusal, ReplyId, Values};
use socketio::{
    Json,
    eio::{Answer, RequestId},
    sio::{self, AckId, Args, AskId, EventName, Payload, Reply, SocketId, encode},
};
use tracing::warn;

use super::{
    Hall,
    emitting::EVENT,
    lines::{Held, LineId, Voice, link_of},
};

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
        // Behind the values of a question stands its answer's function.
        let at = if reply.is_none() { self.position_of(conn) } else { None };
        let Some(event) = payload(&name, &values, at.as_deref()) else { return };
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
        let Some(voice) = self.voice(conn) else { return };
        let (line, socket) = (voice.line, voice.socket);
        if !voice.is_in {
            let namespace = Arc::clone(&voice.namespace);
            return self.refuse_socket(net, line, socket, &namespace, refusal);
        }
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
        let at = self.position_of(conn);
        let voice = self.voice(conn);
        voice.map(|it| it.held = Some(Held { events: Vec::new(), at })).is_some()
    }

    /// The application has spoken; what was published meanwhile follows.
    pub(super) fn release_socket(&mut self, net: &mut Net, conn: ConnId) -> bool {
        let Some(voice) = self.voice(conn) else { return false };
        let (line, socket, held) = (voice.line, voice.socket, voice.held.take());
        for event in held.into_iter().flat_map(|it| it.events) {
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
}

fn values(args: &Args) -> Values {
    let json = format!("[{}]", args.as_str()).into();
    Values { json, attachments: Arc::clone(args.attachments()) }
}

/// `at` is where the client stands with it, if it is to be told.
fn payload(name: &str, values: &Values, at: Option<&str>) -> Option<Payload> {
    let name = EventName::parse(name).ok();
    let event = name.and_then(|name| match at {
        Some(at) => Payload::event_at(name, &values.json, at).ok(),
        None => Payload::event_of(name, &values.json).ok(),
    });
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
        for at in [None, Some("1.2")] {
            assert!(payload("tide", &Values::new("[1]"), at).is_some());
            assert!(payload("disconnect", &Values::new("[1]"), at).is_none());
            assert!(payload("tide", &Values::new("1"), at).is_none());
            assert!(payload("tide", &Values::new("[1],[2]"), at).is_none());
        }
    }

    #[test]
    fn where_a_client_stands_is_the_last_value_of_an_event() {
        for (values, expected) in [
            ("[]", r#"["tide","1.2"]"#),
            ("[\"in\"]", r#"["tide","in","1.2"]"#),
            ("[{\"a\":[1]}]", r#"["tide",{"a":[1]},"1.2"]"#),
        ] {
            let event = payload("tide", &Values::new(values), Some("1.2")).unwrap();
            assert_eq!(*encode::event_of("/", None, &event).text, format!("42{expected}"));
        }
    }
}
