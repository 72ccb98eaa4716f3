//! Limits at the door: R27, R28, R29, R132, A12, H9.

use std::time::Duration;

use limits::{Limit, Mode, Rate, RouteLimits};
use serde_json::json;

use crate::{
    Network, Proxies, TokenSource,
    fixtures::{HOME, Request, WALL, World, get, query_then_bearer, route, token, token_route},
};

fn per_address(connections: u32) -> RouteLimits {
    RouteLimits { connections_per_address: Some(connections), ..RouteLimits::unlimited() }
}

fn bad() -> Request {
    get("/ws/?token=bad")
}

/// R132: ten connect, the surplus is refused, and another route is another matter.
#[test]
fn the_sixth_from_an_address_is_refused_where_five_are_allowed() {
    let five = crate::Route { limits: per_address(5), ..route("/ws/notifications/") };
    let ten = crate::Route { limits: per_address(10), ..route("/ws/checkins/") };
    let mut world = World::new(vec![five, ten]);
    let count = |world: &mut World, path| {
        (0..10).filter(|_| world.knock(&get(path), HOME) == "anyone joins").count()
    };
    assert_eq!(count(&mut world, "/ws/notifications/"), 5);
    assert_eq!(count(&mut world, "/ws/checkins/"), 10);
    assert_eq!(world.knock(&get("/ws/notifications/"), "198.51.100.2"), "anyone joins");
    assert_eq!(world.knock(&get("/ws/notifications/"), HOME), "429 TOO_MANY_CONNECTIONS");
    let left = world.inside.remove(0);
    world.limits.release(left.seat);
    assert_eq!(world.knock(&get("/ws/notifications/"), HOME), "anyone joins");
    world.close();
}

/// A further path of one route does not double what an address may do.
#[test]
fn an_alias_counts_with_the_route_it_belongs_to() {
    let five = crate::Route { limits: per_address(5), ..route("/ws/notifications/") };
    let path = permission::PathPattern::parse("/").unwrap();
    let alias = crate::Route { path, ..five.clone() };
    let mut world = World::new(vec![five, alias]);
    let paths = ["/", "/ws/notifications/"].into_iter().cycle().take(10);
    let count = paths.filter(|it| world.knock(&get(it), HOME) == "anyone joins").count();
    assert_eq!(count, 5);
    world.close();
}

#[test]
fn whoever_fails_ten_times_an_hour_has_had_ten_attempts() {
    let mut route = token_route("/ws/", query_then_bearer());
    route.limits.attempts_per_address = Some(Rate::per_hour(10).unwrap());
    let mut world = World::new(vec![route]);
    for attempt in 0..12 {
        let expected = if attempt < 10 { "401 AUTH_REQUIRED" } else { "429 TOO_MANY_ATTEMPTS" };
        assert_eq!(world.knock(&get("/ws/"), HOME), expected, "attempt {attempt}");
    }
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.knock(&get("/ws/"), HOME), "401 AUTH_REQUIRED");
    world.close();
}

/// Threat A12.
#[test]
fn guessing_has_to_wait_and_others_do_not() {
    let mut world = World::new(vec![token_route("/ws/", query_then_bearer())]);
    let good = get(&format!("/ws/?token={}", token(json!({"user_id": 42}))));
    for _ in 0..3 {
        assert_eq!(world.knock(&bad(), HOME), "401 INVALID_TOKEN");
    }
    assert_eq!(world.knock(&bad(), HOME), "429 AUTH_BACKOFF");
    assert_eq!(world.knock(&good, HOME), "429 AUTH_BACKOFF");
    assert_eq!(world.knock(&good, "198.51.100.2"), "42 joins user:42");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.knock(&good, HOME), "42 joins user:42");
    world.close();
}

