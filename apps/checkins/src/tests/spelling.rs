//! Every spelling the client is known to use, and every text it is told.

use serde_json::{Value, json};

use super::{ADMIN, MEMBER, STAFF, TRAINER, World, frame};

/// The client sends `data`, its server read `payload`, and ids have two names and five forms (C6).
#[tokio::test(start_paused = true)]
async fn a_visit_in_every_spelling() {
    let mut world = World::empty().await;
    let id = world.id_of("GYM-0002").await;
    let keys = [
        json!(id),
        json!(id.to_uppercase()),
        json!("GYM-0002"),
        json!(" gym-0002 "),
        json!("200000000002"),
        json!(200_000_000_002_u64),
    ];
    for key in &keys {
        for (body, member_name, check_in_name) in [
            ("data", "memberId", "checkInId"),
            ("data", "member_id", "check_in_id"),
            ("payload", "memberId", "checkInId"),
            ("payload", "member_id", "check_in_id"),
        ] {
            let said = json!({ "type": "check_in", body: { member_name: key } });
            let told = world.says(STAFF, &said.to_string()).await;
            let begun = frame(&told[0]);
            assert_eq!(begun["type"], "check_in_success", "{said}");
            assert_eq!(begun["payload"]["member"]["full_name"], "Aaron Whitfield");

            let check_in = &begun["payload"]["id"];
            let said = json!({ "type": "check_out", body: { check_in_name: check_in } });
            let told = world.says(STAFF, &said.to_string()).await;
            assert_eq!(frame(&told[0])["type"], "check_out_success", "{said}");
        }
    }
}

/// Where both are sent, the one that says something is read.
#[tokio::test(start_paused = true)]
async fn an_empty_data_does_not_hide_the_payload() {
    let mut world = World::empty().await;
    let said = r#"{"type":"check_in","data":null,"payload":{"memberId":"GYM-0002"}}"#;
    assert_eq!(frame(&world.says(STAFF, said).await[0])["type"], "check_in_success");
}

/// The texts are those the client shows, so they do not change.
#[tokio::test(start_paused = true)]
async fn every_text_that_is_told_when_nothing_was_done() {
    let mut world = World::new();
    let ghost = "00000000-0000-4000-8000-000000000000";
    let long = "x".repeat(501);
    for (user, direction, said, code, text) in [
        (
            STAFF,
            "check_in",
            json!({ "memberId": "no one" }),
            "MEMBER_NOT_FOUND",
            "Member not found",
        ),
        (STAFF, "check_in", json!({ "memberId": ghost }), "MEMBER_NOT_FOUND", "Member not found"),
        (
            STAFF,
            "check_in",
            json!({ "memberId": "GYM-0004" }),
            "ALREADY_CHECKED_IN",
            "Chidi Eze is already checked in",
        ),
        (
            STAFF,
            "check_out",
            json!({ "checkInId": ghost }),
            "CHECK_IN_NOT_FOUND",
            "Check-in not found or already checked out",
        ),
        (
            STAFF,
            "check_in",
            json!({}),
            "BAD_COMMAND",
            "memberId is missing: send a member's id, number or barcode",
        ),
        (
            STAFF,
            "check_in",
            json!({ "memberId": true }),
            "BAD_COMMAND",
            "memberId is missing: send a member's id, number or barcode",
        ),
        (
            STAFF,
            "check_out",
            Value::Null,
            "BAD_COMMAND",
            "checkInId is missing: send the id of a check-in",
        ),
        (
            STAFF,
            "check_in",
            json!({ "memberId": "GYM-0002", "location": 7 }),
            "BAD_COMMAND",
            "location is not text",
        ),
        (
            STAFF,
            "check_in",
            json!({ "memberId": "GYM-0002", "notes": long }),
            "BAD_COMMAND",
            "notes is longer than 500 characters",
        ),
        (
            STAFF,
            "check_in",
            json!({ "memberId": long }),
            "BAD_COMMAND",
            "memberId is longer than 64 characters",
        ),
        (
            MEMBER,
            "check_in",
            json!({ "memberId": "GYM-0002" }),
            "DENIED",
            "Only staff may check other members in or out",
        ),
    ] {
        let said = json!({ "type": direction, "data": said }).to_string();
        let told = world.says(user, &said).await;
        assert_eq!(told.len(), 1, "{said}");
        assert_eq!(
            frame(&told[0]),
            json!({
                "type": format!("{direction}_error"),
                "payload": { "error": text, "code": code, "message": text, "detail": text },
            })
        );
    }
}

