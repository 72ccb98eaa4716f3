//! Who is known, as what, and for how long: R6, R127, and a database that begins empty.

use super::*;

const FIRST: u64 = 1_700_000_000;

fn token(user: impl Into<Value>, role: &str, age: u64) -> Value {
    json!({ "user_id": user.into(), "role": role, "iat": FIRST + age })
}

impl World {
    /// Admits a token: the role it comes to, or why it comes to none.
    async fn shows(&self, claims: &Value) -> String {
        match self.app.admit(&visitor_with(claims, "notifications", &[])).await {
            Ok(()) => {
                let user = self.app.user_of(Some(&identity(claims))).await.unwrap();
                format!("{} {}", user.username, user.role.as_str())
            }
            Err(refusal) => format!("{}: {}", refusal.code, refusal.message()),
        }
    }

    async fn first_frame(&self, claims: &Value) -> String {
        let visitor = visitor_with(claims, "notifications", &[]);
        self.app.admit(&visitor).await.unwrap();
        told(&self.app.connected(&visitor).await)
    }

    async fn removes(&self, by: &Value, id: &str) -> u16 {
        let path = format!("/api/notifications/users/{id}/");
        self.ask_with(by, "DELETE", &path, "").await.0.as_u16()
    }

    async fn restores(&self, by: &Value, id: &str) -> u16 {
        let path = format!("/api/notifications/users/{id}/restore/");
        self.ask_with(by, "POST", &path, "").await.0.as_u16()
    }
}

const OUTDATED: &str = "AUTH_FAILED: Your role has changed. Sign in again.";

#[tokio::test]
async fn whoever_a_token_names_is_known_from_then_on() {
    let world = World::unseeded();
    for (claims, known) in [
        (
            json!({ "user_id": 7, "username": "uma", "role": "Advisor", "email": "u@x" }),
            "uma Advisor",
        ),
        (json!({ "user_id": "7" }), "uma Advisor"),
        (json!({ "user_id": 8 }), "user 8 Student"),
        (json!({ "user_id": "ann@x", "username": "uma", "role": "root" }), "user ann@x Student"),
        (json!({ "user_id": 9, "username": "user 10" }), "user 10 Student"),
        (json!({ "user_id": 10 }), "user 10 (2) Student"),
        (json!({ "user_id": 11, "username": "a\u{7}b", "role": ["Admin"] }), "user 11 Student"),
        (json!({ "user_id": 12, "username": " " }), "user 12 Student"),
        (json!({ "user_id": 13, "username": "x".repeat(255) }), "user 13 Student"),
    ] {
        assert_eq!(world.shows(&claims).await, known, "{claims}");
    }
    let email = |db: &mut rusqlite::Connection| {
        db.query_row("SELECT count(*) FROM users WHERE email = ''", (), |row| row.get(0))
    };
    assert_eq!(world.app.store().ask(email).await, Ok(7_i64));
}

#[tokio::test]
async fn of_two_tokens_the_newer_one_says_the_role() {
    let world = World::unseeded();
    for (claims, comes_to) in [
        (token(7, "Student", 1), "user 7 Student"),
        (token(7, "Admin", 10), "user 7 Admin"),
        (token(7, "Student", 9), OUTDATED),
        (token(7, "Admin", 5), "user 7 Admin"),
        // Says the same, and makes everything before it stale.
        (token(7, "Admin", 20), "user 7 Admin"),
        (token(7, "Student", 15), OUTDATED),
        (token(7, "Student", 20), "user 7 Student"),
        (json!({ "user_id": 7 }), "user 7 Student"),
        (json!({ "user_id": 7, "role": "Admin" }), OUTDATED),
        (json!({ "user_id": 7, "role": "boss", "iat": FIRST + 99 }), "user 7 Student"),
    ] {
        assert_eq!(world.shows(&claims).await, comes_to, "{claims}");
    }
}

/// A token that was never shown before its user was demoted is no better for that.
#[tokio::test]
async fn a_demoted_user_finds_no_use_for_a_token_they_kept() {
    let world = World::unseeded();
    world.shows(&token(7, "Student", 1)).await;
    world.shows(&token(7, "Student", 20)).await;
    assert_eq!(world.shows(&token(7, "Admin", 10)).await, OUTDATED);
}

