//! Lines by their requests, with real shards and real sockets: how they end, and what is left then.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use app::Gateway as _;
use config::Surroundings;
use proto::ShardId;
use wire::{Opcode, client::Reader};

use crate::{
    boot::{self, House},
    inbox::{Note, lock},
};

mod knocking;

const WITHIN: Duration = Duration::from_secs(10);

struct World {
    runtime: tokio::runtime::Runtime,
    house: House,
}

impl World {
    fn new(shards: u16) -> Self {
        Self::with(shards, "limits = \"none\"")
    }

    fn with(shards: u16, limits: &str) -> Self {
        let rules = format!("{limits}\nping_every = \"1s\"\npong_within = \"1s\"");
        Self::of(shards, &rules, |config| boot::open(config, false))
    }

    /// With whatever else there is to say of its one route.
    fn of(
        shards: u16,
        rules: &str,
        open: impl FnOnce(config::Config) -> Result<House, boot::BootError>,
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("tidegate-polling-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let text = format!(
            "profile = \"development\"\n[server]\nlisten = \"127.0.0.1:0\"\nshards = {shards}\n\
             data_dir = \"data\"\n[[routes]]\nname = \"all\"\npath = \"/s/\"\napp = \"echo\"\n\
             dialect = \"socketio\"\ntokens = \"none\"\norigins = \"*\"\n\
             joins = [\"room\"]\n{rules}\n"
        );
        let surroundings = Surroundings::new([].into(), folder);
        let config = config::load_text("test.toml", &text, &surroundings).expect("is good");
        let runtime = boot::runtime().unwrap();
        let house = runtime.block_on(async { open(config) }).unwrap();
        let world = Self { runtime, house };
        world.settle();
        world
    }

    /// All shards listen.
    fn settle(&self) {
        let began = Instant::now();
        while !self.runtime.block_on(self.house.ground.hub.canary(Duration::from_secs(1))) {
            assert!(began.elapsed() < WITHIN, "a shard does not answer");
        }
    }

    /// A request on a connection of its own: status and body.
    fn ask(&self, method: &str, query: &str, body: &str) -> (u16, String) {
        read(send(self.house.address, method, query, body))
    }

    fn open(&self) -> Line<'_> {
        let (status, text) = self.ask("GET", "", "");
        assert_eq!(status, 200, "{text}");
        let sid = text.split('"').nth(3).expect("a session has a name").to_owned();
        Line { world: self, query: format!("&sid={sid}") }
    }

    /// What is counted of those who are here: seats, and connections.
    fn counted(&self) -> (u32, u64) {
        let seats = lock(&self.house.ground.limits).connections();
        (seats, self.house.ground.monitor.active_connections())
    }

    fn until(&self, counted: (u32, u64)) {
        let began = Instant::now();
        while self.counted() != counted {
            assert!(began.elapsed() < WITHIN, "{:?} are left", self.counted());
            std::thread::yield_now();
        }
    }
}

/// A session that polls.
struct Line<'a> {
    world: &'a World,
    query: String,
}

impl Line<'_> {
    fn says(&self, packets: &[&str]) -> (u16, String) {
        self.world.ask("POST", &self.query, &packets.join("\u{1e}"))
    }

    fn hears(&self) -> String {
        let (status, text) = self.world.ask("GET", &self.query, "");
        assert_eq!(status, 200, "{text}");
        text
    }

    /// Joins the main namespace.
    fn joins(self) -> Self {
        assert_eq!(self.says(&["40"]), (200, "ok".to_owned()));
        assert!(self.hears().starts_with("40{\"sid\":\""));
        self
    }

    fn attach(&self) -> WebSocket {
        let target = format!("/s/?EIO=4&transport=websocket{}", self.query);
        WebSocket::open(self.world.house.address, &target)
    }
}

fn send(address: SocketAddr, method: &str, query: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    let head = format!(
        "{method} /s/?EIO=4&transport=polling{query} HTTP/1.1\r\nHost: localhost\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn read(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head[9..12].parse().unwrap(), body.to_owned())
}

struct WebSocket {
    stream: TcpStream,
    reader: Reader,
}

impl WebSocket {
    fn open(address: SocketAddr, target: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        stream.write_all(&wire::client::request("localhost", target, [0; 16], &[])).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream, reader: Reader::default() }
    }

    fn says(&mut self, text: &str) {
        let frame = wire::client::frame(Opcode::Text, text.as_bytes(), [0; 4]);
        self.stream.write_all(&frame).unwrap();
    }

    /// The next message, or the number it is closed with.
    fn hears(&mut self) -> String {
        loop {
            if let Some(frame) = self.reader.next().unwrap() {
                let payload = frame.payload.to_vec();
                return match (frame.opcode, &payload[..]) {
                    (Opcode::Close, [high, low, ..]) => {
                        format!("closed {}", u16::from_be_bytes([*high, *low]))
                    }
                    _ => String::from_utf8(payload).unwrap(),
                };
            }
            let mut buffer = [0; 1024];
            let count = self.stream.read(&mut buffer).expect("something is said");
            assert!(0 < count, "an end without a goodbye");
            self.reader.feed(&buffer[..count]);
        }
    }
}

