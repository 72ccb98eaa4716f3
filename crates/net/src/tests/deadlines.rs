//! Deadlines, by a clock that is handed in.

use std::{net::TcpStream, time::Duration};

use wire::{Opcode, client::Flags};

use super::world::{
    GOODBYE_WITHIN, HEAD_WITHIN, LATE, MESSAGE_WITHIN, Verdict, World, frame, request, text,
};

const MOMENT: Duration = Duration::from_millis(1);

/// Threat H7: in all and not per read.
#[test]
fn a_head_has_to_be_whole_in_time_however_it_trickles() {
    let mut world = World::new();
    let mut client = world.connect();
    for byte in request().iter().take(9) {
        client.send(&[*byte]);
        world.pass(HEAD_WITHIN / 10);
    }
    world.pass(HEAD_WITHIN / 10 - MOMENT);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    world.pass(MOMENT);
    assert_eq!(world.hear(1), ["c0.0 troubled HeadLate"]);
    client.read_to_end(&mut world);
    assert_eq!(client.bytes, LATE);
}

#[test]
fn a_verdict_has_to_come_in_time_too() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Wait;
    let mut client = world.connect();
    client.send(&request());
    world.hear(1);
    world.pass(HEAD_WITHIN);
    assert_eq!(world.hear(1), ["c0.0 troubled HeadLate"]);
}

#[test]
fn whoever_is_in_has_passed_that_deadline() {
    let mut world = World::new();
    let (_client, _) = world.enter();
    world.pass(HEAD_WITHIN * 2);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

/// Threat F3.
#[test]
fn a_message_has_to_be_whole_in_time_and_a_ping_in_its_middle_buys_none() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    let flags = Flags { fin: false, compressed: false };
    let mut begun = Vec::new();
    wire::client::frame_into(&mut begun, Opcode::Text, b"begun", [0; 4], flags);
    client.send(&begun);
    world.turn();
    for _ in 0..9 {
        world.pass(MESSAGE_WITHIN / 10);
        client.send(&frame(Opcode::Ping, b""));
        assert_eq!(world.hear(1), ["c0.0 ping"]);
    }
    world.pass(MESSAGE_WITHIN / 10 - MOMENT);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    world.pass(MOMENT);
    assert_eq!(world.hear(1), ["c0.0 troubled MessageLate"]);
}

#[test]
fn messages_that_are_each_whole_in_time_are_in_time() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    let bytes = text("in two parts");
    for _ in 0..10 {
        client.send(&bytes[..9]);
        world.pass(MESSAGE_WITHIN / 2);
        client.send(&bytes[9..]);
        assert_eq!(world.hear(1), ["c0.0 text in two parts"]);
    }
    world.pass(MESSAGE_WITHIN * 2);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    client.send(&bytes[..9]);
    world.turn();
    world.pass(MESSAGE_WITHIN);
    world.pass(MESSAGE_WITHIN);
    assert_eq!(world.hear(1), ["c0.0 troubled MessageLate"]);
}

#[test]
fn whoever_does_not_answer_a_goodbye_is_left_alone() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.close(conn, None, 4001, "", false);
    world.turn();
    assert_eq!(client.frames(&mut world, 1), ["close 4001"]);
    // It goes on talking, and begins a message that it does not finish.
    client.send(&[text("but"), text("listen")[..7].to_vec()].concat());
    world.pass(GOODBYE_WITHIN - MOMENT);
    assert_eq!(world.net.socket_count(), 1);
    world.pass(MOMENT);
    assert_eq!(world.net.socket_count(), 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

#[test]
fn the_loop_wakes_for_the_next_deadline_by_itself() {
    let mut world = World::new();
    let _client = TcpStream::connect(world.address).unwrap();
    world.until(|it| it.net.socket_count() == 1);
    // A new socket is writable, which is an event.
    world.turn();
    let began = std::time::Instant::now();
    // A moment before the deadline, so that waiting for it takes a moment.
    let now = world.now + HEAD_WITHIN - Duration::from_millis(20);
    world.net.wait(None, now).unwrap();
    assert!(began.elapsed() < HEAD_WITHIN);
    assert!(Duration::from_millis(15) < began.elapsed());
}
