//! Coming back (R24), with a good token and without.

use proto::{SessionId, UnixTime};

use super::{ROUTE, WALL, World, identity, left, seat, seconds, visit};
use crate::Policy;

fn world() -> World {
    World::new(Policy::default())
}

#[test]
fn a_session_survives_a_reconnect_with_its_channels() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    world.pass(seconds(10));
    world.lose(place, 1, vec![left("den", 7)]);
    assert_eq!(world.of("ann"), "~1");
    let view = world.sessions.find(SessionId(1), world.moment.wall).unwrap();
    assert_eq!(view.last_active, UnixTime(WALL + 10));
    assert_eq!(view.until, Some(UnixTime(WALL + 70)));
    world.pass(seconds(59));
    let resumed = world.resume(1, "ann", 2).unwrap();
    assert_eq!((resumed.place, resumed.replaced), (place, None));
    assert_eq!(world.of("ann"), "1");
    assert_eq!(world.sessions.take_left(place, seat(2)), Some(vec![left("den", 7)]));
    assert_eq!(world.sessions.take_left(place, seat(2)), Some(vec![]), "once");
    assert_eq!(world.sessions.take_left(place, seat(1)), None, "not by the connection before");
}

#[test]
fn a_session_ends_with_its_grace() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    world.lose(place, 1, vec![left("den", 7)]);
    world.pass(seconds(60));
    // Whether it has been swept or not.
    assert_eq!(world.resume(1, "ann", 2), None);
    assert_eq!(world.borrow(1, 2), None);
    assert_eq!(world.sessions.sweep(world.moment.now), 1);
    assert_eq!(world.of("ann"), "");
    assert_eq!((world.sessions.live(), world.sessions.away()), (0, 0));
}

/// Threat A13: nobody else's token, and no other route, finds it; and nothing happens to it.
#[test]
fn another_user_finds_nothing() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    world.lose(place, 1, vec![left("den", 7)]);
    assert_eq!(world.resume(1, "bob", 2), None);
    assert_eq!(world.resume(2, "ann", 2), None);
    let bob = identity("bob").user.clone();
    let (id, now) = (SessionId(1), world.moment.now);
    assert!(world.sessions.standing(id, Some(&bob), ROUTE, now).is_none());
    assert!(world.sessions.standing(id, None, "another route", now).is_none());
    assert_eq!(world.of("ann"), "~1");
    assert!(world.resume(1, "ann", 3).is_some());
}

#[test]
fn a_connection_that_is_still_there_is_replaced() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    let resumed = world.resume(1, "ann", 2).unwrap();
    assert_eq!(resumed.replaced, Some(seat(1)));
    // The news of its end come later, and harm nothing; its channels are the session's.
    world.lose(place, 1, vec![left("den", 7)]);
    assert_eq!(world.of("ann"), "1");
    assert_eq!(world.sessions.take_left(place, seat(2)), Some(vec![left("den", 7)]));
    world.sessions.part(place, seat(1));
    assert_eq!(world.of("ann"), "1");
    world.sessions.part(place, seat(2));
    assert_eq!(world.of("ann"), "");
}

/// Without a good token a session is lent for the rest of its grace, however often.
#[test]
fn borrowing_prolongs_nothing() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    assert_eq!(world.borrow(1, 2), None, "it is not away");
    world.lose(place, 1, vec![left("den", 7)]);
    for conn in 2..5 {
        world.pass(seconds(10));
        assert!(world.borrow(1, conn).is_some());
        let until = world.sessions.find(SessionId(1), world.moment.wall).unwrap().until;
        assert_eq!(until, Some(UnixTime(WALL + 60)));
        world.lose(place, conn, Vec::new());
    }
    world.pass(seconds(30));
    assert_eq!(world.borrow(1, 9), None);
}