/// The original checked no roles on its socket; this one does.
#[tokio::test(start_paused = true)]
async fn who_may_check_whom_in_and_out() {
    // The member is GYM-0001. Each row: who, may they move themself as a member, may they move
    // others.
    for (user, own, others) in
        [(ADMIN, true, true), (STAFF, true, true), (TRAINER, false, false), (MEMBER, true, false)]
    {
        for (number, may) in [("GYM-0001", own), ("GYM-0002", others)] {
            let mut world = World::empty().await;
            let said = format!(r#"{{"type":"check_in","data":{{"memberId":"{number}"}}}}"#);
            let told = world.says(user, &said).await;
            let expected = if may { "check_in_success" } else { "check_in_error" };
            assert_eq!(frame(&told[0])["type"], expected, "{user} {number} in");

            let mut world = World::empty().await;
            let begun = world.says(STAFF, &said).await;
            assert_eq!(begun.len(), 2);
            let told =
                world.says(user, r##"{"type":"check_out","data":{"checkInId":"#1"}}"##).await;
            let expected = if may { "check_out_success" } else { "check_out_error" };
            assert_eq!(frame(&told[0])["type"], expected, "{user} {number} out");
        }
    }
}

/// A member who asks for someone who does not exist learns no more than for someone who does.
#[tokio::test(start_paused = true)]
async fn members_cannot_find_out_who_else_is_one() {
    let mut world = World::new();
    let one = world.says(MEMBER, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    let none = world.says(MEMBER, r#"{"type":"check_in","data":{"memberId":"GYM-9999"}}"#).await;
    assert_eq!(one, none);
}

/// What the client looks for before it believes a frame, written from its side.
#[tokio::test(start_paused = true)]
async fn the_clients_guards_pass() {
    let mut world = World::empty().await;
    // Rosa has no membership type, which once made the client drop her.
    let said = r#"{"type":"check_in","data":{"memberId":"GYM-0019","location":null}}"#;
    let mut told = world.says(STAFF, said).await;
    told.extend(world.says(STAFF, r##"{"type":"check_out","data":{"checkInId":"#1"}}"##).await);
    told.extend(world.follows().await);

    for frame in told.iter().map(|it| frame(it)) {
        let payload = &frame["payload"];
        match frame["type"].as_str().unwrap() {
            "check_in_success" | "member_checked_in" => assert_is_check_in(payload),
            "check_out_success" | "member_checked_out" => {
                assert_is_check_in(payload);
                assert!(payload["check_out_time"].is_string());
            }
            "check_in_update" => {
                assert_is_check_in(payload);
                assert_is_check_in(&payload["checkIn"]);
                assert_is_stats(payload);
                let out = payload["type"] == "check_out";
                assert!(out || payload["type"] == "check_in");
                assert_eq!(payload["status"], if out { "checked_out" } else { "checked_in" });
                assert_eq!(payload["check_out_time"].is_string(), out);
                assert_eq!(payload["check_out_time"].is_null(), !out);
            }
            "activity_notification" => {
                assert_eq!(payload["type"], "member_activity");
                assert!(payload["timestamp"].is_string() && payload["location"].is_string());
            }
            "check_in_stats" | "stats_update" => assert_is_stats(payload),
            other => panic!("nobody reads {other}"),
        }
    }
}

fn assert_is_check_in(it: &Value) {
    assert!(it["id"].is_string() && it["check_in_time"].is_string(), "{it}");
    assert!(it["location"].is_string() && it["notes"].is_string(), "{it}");
    for name in ["id", "full_name", "email", "membership_type"] {
        assert!(it["member"][name].is_string(), "{name} of {it}");
    }
}

fn assert_is_stats(it: &Value) {
    for name in ["currentlyIn", "todayTotal", "averageStayMinutes"] {
        assert!(it[name].is_u64(), "{name} of {it}");
    }
}

impl World {
    async fn id_of(&self, number: &'static str) -> String {
        let found = self.app.book.ask(move |db| crate::member::find(db, number)).await.unwrap();
        found.unwrap().id
    }
}
