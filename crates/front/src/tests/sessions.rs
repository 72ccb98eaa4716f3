//! Sessions, revocations and newer tokens over HTTP.

use std::sync::atomic::Ordering::SeqCst;

use app::{Revoke, Subject, Which};
use expect_test::{Expect, expect};
use proto::{SessionId, UnixTime, UserId};

use super::world::{ADMIN, Answer, PUBLISHER, READER, World, post_text};

const ONE: &str = "/api/sessions/00000000000000000000000000000001";

fn check(answer: &Answer, expected: Expect) {
    expected.assert_eq(&answer.text());
}

fn ann() -> UserId {
    UserId::parse("ann").unwrap()
}

#[tokio::test]
async fn sessions_are_listed_and_shown() {
    let world = World::new().await;
    check(
        &world.get("/api/sessions?user=ann", READER).await,
        expect![[
            r#"200 {"sessions":[{"id":"00000000000000000000000000000001","user":"ann","device":null,"agent":"Tide/1.0","address":"198.51.100.1","route":"chat","created":100,"last_active":300,"state":"live"},{"id":"00000000000000000000000000000002","user":"ann","device":"phone","agent":"Tide/1.0","address":"198.51.100.1","route":"chat","created":100,"last_active":200,"state":"away","until":260}]}"#
        ]],
    );
    let of_phone = world.get("/api/sessions/?user=ann&device=phone", READER).await;
    assert!(of_phone.body.contains("0002") && !of_phone.body.contains("0001"));
    check(&world.get("/api/sessions?user=bob", READER).await, expect![[r#"200 {"sessions":[]}"#]]);
    assert_eq!(world.get(ONE, READER).await.status, 200);
    for (path, expected) in [
        ("/api/sessions", "BAD_COMMAND"),
        ("/api/sessions?user=", "BAD_COMMAND"),
        ("/api/sessions?user=ann&user=bob", "BAD_COMMAND"),
        ("/api/sessions?name=ann", "BAD_COMMAND"),
        ("/api/sessions/00000000000000000000000000000009", "SESSION_UNKNOWN"),
        ("/api/sessions/1", "SESSION_UNKNOWN"),
    ] {
        assert_eq!(world.get(path, READER).await.code(), expected, "{path}");
    }
}

#[tokio::test]
async fn sessions_are_ended() {
    let world = World::new().await;
    check(&world.delete(ONE, PUBLISHER).await, expect![[r#"200 {"ended":1}"#]]);
    check(
        &world.delete("/api/sessions?user=ann", PUBLISHER).await,
        expect![[r#"200 {"ended":2}"#]],
    );
    check(
        &world.delete("/api/sessions?user=ann&device=phone", PUBLISHER).await,
        expect![[r#"200 {"ended":1}"#]],
    );
    let nobody = world.delete("/api/sessions/00000000000000000000000000000009", PUBLISHER).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "SESSION_UNKNOWN"));
    assert_eq!(world.delete("/api/sessions", PUBLISHER).await.code(), "BAD_COMMAND");
    let ended = world.gateway.ended.lock().unwrap();
    assert_eq!(ended[0], Which::One(SessionId(1)));
    assert_eq!(ended[2], Which::Of { user: ann(), device: Some("phone".into()) });
}

#[tokio::test]
async fn what_is_revoked_is_told_back() {
    let world = World::new().await;
    check(
        &world.post("/api/revoke", ADMIN, r#"{"user":"ann","reason":"left"}"#).await,
        expect![[r#"200 {"revoked":{"user":"ann"},"closed":3,"expires":2592000}"#]],
    );
    check(
        &world.post("/api/revoke", ADMIN, r#"{"user":"ann","issued_before":7,"expires":9}"#).await,
        expect![[r#"200 {"revoked":{"user":"ann","issued_before":7},"closed":3,"expires":9}"#]],
    );
    let body = r#"{"session":"00000000000000000000000000000001"}"#;
    check(
        &world.post("/api/revoke", ADMIN, body).await,
        expect![[
            r#"200 {"revoked":{"session":"00000000000000000000000000000001"},"closed":3,"expires":2592000}"#
        ]],
    );
    check(
        &world.post("/api/revoke", ADMIN, r#"{"jti":"t"}"#).await,
        expect![[r#"200 {"revoked":{"jti":"t"},"closed":3,"expires":2592000}"#]],
    );
    check(
        &world.post("/api/revoke", ADMIN, r#"{"issued_before":7}"#).await,
        expect![[r#"200 {"revoked":{"issued_before":7},"closed":3,"expires":2592000}"#]],
    );
    let revoked = std::mem::take(&mut *world.gateway.revoked.lock().unwrap());
    let user = Subject::User { user: ann(), issued_before: None };
    let expected = Revoke { subject: user, reason: Some("left".into()), expires_at: None };
    assert_eq!(revoked[0], expected);
    assert_eq!(revoked[1].expires_at, Some(UnixTime(9)));
    check(
        &world.get("/api/revocations", ADMIN).await,
        expect![[
            r#"200 {"revocations":[{"jti":"t-1","reason":"lost","created":100,"expires":200},{"user":"ann","issued_before":5,"created":100,"expires":200}],"total":2}"#
        ]],
    );
}

/// Exactly one thing is revoked at a time, or nothing.
#[tokio::test]
async fn what_cannot_be_revoked_is_told_why() {
    let world = World::new().await;
    for body in [
        r#"{}"#,
        r#"{"user":"ann","jti":"t"}"#,
        r#"{"user":""}"#,
        r#"{"session":"1"}"#,
        r#"{"jti":"t","issued_before":5}"#,
        r#"{"user":"ann","issued_before":-5}"#,
        r#"{"user":"ann","expires":"1h"}"#,
        r#"{"user":"ann","other":1}"#,
        &format!(r#"{{"user":"ann","reason":"{}"}}"#, "x".repeat(124)),
    ] {
        let answer = world.post("/api/revoke", ADMIN, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BAD_COMMAND"), "{body}");
    }
    world.gateway.is_busy.store(true, SeqCst);
    let kept = world.post("/api/revoke", ADMIN, r#"{"user":"ann"}"#).await;
    assert_eq!((kept.status, kept.code().as_str()), (503, "STORE_UNAVAILABLE"));
    assert!(world.gateway.revoked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn each_endpoint_asks_for_its_scope() {
    let world = World::new().await;
    for (answer, allowed) in [
        (world.get("/api/sessions?user=ann", PUBLISHER).await, false),
        (world.delete("/api/sessions?user=ann", READER).await, false),
        (world.post("/api/revoke", PUBLISHER, r#"{"user":"ann"}"#).await, false),
        (world.post("/api/revoke", READER, r#"{"user":"ann"}"#).await, false),
        (world.get("/api/revocations", READER).await, false),
        (world.get("/api/sessions?user=ann", ADMIN).await, true),
        (world.delete("/api/sessions?user=ann", ADMIN).await, true),
    ] {
        assert_eq!(answer.status, if allowed { 200 } else { 403 }, "{}", answer.body);
    }
}

#[tokio::test]
async fn tokens_are_exchanged_by_header_or_body() {
    let world = World::new().await;
    let path = "/api/tokens/refresh";
    let bare = |body: &str| {
        let text = post_text(path, "", body);
        text.replace("authorization: Bearer \r\n", "")
    };
    let newer = r#"200 {"token":"a","expires_in":900}"#;
    assert_eq!(world.post(path, "good-a", "").await.text(), newer);
    assert_eq!(world.post("/api/tokens/refresh/", "good-a", "").await.text(), newer);
    assert_eq!(world.ask(&bare(r#"{"token":"good-a"}"#)).await.text(), newer);
    let no_body = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    for (answer, status, code) in [
        (world.post(path, "over", "").await, 401, "TOKEN_EXPIRED"),
        (world.post(path, "foreign", "").await, 409, "NOT_MINTED_HERE"),
        (world.post(path, "", "").await, 401, "AUTH_REQUIRED"),
        (world.ask(&no_body).await, 401, "AUTH_REQUIRED"),
        (world.ask(&bare(r#"{"token":""}"#)).await, 401, "AUTH_REQUIRED"),
        (world.ask(&bare(r#"{"jwt":"a"}"#)).await, 400, "BAD_COMMAND"),
        (world.ask(&bare("{")).await, 400, "INVALID_JSON"),
        (world.get(path, "good-a").await, 405, "METHOD_NOT_ALLOWED"),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
}

/// Threat A12: guessing tokens here is like guessing keys elsewhere.
#[tokio::test]
async fn whoever_guesses_tokens_has_to_wait() {
    let world = World::new().await;
    world.set_client("198.51.100.7");
    let path = "/api/tokens/refresh";
    for _ in 0..3 {
        assert_eq!(world.post(path, "guess", "").await.code(), "INVALID_TOKEN");
    }
    assert_eq!(world.post(path, "good-a", "").await.code(), "AUTH_BACKOFF");
    assert_eq!(world.get("/api/sessions?user=ann", ADMIN).await.code(), "AUTH_BACKOFF");
    world.set_client("198.51.100.8");
    assert_eq!(world.post(path, "good-a", "").await.status, 200);
}
