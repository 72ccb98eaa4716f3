//! New sockets, as many as there may be.

use std::{net::TcpStream, time::Duration};

use super::world::{World, limits};
use crate::Limits;

#[test]
fn beyond_the_most_sockets_newcomers_wait_until_one_closes() {
    let mut world = World::with(Limits { sockets_max: 2, ..limits() });
    let first = world.connect();
    let _second = world.connect();
    let _third = TcpStream::connect(world.address).unwrap();
    world.until(|it| 0 < it.net.tally().accept_failures);
    let failures = world.net.tally().accept_failures;
    // It is not tried again and again in between.
    (0..10).for_each(|_| world.turn());
    assert_eq!(world.net.tally().accept_failures, failures);
    assert_eq!(world.net.socket_count(), 2);
    drop(first);
    world.until(|it| it.net.socket_count() == 1);
    assert_eq!(world.net.tally().accepted, 2);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.net.tally().accepted, 3);
}

#[test]
fn the_wait_for_a_place_doubles_up_to_a_second() {
    let mut world = World::with(Limits { sockets_max: 1, ..limits() });
    let _first = world.connect();
    let _second = TcpStream::connect(world.address).unwrap();
    world.until(|it| it.net.tally().accept_failures == 1);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let (failures, before) = (world.net.tally().accept_failures, world.now);
        while world.net.tally().accept_failures == failures {
            world.pass(Duration::from_millis(50));
        }
        waits.push((world.now - before).as_millis());
    }
    assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
}

#[test]
fn after_the_last_accept_the_port_is_free() {
    let mut world = World::new();
    let (mut client, conn) = world.enter();
    world.net.stop_accepting();
    assert!(TcpStream::connect(world.address).is_err());
    assert!(world.net.send(conn, wire::Opcode::Text, b"still here"));
    assert_eq!(client.frames(&mut world, 1), ["still here"]);
}
