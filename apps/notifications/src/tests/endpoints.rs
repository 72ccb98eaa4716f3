//! The HTTP endpoints: R54, R73, and only what is one's own.

use std::sync::atomic::Ordering;

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use expect_test::expect;
use tower::ServiceExt;

use super::*;

impl World {
    pub(super) async fn ask(
        &self,
        user: i64,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        self.ask_with(&claims(user), method, path, body).await
    }

    pub(super) async fn ask_with(
        &self,
        claims: &Value,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {claims}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.answer(request).await
    }

    async fn answer(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.app.clone().routes().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

const ALL: &str = "/api/notifications/";

#[tokio::test]
async fn what_is_sent_is_stored_then_published_with_every_field() {
    let world = World::new();
    let draft = json!({
        "title": "Tide at six", "message": "Bring boots.", "type": "warning", "priority": "urgent",
        "recipient_type": "user", "recipient_id": 7,
        "action_url": "/projects/2/", "action_text": "Open",
    });
    let (status, body) = world.ask(ADA_ADMIN, "POST", ALL, &draft.to_string()).await;
    assert_eq!(status, StatusCode::CREATED);
    expect![[r#"
        {
          "action_text": "Open",
          "action_url": "/projects/2/",
          "created_at": "now",
          "id": "6",
          "is_read": false,
          "message": "Bring boots.",
          "priority": "urgent",
          "read": false,
          "recipient_id": "7",
          "recipient_type": "user",
          "timestamp": "now",
          "title": "Tide at six",
          "type": "warning"
        }"#]]
    .assert_eq(&settled(&body.to_string()));
    expect![[r#"
        notifications:user:7 {
          "data": {
            "action_text": "Open",
            "action_url": "/projects/2/",
            "id": "6",
            "message": "Bring boots.",
            "priority": "urgent",
            "read": false,
            "recipient_id": "7",
            "recipient_type": "user",
            "timestamp": "now",
            "title": "Tide at six",
            "type": "warning"
          },
          "type": "notification"
        }
    "#]]
    .assert_eq(&world.gateway.posts());
    assert_eq!(world.unread(UMA_STUDENT).await[0], "Tide at six");
}

#[tokio::test]
async fn a_notification_goes_to_the_channel_of_its_recipient() {
    let world = World::new();
    for (recipient, channel) in [
        (json!({ "recipient_type": "user", "recipient_id": "5" }), "notifications:user:5"),
        (
            json!({ "recipient_type": "role", "recipient_id": "Advisor" }),
            "notifications:role:Advisor",
        ),
        (json!({ "recipient_type": "all" }), "notifications:all"),
        (json!({ "recipient_type": "all", "recipient_id": null }), "notifications:all"),
    ] {
        let mut draft = recipient;
        draft["title"] = "t".into();
        draft["message"] = "m".into();
        let (status, _) = world.ask(ADA_ADMIN, "POST", ALL, &draft.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{draft}");
        let posts = world.gateway.posts();
        assert!(posts.starts_with(&format!("{channel} ")), "{posts}");
    }
}

#[tokio::test]
async fn what_a_role_may_not_send_is_not_sent() {
    let world = World::new();
    let to = |kind: &str, id: Value| {
        json!({ "title": "t", "message": "m", "recipient_type": kind, "recipient_id": id })
            .to_string()
    };
    for (user, draft, expected) in [
        (2, to("all", Value::Null), 201),
        (ALAN_ADVISOR, to("user", 5.into()), 201),
        (ALAN_ADVISOR, to("role", "Student".into()), 201),
        (ALAN_ADVISOR, to("role", "Admin".into()), 403),
        (ALAN_ADVISOR, to("all", Value::Null), 403),
        (SAM_STUDENT, to("user", 6.into()), 403),
    ] {
        let (status, _) = world.ask(user, "POST", ALL, &draft).await;
        assert_eq!(status.as_u16(), expected, "{user}: {draft}");
    }
    assert_eq!(world.gateway.posts().matches("notifications:").count(), 3);
}

#[tokio::test]
async fn drafts_with_faults_are_told_which() {
    let world = World::new();
    let good = json!({ "title": "t", "message": "m", "recipient_type": "all" });
    for (field, value, expected) in [
        ("title", json!(" "), "title: must not be empty."),
        ("title", json!("x".repeat(201)), "title: at most 200 characters."),
        ("message", json!("x".repeat(2001)), "message: at most 2000 characters."),
        ("type", json!("alarm"), "type: give one of info, success, warning, error, system."),
        ("priority", json!(""), "priority: give one of low, medium, high, urgent."),
        ("recipient_type", json!("group"), "recipient_type: give one of user, role, all."),
        ("recipient_type", json!("user"), "recipient_id: give the user's id."),
        (
            "recipient_type",
            json!("role"),
            "recipient_id: give one of Admin, DepartmentAdmin, Advisor, Student.",
        ),
        ("action_url", json!("javascript:alert(1)"), BAD_LINK),
        ("action_url", json!("//evil.example/"), BAD_LINK),
        ("action_url", json!("/\\evil.example/"), BAD_LINK),
        ("action_url", json!("data:text/html,x"), BAD_LINK),
    ] {
        let mut draft = good.clone();
        draft[field] = value;
        let (status, body) = world.ask(ADA_ADMIN, "POST", ALL, &draft.to_string()).await;
        assert_eq!((status.as_u16(), body["message"].as_str()), (400, Some(expected)), "{draft}");
    }
    world.meanwhile("UPDATE users SET is_active = 0 WHERE id = '7'").await;
    let removed = json!({
        "title": "t", "message": "m", "recipient_type": "user", "recipient_id": UMA_STUDENT,
    });
    let (status, body) = world.ask(ADA_ADMIN, "POST", ALL, &removed.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body["message"], "recipient_id: this user was removed.");
    assert_eq!(world.gateway.posts(), "");
}

const BAD_LINK: &str = "action_url: give a path that begins with / or an http(s) address.";

/// R54.
#[tokio::test]
async fn without_a_token_there_is_nothing() {
    let world = World::new();
    for (method, path) in [
        ("GET", ALL),
        ("GET", "/api/notifications"),
        ("POST", ALL),
        ("PATCH", "/api/notifications/1/"),
        ("POST", "/api/notifications/bulk-update/"),
        ("POST", "/api/notifications/mark-read/"),
        ("GET", "/api/notifications/user/7/"),
        ("DELETE", "/api/notifications/users/7/"),
        ("POST", "/api/notifications/users/7/restore/"),
        ("POST", "/api/projects/"),
    ] {
        for (token, code) in [("", "AUTH_REQUIRED"), ("Bearer nonsense", "INVALID_TOKEN")] {
            let request = Request::builder()
                .method(Method::from_bytes(method.as_bytes()).unwrap())
                .uri(path)
                .header(header::AUTHORIZATION, token)
                .body(Body::empty())
                .unwrap();
            let (status, body) = world.answer(request).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!((body["code"].as_str(), &body["detail"]), (Some(code), &body["message"]));
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = World::new();
    let large = format!(r#"{{"title":"{}"}}"#, "x".repeat(70_000));
    let many = json!({ "notification_ids": vec![1; 501], "recipient_id": null }).to_string();
    for (path, body, status, code) in [
        (ALL, "{", 400, "INVALID_JSON"),
        (ALL, "[]", 400, "BAD_COMMAND"),
        (ALL, large.as_str(), 413, "MESSAGE_TOO_BIG"),
        ("/api/notifications/mark-read/", many.as_str(), 400, "BAD_COMMAND"),
        ("/api/notifications/mark-read/", r#"{"notification_ids":["x"]}"#, 400, "BAD_COMMAND"),
        ("/api/notifications/bulk-update/", r#"{"notification_ids":[1]}"#, 400, "BAD_COMMAND"),
    ] {
        let (got, answer) = world.ask(ADA_ADMIN, "POST", path, body).await;
        assert_eq!((got.as_u16(), answer["code"].as_str()), (status, Some(code)), "{body:.50}");
    }
    let form = Request::post(ALL)
        .header(header::AUTHORIZATION, format!("Bearer {}", claims(ADA_ADMIN)))
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(world.answer(form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn marking_over_http_is_marking() {
    let world = World::new();
    let read = r#"{"is_read":true}"#;
    let (status, body) = world.ask(UMA_STUDENT, "PATCH", "/api/notifications/1/", read).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&body["id"], &body["read"], &body["is_read"]),
        (&json!("1"), &json!(true), &json!(true))
    );
    assert_eq!(world.unread(UMA_STUDENT).await, ["Proposals are due"]);
    assert_eq!(world.gateway.posts(), "", "there is no tab to tell");

    // One is enough: it may be another than whoever asks.
    world.gateway.members.store(1, Ordering::Relaxed);
    let all = r#"{"notification_ids":["1","2","4"],"updates":{"is_read":true}}"#;
    let path = "/api/notifications/bulk-update/";
    let (_, body) = world.ask(UMA_STUDENT, "POST", path, all).await;
    assert_eq!(body["updated_count"], 2, "the third is Sam's");
    expect![[r#"
        notifications:user:7 {
          "data": [],
          "type": "notifications_list"
        }
    "#]]
    .assert_eq(&world.gateway.posts());

    let unread = r#"{"is_read":false}"#;
    world.ask(UMA_STUDENT, "PATCH", "/api/notifications/2/", unread).await;
    assert_eq!(world.unread(UMA_STUDENT).await, ["Proposals are due"]);
    for path in ["/api/notifications/4/", "/api/notifications/999/", "/api/notifications/x/"] {
        let (status, _) = world.ask(UMA_STUDENT, "PATCH", path, read).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// R75: by every way there is, of notifications to oneself, to a role and to everyone; reading is
/// one's own all the same, and a restart forgets none of it.
#[tokio::test]
async fn whatever_way_it_is_marked_every_tab_is_shown_what_is_left() {
    let mut world = World::new();
    world.gateway.members.store(3, Ordering::Relaxed);
    world.meanwhile("DELETE FROM notifications").await;
    let mut ids = Vec::new();
    for whom in [
        r#""user","recipient_id":"7""#,
        r#""role","recipient_id":"Student""#,
        r#""all""#,
        r#""all""#,
    ] {
        let draft = format!(r#"{{"title":"t","message":"m","recipient_type":{whom}}}"#);
        let (_, sent) = world.ask(ADA_ADMIN, "POST", "/api/notifications/", &draft).await;
        ids.push(sent["id"].as_str().unwrap().to_owned());
    }
    world.gateway.posts();

    let say = format!(r#"{{"action":"mark_read","notification_id":"{}"}}"#, ids[0]);
    let told = world.say(UMA_STUDENT, "notifications", &say).await;
    assert_eq!(told.matches("notifications_list").count(), 2, "the answer, and the other tabs");
    for (index, method, path, body) in [
        (1, "PATCH", format!("/api/notifications/{}/", ids[1]), r#"{"is_read":true}"#.to_owned()),
        (
            2,
            "POST",
            "/api/notifications/bulk-update/".to_owned(),
            format!(r#"{{"notification_ids":["{}"],"updates":{{"is_read":true}}}}"#, ids[2]),
        ),
        (
            3,
            "POST",
            "/api/notifications/mark-read/".to_owned(),
            format!(r#"{{"notification_ids":["{}"],"recipient_id":null}}"#, ids[3]),
        ),
    ] {
        assert_eq!(world.ask(UMA_STUDENT, method, &path, &body).await.0, StatusCode::OK);
        let told = world.gateway.posts();
        assert!(told.starts_with("notifications:user:7 {"), "{path}: {told}");
        for (at, id) in ids.iter().enumerate() {
            let is_left = told.contains(&format!(r#""id": "{id}""#));
            assert_eq!(is_left, index < at, "{path}: {told}");
        }
        world.ask(UMA_STUDENT, method, &path, &body).await;
        assert_eq!(world.gateway.posts(), "", "nothing has changed");
    }
    assert_eq!(world.unread(TESS_STUDENT).await.len(), 3, "of her role and of all");

    world.app = Notifications::open(&world.dir, world.gateway.clone(), true).unwrap();
    assert!(world.unread(UMA_STUDENT).await.is_empty());
    assert_eq!(world.unread(TESS_STUDENT).await.len(), 3);
}

/// R73: what is stored is told, also when whoever sent it has hung up by then.
#[tokio::test]
async fn who_hangs_up_is_still_heard() {
    let world = World::new();
    let hold = world.gateway.way.lock().await;
    {
        let draft = r#"{"title":"Late","message":"m","recipient_type":"all"}"#;
        let asks = world.ask(ADA_ADMIN, "POST", "/api/notifications/", draft);
        let stored = async {
            while world.unread(TESS_STUDENT).await[0] != "Late" {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = asks => panic!("answered before anyone was told: {answer:?}"),
            () = stored => {}
        }
    }
    drop(hold);
    while world.gateway.posts.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(world.gateway.posts().contains("Late"));
}

/// The shipped client groups by a recipient it was not always told, so nothing is a recipient too.
#[tokio::test]
async fn marking_is_for_oneself_whatever_the_recipient_is_called() {
    let world = World::new();
    for (recipient, status) in [
        (r#","recipient_id":"7""#, 200),
        (r#","recipient_id":7"#, 200),
        (r#","recipient_id":"Student""#, 200),
        (r#","recipient_id":null"#, 200),
        ("", 200),
        (r#","recipient_id":"5""#, 403),
        (r#","recipient_id":"Admin""#, 403),
        (r#","recipient_id":[7]"#, 403),
    ] {
        let body = format!(r#"{{"notification_ids":["1"]{recipient}}}"#);
        let (got, _) = world.ask(UMA_STUDENT, "POST", "/api/notifications/mark-read/", &body).await;
        assert_eq!(got.as_u16(), status, "{body}");
    }
}

#[tokio::test]
async fn a_users_notifications_are_for_them_and_those_who_administer() {
    let world = World::new();
    world.ask(UMA_STUDENT, "PATCH", "/api/notifications/1/", r#"{"is_read":true}"#).await;
    let path = "/api/notifications/user/7/";
    let (status, body) = world.ask(UMA_STUDENT, "GET", path, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["user_id"], &body["count"]), (&json!("7"), &json!(2)));
    assert_eq!(body["notifications"][1]["read"], true);
    assert_eq!(world.ask(ADA_ADMIN, "GET", path, "").await.1, body);
    assert_eq!(world.ask(UMA_STUDENT, "GET", ALL, "").await.1["results"], body["notifications"]);

    for (user, path) in [(SAM_STUDENT, path), (UMA_STUDENT, "/api/notifications/user/x/")] {
        assert_eq!(world.ask(user, "GET", path, "").await.0, StatusCode::FORBIDDEN);
    }
    let nobody = world.ask(ADA_ADMIN, "GET", "/api/notifications/user/999/", "").await;
    assert_eq!(nobody.0, StatusCode::NOT_FOUND);
}

/// Threat D2: what others wrote never becomes markup, and a strict policy finds nothing to forbid.
#[tokio::test]
async fn the_page_is_three_files_without_inline_script_or_style() {
    let world = World::new();
    for (path, kind) in [
        ("/notifications/", "text/html; charset=utf-8"),
        ("/notifications/page.js", "text/javascript; charset=utf-8"),
        ("/notifications/page.css", "text/css; charset=utf-8"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = world.app.clone().routes().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(!text.is_empty());
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacent", "eval(", " style=", " onclick="]
        {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
        assert!(!text.contains("<script>") && !text.contains("<style"), "{path}");
    }
}

/// No browser runs here, so at least what the script looks for must be on the page.
#[test]
fn the_pages_script_finds_what_it_looks_for() {
    let (html, script) = (include_str!("../page/page.html"), include_str!("../page/page.js"));
    let ids: Vec<_> = script.split("at('").skip(1).filter_map(|it| it.split('\'').next()).collect();
    assert!(20 < ids.len());
    for id in ids {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for id in script.split("indicator('").skip(1).filter_map(|it| it.split('\'').next()) {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
