//! Anything in any order: what must hold whatever a client, a network and a server do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::play::origin;
use crate::{
    Connection, Effect, Frame, Input, Json, Policy, Reason, Sid,
    eio::{self, Answer, ConnId, Incoming, RequestId},
    sio::{self, AskId, EventName, Payload, SocketId, encode},
};

#[derive(Clone, Debug)]
enum Step {
    Poll,
    BeginPost,
    /// The next thing the client says, as part of the POST.
    Bring,
    EndPost,
    AbandonGet,
    AbandonPost,
    Attach,
    /// A WebSocket that comes and shows that it works.
    Probe,
    /// On the newest WebSocket.
    Say(&'static str),
    SayNext,
    HangUp,
    Serve(Service),
    Close,
    Pass(u64),
}

/// What the server does for whoever is in the main namespace.
#[derive(Clone, Copy, Debug)]
enum Service {
    Admit,
    Emit,
    Ask,
    Disconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Poll),
        2 => Just(Step::BeginPost),
        3 => Just(Step::Bring),
        3 => Just(Step::EndPost),
        1 => Just(Step::AbandonGet),
        1 => Just(Step::AbandonPost),
        1 => Just(Step::Attach),
        3 => Just(Step::Probe),
        3 => Just(Step::Say("5")),
        4 => proptest::sample::select(vec!["3", "40", "41", "40/a,", "43/a,0[]", "430[1]", "6"])
            .prop_map(Step::Say),
        1 => proptest::sample::select(vec![
            "2probe", "1", "x", "451-[\"e\",{\"_placeholder\":true,\"num\":0}]",
        ]).prop_map(Step::Say),
        4 => Just(Step::SayNext),
        1 => Just(Step::HangUp),
        6 => Just(Step::Serve(Service::Admit)),
        8 => Just(Step::Serve(Service::Emit)),
        2 => Just(Step::Serve(Service::Ask)),
        1 => Just(Step::Serve(Service::Disconnect)),
        1 => Just(Step::Close),
        3 => (0_u64..12_000).prop_map(Step::Pass),
    ]
}

/// What the outside knows, and what it has seen.
struct Witness {
    connection: Connection,
    now: Instant,
    requests: u64,
    open: BTreeSet<u64>,
    get: u64,
    post: u64,
    conns: u64,
    /// WebSockets that neither side has closed.
    alive: BTreeSet<u64>,
    sockets: BTreeMap<u32, (SocketId, bool)>,
    asks: BTreeSet<u64>,
    asked: u64,
    said: u64,
    heard: u64,
    emitted: u64,
    received: u64,
    is_closed: bool,
}

