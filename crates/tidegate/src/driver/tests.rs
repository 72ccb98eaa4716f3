//! A shard fails, and what comes of it: threat F16, with real shards and real sockets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use app::{Gateway as _, Post};
use config::Surroundings;
use proto::{ChannelName, Code, ShardId};
use wire::{Opcode, client::Reader};

use crate::{
    boot::{self, House},
    inbox::{Note, lock},
};

const SECRET: &str = "a secret that only these tests know";

/// A house of its own for each test, with a route that joins the channel of its path.
struct World {
    runtime: tokio::runtime::Runtime,
    house: House,
}

impl World {
    fn new(shards: u16) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("tidegate-driver-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let text = format!(
            "profile = \"development\"\n[server]\nlisten = \"127.0.0.1:0\"\nshards = {shards}\n\
             data_dir = \"data\"\n[[routes]]\nname = \"all\"\npath = \"/{{channel}}\"\n\
             joins = [\"{{channel}}\"]\ntokens = \"none\"\norigins = \"*\"\nlimits = \"none\"\n\
             [keys.main]\nsecret = {{ env = \"SECRET\" }}\n[tokens.main]\nkeys = [\"main\"]\n\
             [[routes]]\nname = \"users\"\npath = \"/as/user\"\ndialect = \"native\"\n\
             tokens = \"main\"\norigins = \"*\"\nlimits = \"none\"\n"
        );
        let variables = [("SECRET".to_owned(), SECRET.to_owned())];
        let surroundings = Surroundings::new(variables.into(), folder);
        let config = config::load_text("test.toml", &text, &surroundings).expect("is good");
        let runtime = boot::runtime().unwrap();
        let house = runtime.block_on(async { boot::open(config, false) }).unwrap();
        Self { runtime, house }
    }

    /// Someone in the channel. A shard that is being replaced may reset whoever comes; then it is
    /// tried again, as a client would.
    fn enter(&self, channel: &ChannelName) -> Client {
        self.open(&format!("/{channel}"))
    }

    fn open(&self, target: &str) -> Client {
        let began = Instant::now();
        loop {
            if let Some(client) = Client::open(self.house.address, target) {
                return client;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "no shard takes anyone");
        }
    }

    fn fail(&self, shard: u16) {
        self.house.ground.hub.inbox(ShardId(shard)).answer(Note::Fail);
    }

    fn publish(&self, channel: &ChannelName, text: &str) {
        let (channel, payload) = (channel.clone(), format!("\"{text}\"").into());
        let post = Post { channel, payload, from: None, except: None, event: None, key: None };
        self.runtime.block_on(self.house.ground.hub.publish(post)).expect("its home is up");
    }

    /// Everything that shards had for each other has arrived.
    fn settle(&self) {
        let mut passed = 0;
        for _ in 0..20 {
            // One that was in the hands of a shard as it failed is lost.
            let canary = self.house.ground.hub.canary(Duration::from_secs(1));
            passed += u32::from(self.runtime.block_on(canary));
            if passed == 3 {
                return;
            }
        }
        panic!("a shard does not answer");
    }
}

struct Client {
    stream: TcpStream,
    reader: Reader,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Text(String),
    Close(u16),
}

impl Client {
    fn open(address: SocketAddr, target: &str) -> Option<Self> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(&wire::client::request("localhost", target, [0; 16], &[])).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Some(Self { stream, reader: Reader::default() })
    }

    fn next(&mut self) -> Told {
        loop {
            if let Some(frame) = self.reader.next().unwrap() {
                let payload = frame.payload.to_vec();
                return match (frame.opcode, &payload[..]) {
                    (Opcode::Close, [high, low, ..]) => {
                        Told::Close(u16::from_be_bytes([*high, *low]))
                    }
                    _ => Told::Text(String::from_utf8(payload).unwrap()),
                };
            }
            let mut buffer = [0; 1024];
            let count = self.stream.read(&mut buffer).expect("something is said");
            assert!(0 < count, "an end without a goodbye");
            self.reader.feed(&buffer[..count]);
        }
    }
}

/// A channel at home on that shard of two.
fn at_home_on(shard: u16) -> ChannelName {
    let names = (0..).map(|it| ChannelName::parse(&format!("channel{it}")).unwrap());
    let mut at_home = names.filter(|it| engine::home_of(it, 2) == ShardId(shard));
    at_home.next().expect("there is no end of names")
}

