//! Goodbyes: ours first, theirs first, and none.

use std::{net::Shutdown, time::Duration};

use socket2::SockRef;
use wire::Opcode;

use super::world::{World, frame, text};

fn close(code: u16) -> Vec<u8> {
    frame(Opcode::Close, &code.to_be_bytes())
}

#[test]
fn our_goodbye_is_answered_and_the_stream_ends() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.close(conn, Some("closing"), 4001, "why", false);
    world.turn();
    assert_eq!(client.frames(&mut world, 2), ["closing", "close 4001 why"]);
    client.read();
    assert!(!client.has_ended, "not before theirs");
    client.send(&[text("late"), close(4001)].concat());
    client.read_to_end(&mut world);
    assert_eq!(world.net.socket_count(), 1, "until their stream ends as well");
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "nothing of it is told: {:?}", world.ears.lines);
}

#[test]
fn their_goodbye_is_answered_and_the_stream_ends() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    client.send(&[close(1000), text("after the end")].concat());
    assert_eq!(client.frames(&mut world, 1), ["close 1000"]);
    client.read_to_end(&mut world);
    assert_eq!(world.hear(1), ["c0.0 close Some(1000)"]);
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
}

#[test]
fn a_goodbye_and_the_end_of_the_stream_in_one_packet_is_answered() {
    let mut world = World::new();
    let (mut client, _) = world.enter();
    client.send(&close(1001));
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.frames(&mut world, 1), ["close 1001"]);
    client.read_to_end(&mut world);
    assert_eq!(world.net.socket_count(), 0);
    assert_eq!(world.hear(1), ["c0.0 close Some(1001)"]);
}

#[test]
fn whoever_ends_the_stream_or_breaks_it_is_lost_once() {
    let mut world = World::new();
    for is_reset in [false, true] {
        let (client, _) = world.enter();
        if is_reset {
            SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(client);
        let lines = world.hear(1);
        assert!(lines[0].ends_with(" lost"), "{lines:?}");
        assert_eq!(world.net.socket_count(), 0);
        (0..3).for_each(|_| world.turn());
        assert!(world.ears.lines.is_empty());
    }
}

#[test]
fn whoever_breaks_the_stream_while_leaving_is_not_missed() {
    let mut world = World::new();
    let (client, conn) = world.enter();
    world.net.close(conn, None, 4001, "", false);
    world.turn();
    SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    world.until(|it| it.net.socket_count() == 0);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

#[test]
fn a_goodbye_is_said_once() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.close(conn, None, 4001, "", false);
    world.net.close(conn, None, 4002, "", true);
    world.net.refuse(conn, b"no".to_vec());
    assert!(world.net.send(conn, Opcode::Text, b"more"));
    world.turn();
    assert_eq!(client.frames(&mut world, 1), ["close 4001"]);
    client.send(&close(4001));
    client.read_to_end(&mut world);
    assert_eq!(client.next(), None);
}

/// Whoever is paused would never be heard to say goodbye.
#[test]
fn whoever_was_paused_is_read_again_to_hear_its_goodbye() {
    let mut world = World::new();
    world.ears.pause_after = Some("a");
    let (mut client, conn) = world.enter();
    client.send(&[text("a"), text("b"), close(1000)].concat());
    world.hear(1);
    client.send(&close(1000));
    world.turn();
    world.net.close(conn, None, 4001, "", false);
    world.turn();
    assert_eq!(client.frames(&mut world, 1), ["close 4001"]);
    client.read_to_end(&mut world);
    assert!(world.ears.lines.is_empty(), "{:?}", world.ears.lines);
}

/// With nothing more awaited the stream ends behind the close frame.
#[test]
fn a_last_goodbye_ends_the_stream_at_once() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    client.send(&text("unread by then"));
    world.net.close(conn, None, 1002, "", true);
    world.turn();
    assert_eq!(client.frames(&mut world, 1), ["close 1002"]);
    client.read_to_end(&mut world);
}

#[test]
fn a_net_that_is_given_up_says_goodbye_to_all() {
    let mut world = World::new();
    let mut clients: Vec<_> = (0..5).map(|_| world.enter().0).collect();
    let knocking = world.connect();
    world.net.abandon(4500, "come back");
    for client in &mut clients {
        assert_eq!(client.frames(&mut world, 1), ["close 4500 come back"]);
        client.read_to_end(&mut world);
    }
    drop(knocking);
}
