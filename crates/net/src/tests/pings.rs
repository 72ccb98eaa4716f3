//! Pings: answered, counted, and answered once for many to whoever does not read (F9).

use std::time::Duration;

use wire::Opcode;

use super::world::{World, frame, limits, text};
use crate::Limits;

#[test]
fn every_ping_of_someone_who_reads_is_answered() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    let pings: Vec<u8> = (0..10_u8).flat_map(|it| frame(Opcode::Ping, &[b'0' + it])).collect();
    client.send(&pings);
    let expected: Vec<String> = (0..10).map(|it| format!("pong {it}")).collect();
    assert_eq!(client.frames(&mut world, 10), expected);
}

#[test]
fn more_than_fifty_pings_in_a_second_are_too_many() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    client.send(&frame(Opcode::Ping, b"").repeat(50));
    assert_eq!(world.hear(50), vec!["c0.0 ping"; 50]);
    world.pass(Duration::from_secs(1));
    client.send(&frame(Opcode::Pong, b"").repeat(50));
    assert_eq!(world.hear(50), vec!["c0.0 pong"; 50]);
    client.send(&[frame(Opcode::Pong, b""), text("a")].concat());
    assert_eq!(world.hear(1), ["c0.0 troubled TooManyPings"]);
    (0..3).for_each(|_| world.turn());
    assert!(world.ears.lines.is_empty(), "what follows is not heard: {:?}", world.ears.lines);
}

#[test]
fn whoever_pings_and_does_not_read_finds_the_last_answer_only() {
    let mut world = World::with(Limits { outbox_bytes_max: 200_000, ..limits() });
    let (mut client, conn) = world.enter_narrow();
    let texts = world.fill(conn);
    let waiting = world.net.outbox_bytes();
    for round in 0..20_u8 {
        for ping in 0..40_u8 {
            client.send(&frame(Opcode::Ping, &[b'a' + round, b'0' + ping]));
        }
        world.hear(40);
        world.pass(Duration::from_secs(1));
        let now_waiting = world.net.outbox_bytes();
        assert!(now_waiting <= waiting + 4, "round {round}: {now_waiting} after {waiting}");
    }
    let frames = client.frames(&mut world, texts.len() + 1);
    let pongs: Vec<&String> = frames.iter().filter(|it| it.starts_with("pong")).collect();
    assert_eq!(pongs, ["pong tW"], "the last ping of the last round");
    let rest: Vec<&String> = frames.iter().filter(|it| !it.starts_with("pong")).collect();
    assert_eq!(rest, texts.iter().collect::<Vec<_>>());
    let behind = frames.iter().rev().position(|it| it.starts_with("pong"));
    assert!(Some(30) < behind, "it waits for one frame and not for all: {behind:?}");
}
