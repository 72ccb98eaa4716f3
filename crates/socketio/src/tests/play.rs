//! Plays a script to one connection and writes down what it decided. The smallest driver there is.
//!
//! ```text
//! polls in       websockets in    gets      posts 40|42["a"]         where | is 0x1e
//! posts of 2000  brings 4hello    ends      leaves get               leaves post
//! attaches       says 2probe      says on w1 40     sends 01 02 ff   hangs up
//! admit [as PID] refuse [WHY]     emit name 1,"two" emit name 1 at o7
//! emit bytes     ask name 1 for 5s                  ack 1,2          ack bytes
//! part [s1]      close            +25s              3 times LINE
//! ```

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Connection, Effect, Encoded, Frame, Input, Items, Policy, Sid,
    eio::{self, Answer, ConnId, Incoming, RequestId},
    sio::{self, AskId, ConnectError, EventName, Payload, Reply, SocketId, encode},
};

pub(super) fn play(script: &str) -> String {
    let mut play = Play::new();
    for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
        play.act(line);
    }
    play.log
}

struct Play {
    start: Instant,
    now: Instant,
    policy: Arc<Policy>,
    connection: Option<Connection>,
    requests: u64,
    get: u64,
    post: u64,
    conns: u64,
    asks: u64,
    /// Sockets that knocked, with their namespaces.
    sockets: Vec<(SocketId, Arc<str>)>,
    reply: Option<Reply>,
    told_at: Duration,
    /// What the client is told first. Shown shorter than it is.
    opening: String,
    log: String,
}

impl Play {
    fn new() -> Self {
        let start = origin();
        Self {
            start,
            now: start,
            policy: Arc::new(policy()),
            connection: None,
            requests: 0,
            get: 0,
            post: 0,
            conns: 0,
            asks: 0,
            sockets: Vec::new(),
            reply: None,
            told_at: Duration::ZERO,
            opening: String::new(),
            log: String::new(),
        }
    }

