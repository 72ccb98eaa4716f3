//! Frames in: order kept, nothing lost, whether it was paused or came in pieces.

use std::net::Shutdown;

use wire::{Deflater, Opcode, client::Flags};

use super::world::{Verdict, World, frame, numbered, text};
use crate::Compression;

#[test]
fn what_comes_while_reading_is_paused_is_heard_afterwards_in_order() {
    let mut world = World::new();
    world.ears.pause_after = Some("b");
    let (mut client, conn) = world.enter();
    client.send(&[text("a"), text("b"), text("c")].concat());
    assert_eq!(world.hear(2), ["c0.0 text a", "c0.0 text b"]);
    client.send(&text("d"));
    world.turn();
    client.send(&text("e"));
    world.turn();
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    world.net.resume(conn);
    assert_eq!(world.hear(3), ["c0.0 text c", "c0.0 text d", "c0.0 text e"]);
}

/// Its readiness was announced while nobody read, and will not be again.
#[test]
fn resuming_reads_what_was_announced_before() {
    let mut world = World::new();
    world.ears.pause_after = Some("a");
    let (mut client, conn) = world.enter();
    client.send(&text("a"));
    world.hear(1);
    client.send(&text("b"));
    (0..3).for_each(|_| world.turn());
    world.net.resume(conn);
    (0..3).for_each(|_| world.turn());
    assert_eq!(world.hear(1), ["c0.0 text b"]);
}

#[test]
fn pausing_again_and_again_loses_nothing() {
    let mut world = World::new();
    world.ears.pause_after = Some("stop");
    let (mut client, conn) = world.enter();
    client.send(&text("stop").repeat(20));
    client.stream.shutdown(Shutdown::Write).unwrap();
    for _ in 0..20 {
        assert_eq!(world.hear(1), ["c0.0 text stop"]);
        (0..2).for_each(|_| world.turn());
        assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
        world.net.resume(conn);
    }
    assert_eq!(world.hear(1), ["c0.0 lost"], "the end was announced while reading was paused");
}

#[test]
fn a_reset_is_noticed_although_reading_is_paused() {
    let mut world = World::new();
    world.ears.pause_after = Some("a");
    let (mut client, _) = world.enter();
    client.send(&text("a"));
    world.hear(1);
    socket2::SockRef::from(&client.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    assert_eq!(world.hear(1), ["c0.0 lost"]);
}

#[test]
fn more_than_a_buffer_full_is_read_although_it_is_announced_once() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    let texts = numbered(2000, 500);
    let bytes: Vec<u8> = texts.iter().flat_map(|it| text(it)).collect();
    client.send_long(&mut world, &bytes);
    let heard = world.hear(2000);
    let expected: Vec<String> = texts.iter().map(|it| format!("c0.0 text {}", &it[..24])).collect();
    assert_eq!(heard.len(), 2000);
    assert_eq!(heard, expected);
}

#[test]
fn a_message_may_arrive_byte_by_byte() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    for byte in [text("slowly"), frame(Opcode::Binary, &[0; 9])].concat() {
        client.send(&[byte]);
        world.turn();
    }
    assert_eq!(world.hear(2), ["c0.0 text slowly", "c0.0 binary 9"]);
}

#[test]
fn compressed_messages_are_heard_where_that_was_agreed() {
    let mut world = World::new();
    world.ears.verdict = Verdict::Open(Compression::Messages { window_bits: 12 });
    let (mut client, _) = world.enter();
    let mut smaller = Vec::new();
    Deflater::new(15).compress("smaller ".repeat(100).as_bytes(), &mut smaller);
    let mut bytes = Vec::new();
    let flags = Flags { fin: true, compressed: true };
    wire::client::frame_into(&mut bytes, Opcode::Text, &smaller, [9; 4], flags);
    client.send(&bytes);
    assert_eq!(world.hear(1), ["c0.0 text smaller smaller smaller "]);
}

#[test]
fn a_broken_frame_is_trouble_and_nothing_behind_it_is_heard() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    client.send(&[vec![0x83, 0x80, 0, 0, 0, 0], text("a")].concat());
    assert_eq!(world.hear(1).len(), 1);
    (0..3).for_each(|_| world.turn());
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    assert_eq!(client.frames(&mut world, 1), ["close 4000 trouble"]);
}
