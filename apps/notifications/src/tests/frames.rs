//! The user's notifications over WebSocket: R41, R73, R75, and who is let in.

use std::sync::atomic::Ordering;

use expect_test::expect;

use super::*;

#[tokio::test]
async fn the_first_frame_is_the_list_of_unread_notifications() {
    let world = World::new();
    expect![[r#"
        reply {
          "data": [
            {
              "action_text": null,
              "action_url": null,
              "id": "2",
              "message": "Hand yours in by Friday.",
              "priority": "high",
              "read": false,
              "recipient_id": "Student",
              "recipient_type": "role",
              "timestamp": "now",
              "title": "Proposals are due",
              "type": "warning"
            },
            {
              "action_text": null,
              "action_url": null,
              "id": "1",
              "message": "Open this page in two windows and write to each other.",
              "priority": "low",
              "read": false,
              "recipient_id": null,
              "recipient_type": "all",
              "timestamp": "now",
              "title": "Welcome aboard",
              "type": "system"
            }
          ],
          "type": "notifications_list"
        }
    "#]]
    .assert_eq(&world.connect(UMA_STUDENT, "notifications").await);
    let at_root = world.connect(UMA_STUDENT, "notifications-root").await;
    assert_eq!(at_root, world.connect(UMA_STUDENT, "notifications").await);
    let asked = r#"{"action":"get_notifications","userId":"1"}"#;
    assert_eq!(world.say(UMA_STUDENT, "notifications", asked).await, at_root);
}

#[tokio::test]
async fn a_list_has_the_newest_ten_unread_of_ones_own() {
    let world = World::new();
    world
        .meanwhile(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
             INSERT INTO notifications (title, message, kind, priority, created_at,
                 recipient_type, recipient_id)
             SELECT 'number ' || i, 'm', 'info', 'low', '2026-01-01T00:00:00.000Z', 'user', '7'
             FROM n",
        )
        .await;
    let unread = world.unread(UMA_STUDENT).await;
    assert_eq!(unread.len(), 10);
    assert_eq!((unread[0].as_str(), unread[9].as_str()), ("number 12", "number 3"));
    assert!(!world.unread(SAM_STUDENT).await.iter().any(|it| it.starts_with("number")));
}

/// What one user has read the others have not (R75): notification 1 went to everyone.
#[tokio::test]
async fn reading_is_everyones_own() {
    let world = World::new();
    let read = r#"{"action":"mark_read","notification_id":"1"}"#;
    expect![[r#"
        reply {
          "data": [
            {
              "action_text": null,
              "action_url": null,
              "id": "2",
              "message": "Hand yours in by Friday.",
              "priority": "high",
              "read": false,
              "recipient_id": "Student",
              "recipient_type": "role",
              "timestamp": "now",
              "title": "Proposals are due",
              "type": "warning"
            }
          ],
          "type": "notifications_list"
        }
    "#]]
    .assert_eq(&world.say(UMA_STUDENT, "notifications", read).await);
    assert_eq!(world.unread(UMA_STUDENT).await, ["Proposals are due"]);
    assert_eq!(
        world.unread(TESS_STUDENT).await,
        ["You are on two projects", "Proposals are due", "Welcome aboard"]
    );
}

#[tokio::test]
async fn other_tabs_are_shown_what_is_left_and_only_if_there_are_any_and_only_once() {
    let world = World::new();
    let read = r#"{"action":"mark_read","notificationId":2}"#;
    world.gateway.members.store(2, Ordering::Relaxed);
    let first = world.say(UMA_STUDENT, "notifications", read).await;
    assert_eq!(first.matches("publish to notifications:user:7 {").count(), 1);
    assert!(first.starts_with("reply"));
    let again = world.say(UMA_STUDENT, "notifications", read).await;
    assert!(!again.contains("publish"), "nothing changed: {again}");
}

#[tokio::test]
async fn nobody_marks_what_is_not_theirs() {
    let world = World::new();
    // 4 is Sam's, 999 nobody's: the answer must not tell them apart (C5).
    let sams = world.say(UMA_STUDENT, "notifications", &mark("\"4\"")).await;
    assert_eq!(sams, world.say(UMA_STUDENT, "notifications", &mark("999")).await);
    expect![[r#"
        reply {
          "code": "BAD_COMMAND",
          "data": {
            "code": "BAD_COMMAND",
            "message": "You have no notification with this id."
          },
          "message": "You have no notification with this id.",
          "type": "error"
        }
    "#]]
    .assert_eq(&sams);
    assert_eq!(world.unread(SAM_STUDENT).await[0], "Logbook 14 is legible");
}

/// "Should not crash", say the tests of the shipped client; ours also says what was wrong (C7, C9).
#[tokio::test]
async fn whatever_is_said_is_answered() {
    let world = World::new();
    let deep = "[".repeat(100_000);
    for (said, code) in [
        ("", "INVALID_JSON"),
        ("not json", "INVALID_JSON"),
        (r#"{"action":"get_notifications""#, "INVALID_JSON"),
        (deep.as_str(), "INVALID_JSON"),
        ("null", "BAD_COMMAND"),
        ("[]", "BAD_COMMAND"),
        ("{}", "BAD_COMMAND"),
        (r#"{"action":7}"#, "BAD_COMMAND"),
        (r#"{"action":{"action":"ping"}}"#, "BAD_COMMAND"),
        (r#"{"action":"fly"}"#, "UNKNOWN_COMMAND"),
        (r#"{"action":"run_health_check"}"#, "UNKNOWN_COMMAND"),
        (r#"{"action":"mark_read"}"#, "BAD_COMMAND"),
        (mark("null").as_str(), "BAD_COMMAND"),
        (mark("-1").as_str(), "BAD_COMMAND"),
        (mark("1e400").as_str(), "INVALID_JSON"),
        (mark("[1]").as_str(), "BAD_COMMAND"),
        (mark("\"1 OR 1=1\"").as_str(), "BAD_COMMAND"),
        (mark("99999999999999999999").as_str(), "BAD_COMMAND"),
        (mark("\"invalid-id\"").as_str(), "BAD_COMMAND"),
    ] {
        let told = world.say(UMA_STUDENT, "notifications", said).await;
        assert!(told.starts_with("reply"), "{said:.40}: {told}");
        let frame: Value = serde_json::from_str(told.strip_prefix("reply ").unwrap()).unwrap();
        assert_eq!((&frame["type"], &frame["code"]), (&json!("error"), &json!(code)), "{said:.40}");
        assert_eq!(frame["data"]["code"], code);
        assert_eq!(frame["data"]["message"], frame["message"]);
    }
    assert_eq!(world.unread(UMA_STUDENT).await.len(), 2);
}

#[tokio::test]
async fn binary_messages_are_answered_too() {
    let world = World::new();
    let said = Message::Binary((*b"{}").into());
    let answer = world.app.message(&visitor(UMA_STUDENT, "notifications"), said).await;
    expect![[r#"
        reply {
          "code": "BAD_COMMAND",
          "data": {
            "code": "BAD_COMMAND",
            "message": "Send JSON as text, not as a binary message."
          },
          "message": "Send JSON as text, not as a binary message.",
          "type": "error"
        }
    "#]]
    .assert_eq(&told(&answer));
}

#[tokio::test]
async fn pings_and_heartbeats_are_answered_everywhere() {
    let world = World::new();
    expect![[r#"
        reply {
          "timestamp": "now",
          "type": "pong"
        }
    "#]]
    .assert_eq(&world.say(1, "system-health", r#"{"type":"ping"}"#).await);
    let beat = world.say(UMA_STUDENT, "collaboration/den", r#"{"action":"heartbeat"}"#).await;
    expect![[r#"
        reply {
          "timestamp": "now",
          "type": "heartbeat_ack"
        }
    "#]]
    .assert_eq(&beat);
}

/// R127's deleted user, and what the original did not look at: whether they are active.
#[tokio::test]
async fn only_active_users_who_are_what_their_token_says_are_admitted() {
    let world = World::new();
    assert_eq!(world.admit(UMA_STUDENT, "notifications").await, "admitted");
    let unfit =
        visitor_with(&json!({ "user_id": "u:ma", "role": "Student" }), "notifications", &[]);
    assert_eq!(world.app.admit(&unfit).await.unwrap_err().code, Code::AuthFailed);

    let mut anonymous = visitor(UMA_STUDENT, "notifications");
    anonymous.identity = None;
    assert_eq!(world.app.admit(&anonymous).await.unwrap_err().code, Code::AuthRequired);

    world.meanwhile("UPDATE users SET is_active = 0 WHERE id = '7'").await;
    assert_eq!(world.admit(UMA_STUDENT, "notifications").await, "AUTH_FAILED");
    let asked = world.say(UMA_STUDENT, "notifications", r#"{"action":"get_notifications"}"#).await;
    assert_eq!(asked, "close AUTH_FAILED This user was removed.\n");
}

#[tokio::test]
async fn a_token_without_a_role_joins_by_its_users_role() {
    let world = World::new();
    let visitor = visitor_with(&json!({ "user_id": UMA_STUDENT }), "notifications", &[]);
    world.app.admit(&visitor).await.unwrap();
    let told = told(&world.app.connected(&visitor).await);
    assert!(told.ends_with("join notifications:role:Student\n"), "{told}");
}

#[tokio::test]
async fn a_route_of_another_name_is_nowhere() {
    let world = World::new();
    assert_eq!(world.admit(ADA_ADMIN, "elsewhere").await, "NO_SUCH_ROUTE");
}

#[tokio::test]
async fn what_was_confirmed_is_there_after_a_restart_and_nothing_is_seeded_twice() {
    let world = World::new();
    world.say(UMA_STUDENT, "notifications", &mark("1")).await;
    let again = Notifications::open(&world.dir, world.gateway.clone(), true).unwrap();
    let user = again.user_of(Some(&identity(&claims(UMA_STUDENT)))).await.unwrap();
    let left = again.store().ask(move |db| crate::notice::unread(db, &user)).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(again.people().len(), 8);
}

#[tokio::test]
async fn a_gateway_not_in_development_has_nobody_with_a_known_password() {
    let world = World::new();
    let unseeded = Notifications::open(&world.dir.join("else"), world.gateway.clone(), false);
    assert!(unseeded.unwrap().people().is_empty());
}

fn mark(id: &str) -> String {
    format!(r#"{{"action":"mark_read","notification_id":{id}}}"#)
}