    fn act(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "polls" => self.open(true),
            "websockets" => self.open(false),
            "gets" => {
                self.get = self.next_request();
                self.transport(eio::Input::Polled { request: RequestId(self.get) });
            }
            "posts" if rest.starts_with("of ") => self.begin_post(rest[3..].parse().ok()),
            "posts" => {
                self.begin_post(None);
                self.bring(rest);
                self.act("ends");
            }
            "brings" => self.bring(rest),
            "ends" => self.transport(eio::Input::PostEnded { request: RequestId(self.post) }),
            "leaves" => {
                let request = RequestId(if rest == "get" { self.get } else { self.post });
                self.transport(eio::Input::Abandoned { request });
            }
            "attaches" => {
                self.conns += 1;
                self.transport(eio::Input::Attached { conn: ConnId(self.conns) });
            }
            "says" => self.say(rest),
            "sends" => self.receive(self.conns, Incoming::Binary(&bytes(rest))),
            "hangs" => self.transport(eio::Input::Detached { conn: ConnId(self.conns) }),
            "close" => self.transport(eio::Input::Close),
            _ if word.starts_with('+') => self.pass(seconds(&word[1..])),
            _ if rest.starts_with("times ") => {
                for _ in 0..word.parse().unwrap() {
                    self.act(&rest[6..]);
                }
            }
            _ => self.serve(word, rest),
        }
    }

    /// What the server does.
    fn serve(&mut self, word: &str, rest: &str) {
        let (socket, namespace) = self.sockets.last().cloned().expect("somebody knocked");
        let input = match word {
            "admit" => {
                let sid = Sid::draw([socket.number().try_into().unwrap(); Sid::RANDOM_BYTES]);
                sio::Input::Admitted {
                    socket,
                    sid,
                    pid: rest.strip_prefix("as ").and_then(Sid::parse),
                }
            }
            "refuse" => sio::Input::Refused { socket, error: refusal(&namespace, rest) },
            "emit" => sio::Input::Emit { socket, event: emission(&namespace, rest) },
            "ask" => {
                self.asks += 1;
                let (event, time) = rest.split_once(" for ").unwrap();
                let (name, args) = event.split_once(' ').unwrap_or((event, ""));
                sio::Input::Ask {
                    socket,
                    ask: AskId(self.asks),
                    event: Payload::event(EventName::parse(name).unwrap(), Items::new(args)),
                    until: self.now + seconds(time),
                }
            }
            "ack" => sio::Input::Acknowledge { reply: self.reply.unwrap(), answer: answer(rest) },
            "part" => {
                let named = |it: &&(SocketId, _)| format!("s{}", it.0.number()) == rest;
                let socket = self.sockets.iter().find(named).map_or(socket, |it| it.0);
                sio::Input::Disconnect { socket }
            }
            _ => panic!("{word} is no word"),
        };
        self.tell(Input::Socket(input));
    }

    fn open(&mut self, by_polling: bool) {
        let sid = Sid::draw([0; Sid::RANDOM_BYTES]);
        let mut effects = Vec::new();
        let connection = if by_polling {
            let request = RequestId(self.next_request());
            Connection::open_polling(self.now, &self.policy, &sid, request, &mut effects)
        } else {
            self.conns += 1;
            let conn = ConnId(self.conns);
            Connection::open_websocket(self.now, &self.policy, &sid, conn, &mut effects)
        };
        self.connection = Some(connection);
        self.opening = match effects.as_slice() {
            [Effect::Answer { answer: Answer::Payload(text), .. }] => text.clone(),
            [Effect::Write { frame, .. }] => shown(frame),
            _ => panic!("{effects:?}"),
        };
        self.write(effects);
    }

    fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    fn begin_post(&mut self, length: Option<u64>) {
        self.post = self.next_request();
        self.transport(eio::Input::PostBegan { request: RequestId(self.post), length });
    }

    fn bring(&mut self, text: &str) {
        let request = RequestId(self.post);
        let bytes = text.replace('|', "\u{1e}").into_bytes();
        self.transport(eio::Input::PostContinued { request, bytes: &bytes });
    }

    fn say(&mut self, text: &str) {
        let (conn, text) = match text.strip_prefix("on w").and_then(|it| it.split_once(' ')) {
            Some((conn, text)) => (conn.parse().unwrap(), text),
            None => (self.conns, text),
        };
        self.receive(conn, Incoming::Text(text));
    }

    fn receive(&mut self, conn: u64, message: Incoming<'_>) {
        self.transport(eio::Input::Received { conn: ConnId(conn), message });
    }

    fn transport(&mut self, input: eio::Input<'_>) {
        self.tell(Input::Transport(input));
    }

    fn tell(&mut self, input: Input<'_>) {
        let mut effects = Vec::new();
        let connection = self.connection.as_mut().expect("somebody connected");
        connection.handle(self.now, input, &mut effects);
        self.write(effects);
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let wakes_at = |it: &Self| it.connection.as_ref().and_then(Connection::wakes_at);
        while let Some(wake) = wakes_at(self).filter(|it| *it <= until) {
            assert!(self.now <= wake, "it wanted to be woken before now");
            self.now = wake;
            self.tell(Input::Woke);
            assert_ne!(wakes_at(self), Some(wake), "it was woken for nothing");
        }
        self.now = until;
    }

    fn write(&mut self, effects: Vec<Effect>) {
        let at = self.now - self.start;
        if !effects.is_empty() && self.told_at != at {
            self.told_at = at;
            writeln!(self.log, "-- {at:?}").unwrap();
        }
        for effect in effects {
            let line = self.describe(effect);
            let line = line.replace('\u{1e}', "|").replace(&self.opening, "0{..}");
            writeln!(self.log, "{}", line.trim_end()).unwrap();
        }
    }

    fn describe(&mut self, effect: Effect) -> String {
        match effect {
            Effect::Answer { request: RequestId(id), answer } => match answer {
                Answer::Payload(text) => format!("r{id} 200 {text}"),
                Answer::Taken => format!("r{id} ok"),
                Answer::TooLong => format!("r{id} 413"),
                Answer::Refused(it) => format!("r{id} {} {}", it.status(), it.to_json()),
            },
            Effect::Write { conn, frame } => format!("w{} <- {}", conn.0, shown(&frame)),
            Effect::CloseConn { conn } => format!("w{} closed", conn.0),
            Effect::Knocked { socket, namespace, auth } => {
                self.sockets.push((socket, namespace.clone()));
                let json = auth.json().map_or("", |it| it.as_str());
                let mut line = format!("s{} knocks at {namespace} {json}", socket.number());
                if let Some(it) = auth.recovery() {
                    let pid = it.pid.as_str();
                    write!(line, ", recovers {pid} from {:?}", it.offset).unwrap();
                }
                line
            }
            Effect::Event { socket, event, reply } => {
                self.reply = reply.or(self.reply);
                let name = event.name().as_str();
                let mut line =
                    format!("s{} says {name} {}", socket.number(), shown_args(&event.args));
                if let Some(reply) = reply {
                    line.truncate(line.trim_end().len());
                    write!(line, " and wants ack {}", reply.id.0).unwrap();
                }
                line
            }
            Effect::Answered { socket, ask, args } => {
                format!("s{} answers a{} {}", socket.number(), ask.0, shown_args(&args))
            }
            Effect::Unanswered { socket, ask } => {
                format!("s{} does not answer a{}", socket.number(), ask.0)
            }
            Effect::Left { socket, reason } => format!("s{} left: {reason}", socket.number()),
            Effect::Closed { reason, fault } => {
                let fault = fault.map_or(String::new(), |it| format!(" ({it})"));
                format!("closed: {reason}{fault}")
            }
        }
    }
}

