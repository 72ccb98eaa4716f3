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
    assert_eq!(world.sessions.left_count, 0);
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
    assert_eq!(world.sessions.left_count, 0);
    let many = (0..3).map(|it| left(&format!("room:{it}"), 1)).collect();
    world.sessions.sit_only(place, seat(1), many);
    assert_eq!(rooms(&world.sessions, place, 1), None);
    world.sessions.sit_only(place, seat(1), vec![left("den", 1)]);
    assert_eq!(rooms(&world.sessions, place, 1), Some(vec!["den 1".to_owned()]));
    world.sessions.end(SessionId(1));
    assert_eq!(world.sessions.left_count, 0);
}
