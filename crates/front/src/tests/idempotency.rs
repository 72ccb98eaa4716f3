//! The same request twice is one publication.

use std::sync::atomic::Ordering::SeqCst;

use monitor::table::Metric;

use super::world::{ADMIN, PUBLISHER, World, post_text};

const BODY: &str = r#"{"channel":"den","data":1,"idempotency_key":"k1"}"#;

fn publications(world: &World) -> usize {
    world.gateway.posts.lock().unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_publishes_once() {
    let world = World::new().await;
    let first = world.post("/api/publish", PUBLISHER, BODY).await;
    let again = world.post("/api/publish", PUBLISHER, BODY).await;
    assert_eq!((first.status, first.text()), (200, again.text()));
    assert_eq!(publications(&world), 1);
    // A key belongs to the API key it came with.
    world.post("/api/publish", ADMIN, BODY).await;
    assert_eq!(publications(&world), 2);
}

#[tokio::test]
async fn a_different_request_with_the_same_key_is_a_conflict() {
    let world = World::new().await;
    world.post("/api/publish", PUBLISHER, BODY).await;
    for (path, body) in [
        ("/api/publish", BODY.replace('1', "2").replace("k2", "k1")),
        ("/api/broadcast", r#"{"channels":["den"],"data":1,"idempotency_key":"k1"}"#.into()),
    ] {
        let answer = world.post(path, PUBLISHER, &body).await;
        expect_test::expect![[r#"409 {"code":"IDEMPOTENCY_CONFLICT","detail":"This idempotency key came with a different request before.","message":"This idempotency key came with a different request before."}"#]]
            .assert_eq(&answer.text());
    }
    assert_eq!(publications(&world), 1);
}

/// However many retry while the first is under way, there is one publication, and all hear of it.
#[tokio::test]
async fn repetitions_wait_for_the_first() {
    let world = World::new().await;
    world.gateway.may_publish.forget_permits(1_000_000);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = world.connect().await;
        client.send(&post_text("/api/publish", PUBLISHER, BODY)).await;
        clients.push(client);
    }
    // Enough for all of them, were they all to publish.
    world.gateway.may_publish.add_permits(8);
    for client in &mut clients {
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.text(), r#"200 {"epoch":"beef","offset":1}"#);
    }
    assert_eq!(publications(&world), 1);
}

/// Who hangs up and asks again must find what became of the first.
#[tokio::test]
async fn a_caller_that_hung_up_finds_the_answer() {
    let world = World::new().await;
    world.gateway.may_publish.forget_permits(1_000_000);
    let mut client = world.connect().await;
    client.send(&post_text("/api/publish", PUBLISHER, BODY)).await;
    while world.gateway.asked.load(SeqCst) != 1 {
        tokio::task::yield_now().await;
    }
    drop(client);
    while world.monitor.front().count(Metric::HttpConnections) != 0 {
        tokio::task::yield_now().await;
    }
    let mut other = world.connect().await;
    other.send(&post_text("/api/publish", PUBLISHER, BODY)).await;
    world.gateway.may_publish.add_permits(2);
    assert_eq!(other.answer().await.unwrap().text(), r#"200 {"epoch":"beef","offset":1}"#);
    assert_eq!((world.gateway.asked.load(SeqCst), publications(&world)), (1, 1));
}

#[tokio::test]
async fn a_refused_publication_may_be_tried_again() {
    let world = World::new().await;
    world.gateway.is_busy.store(true, SeqCst);
    assert_eq!(world.post("/api/publish", PUBLISHER, BODY).await.status, 503);
    world.gateway.is_busy.store(false, SeqCst);
    assert_eq!(world.post("/api/publish", PUBLISHER, BODY).await.status, 200);
    assert_eq!(publications(&world), 1);
}

#[tokio::test]
async fn a_repeated_broadcast_publishes_nowhere_twice() {
    let world = World::new().await;
    let body = r#"{"channels":["a","$b","c"],"data":1,"idempotency_key":"k1"}"#;
    let first = world.post("/api/broadcast", PUBLISHER, body).await;
    let again = world.post("/api/broadcast", PUBLISHER, body).await;
    assert_eq!((first.status, first.text()), (200, again.text()));
    assert_eq!(publications(&world), 2);
}

#[tokio::test]
async fn an_idempotency_key_has_a_length() {
    let world = World::new().await;
    for (length, expected) in [(0, 400), (1, 200), (128, 200), (129, 400)] {
        let key = "k".repeat(length);
        let body = format!(r#"{{"channel":"den","data":1,"idempotency_key":"{key}"}}"#);
        assert_eq!(world.post("/api/publish", PUBLISHER, &body).await.status, expected);
    }
}
