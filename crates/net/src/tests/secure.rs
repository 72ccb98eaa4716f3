//! The same through TLS, against a client of rustls.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, TcpStream},
    sync::Arc,
};

use proto::ConnId;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use wire::{Opcode, client::Reader};

use super::world::{
    GOODBYE_WITHIN, HEAD_WITHIN, SWITCHED, Verdict, World, numbered, request, text,
};
use crate::{Proxy, ProxyHeaders};

/// Made for tests with openssl; guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("localhost.cert.der");
const KEY: &[u8] = include_bytes!("localhost.key.der");

fn world() -> World {
    let key = PrivateKeyDer::try_from(KEY).unwrap();
    let config = ServerConfig::builder_with_provider(default_provider().into())
        .with_protocol_versions(&[&TLS12, &TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key.clone_key())
        .unwrap();
    let mut world = World::new();
    world.net.speak_tls(Arc::new(config));
    world
}

/// The other end of a TLS connection. Does not block.
struct Client {
    stream: TcpStream,
    tls: ClientConnection,
    reader: Reader,
    bytes: Vec<u8>,
    has_ended: bool,
    /// Bytes handed to the socket at once.
    at_once: usize,
}

impl Client {
    fn new(world: &mut World, version: &'static SupportedProtocolVersion) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
        let config = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tls =
            ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        tls.set_buffer_limit(None);
        let stream = world.connect().stream;
        let (reader, bytes) = (Reader::default(), Vec::new());
        Self { stream, tls, reader, bytes, has_ended: false, at_once: usize::MAX }
    }

    fn enter(world: &mut World, version: &'static SupportedProtocolVersion) -> (Self, ConnId) {
        let mut client = Self::new(world, version);
        let count = world.ears.knocked.len();
        client.send(&request());
        world.until(|it| {
            client.go_on();
            count < it.ears.knocked.len() && SWITCHED.len() <= client.bytes.len()
        });
        assert!(client.bytes.starts_with(SWITCHED));
        client.bytes.drain(..SWITCHED.len());
        world.ears.lines.clear();
        (client, world.ears.knocked[count])
    }

    fn send(&mut self, bytes: &[u8]) {
        self.tls.writer().write_all(bytes).unwrap();
    }

    /// Writes and reads what goes without waiting.
    fn go_on(&mut self) {
        self.write_on();
        self.read();
    }

    fn write_on(&mut self) {
        while self.tls.wants_write() {
            let mut narrow = Narrow(&mut self.stream, self.at_once);
            match self.tls.write_tls(&mut narrow) {
                Ok(_) if self.at_once == usize::MAX => {}
                Ok(_) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("write: {error}"),
            }
        }
    }

    fn read(&mut self) {
        loop {
            match self.tls.read_tls(&mut self.stream) {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("read: {error}"),
            }
            self.tls.process_new_packets().unwrap();
            match self.tls.reader().read_to_end(&mut self.bytes) {
                Ok(_) => self.has_ended = true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "an end without a word");
                }
            }
            if self.has_ended {
                return;
            }
        }
    }

    fn frames(&mut self, world: &mut World, count: usize) -> Vec<String> {
        let mut frames = Vec::new();
        world.until(|_| {
            self.go_on();
            self.reader.feed(&std::mem::take(&mut self.bytes));
            while let Some(frame) = self.reader.next().unwrap() {
                let is_close = frame.opcode == Opcode::Close;
                let text = if is_close { b"close" } else { frame.payload };
                frames.push(String::from_utf8_lossy(text).into_owned());
            }
            count <= frames.len()
        });
        frames
    }
}

struct Narrow<'a>(&'a mut TcpStream, usize);

impl Write for Narrow<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(self.1)])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

#[test]
fn a_handshake_may_arrive_byte_by_byte() {
    for version in VERSIONS {
        let mut world = world();
        let mut client = Client::new(&mut world, version);
        client.at_once = 1;
        client.send(&[request(), text("a")].concat());
        while world.ears.lines.len() < 2 {
            client.go_on();
            world.turn();
        }
        assert_eq!(world.ears.lines[1], "c0.0 text a");
    }
}

#[test]
fn long_messages_go_both_ways() {
    for version in VERSIONS {
        let mut world = world();
        let (mut client, conn) = Client::enter(&mut world, version);
        let long = numbered(3, 700_000);
        for one in &long {
            client.send(&text(one));
        }
        world.until(|it| {
            client.go_on();
            it.ears.lines.len() == 3
        });
        for one in &long {
            assert!(world.net.send(conn, Opcode::Text, one.as_bytes()));
            world.turn();
            assert!(0 < world.net.outbox_bytes(), "it is parked, not swallowed");
            assert_eq!(client.frames(&mut world, 1), std::slice::from_ref(one));
        }
        assert_eq!(world.net.outbox_bytes(), 0);
    }
}

/// One record and one system call for what is short.
#[test]
fn a_turn_is_one_write_and_its_order_is_kept() {
    let mut world = world();
    let (mut client, conn) = Client::enter(&mut world, &TLS13);
    let writes = world.net.tally().writes;
    world.turn_with(std::time::Duration::ZERO, |it| {
        assert!(it.net.send(conn, Opcode::Text, b"first"));
        it.fan_out(&["a".to_owned(), "b".to_owned()], &[(conn, 0)]);
    });
    assert_eq!(client.frames(&mut world, 3), ["first", "a", "b"]);
    assert_eq!(world.net.tally().writes - writes, 1);
}

