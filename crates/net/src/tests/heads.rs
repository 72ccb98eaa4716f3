//! From accept to verdict.

use std::{
    io::{Read, Write},
    net::Shutdown,
};

use super::world::{SWITCHED, Verdict, World, open_as, request, text};
use crate::{Compression, Handoff};

#[test]
fn a_head_may_arrive_byte_by_byte() {
    let mut world = World::new();
    let mut client = world.connect();
    let head = request();
    for byte in &head[..head.len() - 1] {
        client.send(&[*byte]);
        world.turn();
    }
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    client.send(&head[head.len() - 1..]);
    assert_eq!(world.hear(1), ["c0.0 knocked GET / HTTP/1.1"]);
    client.read_answer(&mut world);
}

#[test]
fn frames_in_the_packet_of_the_head_are_heard() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(&[request(), text("a"), text("b")].concat());
    assert_eq!(world.hear(3)[1..], ["c0.0 text a", "c0.0 text b"]);
}

#[test]
fn frames_that_come_before_the_verdict_are_heard_after_it() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Wait;
    let mut client = world.connect();
    let early = [request(), text("a"), text("b")].concat();
    let (first, rest) = early.split_at(early.len() - 3);
    client.send(first);
    assert_eq!(world.hear(1).len(), 1);
    client.send(rest);
    world.turn();
    assert!(world.ears.lines.is_empty());
    let conn = world.ears.knocked[0];
    world.net.open(conn, SWITCHED.to_vec(), open_as(Compression::Off));
    client.send(&text("c"));
    assert_eq!(world.hear(3), ["c0.0 text a", "c0.0 text b", "c0.0 text c"]);
}

#[test]
fn a_head_is_shown_again_on_demand() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Wait;
    let mut client = world.connect();
    client.send(&[request(), text("a")].concat());
    let first = world.hear(1);
    let conn = world.ears.knocked[0];
    world.net.knock(conn, &mut world.ears);
    assert_eq!(world.hear(1), first);
    world.ears.verdict = Verdict::Open(Compression::Off);
    world.net.knock(conn, &mut world.ears);
    assert_eq!(world.hear(2), ["c0.0 knocked GET / HTTP/1.1", "c0.0 text a"]);
    client.read_answer(&mut world);
}

#[test]
fn whoever_leaves_while_a_verdict_is_awaited_is_missed() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Wait;
    let mut client = world.connect();
    client.send(&request());
    world.hear(1);
    drop(client);
    assert_eq!(world.hear(1), ["c0.0 lost"]);
    assert_eq!(world.net.socket_count(), 0);
}

#[test]
fn whoever_leaves_before_having_asked_is_not_missed() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(b"GET / HT");
    world.turn();
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

#[test]
fn whoever_sends_on_and_on_while_a_verdict_is_awaited_is_stopped() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Wait;
    let mut client = world.connect();
    client.send(&request());
    world.hear(1);
    client.send_long(&mut world, &[b'x'; 100 * 1024]);
    assert_eq!(world.hear(1), ["c0.0 troubled Head(TooLarge)"]);
}

#[test]
fn a_greeting_that_is_not_http_is_told_at_once() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(b"\x16\x03\x01");
    assert_eq!(world.hear(1), ["c0.0 troubled Head(RequestLine)"]);
    client.read_to_end(&mut world);
    assert_eq!(client.bytes, super::world::LATE);
}

/// Threat H4, and a reset that would throw away what was said last.
#[test]
fn nothing_behind_a_refused_request_is_parsed_and_the_answer_arrives_whole() {
    let mut world = World::new();
    let answer = [b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec(), vec![b'n'; 100 * 1024]].concat();
    world.ears.verdict = Verdict::Refuse(answer.clone());
    let mut client = world.connect();
    client.send(&[request(), request(), text("a")].concat());
    client.send_long(&mut world, &vec![b'x'; 300 * 1024]);
    client.read_to_end(&mut world);
    assert_eq!(client.bytes, answer);
    assert_eq!(world.hear(1), ["c0.0 knocked GET / HTTP/1.1"]);
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
}

#[test]
fn whoever_asks_and_ends_its_side_is_still_answered() {
    let mut world = World::new();
    let answer = [b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec(), vec![b'n'; 100 * 1024]].concat();
    world.ears.verdict = Verdict::Refuse(answer.clone());
    let mut client = world.connect();
    client.send(&request());
    client.stream.shutdown(Shutdown::Write).unwrap();
    client.read_to_end(&mut world);
    assert_eq!(client.bytes, answer);
    assert_eq!(world.net.socket_count(), 0);
}

#[test]
fn a_socket_is_handed_off_with_all_its_bytes() {
    let mut world = World::new();
    world.ears.verdict = Verdict::HandOff;
    let mut client = world.connect();
    let request = b"POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbod";
    client.send(request);
    world.hear(1);
    let Handoff { mut stream, tls, already_read, peer } = world.ears.handoff.take().unwrap();
    assert_eq!(already_read, request);
    assert!(tls.is_none());
    assert_eq!(peer, client.stream.local_addr().unwrap());
    assert_eq!(world.net.socket_count(), 0);
    client.send(b"y comes");
    let mut rest = [0; 7];
    stream.set_nonblocking(false).unwrap();
    stream.read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b"y comes");
    stream.write_all(b"thanks").unwrap();
    drop(stream);
    client.read_to_end(&mut world);
    assert_eq!(client.bytes, b"thanks");
    assert!(world.ears.lines.is_empty());
}

#[test]
fn a_stale_id_finds_nobody_in_a_slot_that_is_used_again() {
    let mut world = World::new();
    let (client, first) = world.enter();
    drop(client);
    assert_eq!(world.hear(1), ["c0.0 lost"]);
    let (mut client, second) = world.enter();
    assert_eq!((first.slot(), second.slot()), (0, 0));
    assert_ne!(first.life(), second.life());
    assert!(world.net.send(first, wire::Opcode::Text, b"for the first"));
    world.net.close(first, None, 4000, "", false);
    world.net.discard(first);
    assert!(world.net.send(second, wire::Opcode::Text, b"for the second"));
    assert_eq!(client.frames(&mut world, 1), ["for the second"]);
}

#[test]
fn a_discarded_socket_is_gone_without_a_word() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.discard(conn);
    client.read_to_end(&mut world);
    assert!(client.bytes.is_empty());
    assert!(world.ears.lines.is_empty());
}
