//! What a user's further sessions come to (R22), and what the process can hold (F14).

use proto::SessionId;

use super::{World, identity, left, seat, seconds, visit};
use crate::{Bounds, Full, Policy, Sessions, Visit, WhenFull};

fn up_to(max: u32, when_full: WhenFull) -> World {
    World::new(Policy { max: Some(max), when_full, ..Policy::default() })
}

#[test]
fn without_a_limit_there_are_as_many_as_come() {
    let mut world = World::new(Policy::default());
    for number in 0..20 {
        world.begin(number.into(), "ann", number);
    }
    assert_eq!(world.sessions.live(), 20);
}

#[test]
fn one_too_many_is_refused() {
    let mut world = up_to(2, WhenFull::Refuse);
    world.begin(1, "ann", 1);
    world.begin(2, "ann", 2);
    assert_eq!(world.start(3, "ann", 3), None);
    world.begin(4, "bob", 4);
    assert_eq!(world.of("ann"), "1 2");
    assert_eq!(world.sessions.tally().refused, 1);
    world.sessions.end(SessionId(1));
    world.begin(5, "ann", 5);
    assert_eq!(world.of("ann"), "2 5");
}

#[test]
fn or_it_takes_the_place_of_the_oldest() {
    let mut world = up_to(2, WhenFull::Replace);
    world.begin(1, "ann", 1);
    // Older and younger is a matter of order and not of a clock (L10).
    world.moment.wall.0 -= 3600;
    world.begin(2, "ann", 2);
    assert_eq!(world.start(3, "ann", 3).unwrap().replaced, Some(seat(1)));
    assert_eq!(world.of("ann"), "2 3");
    assert_eq!(world.sessions.tally().replaced, 1);
}

/// Whoever is away counts, but never stands in the way of whoever comes.
#[test]
fn those_away_go_first_longest_first() {
    for when_full in [WhenFull::Refuse, WhenFull::Replace] {
        let mut world = up_to(3, when_full);
        let one = world.begin(1, "ann", 1);
        let two = world.begin(2, "ann", 2);
        world.begin(3, "ann", 3);
        world.lose(two, 2, Vec::new());
        world.pass(seconds(1));
        world.lose(one, 1, Vec::new());
        assert_eq!(world.of("ann"), "~1 ~2 3");
        assert_eq!(world.start(4, "ann", 4).unwrap().replaced, None);
        assert_eq!(world.of("ann"), "~1 3 4");
        assert_eq!(world.start(5, "ann", 5).unwrap().replaced, None);
        assert_eq!(world.of("ann"), "3 4 5");
        assert_eq!(world.start(6, "ann", 6).is_some(), when_full == WhenFull::Replace);
    }
}

#[test]
fn coming_back_needs_no_room() {
    let mut world = up_to(1, WhenFull::Refuse);
    let place = world.begin(1, "ann", 1);
    assert!(world.resume(1, "ann", 2).is_some());
    world.lose(place, 2, Vec::new());
    assert!(world.resume(1, "ann", 3).is_some());
    assert_eq!(world.of("ann"), "1");
}

#[test]
fn a_limit_is_for_one_route() {
    let mut world = up_to(1, WhenFull::Refuse);
    world.begin(1, "ann", 1);
    let ann = identity("ann");
    let visit = Visit { route: "another", ..visit(&ann, 2) };
    assert!(world.sessions.start(SessionId(2), &visit, &world.policy, world.moment).is_ok());
}

#[test]
fn the_process_holds_so_many_and_whoever_ends_first_makes_room() {
    let mut world = World::new(Policy::default());
    world.sessions = Sessions::new(Bounds { sessions_max: 3, ..Bounds::of_connections(3) });
    let one = world.begin(1, "ann", 1);
    world.begin(2, "bob", 2);
    world.lose(one, 1, Vec::new());
    world.begin(3, "cyd", 3);
    world.begin(4, "dan", 4);
    assert_eq!(world.of("ann"), "");
    let eve = identity("eve");
    let full = world.sessions.start(SessionId(5), &visit(&eve, 5), &world.policy, world.moment);
    assert_eq!(full, Err(Full::Server));
}

#[test]
fn a_user_has_a_bound_whatever_the_route_says() {
    let mut world = World::new(Policy::default());
    world.sessions = Sessions::new(Bounds { of_user_max: 2, ..Bounds::of_connections(100) });
    let one = world.begin(1, "ann", 1);
    world.begin(2, "ann", 2);
    assert_eq!(world.start(3, "ann", 3), None);
    world.lose(one, 1, Vec::new());
    assert!(world.start(3, "ann", 3).is_some());
    assert_eq!(world.of("ann"), "2 3");
}

/// Threat F14: channels are remembered up to a bound each and a bound in all.
#[test]
fn channels_are_remembered_within_bounds() {
    let mut world = World::new(Policy::default());
    let bounds = Bounds { channels_max: 2, left_max: 3, ..Bounds::of_connections(100) };
    world.sessions = Sessions::new(bounds);
    let many = vec![left("a", 1), left("b", 2), left("c", 3)];
    let ann = world.begin(1, "ann", 1);
    let bob = world.begin(2, "bob", 2);
    world.lose(ann, 1, many.clone());
    world.lose(bob, 2, many.clone());
    world.resume(1, "ann", 3);
    world.resume(2, "bob", 4);
    let kept = world.sessions.take_left(ann, seat(3)).unwrap();
    assert_eq!(kept, [left("a", 1), left("b", 2)]);
    assert_eq!(world.sessions.take_left(bob, seat(4)), Some(vec![]), "there was no room");
    world.lose(bob, 4, many);
    world.resume(2, "bob", 5);
    assert_eq!(world.sessions.take_left(bob, seat(5)).map(|it| it.len()), Some(2));
    assert_eq!(world.sessions.left_count, 0);
}
