//! What is kept, and what a restart makes of it.

use std::collections::BTreeMap;

use proto::{SessionId, UnixTime};

use super::{ROUTE, WALL, World, identity, later, left, seat, seconds, visit};
use crate::{BadRow, Bounds, Change, Policy, Sessions};

/// A store that a test can look into.
type Rows = BTreeMap<String, String>;

fn keep(world: &mut World, rows: &mut Rows) -> usize {
    let changes = world.sessions.changes(1000);
    let count = changes.len();
    for Change { key, value } in changes {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    count
}

fn restarted(rows: &Rows, world: &World) -> World {
    let mut next = World::new(world.policy);
    next.moment = world.moment;
    let grace_of = |route: &str| (route == ROUTE).then_some(seconds(60));
    let (_, bad) = next.sessions.restore(rows.clone(), grace_of, next.moment);
    assert_eq!(bad, []);
    next
}

#[test]
fn only_what_has_changed_is_written() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    let place = world.begin(1, "ann", 1);
    world.begin(2, "bob", 2);
    world.sessions.end(SessionId(2));
    assert_eq!(keep(&mut world, &mut rows), 1, "bob was never written");
    assert_eq!(keep(&mut world, &mut rows), 0);
    world.lose(place, 1, Vec::new());
    world.resume(1, "ann", 2);
    assert_eq!(keep(&mut world, &mut rows), 1);
    world.sessions.end(SessionId(1));
    assert_eq!(keep(&mut world, &mut rows), 1);
    assert!(rows.is_empty());
}

#[test]
fn a_batch_is_bounded_and_loses_nothing() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    for number in 0..10 {
        world.begin(number.into(), "ann", number);
    }
    let mut batches = Vec::new();
    loop {
        let changes = world.sessions.changes(4);
        batches.push(changes.len());
        if changes.is_empty() {
            break;
        }
        rows.extend(changes.into_iter().map(|it| (it.key, it.value.unwrap())));
    }
    assert_eq!(batches, [4, 4, 2, 0]);
    assert_eq!(rows.len(), 10);
}

/// Whoever was live when the process ended is away from the moment there is one again.
#[test]
fn sessions_survive_a_restart() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    world.begin(1, "ann", 1);
    let place = world.begin(2, "ann", 2);
    world.lose(place, 2, vec![left("den", 7), (left("lobby", 0).0, None)]);
    keep(&mut world, &mut rows);
    world.pass(seconds(50));
    let mut next = restarted(&rows, &world);
    assert_eq!(next.of("ann"), "~1 ~2");
    let view = next.sessions.find(SessionId(2), next.moment.wall).unwrap();
    assert_eq!(**view.identity, *identity("ann"));
    assert_eq!((view.created_at, view.last_active), (UnixTime(WALL), UnixTime(WALL)));
    assert_eq!((view.agent, view.device), (Some("Mozilla/5.0"), None));
    assert_eq!(view.until, Some(UnixTime(WALL + 60)));
    next.pass(seconds(9));
    let place = next.resume(2, "ann", 5).unwrap().place;
    let channels = next.sessions.take_left(place, seat(5)).unwrap();
    assert_eq!(channels, [left("den", 7), (left("lobby", 0).0, None)]);
    next.pass(seconds(1));
    assert_eq!(next.sessions.sweep(next.moment.now), 0);
    next.pass(seconds(50));
    assert_eq!(next.sessions.sweep(next.moment.now), 1);
    assert_eq!(next.of("ann"), "2");
    keep(&mut next, &mut rows);
    assert_eq!(rows.len(), 1);
}

#[test]
fn what_is_over_or_has_no_route_any_more_is_not_taken_back() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    let place = world.begin(1, "ann", 1);
    world.lose(place, 1, Vec::new());
    let bob = identity("bob");
    let visit = crate::Visit { route: "gone", ..visit(&bob, 2) };
    world.sessions.start(SessionId(2), &visit, &world.policy, world.moment).unwrap();
    keep(&mut world, &mut rows);
    world.pass(seconds(61));
    let mut next = restarted(&rows, &world);
    assert_eq!(next.sessions.away(), 0);
    keep(&mut next, &mut rows);
    assert!(rows.is_empty());
}

/// Threat L10: the clock was set back while nobody was looking.
#[test]
fn no_session_waits_longer_than_its_grace() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    let place = world.begin(1, "ann", 1);
    world.lose(place, 1, Vec::new());
    keep(&mut world, &mut rows);
    world.moment.wall = UnixTime(WALL - 3600);
    let next = restarted(&rows, &world);
    let later = later(next.moment, seconds(60));
    let id = SessionId(1);
    assert!(next.sessions.standing(id, None, ROUTE, next.moment.now).is_some());
    assert!(next.sessions.standing(id, None, ROUTE, later.now).is_none());
}

#[test]
fn rows_that_cannot_be_read_are_told() {
    let world = World::new(Policy::default());
    let id = SessionId(1).to_string();
    for (key, value, expected) in [
        (id.as_str(), "{", BadRow::Damaged),
        (id.as_str(), r#"{"v":1}"#, BadRow::Damaged),
        (id.as_str(), r#"{"v":2,"anything":"else"}"#, BadRow::Newer),
        ("no id", r#"{"v":1}"#, BadRow::Damaged),
    ] {
        let mut sessions = Sessions::new(Bounds::of_connections(10));
        let rows = [(key.to_owned(), value.to_owned())];
        let (count, bad) = sessions.restore(rows, |_| Some(seconds(60)), world.moment);
        assert_eq!((count, bad), (0, vec![expected]), "{value}");
    }
}

/// A process of an earlier version reads what a later one of the same row version adds.
#[test]
fn further_members_of_a_row_are_passed_over() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    world.begin(1, "ann", 1);
    keep(&mut world, &mut rows);
    for value in rows.values_mut() {
        *value = value.replacen('{', r#"{"later":[1],"#, 1);
    }
    assert_eq!(restarted(&rows, &world).of("ann"), "~1");
}

#[test]
fn what_could_not_be_kept_is_asked_for_again() {
    let (mut world, mut rows) = (World::new(Policy::default()), Rows::new());
    world.begin(1, "ann", 1);
    world.begin(2, "bob", 2);
    keep(&mut world, &mut rows);
    world.sessions.end(SessionId(1));
    world.resume(2, "bob", 3);
    let lost = world.sessions.changes(10);
    assert_eq!(lost.len(), 2);
    let keys: Vec<String> = lost.into_iter().map(|it| it.key).collect();
    world.sessions.not_kept(&keys);
    assert_eq!(keep(&mut world, &mut rows), 2);
    assert_eq!(rows.len(), 1);
}