/// The default, with bounds that a story can reach.
fn policy() -> Policy {
    Policy {
        payload_bytes_max: 1000,
        payload_packets_max: 8,
        waiting_packets_max: 4,
        waiting_bytes_max: 2000,
        attachments_bytes_max: 8,
        namespace_bytes_max: 32,
        namespaces_max: 3,
        asks_max: 2,
        ..Policy::default()
    }
}

fn refusal(namespace: &str, why: &str) -> Encoded {
    let error = match why {
        "" => ConnectError { message: "Invalid namespace", code: None, details: None },
        message => ConnectError { message, code: Some("AUTH_FAILED"), details: None },
    };
    encode::connect_error(namespace, &error)
}

fn emission(namespace: &str, text: &str) -> Encoded {
    let name = |it| EventName::parse(it).unwrap();
    if text == "bytes" {
        let placeholder = encode::placeholder(0);
        let event = Payload::event(name("photo"), Items::new(&placeholder));
        return encode::event_of(namespace, None, &event.with_attachments(picture()));
    }
    let (event, args) = text.split_once(' ').unwrap_or((text, ""));
    match args.split_once(" at ") {
        Some((args, offset)) => encode::event_at(namespace, name(event), Items::new(args), offset),
        None => encode::event(namespace, name(event), Items::new(args)),
    }
}

fn answer(text: &str) -> Payload {
    if text == "bytes" {
        let placeholder = encode::placeholder(0);
        return Payload::answer(Items::new(&placeholder)).with_attachments(picture());
    }
    Payload::answer(Items::new(text))
}

fn picture() -> Arc<[Arc<[u8]>]> {
    Arc::new([Arc::from([1, 2, 3, 4].as_slice())])
}

fn shown(frame: &Frame) -> String {
    match frame {
        Frame::Fixed(text) => (*text).to_owned(),
        Frame::Text(text) => text.to_string(),
        Frame::Binary(bytes) => hex(bytes),
    }
}

fn shown_args(args: &sio::Args) -> String {
    let values = args.values().map(|it| it.as_str()).collect::<Vec<_>>().join(" ");
    let attachments = args.attachments().iter().map(|it| format!(" + {}", hex(it)));
    values + &attachments.collect::<String>()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|it| format!("{it:02x}")).collect();
    format!("<{}>", pairs.join(" "))
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|it| u8::from_str_radix(it, 16).unwrap()).collect()
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.trim_end_matches('s').parse().unwrap())
}

/// An arbitrary moment: only differences matter.
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
pub(crate) fn origin() -> Instant {
    Instant::now()
}
