//! A newcomer signs in, with a gateway that signs by writing the claims down.

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use expect_test::{Expect, expect};
use proto::{ChannelName, Placed, UnixTime, UserId};
use tower::ServiceExt;

use super::*;
use crate::gateway::{Description, Post, Selection};

/// Tokens are their claims as hexadecimal text; only access tokens identify.
struct Signer;

#[async_trait]
impl Gateway for Signer {
    async fn publish(&self, _post: Post) -> Result<Placed, Refusal> {
        Err(Code::Busy.into())
    }

    async fn signal(&self, _post: Post) -> Result<(), Refusal> {
        unreachable!("nothing is signalled here")
    }

    async fn describe(&self, _channel: ChannelName) -> Result<Description, Refusal> {
        Err(Code::Busy.into())
    }

    async fn disconnect(&self, _whom: Selection, _why: Refusal) -> Result<usize, Refusal> {
        Ok(0)
    }

    async fn canary(&self, _patience: Duration) -> bool {
        true
    }

    async fn identify(&self, route: &str, token: &str) -> Result<Arc<Identity>, Refusal> {
        assert_eq!(route, "notifications");
        let claims = claims(token).ok_or(Code::InvalidToken)?;
        if claims["token_type"] != "access" {
            return Err(Code::InvalidToken.into());
        }
        Ok(Arc::new(Identity {
            user: UserId::parse(&claims["user_id"].to_string()).unwrap(),
            expires_at: UnixTime(0),
            issued_at: None,
            token_id: None,
            claims: claims.to_string().into(),
        }))
    }

    fn mint(&self, claims: Map<String, Value>, _lifetime: Duration) -> Option<String> {
        let text = Value::from(claims).to_string();
        Some(text.bytes().map(|it| format!("{it:02x}")).collect())
    }
}

fn claims(token: &str) -> Option<Value> {
    let pairs = token.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).ok());
    let bytes: Option<Vec<u8>> = pairs.map(|it| u8::from_str_radix(it?, 16).ok()).collect();
    serde_json::from_slice(&bytes?).ok()
}

fn desk() -> Router {
    let Value::Object(claims) = json!({ "user_id": 7, "role": "Student" }) else { unreachable!() };
    let person = Person {
        username: "tess".into(),
        password: "demo".into(),
        claims,
        profile: json!({ "id": 7, "username": "tess" }),
    };
    router(Arc::new(Signer), vec![person], "notifications")
}

async fn post_to(desk: &Router, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    told(desk, request).await
}

async fn told(desk: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = desk.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn check(path: &str, body: &str, expected: Expect) {
    let (status, body) = post_to(&desk(), path, body).await;
    assert_eq!(body["detail"], body["message"]);
    let (code, message) = (body["code"].as_str().unwrap(), body["message"].as_str().unwrap());
    expected.assert_eq(&format!("{} {code}\n{message}\n", status.as_u16()));
}

const TESS: &str = r#"{"username":"tess","password":"demo"}"#;

#[tokio::test]
async fn a_login_answers_tokens_that_say_who_and_what_they_are() {
    let (status, body) = post_to(&desk(), "/api/auth/login/", TESS).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["user"]["username"], "tess");
    for (name, kind) in [("access", "access"), ("refresh", "refresh")] {
        let claims = claims(body[name].as_str().unwrap()).unwrap();
        assert_eq!(claims["token_type"], kind);
        assert_eq!(claims["user_id"], 7);
        assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn a_refresh_token_refreshes_and_an_access_token_does_not() {
    let desk = desk();
    let (_, pair) = post_to(&desk, "/api/auth/token/", TESS).await;
    let refresh = json!({ "refresh": pair["refresh"] }).to_string();
    let (status, fresh) = post_to(&desk, "/api/auth/token/refresh/", &refresh).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(fresh["access"], pair["access"]);

    let access = json!({ "refresh": pair["access"] }).to_string();
    let (status, _) = post_to(&desk, "/api/auth/token/refresh/", &access).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn me_is_whose_token_it_is() {
    let desk = desk();
    let (_, pair) = post_to(&desk, "/api/auth/token", TESS).await;
    for (kind, expected) in [("access", StatusCode::OK), ("refresh", StatusCode::UNAUTHORIZED)] {
        let request = Request::get("/api/auth/me/")
            .header("authorization", format!("Bearer {}", pair[kind].as_str().unwrap()))
            .body(Body::empty())
            .unwrap();
        assert_eq!(told(&desk, request).await.0, expected, "{kind}");
    }
    let verified = json!({ "token": pair["access"] }).to_string();
    assert_eq!(post_to(&desk, "/api/auth/token/verify/", &verified).await.1, json!({}));
}

#[tokio::test]
async fn the_people_are_listed_for_a_page_to_offer() {
    let request = Request::get("/api/dev/people").body(Body::empty()).unwrap();
    let (_, body) = told(&desk(), request).await;
    expect![[
        r#"{"people":[{"password":"demo","user":{"id":7,"username":"tess"},"username":"tess"}]}"#
    ]]
    .assert_eq(&body.to_string());
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_get_the_same_answer() {
    let guessed = r#"{"username":"tess","password":"guess"}"#;
    let unknown = r#"{"username":"nobody","password":"demo"}"#;
    let (desk, path) = (desk(), "/api/auth/login/");
    assert_eq!(post_to(&desk, path, guessed).await, post_to(&desk, path, unknown).await);

    check(
        path,
        guessed,
        expect![[r#"
        401 AUTH_FAILED
        No active account found with the given credentials.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_credentials_is_refused() {
    check(
        "/api/auth/login/",
        "{",
        expect![[r#"
        400 INVALID_JSON
        The body does not fit: EOF while parsing an object at line 1 column 1.
    "#]],
    )
    .await;
    check(
        "/api/auth/login/",
        r#"{"username":"tess"}"#,
        expect![[r#"
        400 BAD_COMMAND
        The body does not fit: missing field `password` at line 1 column 19.
    "#]],
    )
    .await;
    check(
        "/api/auth/login/",
        &"[".repeat(10_000),
        expect![[r#"
        400 BAD_COMMAND
        The body does not fit: invalid type: sequence, expected a string at line 1 column 1.
    "#]],
    )
    .await;
    check(
        "/api/auth/login/",
        &" ".repeat(20_000),
        expect![[r#"
        413 MESSAGE_TOO_BIG
        The body is too large.
    "#]],
    )
    .await;
}