impl Witness {
    fn new(by_polling: bool) -> Self {
        let (now, sid, mut effects) = (origin(), sid(), Vec::new());
        let policy = Arc::new(Policy { waiting_packets_max: 6, asks_max: 2, ..Policy::default() });
        let connection = if by_polling {
            Connection::open_polling(now, &policy, &sid, RequestId(1), &mut effects)
        } else {
            Connection::open_websocket(now, &policy, &sid, ConnId(1), &mut effects)
        };
        let mut witness = Self {
            connection,
            now,
            requests: u64::from(by_polling),
            open: BTreeSet::from_iter(by_polling.then_some(1)),
            get: 0,
            post: 0,
            conns: u64::from(!by_polling),
            alive: BTreeSet::from_iter((!by_polling).then_some(1)),
            sockets: BTreeMap::new(),
            asks: BTreeSet::new(),
            asked: 0,
            said: 0,
            heard: 0,
            emitted: 0,
            received: 0,
            is_closed: false,
        };
        witness.see(effects);
        witness
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Poll => {
                self.get = self.request();
                self.transport(eio::Input::Polled { request: RequestId(self.get) });
            }
            Step::BeginPost => {
                self.post = self.request();
                let request = RequestId(self.post);
                self.transport(eio::Input::PostBegan { request, length: None });
                self.bring("6");
            }
            Step::Bring => {
                let text = format!("\u{1e}4{}", self.next());
                self.bring(&text);
            }
            Step::EndPost => {
                self.transport(eio::Input::PostEnded { request: RequestId(self.post) });
            }
            Step::AbandonGet => self.abandon(self.get),
            Step::AbandonPost => self.abandon(self.post),
            Step::Attach => {
                self.conns += 1;
                self.alive.insert(self.conns);
                self.transport(eio::Input::Attached { conn: ConnId(self.conns) });
            }
            Step::Probe => {
                self.act(&Step::Attach);
                self.say("2probe");
            }
            Step::Say(text) => self.say(text),
            Step::SayNext => {
                let text = format!("4{}", self.next());
                self.say(&text);
            }
            Step::HangUp => {
                if self.alive.remove(&self.conns) {
                    self.transport(eio::Input::Detached { conn: ConnId(self.conns) });
                }
            }
            Step::Close => self.transport(eio::Input::Close),
            Step::Pass(millis) => self.pass(Duration::from_millis(*millis)),
            Step::Serve(service) => self.serve(*service),
        }
    }

    fn serve(&mut self, service: Service) {
        let Some((socket, is_in)) = self.sockets.get(&0).copied() else { return };
        let name = EventName::parse("n").unwrap();
        let number = self.emitted + 1;
        let json = number.to_string();
        let input = match service {
            Service::Admit => {
                self.sockets.insert(0, (socket, true));
                sio::Input::Admitted { socket, sid: sid(), pid: None }
            }
            Service::Emit if is_in => {
                self.emitted = number;
                let event = encode::event("/", name, [Json::parse(&json).unwrap()]);
                sio::Input::Emit { socket, event }
            }
            Service::Ask => {
                self.asked += 1;
                self.asks.insert(self.asked);
                let event = Payload::event(EventName::parse("q").unwrap(), []);
                let until = self.now + Duration::from_secs(5);
                sio::Input::Ask { socket, ask: AskId(self.asked), event, until }
            }
            Service::Disconnect if is_in => sio::Input::Disconnect { socket },
            Service::Emit | Service::Disconnect => return,
        };
        self.tell(Input::Socket(input));
    }

    fn request(&mut self) -> u64 {
        self.requests += 1;
        self.open.insert(self.requests);
        self.requests
    }

    fn next(&mut self) -> String {
        self.said += 1;
        format!("2[\"n\",{}]", self.said)
    }

    fn bring(&mut self, text: &str) {
        let (request, bytes) = (RequestId(self.post), text.as_bytes());
        self.transport(eio::Input::PostContinued { request, bytes });
    }

    fn abandon(&mut self, request: u64) {
        if self.open.remove(&request) {
            self.transport(eio::Input::Abandoned { request: RequestId(request) });
        }
    }

    fn say(&mut self, text: &str) {
        if self.alive.contains(&self.conns) {
            let (conn, message) = (ConnId(self.conns), Incoming::Text(text));
            self.transport(eio::Input::Received { conn, message });
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(wake) = self.connection.wakes_at().filter(|it| *it <= until) {
            assert!(self.now <= wake, "it wanted to be woken before now");
            self.now = wake;
            self.tell(Input::Woke);
            assert_ne!(self.connection.wakes_at(), Some(wake), "it was woken for nothing");
        }
        self.now = until;
    }

    fn transport(&mut self, input: eio::Input<'_>) {
        self.tell(Input::Transport(input));
    }

    fn tell(&mut self, input: Input<'_>) {
        let mut effects = Vec::new();
        self.connection.handle(self.now, input, &mut effects);
        self.see(effects);
    }

    fn see(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let is_of_a_socket = !matches!(
                effect,
                Effect::Answer { .. } | Effect::Write { .. } | Effect::CloseConn { .. }
            );
            assert!(!(self.is_closed && is_of_a_socket), "the end comes last: {effect:?}");
            match effect {
                Effect::Answer { request, answer } => {
                    assert!(self.open.remove(&request.0), "{request:?} is answered once");
                    self.see_answer(answer);
                }
                Effect::Write { conn, frame } => {
                    assert!(self.alive.contains(&conn.0), "{conn:?} is there");
                    self.receive(&shown(&frame));
                }
                Effect::CloseConn { conn } => {
                    assert!(self.alive.remove(&conn.0), "{conn:?} is closed once");
                }
                Effect::Knocked { socket, namespace, .. } => {
                    let key = if &*namespace == "/" { 0 } else { 1 + socket.number() };
                    let before = self.sockets.insert(key, (socket, false));
                    assert!(before.is_none(), "one at a time");
                }
                Effect::Event { event, .. } => self.hear(&event),
                Effect::Answered { ask, .. } | Effect::Unanswered { ask, .. } => {
                    assert!(self.asks.remove(&ask.0), "{ask:?} is settled once");
                }
                Effect::Left { socket, .. } => {
                    let key = self.sockets.iter().find(|it| it.1.0 == socket).map(|it| *it.0);
                    self.sockets.remove(&key.expect("whoever leaves had come"));
                }
                Effect::Closed { .. } => {
                    assert!(self.sockets.is_empty() && self.asks.is_empty(), "all ends with it");
                    self.is_closed = true;
                }
            }
        }
    }

    fn hear(&mut self, event: &sio::Event) {
        if event.name().as_str() == "n" {
            let number = event.args.as_str().parse().unwrap();
            assert!(self.heard < number, "what is said first is heard first");
            self.heard = number;
        }
    }

    fn see_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Payload(text) => text.split('\u{1e}').for_each(|it| self.receive(it)),
            Answer::Taken | Answer::TooLong | Answer::Refused(_) => (),
        }
    }

    /// Whichever way it comes, the next event is the next one: none is lost, and none passes
    /// another, while the session moves from one transport to the other.
    fn receive(&mut self, packet: &str) {
        let number = packet.strip_prefix("42[\"n\",").and_then(|it| it.strip_suffix(']'));
        if let Some(number) = number {
            self.received += 1;
            assert_eq!(number.parse(), Ok(self.received));
        }
    }
}

fn shown(frame: &Frame) -> String {
    match frame {
        Frame::Fixed(text) => (*text).to_owned(),
        Frame::Text(text) => text.to_string(),
        Frame::Binary(_) => String::new(),
    }
}

fn sid() -> Sid {
    Sid::draw([0; Sid::RANDOM_BYTES])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(
        by_polling in proptest::bool::weighted(0.8),
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut witness = Witness::new(by_polling);
        if by_polling {
            witness.act(&Step::BeginPost);
            witness.bring("\u{1e}40");
            witness.act(&Step::EndPost);
        } else {
            witness.say("40");
        }
        witness.act(&Step::Serve(Service::Admit));
        for step in &steps {
            witness.act(step);
        }
        let received = witness.received;
        witness.transport(eio::Input::Abort(Reason::ForcedClose));
        prop_assert!(witness.is_closed && witness.connection.wakes_at().is_none());
        prop_assert!(witness.open.is_empty(), "nobody waits: {:?}", witness.open);
        prop_assert!(witness.alive.is_empty(), "nothing is left open: {:?}", witness.alive);
        prop_assert_eq!(received, witness.received);
    }
}