#[test]
fn a_shard_that_fails_is_replaced_and_everyone_finds_each_other_again() {
    let world = World::new(2);
    let channels = [at_home_on(0), at_home_on(1)];
    // So many that no shard is without some.
    let mut clients: Vec<_> = (0..60).map(|it| (it % 2, world.enter(&channels[it % 2]))).collect();
    world.settle();
    world.fail(0);
    world.settle();
    channels.iter().for_each(|it| world.publish(it, "one"));

    let told: Vec<(usize, Told)> = clients.iter_mut().map(|it| (it.0, it.1.next())).collect();
    let goodbye = Told::Close(Code::ShardFailed.close());
    let came_through = Told::Text("\"one\"".to_owned());
    let left = told.iter().filter(|it| it.1 == goodbye).count();
    assert!(told.iter().all(|it| it.1 == goodbye || it.1 == came_through), "{told:?}");
    assert!(0 < left, "nobody was on the shard that failed");
    // Whoever is on the other shard, in a channel that is at home there, has noticed nothing.
    assert!(told.iter().any(|it| it.0 == 1 && it.1 == came_through), "{told:?}");

    for ((_, client), (channel, told)) in clients.iter_mut().zip(&told) {
        if *told == goodbye {
            *client = world.enter(&channels[*channel]);
        }
    }
    world.settle();
    channels.iter().for_each(|it| world.publish(it, "two"));
    for (_, client) in &mut clients {
        assert_eq!(client.next(), Told::Text("\"two\"".to_owned()));
    }
    // Every seat has gone back once, and every end is booked once.
    assert_eq!(lock(&world.house.ground.limits).connections(), 60);
    assert_eq!(world.house.ground.monitor.active_connections(), 60);
}

/// R24: whoever was on it comes back as who they were, with the channels they ask for.
#[test]
fn a_shard_that_fails_takes_no_session_along() {
    let world = World::new(1);
    let claims = serde_json::json!({"sub": "ann", "exp": 4_102_444_800_u64});
    let key = token::Key::hmac(SECRET.as_bytes()).unwrap();
    let shown = token::mint(claims.as_object().unwrap(), &key, None).unwrap();
    let welcomed = |client: &mut Client| {
        let Told::Text(welcome) = client.next() else { panic!("nobody was welcomed") };
        let welcome: serde_json::Value = serde_json::from_str(&welcome).unwrap();
        welcome["connected"].clone()
    };
    let mut client = world.open(&format!("/as/user?token={shown}"));
    let session = welcomed(&mut client)["session"].as_str().unwrap().to_owned();
    world.fail(0);
    assert_eq!(client.next(), Told::Close(Code::ShardFailed.close()));
    let mut again = world.open(&format!("/as/user?token={shown}&session={session}"));
    let welcome = welcomed(&mut again);
    assert_eq!((&welcome["session"], &welcome["resumed"]), (&session.into(), &true.into()));
    let register = lock(&world.house.ground.register);
    assert_eq!((register.sessions.live(), register.sessions.away()), (1, 0));
}

#[test]
fn three_failures_in_a_minute_end_the_process() {
    let mut world = World::new(1);
    let channel = at_home_on(0);
    for _ in 0..3 {
        let mut client = world.enter(&channel);
        world.fail(0);
        assert_eq!(client.next(), Told::Close(Code::ShardFailed.close()));
    }
    let ended = world.runtime.block_on(world.house.shards.recv()).expect("the shard says so");
    assert_eq!(ended.unwrap_err().to_string(), "the shard failed three times in a minute");
}

#[test]
fn a_drain_ends_when_goodbyes_are_answered() {
    let mut world = World::new(1);
    let channel = at_home_on(0);
    let mut client = world.enter(&channel);
    world.house.ground.hub.inbox(ShardId(0)).answer(Note::Drain(Duration::ZERO));
    // A last word for whoever speaks plainly comes first where there is one.
    let told = client.next();
    let told = if let Told::Text(_) = told { client.next() } else { told };
    assert_eq!(told, Told::Close(Code::Draining.close()));
    let close = wire::client::frame(Opcode::Close, &Code::Draining.close().to_be_bytes(), [0; 4]);
    client.stream.write_all(&close).unwrap();
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).expect("an end, not a reset");
    drop(client);
    let ended = world.runtime.block_on(world.house.shards.recv()).expect("the shard says so");
    assert!(ended.is_ok());
    assert!(TcpStream::connect(world.house.address).is_err());
}