#[test]
fn a_good_token_makes_a_borrowed_session_ones_own() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    world.lose(place, 1, vec![left("den", 7)]);
    world.pass(seconds(50));
    assert!(world.borrow(1, 2).is_some());
    world.sessions.renew(place, seat(2), &identity("bob"));
    world.sessions.renew(place, seat(9), &identity("ann"));
    assert!(world.sessions.find(SessionId(1), world.moment.wall).unwrap().until.is_some());
    world.sessions.renew(place, seat(2), &identity("ann"));
    world.pass(seconds(100));
    world.lose(place, 2, Vec::new());
    world.pass(seconds(59));
    assert!(world.resume(1, "ann", 3).is_some());
    let channels = world.sessions.take_left(place, seat(3)).unwrap();
    assert_eq!(channels, [left("den", 7)], "nobody had asked for them");
}

/// The slot has another life by then.
#[test]
fn a_place_of_one_that_has_ended_finds_nobody() {
    let mut world = world();
    let place = world.begin(1, "ann", 1);
    assert_eq!(world.sessions.end(SessionId(1)), Some(Some(seat(1))));
    assert_eq!(world.sessions.end(SessionId(1)), None);
    let other = world.begin(2, "bob", 1);
    assert_ne!(place, other);
    world.lose(place, 1, vec![left("den", 7)]);
    assert_eq!(world.of("bob"), "2");
}

/// Threat L10: the wall clock only labels.
#[test]
fn a_clock_that_jumps_ends_no_session() {
    for jump in [-3600_i64, 3600] {
        let mut world = world();
        let place = world.begin(1, "ann", 1);
        world.lose(place, 1, Vec::new());
        world.moment.wall = UnixTime(WALL.saturating_add_signed(jump));
        world.pass(seconds(59));
        assert_eq!(world.sessions.sweep(world.moment.now), 0);
        assert!(world.borrow(1, 2).is_some(), "{jump}");
    }
}

#[test]
fn what_is_shown_of_a_client_is_shared_and_let_go() {
    let mut world = world();
    let ann = identity("ann");
    for number in 0..50 {
        let device = Some("phone").filter(|_| number % 2 == 0);
        let visit = crate::Visit { device, ..visit(&ann, number) };
        let id = SessionId(number.into());
        world.sessions.start(id, &visit, &Policy::default(), world.moment).unwrap();
    }
    let view = world.sessions.find(SessionId(2), world.moment.wall).unwrap();
    assert_eq!((view.route, view.agent, view.device), (ROUTE, Some("Mozilla/5.0"), Some("phone")));
    assert_eq!(world.sessions.profiles.counts(), (2, 3));
    for number in 0..50 {
        world.sessions.end(SessionId(number));
    }
    assert_eq!(world.sessions.profiles.counts(), (0, 0));
}

/// For whoever connects first and says afterwards which session they had.
#[test]
fn what_another_session_of_ones_own_left_can_be_claimed() {
    let mut world = world();
    let before = world.begin(1, "ann", 1);
    let bobs = world.begin(2, "bob", 2);
    world.lose(before, 1, vec![left("den", 7)]);
    world.lose(bobs, 2, vec![left("lobby", 3)]);
    let now = world.begin(3, "ann", 3);
    let claim = |world: &mut World, id, conn| {
        world.sessions.claim(SessionId(id), now, seat(conn), world.moment)
    };
    assert_eq!(claim(&mut world, 2, 3), None, "it is bob's (A13)");
    assert_eq!(claim(&mut world, 9, 3), None);
    assert_eq!(claim(&mut world, 1, 4), None, "not this connection's to ask");
    assert_eq!(claim(&mut world, 1, 3), Some(vec![left("den", 7)]));
    assert_eq!(claim(&mut world, 1, 3), None, "once");
    assert_eq!((world.of("ann").as_str(), world.of("bob").as_str()), ("3", "~2"));
    assert_eq!(claim(&mut world, 3, 3), Some(vec![]), "its own, with nothing left");
    world.lose(now, 3, vec![left("den", 8)]);
    world.resume(3, "ann", 4).unwrap();
    assert_eq!(claim(&mut world, 3, 4), Some(vec![left("den", 8)]));
    let live = world.begin(5, "ann", 5);
    assert_eq!(world.sessions.claim(SessionId(3), live, seat(5), world.moment), None, "it is live");
}
