//! What a browser is told about a page.

use std::collections::BTreeSet;

use expect_test::expect;

use super::world::{Answer, World};

async fn open(world: &World, path: &str) -> Answer {
    world.ask(&format!("GET {path} HTTP/1.1\r\nhost: chat.example.com:8080\r\n\r\n")).await
}

/// R47, R48, D2.
#[tokio::test]
async fn a_page_may_connect_to_its_own_host_and_run_its_own_scripts() {
    let world = World::new().await;
    let answer = open(&world, "/lax-page").await;
    expect!["default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://chat.example.com:8080 wss://chat.example.com:8080; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"]
        .assert_eq(answer.header("content-security-policy").unwrap());
    assert_eq!(answer.header("content-security-policy-report-only"), None, "enforced (R47)");
    assert_eq!(answer.body, "<p>{nonce}</p>");
}

/// R48: no answer without, whatever it is.
#[tokio::test]
async fn every_answer_says_what_browsers_must_not_do() {
    let world = World::new().await;
    for path in ["/", "/page", "/index.css", "/health", "/boom", "/nothing", "/api/publish"] {
        let answer = open(&world, path).await;
        let header = |name| answer.header(name).unwrap_or_default();
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
    }
}

#[tokio::test]
async fn each_answer_has_a_nonce_of_its_own() {
    let world = World::new().await;
    let mut nonces = BTreeSet::new();
    for _ in 0..3 {
        let answer = open(&world, "/page").await;
        let nonce = answer.body.split('"').nth(1).unwrap().to_owned();
        assert_eq!(nonce.len(), 24, "{nonce}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("script-src 'self' 'nonce-{nonce}';")), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        nonces.insert(nonce);
    }
    assert_eq!(nonces.len(), 3);
}

#[tokio::test]
async fn a_host_cannot_write_into_the_policy() {
    let world = World::new().await;
    let answer = world.ask("GET /page HTTP/1.1\r\nhost: a; script-src *\r\n\r\n").await;
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(!policy.contains('*'), "{policy}");
}

#[tokio::test]
async fn the_first_page_lists_what_is_here() {
    let world = World::new().await;
    let answer = open(&world, "/").await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let link = r#"<a href="/page">Trouble &lt;&amp;&gt;</a>"#;
    assert!(answer.body.contains(link), "{}", answer.body);
    assert!(!answer.body.contains("<script") && !answer.body.contains("style="));
    assert_eq!(
        open(&world, "/index.css").await.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

/// H3.
#[tokio::test]
async fn a_host_that_is_not_listed_is_refused() {
    let hosts = vec!["Chat.example.com".into(), "127.0.0.1:8080".into(), "[::1]".into()];
    let world = World::with(|it| it.hosts = Some(hosts)).await;
    for (host, expected) in [
        ("chat.example.com", 200),
        ("CHAT.example.com:9000", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("127.0.0.1", 421),
        ("127.0.0.1:9000", 421),
        ("evil.test", 421),
        ("chat.example.com.evil.test", 421),
        ("chat.example.com@evil.test", 421),
        ("", 421),
    ] {
        let answer = world.ask(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert_eq!(answer.status, expected, "{host}");
    }
    // The target's own host counts where it has one, and the other is not looked at.
    let absolute = "GET http://evil.test/ HTTP/1.1\r\nhost: chat.example.com\r\n\r\n";
    assert_eq!(world.ask(absolute).await.status, 421);
    assert_eq!(world.ask("GET / HTTP/1.1\r\n\r\n").await.status, 421);
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_the_api() {
    let world = World::new().await;
    let ask = async |method: &str, path: &str, origin: &str| {
        let preflight = "access-control-request-method: POST\r\n";
        let more = if method == "OPTIONS" { preflight } else { "" };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n{more}\r\n");
        world.ask(&head).await
    };
    let good = "http://localhost:5173";
    let answer = ask("OPTIONS", "/api/publish", good).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(good));
    let headers = "authorization, content-type, x-api-key";
    assert_eq!(answer.header("access-control-allow-headers"), Some(headers));
    // A refusal can be read too, or its reason would never be seen.
    let answer = ask("GET", "/api/channels/den", good).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, Some(good)));
    assert_eq!(answer.header("vary"), Some("origin"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);

    for origin in ["http://localhost:5174", "http://evil.test", "null", "http://localhost:5173.a"] {
        let answer = ask("OPTIONS", "/api/publish", origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));
    }
    assert_eq!(ask("GET", "/metrics", good).await.header("access-control-allow-origin"), None);
}