#[test]
fn what_comes_while_reading_is_paused_is_heard_afterwards() {
    let mut world = world();
    world.ears.pause_after = Some("a");
    let (mut client, conn) = Client::enter(&mut world, &TLS13);
    // More than one record, so that plaintext waits in rustls, which no readiness will announce.
    client.send(&[text("a"), text(&"b".repeat(20_000)), text("c")].concat());
    client.go_on();
    assert_eq!(world.hear(1), ["c0.0 text a"]);
    (0..3).for_each(|_| world.turn());
    assert!(world.ears.lines.is_empty());
    world.net.resume(conn);
    let b = format!("c0.0 text {}", "b".repeat(24));
    assert_eq!(world.hear(2), [b.as_str(), "c0.0 text c"]);
}

/// The end of the stream comes behind what rustls still buffers, or it would be cut off.
#[test]
fn a_goodbye_behind_a_backlog_arrives_whole_and_ends_with_a_close_notify() {
    for version in VERSIONS {
        let mut world = world();
        let (mut client, conn) = Client::enter(&mut world, version);
        let texts = numbered(4, 100_000);
        world.turn_with(std::time::Duration::ZERO, |it| {
            it.fan_out(&texts, &[(conn, 0)]);
        });
        world.net.close(conn, None, 4001, "", true);
        world.turn();
        let frames = client.frames(&mut world, 5);
        assert_eq!(frames[..4], texts);
        assert_eq!(frames[4], "close");
        world.until(|_| {
            client.go_on();
            client.has_ended
        });
    }
}

#[test]
fn whoever_half_closes_is_answered() {
    let mut world = world();
    let mut answer = b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec();
    answer.resize(300_000, b'n');
    world.ears.verdict = Verdict::Refuse(answer.clone());
    let mut client = Client::new(&mut world, &TLS13);
    world.until(|_| {
        client.go_on();
        !client.tls.is_handshaking()
    });
    client.send(&request());
    client.tls.send_close_notify();
    world.until(|_| {
        client.go_on();
        client.has_ended
    });
    assert_eq!(client.bytes.len(), answer.len());
    assert_eq!(client.bytes, answer);
}

#[test]
fn a_socket_is_handed_off_with_its_session() {
    let mut world = world();
    world.ears.verdict = Verdict::HandOff;
    let mut client = Client::new(&mut world, &TLS13);
    client.send(b"GET / HTTP/1.1\r\n\r\nrest");
    world.until(|it| {
        client.go_on();
        it.ears.handoff.is_some()
    });
    let mut handoff = world.ears.handoff.take().unwrap();
    assert_eq!(handoff.already_read, b"GET / HTTP/1.1\r\n\r\nrest");
    let mut tls = handoff.tls.take().unwrap();
    tls.writer().write_all(b"hello").unwrap();
    tls.write_tls(&mut handoff.stream).unwrap();
    world.until(|_| {
        client.go_on();
        client.bytes == b"hello"
    });
}

#[test]
fn a_session_goes_on_at_the_shard_that_takes_its_socket_over() {
    let (mut there, mut here) = (world(), world());
    there.ears.verdict = Verdict::HandOff;
    let mut client = Client::new(&mut there, &TLS13);
    client.send(&request());
    there.until(|it| {
        client.go_on();
        it.ears.handoff.is_some()
    });
    here.net.take_over(there.ears.handoff.take().unwrap(), &mut here.ears);
    client.send(&text("hello"));
    here.until(|it| {
        client.go_on();
        it.ears.lines.len() == 2
    });
    assert_eq!(here.ears.lines, ["c0.0 knocked GET / HTTP/1.1", "c0.0 text hello"]);
    let conn = here.ears.knocked[0];
    assert!(here.net.send(conn, Opcode::Text, b"welcome"));
    here.until(|_| {
        client.go_on();
        client.bytes.ends_with(b"welcome")
    });
    assert!(client.bytes.starts_with(SWITCHED));
}

#[test]
fn a_handshake_that_is_begun_and_left_ends_with_the_deadline() {
    let mut world = world();
    let mut client = Client::new(&mut world, &TLS13);
    client.at_once = 100;
    client.write_on();
    world.turn();
    world.pass(HEAD_WITHIN);
    assert_eq!(world.hear(1), ["c0.0 troubled HeadLate"]);
    world.pass(GOODBYE_WITHIN);
    assert_eq!(world.net.socket_count(), 0);
}

#[test]
fn what_is_no_tls_is_shut_out() {
    let mut world = world();
    let mut client = world.connect();
    client.send(&request());
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    client.read_to_end(&mut world);
}

#[test]
fn a_proxy_header_comes_before_the_handshake() {
    #[derive(Debug)]
    struct Letters;

    impl ProxyHeaders for Letters {
        fn are_from(&self, _peer: IpAddr) -> bool {
            true
        }

        fn parse(&self, bytes: &[u8]) -> Proxy {
            match bytes {
                [b'x', b'y', ..] => Proxy::Whole { source: "192.0.2.7:1".parse().ok(), bytes: 2 },
                _ => Proxy::Incomplete,
            }
        }
    }
    let mut world = world();
    world.net.require_proxy_header(Box::new(Letters));
    world.ears.verdict = Verdict::HandOff;
    let mut client = Client::new(&mut world, &TLS12);
    client.stream.write_all(b"x").unwrap();
    world.turn();
    client.stream.write_all(b"y").unwrap();
    client.send(&request());
    world.until(|it| {
        client.go_on();
        it.ears.handoff.is_some()
    });
    let handoff = world.ears.handoff.take().unwrap();
    assert_eq!(handoff.peer, "192.0.2.7:1".parse().unwrap());
    assert_eq!(handoff.already_read, request());
}
