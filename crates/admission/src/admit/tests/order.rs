//! A request that is wrong in several ways is told the first.

use limits::RouteLimits;
use serde_json::json;

use crate::{
    Network, Proxies,
    fixtures::{Request, WALL, World, get, query_then_bearer, route, template, token, token_route},
};

/// In the order they are told. Each is one bit of a choice.
const FAULTS: [&str; 9] = [
    "421 HOST_REFUSED",
    "404 NO_SUCH_ROUTE",
    "426 UPGRADE_REQUIRED",
    "403 ORIGIN_REFUSED",
    "429 TOO_MANY_CONNECTIONS",
    "401 TOKEN_EXPIRED",
    "403 FORBIDDEN",
    "403 FORBIDDEN",
    "429 TOO_MANY_FOR_USER",
];

/// Every combination of faults, all 512.
#[test]
fn the_first_fault_in_order_is_told() {
    for choice in 0..1_u32 << FAULTS.len() {
        let is = |fault: usize| choice >> fault & 1 == 1;
        let mut route = token_route("/ws/{room}/", query_then_bearer());
        route.joins.push(template("team:{claims.team}"));
        route.require.insert("role".to_owned(), vec!["staff".to_owned()]);
        route.limits = RouteLimits {
            connections_per_address: Some(1),
            connections_per_user: Some(1),
            ..RouteLimits::unlimited()
        };
        let mut world = World::new(vec![route]);
        let token_of = |user: u32, exp: u64, role: &str, team: &str| {
            token(json!({"user_id": user, "exp": exp, "role": role, "team": team}))
        };
        let good = |user| get(&format!("/ws/a/?token={}", token_of(user, WALL + 9, "staff", "x")));
        if is(4) {
            assert_eq!(world.knock(&good(43), "198.51.100.1"), "43 joins user:43 team:x");
        }
        if is(8) {
            assert_eq!(world.knock(&good(42), "198.51.100.2"), "42 joins user:42 team:x");
        }
        let exp = if is(5) { WALL } else { WALL + 9 };
        let role = if is(6) { "guest" } else { "staff" };
        let team = if is(7) { "x:y" } else { "x" };
        let path = if is(1) { "/nowhere/a/b" } else { "/ws/a/" };
        let mut request = get(&format!("{path}?token={}", token_of(42, exp, role, team)));
        if is(0) {
            request.host = "evil.test";
        }
        if is(2) {
            request.version = 12;
        }
        if is(3) {
            request.origin = Some("https://evil.test");
        }
        let expected = FAULTS.iter().enumerate().find(|it| is(it.0)).map(|it| *it.1);
        let found = world.knock(&request, "198.51.100.1");
        assert_eq!(found, expected.unwrap_or("42 joins user:42 team:x"), "{choice:b}");
        world.close();
    }
}

#[test]
fn what_is_no_upgrade_goes_to_http_unless_the_host_is_not_ours() {
    let mut world = World::new(vec![token_route("/ws/", query_then_bearer())]);
    let mut request = get("/api/publish");
    request.is_upgrade = false;
    request.origin = Some("https://evil.test");
    assert_eq!(world.knock(&request, "198.51.100.1"), "pass on");
    request.host = "evil.test";
    assert_eq!(world.knock(&request, "198.51.100.1"), "421 HOST_REFUSED");
    assert_eq!((world.tallies.asked, world.tallies.passed_on), (0, 1));
    world.close();
}

/// H3: what asks whether we are alive comes by address; a WebSocket at that path does not.
#[test]
fn a_probe_may_name_any_host() {
    let mut world = World::new(vec![route("/health/ws")]);
    for (path, is_upgrade, expected) in [
        ("/health", false, "pass on"),
        ("/health/ready?x", false, "pass on"),
        ("/healthy", false, "421 HOST_REFUSED"),
        ("/health/ws", true, "421 HOST_REFUSED"),
    ] {
        let request = Request { host: "10.0.0.7:8000", is_upgrade, ..get(path) };
        assert_eq!(world.knock(&request, "198.51.100.1"), expected, "{path}");
    }
    world.close();
}

/// R49: whoever is turned away by Origin or Limits is not among those monitored.
#[test]
fn only_what_passes_the_limits_is_monitored() {
    let mut route = token_route("/ws/", query_then_bearer());
    route.limits.connections_per_address = Some(1);
    let mut world = World::new(vec![route]);
    let good = format!("/ws/?token={}", token(json!({"user_id": 42})));
    let mut foreign = get(&good);
    foreign.origin = Some("https://evil.test");
    for (request, expected) in [
        (get("/nowhere/"), "404 NO_SUCH_ROUTE"),
        (foreign, "403 ORIGIN_REFUSED"),
        (get("/ws/"), "401 AUTH_REQUIRED"),
        (get(&good), "42 joins user:42"),
        (get(&good), "429 TOO_MANY_CONNECTIONS"),
    ] {
        assert_eq!(world.knock(&request, "198.51.100.1"), expected);
    }
    let tallies = &world.tallies;
    assert_eq!((tallies.asked, tallies.entered, tallies.verified, tallies.admitted), (5, 2, 1, 1));
    let refused: Vec<String> = tallies
        .refusals()
        .filter(|it| 0 < it.1)
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    let expected =
        ["AUTH_REQUIRED 1", "ORIGIN_REFUSED 1", "NO_SUCH_ROUTE 1", "TOO_MANY_CONNECTIONS 1"];
    assert_eq!(refused, expected);
    world.close();
}

#[test]
fn a_literal_path_is_tried_before_a_capture() {
    let routes = ["/ws/{room}/", "/ws/lobby/", "/{any}/lobby/"].map(route);
    let mut world = World::new(routes.to_vec());
    for (path, expected) in [("/ws/lobby", 1), ("/ws/den/", 0), ("/x/lobby/", 2)] {
        assert_eq!(world.knock(&get(path), "198.51.100.1"), "anyone joins");
        assert_eq!(world.inside.last().unwrap().route.0, expected, "{path}");
    }
    assert_eq!(world.inside[1].captures.named("room"), Some("den"));
    world.close();
}

/// A page that came without TLS can be written by anyone on the way.
#[test]
fn a_page_without_tls_is_not_ours_where_clients_come_by_it() {
    let mut world = World::new(vec![route("/ws/")]);
    let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
    world.door.proxies = Proxies { networks, ..Proxies::default() };
    let mut page = get("/ws/");
    page.origin = Some("http://gate.test");
    let behind = page.clone().with("X-Forwarded-Proto: https");
    for (is_tls, request, peer, expected) in [
        (true, &page, "198.51.100.1", "403 ORIGIN_REFUSED"),
        (false, &page, "198.51.100.1", "anyone joins"),
        (false, &page, "10.0.0.1", "anyone joins"),
        (false, &behind, "10.0.0.1", "403 ORIGIN_REFUSED"),
        (false, &behind, "198.51.100.1", "anyone joins"),
    ] {
        world.is_tls = is_tls;
        assert_eq!(world.knock(request, peer), expected, "{is_tls} {peer}");
    }
    world.close();
}
