//! Alive, and ready.

use std::sync::atomic::Ordering::SeqCst;

use expect_test::expect;

use super::world::{Answer, World};

async fn probe(world: &World, path: &str) -> Answer {
    world.ask(&format!("GET {path} HTTP/1.1\r\nhost: 10.0.0.9\r\n\r\n")).await
}

/// R147.
#[tokio::test]
async fn a_server_whose_canary_returns_is_ready() {
    let world = World::new().await;
    let answer = probe(&world, "/health/ready").await;
    expect![[r#"200 {"status":"ready"}"#]].assert_eq(&answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for path in ["/health", "/health/", "/health/live", "/health/live/"] {
        assert_eq!(probe(&world, path).await.text(), r#"200 {"status":"alive"}"#);
    }
}

/// R147.
#[tokio::test]
async fn a_server_whose_canary_is_lost_is_alive_but_not_ready() {
    let world = World::new().await;
    world.gateway.canary_returns.store(false, SeqCst);
    expect![[r#"503 {"reason":"A test publication did not come back through every shard in time.","status":"unready"}"#]]
        .assert_eq(&probe(&world, "/health/ready").await.text());
    assert_eq!(probe(&world, "/health/live").await.status, 200);
}

/// L2: readiness falls first, at once, whatever the canary last said.
#[tokio::test]
async fn a_server_that_drains_is_not_ready() {
    let world = World::new().await;
    assert_eq!(probe(&world, "/health/ready").await.status, 200);
    world.monitor.drain();
    expect![[r#"503 {"reason":"The server is about to stop.","status":"draining"}"#]]
        .assert_eq(&probe(&world, "/health/ready").await.text());
}

/// Probes are nobody's lever: however many ask at once, one canary flies.
#[tokio::test]
async fn many_probes_share_one_canary() {
    let world = World::new().await;
    world.gateway.may_sing.forget_permits(1_000_000);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = world.connect().await;
        client.send("GET /health/ready HTTP/1.1\r\nhost: a\r\n\r\n").await;
        clients.push(client);
    }
    world.gateway.may_sing.add_permits(8);
    for client in &mut clients {
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    assert_eq!(world.gateway.canaries.load(SeqCst), 1);
}

/// H3: a probe comes by address, whatever hosts are listed.
#[tokio::test]
async fn a_probe_may_name_any_host() {
    let world = World::with(|it| it.hosts = Some(vec!["chat.example.com".into()])).await;
    assert_eq!(probe(&world, "/health/ready").await.status, 200);
    assert_eq!(probe(&world, "/").await.status, 421);
}
