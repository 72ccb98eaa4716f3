//! Whoever reads slowly: bounded, told apart from whoever does not read at all (F10).

use std::time::Duration;

use wire::Opcode;

use super::world::{STALL_WITHIN, World, limits, numbered};
use crate::{Limits, Overfull};

const SMALL: usize = 64 * 1024;

fn small() -> World {
    World::with(Limits { outbox_bytes_max: SMALL, outbox_frames_max: 100, ..limits() })
}

#[test]
fn what_does_not_fit_into_the_outbox_is_named_and_the_rest_arrives() {
    let mut world = small();
    let (mut client, conn) = world.enter_narrow();
    let texts = numbered(400, 5000);
    let overfull = world.fan_out(&texts, &[(conn, 0)]);
    let [Overfull { conn: whose, from }] = overfull[..] else { panic!("{overfull:?}") };
    assert_eq!(whose, conn);
    assert!(0 < from && from < 400);
    assert!(world.net.outbox_bytes() <= SMALL + 5000, "{}", world.net.outbox_bytes());
    // Now there is room for nothing.
    assert_eq!(world.fan_out(&texts[..2], &[(conn, 1)]), [Overfull { conn, from: 1 }]);
    assert!(!world.net.send(conn, Opcode::Text, &[b'x'; 5000]));
    assert_eq!(client.frames(&mut world, from), texts[..from]);
    assert_eq!(world.hear(1), ["c0.0 unclogged"]);
    assert_eq!(world.net.outbox_bytes(), 0);
    assert!(world.net.send(conn, Opcode::Text, b"again"));
    assert_eq!(client.frames(&mut world, 1), ["again"]);
    assert!(world.ears.lines.is_empty(), "told once: {:?}", world.ears.lines);
}

#[test]
fn whoever_asks_is_told_when_everything_has_gone() {
    let mut world = small();
    let (mut client, conn) = world.enter_narrow();
    assert!(world.net.is_empty_or_tell(conn), "nothing was sent");
    let texts = numbered(12, 5000);
    assert!(world.fan_out(&texts, &[(conn, 0)]).is_empty());
    assert!(!world.net.is_empty_or_tell(conn));
    assert_eq!(client.frames(&mut world, 12), texts);
    assert_eq!(world.hear(1), ["c0.0 emptied"]);
    assert!(world.net.is_empty_or_tell(conn));
}

#[test]
fn frames_are_bounded_as_well_as_bytes() {
    let mut world = small();
    let (mut client, conn) = world.enter();
    world.turn_with(Duration::ZERO, |it| {
        for number in 0..100 {
            assert!(it.net.send(conn, Opcode::Text, format!("{number}").as_bytes()));
        }
        assert!(!it.net.send(conn, Opcode::Text, b"one too many"));
    });
    let expected: Vec<String> = (0..100).map(|it| it.to_string()).collect();
    assert_eq!(client.frames(&mut world, 100), expected);
    assert_eq!(world.hear(1), ["c0.0 unclogged"]);
}

#[test]
fn a_message_longer_than_the_outbox_passes_where_nothing_waits() {
    let mut world = small();
    let (mut client, conn) = world.enter();
    let long = numbered(1, 3 * SMALL);
    assert!(world.net.send(conn, Opcode::Text, long[0].as_bytes()));
    assert_eq!(client.frames(&mut world, 1), long);
    assert!(world.fan_out(&long, &[(conn, 0)]).is_empty());
    assert_eq!(client.frames(&mut world, 1), long);
}

#[test]
fn what_is_held_for_an_application_that_is_late_is_bounded_and_is_no_stall() {
    let mut world = small();
    let (mut client, conn) = world.enter();
    world.net.hold(conn);
    let texts = numbered(200, 2000);
    for one in &texts[..32] {
        assert!(world.fan_out(std::slice::from_ref(one), &[(conn, 0)]).is_empty());
    }
    assert_eq!(world.fan_out(&texts[32..34], &[(conn, 0)]), [Overfull { conn, from: 0 }]);
    for _ in 0..4 {
        world.pass(STALL_WITHIN);
    }
    assert!(world.ears.lines.is_empty(), "it reads: {:?}", world.ears.lines);
    world.net.release(conn);
    assert_eq!(client.frames(&mut world, 32), texts[..32]);
    assert_eq!(world.hear(1), ["c0.0 unclogged"]);
}

#[test]
fn whoever_does_not_read_at_all_is_noticed_at_the_deadline() {
    let mut world = small();
    let (_client, conn) = world.enter_narrow();
    world.fill(conn);
    world.pass(STALL_WITHIN - Duration::from_millis(1));
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.hear(1), ["c0.0 troubled Stalled"]);
    // The goodbye does not get through either.
    world.pass(super::world::GOODBYE_WITHIN);
    assert_eq!(world.net.socket_count(), 0);
}

#[test]
fn whoever_reads_a_little_is_not_stalled() {
    let mut world = small();
    let (mut client, conn) = world.enter_narrow();
    for _ in 0..4 {
        world.fill(conn);
        let waiting = world.net.outbox_bytes();
        world.until(|it| {
            client.read();
            it.net.outbox_bytes() < waiting
        });
        world.fill(conn);
        world.pass(STALL_WITHIN - Duration::from_secs(1));
        assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    }
}

/// The clock of a stall begins with what waits, not with what waited earlier.
#[test]
fn a_socket_that_fills_again_much_later_has_its_whole_time() {
    let mut world = small();
    let (mut client, conn) = world.enter_narrow();
    let texts = numbered(12, 5000);
    assert!(world.fan_out(&texts, &[(conn, 0)]).is_empty());
    world.turn();
    assert_eq!(client.frames(&mut world, 12), texts);
    world.pass(STALL_WITHIN - Duration::from_secs(1));
    world.fill(conn);
    world.pass(Duration::from_secs(1));
    world.pass(STALL_WITHIN - Duration::from_secs(2));
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
    world.pass(STALL_WITHIN);
    assert_eq!(world.hear(1), ["c0.0 troubled Stalled"]);
}

#[test]
fn a_goodbye_to_someone_slow_overtakes_what_waits() {
    let mut world = small();
    let (mut client, conn) = world.enter_narrow();
    let count = world.fill(conn).len();
    assert!(SMALL / 2 < world.net.outbox_bytes());
    world.net.close(conn, Some("too slow"), 4008, "", false);
    world.turn();
    assert!(world.net.outbox_bytes() < 5000 + 100, "{}", world.net.outbox_bytes());
    let mut frames = Vec::new();
    world.until(|_| {
        client.read();
        while let Some((opcode, _, payload)) = client.next() {
            frames.push((opcode, payload));
        }
        frames.last().is_some_and(|it| it.0 == Opcode::Close)
    });
    assert_eq!(frames[frames.len() - 2].1, b"too slow");
    assert!(frames.len() < count);
}
