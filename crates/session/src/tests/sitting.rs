//! Where live sessions sit, and what a crash leaves of that.

use std::collections::BTreeMap;

use proto::SessionId;

use super::{ROUTE, World, left, seat, seconds};
use crate::{Bounds, Left, Place, Policy, Sessions};

fn sit(world: &mut World, place: Place, room: Left) {
    world.sessions.sit(place, seat(1), room.0, room.1);
}

fn rooms(sessions: &Sessions, place: Place, conn: u32) -> Option<Vec<String>> {
    let rooms = sessions.rooms(place, seat(conn))?;
    let one = |it: &Left| format!("{} {}", it.0, it.1.map_or(0, |it| it.offset.0));
    Some(rooms.iter().map(one).collect())
}

/// Channels that are remembered: left, and noted.
fn counts(world: &World) -> (usize, usize) {
    (world.sessions.left_count, world.sessions.noted_count)
}

#[test]
fn where_a_session_sits_survives_its_connection_and_a_crash() {
    let mut world = World::new(Policy::default());
    let place = world.begin(1, "ann", 1);
    assert_eq!(rooms(&world.sessions, place, 1), None);
    let (den, _) = left("den", 0);
    world.sessions.sit(place, seat(1), den, None);
    sit(&mut world, place, left("den", 3));
    sit(&mut world, place, left("lobby", 5));
    sit(&mut world, place, left("hall", 7));
    world.sessions.rise(place, seat(1), &left("lobby", 5).0);
    let expected = Some(vec!["den 3".to_owned(), "hall 7".to_owned()]);
    assert_eq!(rooms(&world.sessions, place, 1), expected);
    assert_eq!(rooms(&world.sessions, place, 2), None, "another connection's");

    let rows: BTreeMap<_, _> =
        world.sessions.changes(10).into_iter().map(|it| (it.key, it.value.unwrap())).collect();
    let mut next = World::new(world.policy);
    next.moment = world.moment;
    let grace_of = |route: &str| (route == ROUTE).then_some(seconds(60));
    assert_eq!(next.sessions.restore(rows, grace_of, next.moment), (1, Vec::new()));
    let place_then = next.resume(1, "ann", 2).unwrap().place;
    assert_eq!(rooms(&next.sessions, place_then, 2), expected);

    world.lose(place, 1, Vec::new());
    let place = world.resume(1, "ann", 3).unwrap().place;
    assert_eq!(rooms(&world.sessions, place, 3), expected);
    world.sessions.sit_only(place, seat(3), Vec::new());
    assert_eq!(rooms(&world.sessions, place, 3), None);
    assert_eq!(counts(&world), (0, 0));
}

/// Threat F14. Whoever has more rooms than are remembered is not told that it has those which are.
#[test]
fn more_than_may_be_remembered_is_as_good_as_nothing() {
    let mut world = World::new(Policy::default());
    world.sessions = Sessions::new(Bounds { channels_max: 2, ..Bounds::of_connections(100) });
    let place = world.begin(1, "ann", 1);
    for number in 0..4 {
        sit(&mut world, place, left(&format!("room:{number}"), 1));
    }
    assert_eq!(rooms(&world.sessions, place, 1), None);
    assert_eq!(counts(&world), (0, 0));
    let many = (0..3).map(|it| left(&format!("room:{it}"), 1)).collect();
    world.sessions.sit_only(place, seat(1), many);
    assert_eq!(rooms(&world.sessions, place, 1), None);
    world.sessions.sit_only(place, seat(1), vec![left("den", 1)]);
    assert_eq!(rooms(&world.sessions, place, 1), Some(vec!["den 1".to_owned()]));
    world.sessions.end(SessionId(1));
    assert_eq!(counts(&world), (0, 0));
}

/// Threat F14. Who is here takes no room from those who come back, and they take none from it.
#[test]
fn rooms_of_live_sessions_and_what_others_left_have_bounds_of_their_own() {
    let mut world = World::new(Policy::default());
    let bounds = Bounds { left_max: 4, rooms_max: 4, ..Bounds::of_connections(100) };
    world.sessions = Sessions::new(bounds);
    let live = world.begin(1, "ann", 1);
    for number in 0..4 {
        sit(&mut world, live, left(&format!("room:{number}"), 1));
    }
    let native = world.begin(2, "bob", 2);
    let channels: Vec<Left> = (0..4).map(|it| left(&format!("den:{it}"), 9)).collect();
    world.lose(native, 2, channels.clone());
    let native = world.resume(2, "bob", 3).unwrap().place;
    assert_eq!(counts(&world), (4, 4));
    assert_eq!(rooms(&world.sessions, live, 1).unwrap().len(), 4);

    // One that goes away needs room among those who come back; with none it begins anew.
    world.lose(live, 1, Vec::new());
    assert_eq!(counts(&world), (4, 0));
    let live = world.resume(1, "ann", 4).unwrap().place;
    assert_eq!(rooms(&world.sessions, live, 4), None);
    assert_eq!(world.sessions.take_left(native, seat(3)), Some(channels));
    world.sessions.sit_only(live, seat(4), (0..4).map(|it| left(&format!("r:{it}"), 1)).collect());
    assert_eq!(counts(&world), (0, 4));
    world.lose(live, 4, Vec::new());
    assert_eq!(counts(&world), (4, 0));
    let live = world.resume(1, "ann", 5).unwrap().place;
    assert_eq!(rooms(&world.sessions, live, 5).unwrap().len(), 4);
    world.sessions.sit_only(live, seat(5), vec![left("r:1", 1)]);
    assert_eq!(counts(&world), (0, 1), "instead of what it has come back with");

    // Too many rooms of all together are as good as none, for whoever comes last.
    let many = world.begin(3, "cleo", 6);
    for number in 0..4 {
        let (room, at) = left(&format!("room:{number}"), 1);
        world.sessions.sit(many, seat(6), room, at);
    }
    assert_eq!(rooms(&world.sessions, many, 6), None);
    assert_eq!(rooms(&world.sessions, live, 5).unwrap().len(), 1);
    for id in 1..4 {
        world.sessions.end(SessionId(id));
    }
    assert_eq!(counts(&world), (0, 0));
}
