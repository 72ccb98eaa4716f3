//! Who may ask what.

use axum::routing::MethodFilter;

use super::world::{ADMIN, PUBLISHER, READER, World};
use crate::{
    Scope,
    gate::{Access, MetricsAccess},
    router::{ROWS, Row},
};

/// One that the recorder knows.
const SESSION: &str = "00000000000000000000000000000001";

fn method(row: &Row) -> &'static str {
    match row.method {
        MethodFilter::POST => "POST",
        MethodFilter::DELETE => "DELETE",
        _ => "GET",
    }
}

/// R54, D1: the whole table of routes; what is not on this list asks for a key.
#[tokio::test]
async fn every_route_but_the_public_ones_asks_for_a_key() {
    let public = ["/", "/index.css", "/health", "/health/live", "/health/ready"];
    let world = World::new().await;
    for row in ROWS {
        let method = method(row);
        let path = row.path.replace("{*name}", "den").replace("{id}", SESSION);
        let mut addresses = vec![path.clone()];
        if !row.path.contains('*') && path != "/" {
            addresses.push(format!("{path}/"));
        }
        for path in addresses {
            let answer = world.ask(&format!("{method} {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
            if public.contains(&row.path) {
                assert_eq!(answer.status, 200, "{method} {path}");
            } else {
                assert_eq!((answer.status, &*answer.code()), (401, "AUTH_REQUIRED"), "{path}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
    assert!(world.gateway.posts.lock().unwrap().is_empty());
}

#[test]
fn every_route_is_described() {
    let page = include_str!("../../../../docs/http.md");
    for row in ROWS {
        let method = method(row);
        let address = format!("`{method} {}`", row.path.replace("{*", "{"));
        assert!(page.contains(&address), "{address}");
    }
}

/// D1: a key does what its scopes say and nothing else.
#[tokio::test]
async fn a_key_keeps_to_its_scopes() {
    let world = World::new().await;
    for row in ROWS.iter().filter(|it| it.path.starts_with("/api") || it.path == "/metrics") {
        if row.access == Access::Public {
            continue;
        }
        let path = row.path.replace("{*name}", "den").replace("{id}", SESSION);
        let path = path.replace("/api/sessions", "/api/sessions?user=ann");
        let path = path.replace("?user=ann/", "/");
        let may_read = row.access == Access::Key(Scope::Read);
        let answer = match method(row) {
            "POST" => world.post(&path, READER, "{}").await,
            "DELETE" => world.delete(&path, READER).await,
            _ => world.get(&path, READER).await,
        };
        let expected = if may_read { 200 } else { 403 };
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        assert!(may_read || answer.code() == "FORBIDDEN");
    }
    assert_eq!(world.get("/api/channels/den", ADMIN).await.status, 200);
    assert_eq!(world.get("/api/channels/den", PUBLISHER).await.status, 403);
}

#[tokio::test]
async fn a_key_may_come_in_two_headers_but_not_twice() {
    let world = World::new().await;
    let ask = async |headers: String| {
        let request = format!("GET /api/channels/den HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
        world.ask(&request).await.status
    };
    assert_eq!(ask(format!("x-api-key: {READER}\r\n")).await, 200);
    assert_eq!(ask(format!("authorization: bearer {READER}\r\n")).await, 200);
    // The first present decides.
    assert_eq!(ask(format!("authorization: Bearer {READER}\r\nx-api-key: no\r\n")).await, 200);
    let bearer = format!("authorization: Bearer {READER}\r\n");
    assert_eq!(ask(format!("{bearer}{bearer}")).await, 401);
    assert_eq!(ask(format!("authorization: Basic {READER}\r\n")).await, 401);
    assert_eq!(ask(format!("x-api-key: {READER}\r\nx-api-key: {READER}\r\n")).await, 401);
}

/// A12: guessing has to wait, whoever else is not concerned.
#[tokio::test]
async fn an_address_that_guesses_has_to_wait() {
    let world = World::new().await;
    world.set_client("2001:db8::1");
    for _ in 0..3 {
        let answer = world.get("/api/channels/den", "wrong").await;
        assert_eq!((answer.status, &*answer.code()), (401, "INVALID_TOKEN"));
    }
    let answer = world.get("/api/channels/den", "wrong").await;
    assert_eq!((answer.status, &*answer.code()), (429, "AUTH_BACKOFF"));
    assert_eq!(answer.header("retry-after"), Some("5"));
    // Another address of the same household, with a good key: were it let in, guessing could go on.
    world.set_client("2001:db8::2");
    assert_eq!(world.get("/api/channels/den", READER).await.status, 429);
    world.set_client("2001:db8:0:1::1");
    assert_eq!(world.get("/api/channels/den", READER).await.status, 200);
}

/// Showing nothing is no guess: a page that polls without a key must not lock out its neighbours.
#[tokio::test]
async fn asking_without_a_key_is_no_guess() {
    let world = World::new().await;
    for _ in 0..10 {
        world.ask("GET /api/channels/den HTTP/1.1\r\nhost: a\r\n\r\n").await;
    }
    assert_eq!(world.get("/api/channels/den", READER).await.status, 200);
}

/// Ten megabytes of nobody's are not waited for.
#[tokio::test]
async fn who_is_not_known_is_refused_before_the_body() {
    let world = World::new().await;
    let head = "POST /api/publish HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 10000000\r\n\r\n";
    assert_eq!(world.ask(head).await.status, 401);
}

/// R99, R100: an administrator's token, by the rules of a route and a claim.
#[tokio::test]
async fn an_administrators_token_reads_the_figures() {
    let world = World::new().await;
    for path in ["metrics", "active-connections"] {
        let path = format!("/api/monitoring/websocket/{path}/");
        for (token, expected, code) in [
            (r#"{"role":"Admin"}"#, 200, ""),
            (r#"{"is_staff":true}"#, 200, ""),
            (r#"{"role":"User","is_staff":false}"#, 403, "FORBIDDEN"),
            (r#"{"role":["Admin"]}"#, 403, "FORBIDDEN"),
            (r#"{}"#, 403, "FORBIDDEN"),
        ] {
            let answer = world.get(&path, token).await;
            assert_eq!((answer.status, &*answer.code()), (expected, code), "{token}");
        }
        assert_eq!(world.get(&path, ADMIN).await.status, 200);
    }
    let answer = world.get("/api/monitoring/websocket/metrics/", "nonsense").await;
    expect_test::expect![[r#"401 {"code":"INVALID_TOKEN","detail":"The token is not valid here.","message":"The token is not valid here."}"#]]
        .assert_eq(&answer.text());
    // The token of an administrator is none of a backend.
    let answer = world.post("/api/publish", r#"{"role":"Admin"}"#, "{}").await;
    assert_eq!(answer.status, 401);
}

/// R99, R100.
#[tokio::test]
async fn the_figures_have_exactly_their_keys() {
    let world = World::new().await;
    world.monitor.shard(0).opened();
    let metrics = world.get("/api/monitoring/websocket/metrics/", ADMIN).await;
    let metrics: serde_json::Map<_, _> = serde_json::from_str(&metrics.body).unwrap();
    let mut keys: Vec<_> = metrics.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "active_connections",
            "avg_connection_duration",
            "connections_today",
            "messages_per_minute",
            "messages_received",
            "messages_sent",
            "timestamp",
        ]
    );
    let active = world.get("/api/monitoring/websocket/active-connections", ADMIN).await;
    expect_test::expect![[r#"200 {"active_connections":1}"#]].assert_eq(&active.text());
}

/// D1: the socket decides, and nothing a client can write.
#[tokio::test]
async fn metrics_may_be_open_to_this_machine_only() {
    let request = "GET /metrics HTTP/1.1\r\nhost: a\r\n";
    let world = World::with(|it| it.metrics = MetricsAccess::Loopback).await;
    let answer = world.ask(&format!("{request}\r\n")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(answer.body.contains("tidegate_connections 0"), "{}", answer.body);
    let proxied = format!("{request}x-forwarded-for: 127.0.0.1\r\n\r\n");
    assert_eq!(world.ask(&proxied).await.status, 401);
    world.set_client("203.0.113.9");
    assert_eq!(world.ask(&format!("{request}\r\n")).await.status, 401);

    let world = World::with(|it| it.metrics = MetricsAccess::Public).await;
    world.set_client("203.0.113.9");
    assert_eq!(world.ask(&format!("{request}\r\n")).await.status, 200);
}