/// C3: whatever ends a line, its seat goes back, and that of everyone on it.
#[test]
fn every_seat_goes_back_however_a_line_ends() {
    let world = World::new(2);
    world.until((0, 0));
    // One that joined nothing, and says goodbye.
    let line = world.open();
    world.until((1, 0));
    assert_eq!(line.says(&["1"]).0, 200);
    world.until((0, 0));

    // One in two namespaces, which leaves one, joins another, and says goodbye.
    let line = world.open().joins();
    world.until((1, 1));
    assert_eq!(line.says(&["40/a,", "40/b,"]).0, 200);
    world.until((3, 3));
    assert_eq!(line.says(&["41", "41/a,"]).0, 200);
    world.until((2, 1));
    assert_eq!(line.says(&["40"]).0, 200);
    world.until((2, 2));
    assert_eq!(line.says(&["1"]).0, 200);
    world.until((0, 0));

    // One that breaks the rules.
    let line = world.open().joins();
    assert_eq!(line.says(&["42[\"disconnect\"]"]).0, 200);
    world.until((0, 0));

    // One that falls silent: after a second it is pinged, and after another given up.
    let line = world.open().joins();
    world.until((1, 1));
    world.until((0, 0));
    assert_eq!(line.world.ask("GET", &line.query, "").0, 400);

    // One that hangs up while it waits.
    let line = world.open().joins();
    let waiting = send(world.house.address, "GET", &line.query, "");
    world.until((1, 1));
    drop(waiting);
    world.until((0, 0));
}

#[test]
fn a_session_goes_on_by_websocket_whichever_shard_takes_that() {
    let world = World::new(2);
    // So many that each shard has some that the other one has accepted.
    for round in 0..12 {
        let line = world.open().joins();
        world.until((1, 1));
        let mut link = line.attach();
        link.says("2probe");
        assert_eq!(link.hears(), "3probe");
        link.says("5");
        link.says(&format!("420[\"a\",{round}]"));
        assert_eq!(link.hears(), format!("42[\"a\",{round}]"));
        assert_eq!(link.hears(), format!("430[{round}]"));
        // Its seat is one, however it came.
        world.until((1, 1));
        drop(link);
        world.until((0, 0));
    }
}

#[test]
fn a_websocket_that_is_lost_before_it_took_over_costs_nothing() {
    let world = World::new(2);
    let line = world.open().joins();
    for _ in 0..4 {
        let mut link = line.attach();
        link.says("2probe");
        assert_eq!(link.hears(), "3probe");
        drop(link);
    }
    assert_eq!(line.says(&["42[\"a\",1]"]).0, 200);
    let mut heard = String::new();
    while !heard.contains("42[\"a\",1]") {
        heard = line.hears();
    }
    world.until((1, 1));
}

/// A session that is counted already is not counted again for the WebSocket it goes on by.
#[test]
fn an_address_at_its_limits_may_still_go_on_by_websocket() {
    let world =
        World::with(1, "limits = { connections_per_address = 1, attempts_per_address = \"1/h\" }");
    let line = world.open().joins();
    assert_eq!(world.ask("GET", "", "").0, 429);
    for _ in 0..3 {
        let mut link = line.attach();
        link.says("2probe");
        assert_eq!(link.hears(), "3probe");
        // A second one beside it is closed at once.
        assert_eq!(line.attach().hears(), "closed 1000");
    }
    world.until((1, 1));
}

/// F16: whoever waits is told to begin anew, and nobody is counted for ever.
#[test]
fn a_shard_that_fails_lets_nobody_wait() {
    let world = World::new(1);
    let polls = world.open().joins();
    let waiting = send(world.house.address, "GET", &polls.query, "");
    let mut link = WebSocket::open(world.house.address, "/s/?EIO=4&transport=websocket");
    assert!(link.hears().starts_with("0{"));
    link.says("40");
    assert!(link.hears().starts_with("40{"));
    world.until((2, 2));
    world.house.ground.hub.inbox(ShardId(0)).answer(Note::Fail);
    assert_eq!(read(waiting).0, 400);
    assert_eq!(link.hears(), "closed 1012");
    world.until((0, 0));
    world.settle();
    let _anew = world.open().joins();
    world.until((1, 1));
}

#[test]
fn a_drain_parts_with_lines_that_nobody_is_on_as_well() {
    let mut world = World::new(1);
    let silent = world.open();
    let polls = world.open().joins();
    let waiting = send(world.house.address, "GET", &polls.query, "");
    let mut link = WebSocket::open(world.house.address, "/s/?EIO=4&transport=websocket");
    assert!(link.hears().starts_with("0{"));
    world.until((3, 1));
    world.house.ground.hub.inbox(ShardId(0)).answer(Note::Drain(Duration::ZERO));
    // A goodbye of Engine.IO, and none of Socket.IO: clients come back by themselves. So they do
    // from a request that came too late for it.
    let (status, text) = read(waiting);
    let is_goodbye = status == 200 && ["1", "2\u{1e}1", "2"].contains(&&*text);
    assert!(is_goodbye || status == 400, "{status} {text}");
    while link.hears() != "closed 1012" {}
    drop(link);
    drop((silent, polls));
    let ended = world.runtime.block_on(world.house.shards.recv()).expect("the shard says so");
    assert!(ended.is_ok());
    assert_eq!(world.counted(), (0, 0));
}