/// A page left open overnight, or not signed in, guesses nothing; a header that is no token may.
#[test]
fn only_what_looks_like_guessing_counts() {
    let expired = token(json!({"user_id": 42, "exp": WALL - 1}));
    let garbled = get("/ws/").with("Authorization: Basic dDp0");
    for (request, expected, counts) in [
        (get(&format!("/ws/?token={expired}")), "401 TOKEN_EXPIRED", false),
        (get("/ws/"), "401 AUTH_REQUIRED", false),
        (get("/ws/?token="), "401 AUTH_REQUIRED", false),
        (bad(), "401 INVALID_TOKEN", true),
        (garbled, "401 INVALID_TOKEN", true),
    ] {
        let mut world = World::new(vec![token_route("/ws/", query_then_bearer())]);
        for _ in 0..3 {
            assert_eq!(world.knock(&request, HOME), expected);
        }
        let next = if counts { "429 AUTH_BACKOFF" } else { expected };
        assert_eq!(world.knock(&request, HOME), next);
        world.close();
    }
}

#[test]
fn observing_lets_everyone_in_and_counts() {
    let mut route = token_route("/ws/", query_then_bearer());
    route.limits = RouteLimits {
        connections_per_address: Some(1),
        connections_per_user: Some(1),
        attempts_per_address: Some(Rate::per_hour(1).unwrap()),
        mode: Mode::Observe,
        ..RouteLimits::default()
    };
    let mut world = World::new(vec![route]);
    let good = get(&format!("/ws/?token={}", token(json!({"user_id": 42}))));
    for _ in 0..4 {
        assert_eq!(world.knock(&good, HOME), "42 joins user:42");
    }
    for limit in
        [Limit::ConnectionsPerAddress, Limit::AttemptsPerAddress, Limit::ConnectionsPerUser]
    {
        let tally = world.limits.counts().of(limit);
        assert_eq!((tally.refused, tally.observed), (0, 3), "{limit:?}");
    }
    assert_eq!(world.tallies.refusals().map(|it| it.1).sum::<u64>(), 0);
    world.close();
}

#[test]
fn a_user_is_counted_whichever_address_they_come_from() {
    let mut route = token_route("/ws/", query_then_bearer());
    route.limits.connections_per_user = Some(2);
    let mut world = World::new(vec![route]);
    let of = |user: u32| get(&format!("/ws/?token={}", token(json!({"user_id": user}))));
    assert_eq!(world.knock(&of(42), "198.51.100.1"), "42 joins user:42");
    assert_eq!(world.knock(&of(42), "198.51.100.2"), "42 joins user:42");
    assert_eq!(world.knock(&of(42), "198.51.100.3"), "429 TOO_MANY_FOR_USER");
    assert_eq!(world.knock(&of(43), "198.51.100.3"), "43 joins user:43");
    world.close();
}

#[test]
fn a_full_server_says_so_before_it_looks_at_tokens() {
    let mut world =
        World::new(vec![route("/open/"), token_route("/ws/", vec![TokenSource::Bearer])]);
    for place in 0..100 {
        let peer = format!("203.0.113.{place}");
        assert_eq!(world.knock(&get("/open/"), &peer), "anyone joins");
    }
    assert_eq!(
        world.knock(&get("/ws/").with("Authorization: Bearer bad"), HOME),
        "503 SERVER_FULL"
    );
    assert_eq!(world.tallies.entered, 100);
    world.close();
}

/// Threat H9: a header makes nobody someone else.
#[test]
fn an_address_cannot_be_changed_by_writing_another() {
    let mut world = World::new(vec![crate::Route { limits: per_address(2), ..route("/ws/") }]);
    world.door.proxies =
        Proxies { networks: vec![Network::parse("10.0.0.0/8").unwrap()], ..Proxies::default() };
    let from = |address: u8| get("/ws/").with(format!("X-Forwarded-For: 198.51.100.{address}"));
    let count = |world: &mut World, peer: &str| {
        (0..9).filter(|it| world.knock(&from(*it), peer) == "anyone joins").count()
    };
    assert_eq!(count(&mut world, "203.0.113.9"), 2);
    assert_eq!(count(&mut world, "10.0.0.1"), 9);
    let forged = get("/ws/").with("X-Forwarded-For: 1.2.3.4, 203.0.113.9");
    assert_eq!(world.knock(&forged, "10.0.0.1"), "429 TOO_MANY_CONNECTIONS");
    world.close();
}
