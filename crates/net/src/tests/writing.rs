//! Frames out: one write per socket per turn, and in the order they were given.

use std::time::Duration;

use wire::Opcode;

use super::world::{World, numbered, text};

#[test]
fn what_was_sent_before_a_batch_arrives_before_it_and_in_one_write() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    let before = *world.net.tally();
    world.turn_with(Duration::ZERO, |it| {
        assert!(it.net.send(conn, Opcode::Text, b"first"));
        it.fan_out(&["a".to_owned(), "b".to_owned()], &[(conn, 0)]);
        assert!(it.net.send(conn, Opcode::Text, b"last"));
    });
    assert_eq!(client.frames(&mut world, 4), ["first", "a", "b", "last"]);
    let after = world.net.tally();
    assert_eq!(after.writes - before.writes, 1);
    assert_eq!(after.frames_out - before.frames_out, 4);
    assert_eq!(after.bytes_out - before.bytes_out, (2 + 5) + (2 + 1) * 2 + (2 + 4));
}

#[test]
fn a_turn_with_several_batches_is_one_write_for_each_socket() {
    let mut world = World::new();
    let (mut ann, in_both) = world.enter();
    let (mut bob, in_one) = world.enter();
    let before = world.net.tally().writes;
    world.turn_with(Duration::ZERO, |it| {
        it.net.announce([in_both].into_iter());
        it.net.announce([in_both, in_one].into_iter());
        it.fan_out(&["a1".to_owned(), "a2".to_owned()], &[(in_both, 0)]);
        it.fan_out(&["b1".to_owned()], &[(in_both, 0), (in_one, 0)]);
    });
    assert_eq!(ann.frames(&mut world, 3), ["a1", "a2", "b1"]);
    assert_eq!(bob.frames(&mut world, 1), ["b1"]);
    assert_eq!(world.net.tally().writes - before, 2);
}

#[test]
fn an_announcement_counts_for_its_turn_only() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.turn_with(Duration::ZERO, |it| it.net.announce([conn, conn].into_iter()));
    let before = world.net.tally().writes;
    world.turn_with(Duration::ZERO, |it| {
        it.fan_out(&["at once".to_owned()], &[(conn, 0)]);
        assert_eq!(it.net.tally().writes - before, 1, "before the end of the turn");
    });
    assert_eq!(client.frames(&mut world, 1), ["at once"]);
}

#[test]
fn publications_wait_behind_the_first_words_of_the_application() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.hold(conn);
    world.turn_with(Duration::ZERO, |it| {
        it.fan_out(&["p1".to_owned()], &[(conn, 0)]);
        assert!(it.net.send(conn, Opcode::Text, b"a1"));
    });
    world.turn_with(Duration::ZERO, |it| {
        it.fan_out(&["p2".to_owned(), "p3".to_owned()], &[(conn, 0)]);
        assert!(it.net.send(conn, Opcode::Text, b"a2"));
    });
    assert_eq!(client.frames(&mut world, 2), ["a1", "a2"]);
    world.turn_with(Duration::ZERO, |it| {
        it.net.release(conn);
        it.fan_out(&["p4".to_owned()], &[(conn, 0)]);
    });
    assert_eq!(client.frames(&mut world, 4), ["p1", "p2", "p3", "p4"]);
    world.fan_out(&["p5".to_owned()], &[(conn, 0)]);
    assert_eq!(client.frames(&mut world, 1), ["p5"]);
}

#[test]
fn what_is_held_is_told_before_a_goodbye() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.hold(conn);
    world.fan_out(&["p1".to_owned()], &[(conn, 0)]);
    world.net.close(conn, Some("sorry"), 4001, "why", false);
    world.turn();
    assert_eq!(client.frames(&mut world, 3), ["p1", "sorry", "close 4001 why"]);
}

#[test]
fn a_write_that_is_taken_in_part_goes_on_where_it_stopped() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    let long = numbered(20, 100_000);
    world.turn_with(Duration::ZERO, |it| {
        it.fan_out(&long[..8], &[(conn, 0)]);
    });
    assert!(0 < world.net.outbox_bytes(), "the socket takes two megabytes at once");
    let mut expected = long[..8].to_vec();
    for round in 0..5 {
        let short = format!("short {round}");
        world.turn_with(Duration::ZERO, |it| {
            assert!(it.net.send(conn, Opcode::Text, short.as_bytes()));
        });
        expected.push(short);
    }
    assert_eq!(client.frames(&mut world, expected.len()), expected);
    assert_eq!(world.net.outbox_bytes(), 0);
    world.fan_out(&long[8..9], &[(conn, 0)]);
    assert_eq!(client.frames(&mut world, 1), long[8..9]);
}

#[test]
fn a_batch_beyond_what_one_call_takes_arrives_whole() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    let texts = numbered(1500, 8);
    world.turn_with(Duration::ZERO, |it| {
        assert!(it.fan_out(&texts, &[(conn, 0)]).is_empty());
    });
    assert_eq!(client.frames(&mut world, 1500), texts);
}

#[test]
fn the_other_direction_goes_on_meanwhile() {
    let mut world = World::new();
    let (mut client, conn) = world.enter_narrow();
    world.fan_out(&numbered(5, 100_000), &[(conn, 0)]);
    world.turn();
    assert!(0 < world.net.outbox_bytes());
    client.send(&text("I do not read"));
    assert_eq!(world.hear(1), ["c0.0 text I do not read"]);
}
