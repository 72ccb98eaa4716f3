//! Places without a socket, and sockets that come from another shard.

use wire::Opcode;

use super::world::{Verdict, World, request, text};

#[test]
fn a_place_without_a_socket_is_nobody_elses_until_it_is_given_back() {
    let mut world = World::new();
    let place = world.net.reserve();
    let (_client, conn) = world.enter();
    assert_ne!(conn.slot(), place.slot());
    assert_eq!(world.net.socket_count(), 1);
    // What is sent there goes nowhere, and nothing is wrong with it.
    assert!(world.net.send(place, Opcode::Text, b"nobody"));
    world.net.pause(place);
    world.net.close(place, None, 1000, "", false);
    assert!(world.net.is_empty_or_tell(place));

    world.net.free(place);
    // Once, and only where it means something.
    world.net.free(place);
    world.net.free(conn);
    let again = world.net.reserve();
    assert_eq!((again.slot(), again.life()), (place.slot(), place.life() + 1));
    assert_ne!(world.net.reserve().slot(), again.slot());
    assert!(world.net.send(conn, Opcode::Text, b"still here"));
}

#[test]
fn whoever_comes_from_another_shard_is_shown_as_if_it_had_come_here() {
    let (mut there, mut here) = (World::new(), World::new());
    there.ears.verdict = Verdict::HandOff;
    let mut client = there.connect();
    // What follows the head at once comes along.
    client.send(&[request(), text("early")].concat());
    there.until(|it| it.ears.handoff.is_some());
    let handoff = there.ears.handoff.take().unwrap();
    assert_eq!(there.net.socket_count(), 0);

    here.net.take_over(handoff, &mut here.ears);
    client.send(&text("late"));
    let heard = here.hear(3);
    let told: Vec<&str> = heard.iter().filter_map(|it| it.split_once(' ')).map(|it| it.1).collect();
    assert_eq!(told, ["knocked GET / HTTP/1.1", "text early", "text late"]);
    let conn = here.ears.knocked[0];
    assert!(here.net.send(conn, Opcode::Text, b"welcome"));
    client.read_answer(&mut here);
    assert_eq!(client.frames(&mut here, 1), ["welcome"]);
}