#[tokio::test]
async fn a_new_role_ends_the_connections_of_the_old_one() {
    let world = World::unseeded();
    let old = token(7, "Admin", 1);
    world.shows(&old).await;
    assert_eq!(world.gateway.ended(), Vec::<String>::new());
    world.shows(&token(7, "Student", 2)).await;
    assert_eq!(world.gateway.ended(), ["7 AUTH_FAILED"]);

    let message = Message::Text(r#"{"action":"ping"}"#.into());
    let visitor = visitor_with(&old, "notifications", &[]);
    let answer = told(&world.app.message(&visitor, message).await);
    assert_eq!(answer, "close AUTH_FAILED Your role has changed. Sign in again.\n");
}

#[tokio::test]
async fn the_removed_stay_out_until_they_are_restored() {
    let world = World::unseeded();
    let (admin, uma) = (token(1, "Admin", 1), token("uma", "Student", 1));
    world.shows(&uma).await;
    assert_eq!(world.removes(&admin, "uma").await, 204);
    assert_eq!(world.gateway.ended(), ["uma AUTH_FAILED"]);
    for claims in [uma.clone(), token("uma", "Admin", 99), json!({ "user_id": "uma" })] {
        assert_eq!(world.shows(&claims).await, "AUTH_FAILED: This user was removed.");
    }
    assert_eq!(world.ask_with(&uma, "GET", "/api/notifications/", "").await.0.as_u16(), 401);
    assert_eq!(world.removes(&admin, "uma").await, 204, "it is done");

    assert_eq!(world.restores(&admin, "uma").await, 204);
    assert_eq!(world.shows(&uma).await, "user uma Student");
}

#[tokio::test]
async fn only_an_admin_removes_and_only_whom_there_is() {
    let world = World::unseeded();
    let admin = token(1, "Admin", 1);
    for role in ["DepartmentAdmin", "Advisor", "Student"] {
        assert_eq!(world.removes(&token(role, role, 1), "1").await, 403, "{role}");
        assert_eq!(world.restores(&token(role, role, 1), "1").await, 403, "{role}");
    }
    for id in ["9", "a%3Ab", "%20"] {
        assert_eq!(world.removes(&admin, id).await, 404, "{id}");
        assert_eq!(world.restores(&admin, id).await, 404, "{id}");
    }
    assert_eq!(world.gateway.ended(), Vec::<String>::new());
}

#[tokio::test]
async fn who_is_removed_in_a_room_is_still_seen_to_leave() {
    let world = World::new();
    world.connect(TESS_STUDENT, "collaboration/den").await;
    world.removes(&claims(ADA_ADMIN), "6").await;
    let told = world.leave(TESS_STUDENT, "collaboration/den").await;
    assert!(told.contains("tess left the collaboration"), "{told}");
}

/// With nothing but tokens, in a database that began empty.
#[tokio::test]
async fn an_admin_writes_to_those_who_have_never_been_here() {
    let world = World::unseeded();
    let admin = token("head", "Admin", 1);
    for (recipient, id) in
        [("user", json!("uma")), ("role", json!("Student")), ("all", json!(null))]
    {
        let draft = json!({
            "title": recipient, "message": "m", "recipient_type": recipient, "recipient_id": id,
        });
        let path = "/api/notifications/";
        let (status, body) = world.ask_with(&admin, "POST", path, &draft.to_string()).await;
        assert_eq!(status.as_u16(), 201, "{body}");
    }
    let posts = world.gateway.posts();
    for channel in ["notifications:user:uma ", "notifications:role:Student ", "notifications:all "]
    {
        assert!(posts.contains(channel), "{posts}");
    }
    let list = world.first_frame(&token("uma", "Student", 1)).await;
    for title in [r#""title": "user""#, r#""title": "role""#, r#""title": "all""#] {
        assert!(list.contains(title), "{list}");
    }
    assert!(!list.contains("join "), "the route's template joins by the token's role: {list}");
    let read = r#"{"is_read":true}"#;
    let uma = json!({ "user_id": "uma" });
    let answer = world.ask_with(&uma, "PATCH", "/api/notifications/1/", read).await;
    assert_eq!((answer.0.as_u16(), &answer.1["is_read"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_project_is_made_for_people_who_have_not_been_here() {
    let world = World::unseeded();
    let admin = token("head", "Admin", 1);
    let nothing = visitor_with(&admin, "projects", &[("id".into(), "40".into())]);
    world.app.admit(&nothing).await.unwrap();
    let first = told(&world.app.connected(&nothing).await);
    assert!(first.contains(r#""data": null"#), "{first}");

    let raw = json!({
        "id": 40, "title": "Tides", "advisor": "alan", "students": [10, "9", "uma"],
        "milestones": [{ "name": "Proposal", "due_date": "2026-05-29" }, { "name": "Report" }],
    });
    let (status, made) = world.ask_with(&admin, "POST", "/api/projects/", &raw.to_string()).await;
    assert_eq!(status.as_u16(), 201, "{made}");
    assert_eq!((&made["project_id"], &made["advisor"]), (&json!("40"), &json!("alan")));
    assert_eq!(made["students"], json!(["uma", "9", "10"]));
    assert_eq!(made["milestones"][0]["due_date"], "2026-05-29");

    let looks_on = async |claims: Value| {
        let visitor = visitor_with(&claims, "projects", &[("id".into(), "40".into())]);
        world.app.admit(&visitor).await.is_ok()
    };
    assert!(looks_on(token("uma", "Student", 1)).await);
    assert!(looks_on(token("alan", "Advisor", 1)).await);
    assert!(!looks_on(token("tess", "Student", 1)).await);

    for (claims, raw, status) in [
        (&admin, raw.to_string(), 400),
        (&admin, r#"{"title":" "}"#.to_owned(), 400),
        (&admin, r#"{"title":"t","id":"x"}"#.to_owned(), 400),
        (&admin, r#"{"title":"t","students":[[]]}"#.to_owned(), 400),
        (&admin, r#"{"title":"t","milestones":[{"name":"n","due_date":"soon"}]}"#.to_owned(), 400),
        (&admin, r#"{"title":"t"}"#.to_owned(), 201),
        (&token("alan", "Advisor", 1), r#"{"title":"t"}"#.to_owned(), 403),
    ] {
        let answer = world.ask_with(claims, "POST", "/api/projects/", &raw).await;
        assert_eq!(answer.0.as_u16(), status, "{raw}");
    }
}

/// Version 1 had users with numbers for ids.
#[tokio::test]
async fn a_database_of_the_first_version_is_brought_along() {
    let dir = env::temp_dir().join(format!("notifications-version-1-{}", process::id()));
    fs::create_dir_all(&dir).unwrap();
    let db = rusqlite::Connection::open(dir.join("notifications.db")).unwrap();
    db.execute_batch(include_str!("version_1.sql")).unwrap();
    db.execute_batch(
        "INSERT INTO users VALUES (7, 'uma', 'u@x', 'U', 'I', 'Student', '', 1);
         INSERT INTO users VALUES (8, 'vik', 'v@x', 'V', 'H', 'Student', '', 0);
         INSERT INTO projects VALUES (1, 'Tides', 'active', 7);
         INSERT INTO project_students VALUES (1, 7);
         INSERT INTO milestones VALUES (3, 1, 'Proposal', 'pending', NULL, 'n');
         INSERT INTO notifications VALUES
             (5, 'read', 'm', 'info', 'low', 't', NULL, NULL, 'user', '7'),
             (6, 'unread', 'm', 'info', 'low', 't', NULL, NULL, 'user', '7');
         INSERT INTO reads VALUES (7, 5);",
    )
    .unwrap();
    drop(db);

    let world = World::in_dir(dir, false);
    assert_eq!(world.shows(&json!({ "user_id": 7 })).await, "uma Student");
    assert_eq!(world.shows(&json!({ "user_id": 8 })).await, "AUTH_FAILED: This user was removed.");
    assert_eq!(world.unread(UMA_STUDENT).await, ["unread"]);
    let project = world.connect(UMA_STUDENT, "projects/1").await;
    assert!(project.contains(r#""advisor": "uma""#) && project.contains("Proposal"), "{project}");
}
