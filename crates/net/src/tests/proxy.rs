//! Behind a proxy that says for whom it speaks.

use std::net::{IpAddr, SocketAddr};

use super::world::{World, request, text};
use crate::{Proxy, ProxyHeaders};

/// A grammar for tests: `<address>\n`, or a line that is empty for nobody; spoken by this machine
/// if it is a proxy.
#[derive(Debug)]
struct Lines {
    are_from_here: bool,
}

impl ProxyHeaders for Lines {
    fn are_from(&self, peer: IpAddr) -> bool {
        self.are_from_here && peer.is_loopback()
    }

    fn parse(&self, bytes: &[u8]) -> Proxy {
        let Some(end) = bytes.iter().position(|it| *it == b'\n') else { return Proxy::Incomplete };
        let line = std::str::from_utf8(&bytes[..end]).unwrap_or("no text");
        match line.parse::<SocketAddr>() {
            Ok(source) => Proxy::Whole { source: Some(source), bytes: end + 1 },
            Err(_) if line.is_empty() => Proxy::Whole { source: None, bytes: end + 1 },
            Err(_) => Proxy::Malformed,
        }
    }
}

fn world() -> World {
    let mut world = World::new();
    world.net.require_proxy_header(Box::new(Lines { are_from_here: true }));
    world.ears.verdict = super::world::Verdict::HandOff;
    world
}

fn peer(world: &mut World) -> SocketAddr {
    world.until(|it| it.ears.handoff.is_some());
    world.ears.handoff.take().unwrap().peer
}

#[test]
fn the_header_names_the_peer_however_it_arrives() {
    let mut world = world();
    let whole = [b"192.0.2.7:4711\n".to_vec(), request()].concat();
    let mut client = world.connect();
    client.send(&whole);
    assert_eq!(peer(&mut world), "192.0.2.7:4711".parse().unwrap());
    let mut client = world.connect();
    for byte in whole {
        client.send(&[byte]);
        world.turn();
    }
    assert_eq!(peer(&mut world), "192.0.2.7:4711".parse().unwrap());
}

#[test]
fn a_header_that_names_nobody_leaves_the_peer() {
    let mut world = world();
    let mut client = world.connect();
    client.send(&[b"\n".to_vec(), request()].concat());
    assert_eq!(peer(&mut world), client.stream.local_addr().unwrap());
}

#[test]
fn without_a_header_nobody_is_listened_to() {
    let mut world = world();
    let mut client = world.connect();
    client.send(&request());
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

/// H9: else anyone could say where they come from, and no limit of an address would hold.
#[test]
fn whoever_is_no_proxy_speaks_for_themself() {
    let mut world = world();
    world.net.require_proxy_header(Box::new(Lines { are_from_here: false }));
    let mut client = world.connect();
    client.send(&request());
    assert_eq!(peer(&mut world), client.stream.local_addr().unwrap());

    let mut liar = world.connect();
    liar.send(&[b"192.0.2.7:4711\n".to_vec(), request()].concat());
    world.until(|it| it.ears.lines.iter().any(|line| line.contains("Head(RequestLine)")));
    assert!(world.ears.handoff.is_none());
}

#[test]
fn whoever_leaves_in_the_middle_of_the_header_is_gone() {
    let mut world = world();
    let client = world.connect();
    world.turn();
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

#[test]
fn a_second_header_is_no_header() {
    let mut world = world();
    world.ears.verdict = super::world::Verdict::Open(crate::Compression::Off);
    let mut client = world.connect();
    client.send(&[b"192.0.2.7:4711\n".to_vec(), request(), text("192.0.2.8:1\n")].concat());
    assert_eq!(world.hear(2)[1], "c0.0 text 192.0.2.8:1\n");
}
