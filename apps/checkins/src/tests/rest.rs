//! The HTTP side, over the same database.

use app::App;
use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{ADMIN, MEMBER, STAFF, TRAINER, World, frame};

impl World {
    pub(super) async fn send(
        &self,
        user: Option<&str>,
        asked: &str,
        body: Option<Value>,
    ) -> Response<Body> {
        let (method, path) = asked.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, format!("Bearer token of {user}"));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or(Body::empty(), |it| Body::from(it.to_string()));
        self.app.clone().routes().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    /// The status and what stands in the body.
    pub(super) async fn asks(&self, user: &str, asked: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.send(Some(user), asked, body).await;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn gets(&self, user: &str, path: &str) -> Value {
        let (status, body) = self.asks(user, &format!("GET {path}"), None).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

/// R54, on every address there is.
#[tokio::test(start_paused = true)]
async fn nothing_is_told_without_a_token() {
    let world = World::new();
    for asked in [
        "GET /api/checkins/stats/",
        "GET /checkins/stats/",
        "GET /api/checkins/",
        "POST /api/checkins/",
        "POST /api/checkins/check-out/",
        "POST /api/checkins/1/check-out/",
        "GET /api/members/?search=a",
        "POST /api/members/",
        "DELETE /api/checkins/users/1004/",
        "POST /api/checkins/users/1004/restore/",
    ] {
        let body = asked.starts_with("POST").then(|| json!({}));
        let answer = world.send(None, asked, body).await;
        assert_eq!(answer.status(), 401, "{asked}");
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "AUTH_REQUIRED", "{asked}");

        let unsigned = Request::get("/api/members/").header(header::AUTHORIZATION, "Bearer x");
        let answer = world.app.clone().routes().oneshot(unsigned.body(Body::empty()).unwrap());
        assert_eq!(answer.await.unwrap().status(), 401);
    }
    assert_eq!(world.asks("a:b", "GET /api/checkins/", None).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn the_stats_are_polled_with_and_without_the_slash() {
    let world = World::new();
    let expected = json!({
        "currentlyIn": 3,
        "todayTotal": 7,
        "averageStayMinutes": 66,
        "timestamp": "2026-03-02T12:00:00Z",
    });
    assert_eq!(world.gets(MEMBER, "/api/checkins/stats/").await, expected);
    for path in ["/api/checkins/stats", "/checkins/stats/", "/checkins/stats"] {
        assert_eq!(world.gets(MEMBER, path).await, expected, "{path}");
    }
}

/// One database, two ways to it.
#[tokio::test(start_paused = true)]
async fn a_check_in_by_socket_is_seen_over_http() {
    let mut world = World::empty().await;
    let told = world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    let history = world.gets(STAFF, "/api/checkins/").await;
    assert_eq!(history["count"], 1);
    let plain = world.plain(&history["results"][0].to_string());
    let newest: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(newest["id"], frame(&told[0])["payload"]["id"]);
    assert_eq!(newest["status"], "checked_in");
    assert_eq!(newest["check_out_time"], Value::Null);
    assert_eq!(world.gets(STAFF, "/api/checkins/stats/").await["currentlyIn"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_in_over_http_is_told_to_every_socket() {
    let mut world = World::empty().await;
    let body = json!({ "member_id": "GYM-0002" });
    let (status, begun) = world.asks(STAFF, "POST /api/checkins/", Some(body)).await;
    assert_eq!(status, 201);
    let told = world.follows().await;
    let kinds: Vec<_> = told.iter().map(|it| frame(it)["type"].clone()).collect();
    let after = ["check_in_update", "activity_notification", "check_in_stats", "stats_update"];
    assert_eq!(kinds[0], "member_checked_in");
    assert_eq!(kinds[1..], after);

    let path = format!("POST /api/checkins/{}/check-out/", begun["id"].as_str().unwrap());
    let (status, ended) = world.asks(STAFF, &path, None).await;
    assert_eq!((status, &ended["id"]), (200, &begun["id"]));
    assert!(ended["check_out_time"].is_string());
    assert_eq!(frame(&world.follows().await[0])["type"], "member_checked_out");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_says_why() {
    let world = World::new();
    let ghost = "POST /api/checkins/check-out/";
    for (user, asked, body, status, code) in [
        (STAFF, "POST /api/checkins/", json!({ "memberId": "x" }), 404, "MEMBER_NOT_FOUND"),
        (
            STAFF,
            "POST /api/checkins/",
            json!({ "memberId": "GYM-0004" }),
            409,
            "ALREADY_CHECKED_IN",
        ),
        (STAFF, "POST /api/checkins/", json!({}), 400, "BAD_COMMAND"),
        (STAFF, ghost, json!({ "checkInId": "x" }), 404, "CHECK_IN_NOT_FOUND"),
        (MEMBER, "POST /api/checkins/", json!({ "memberId": "GYM-0002" }), 403, "DENIED"),
        (TRAINER, "POST /api/checkins/", json!({ "memberId": "GYM-0002" }), 403, "DENIED"),
        (STAFF, "GET /api/checkins/?page=0", Value::Null, 400, "BAD_COMMAND"),
        (STAFF, "GET /api/members/?page_size=x", Value::Null, 400, "BAD_COMMAND"),
    ] {
        let (found, answer) = world.asks(user, asked, Some(body)).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{asked}");
        assert!(answer["message"].is_string() && answer["detail"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_page_by_page() {
    let world = World::new();
    let mut names = Vec::new();
    let mut next = "/api/members/?page_size=8".to_owned();
    loop {
        let page = world.gets(TRAINER, &next).await;
        assert_eq!(page["count"], 20);
        let listed = page["results"].as_array().unwrap().iter();
        names.extend(listed.map(|it| it["full_name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    assert_eq!(names.len(), 20);
    assert!(names.is_sorted());
    assert_eq!(next, "/api/members/?page=3&page_size=8&search=");

    let far = world.gets(STAFF, "/api/checkins/?page=4294967295").await;
    assert_eq!((far["count"].as_i64(), far["results"].as_array().unwrap().len()), (Some(7), 0));
    let most = world.gets(STAFF, "/api/checkins/?page_size=100000").await;
    assert_eq!(most["results"][0]["member"]["full_name"], "Liam O'Brien");
}

#[tokio::test(start_paused = true)]
async fn members_are_found_by_name_email_and_number() {
    let world = World::new();
    for (text, count) in [
        ("", 20),
        ("aaron", 1),
        ("AARON.W", 1),
        ("gym-0010", 1),
        ("200000000003", 1),
        ("%25", 0),
        ("_", 0),
        ("o%27brien", 1),
        ("%3Cb%3E", 1),
    ] {
        let found = world.gets(ADMIN, &format!("/api/members/?search={text}")).await;
        assert_eq!(found["count"], count, "{text}");
    }
    let chidi = world.gets(ADMIN, "/api/members/?search=chidi").await;
    assert!(chidi["results"][0]["check_in_id"].is_string());
    let paged = world.gets(ADMIN, "/api/members/?search=a%20b&page_size=1").await;
    assert_eq!(paged["previous"], Value::Null);
    let paged = world.gets(ADMIN, "/api/members/?search=%26%20b&page=2").await;
    assert_eq!(paged["previous"], "/api/members/?page=1&page_size=20&search=%26%20b");
}

#[tokio::test(start_paused = true)]
async fn a_member_sees_only_themself() {
    let world = World::new();
    let found = world.gets(MEMBER, "/api/members/").await;
    assert_eq!(
        (&found["count"], &found["results"][0]["full_name"]),
        (&json!(1), &json!("Mina Park"))
    );
    assert_eq!(world.gets(MEMBER, "/api/members/?search=aaron").await["count"], 0);
    assert_eq!(world.gets(MEMBER, "/api/checkins/").await["count"], 0);

    let body = json!({ "memberId": "GYM-0001" });
    assert_eq!(world.asks(MEMBER, "POST /api/checkins/", Some(body)).await.0, 201);
    assert_eq!(world.gets(MEMBER, "/api/checkins/").await["count"], 1);

    world.write("UPDATE members SET user_id = NULL WHERE user_id = '1004'").await;
    assert_eq!(world.gets(MEMBER, "/api/members/").await["count"], 0);
    assert_eq!(world.gets(MEMBER, "/api/checkins/").await["count"], 0);
}
