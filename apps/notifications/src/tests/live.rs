//! Projects, collaboration and the system's health over WebSocket.

use expect_test::expect;

use super::*;

#[tokio::test]
async fn a_project_opens_with_its_status() {
    let world = World::new();
    let first = world.connect(SAM_STUDENT, "projects/1").await;
    expect![[r#"
        reply {
          "data": {
            "advisor": "alan",
            "milestones": [
              {
                "due_date": "2026-02-02",
                "id": "1",
                "name": "Proposal",
                "notes": "",
                "status": "completed"
              },
              {
                "due_date": "2026-05-29",
                "id": "2",
                "name": "Logbooks read",
                "notes": "",
                "status": "in_progress"
              },
              {
                "due_date": null,
                "id": "3",
                "name": "Final report",
                "notes": "",
                "status": "pending"
              }
            ],
            "project_id": "1",
            "status": "active",
            "students": [
              "5",
              "6"
            ],
            "title": "Tide tables from old logbooks"
          },
          "type": "project_status"
        }
    "#]]
    .assert_eq(&first);
    let asked = world.say(SAM_STUDENT, "projects/1", r#"{"action":"get_status"}"#).await;
    assert_eq!(asked, first);
}

#[tokio::test]
async fn a_project_is_open_to_its_people_and_those_who_administer() {
    let world = World::new();
    for (user, project, expected) in [
        (ADA_ADMIN, "projects/1", "admitted"),
        (2, "projects/2", "admitted"),
        (ALAN_ADVISOR, "projects/1", "admitted"),
        (GRACE_ADVISOR, "projects/1", "FORBIDDEN"),
        (SAM_STUDENT, "projects/1", "admitted"),
        (UMA_STUDENT, "projects/1", "FORBIDDEN"),
        // What is not there looks to them like what is not theirs.
        (ALAN_ADVISOR, "projects/999", "FORBIDDEN"),
        (SAM_STUDENT, "projects/nonsense", "FORBIDDEN"),
        (SAM_STUDENT, "projects/01", "FORBIDDEN"),
        (ADA_ADMIN, "projects/999", "admitted"),
        (ADA_ADMIN, "projects/a b", "BAD_CHANNEL"),
    ] {
        assert_eq!(world.admit(user, project).await, expected, "{user} at {project}");
    }
    expect![[r#"
        reply {
          "data": null,
          "type": "project_status"
        }
    "#]]
    .assert_eq(&world.connect(ADA_ADMIN, "projects/999").await);
}

#[tokio::test]
async fn a_milestone_moved_by_the_advisor_is_told_to_everyone() {
    let world = World::new();
    let update =
        |fields: &str| format!(r#"{{"action":"update_milestone","milestone_data":{{{fields}}}}}"#);
    let done = update(r#""milestone_id":"2","status":"completed","notes":"All fourteen.""#);
    expect![[r#"
        publish to project:1 {
          "data": {
            "milestone_updated": {
              "due_date": "2026-05-29",
              "id": "2",
              "name": "Logbooks read",
              "notes": "All fourteen.",
              "status": "completed"
            },
            "timestamp": 0.5,
            "updated_by": "alan"
          },
          "type": "project_update"
        }
    "#]]
    .assert_eq(&world.say(ALAN_ADVISOR, "projects/1", &done).await);
    let status = world.connect(SAM_STUDENT, "projects/1").await;
    assert!(status.contains("All fourteen."));

    for (user, said, code) in [
        (SAM_STUDENT, done.as_str(), "DENIED"),
        (ALAN_ADVISOR, r#"{"action":"update_milestone"}"#, "BAD_COMMAND"),
        (ALAN_ADVISOR, &update(r#""milestone_id":"x""#), "BAD_COMMAND"),
        (ALAN_ADVISOR, &update(r#""milestone_id":2,"status":"Not so""#), "BAD_COMMAND"),
        (ALAN_ADVISOR, &update(r#""milestone_id":2,"notes":["?"]"#), "BAD_COMMAND"),
        // A milestone of another project.
        (ALAN_ADVISOR, &update(r#""milestone_id":5,"status":"completed""#), "BAD_COMMAND"),
    ] {
        let told = world.say(user, "projects/1", said).await;
        assert!(told.starts_with("reply") && told.contains(code), "{said}: {told}");
    }
}

#[tokio::test]
async fn who_loses_a_project_is_parted_from_it_at_their_next_word() {
    let world = World::new();
    world.meanwhile("DELETE FROM project_students WHERE student = '5'").await;
    let told = world.say(SAM_STUDENT, "projects/1", r#"{"action":"get_status"}"#).await;
    assert_eq!(told, "close FORBIDDEN This project is not yours.\n");
}

#[tokio::test]
async fn in_a_room_everyone_hears_of_comings_and_the_others_of_doings() {
    let world = World::new();
    let room = "collaboration/den";
    let mut told = world.connect(TESS_STUDENT, room).await;
    for said in [
        r#"{"action":"cursor_update","position":{"x":3,"y":4},"user":"ada"}"#,
        r#"{"action":"text_change","changes":{"position":0,"text":"hi","length":2}}"#,
        r#"{"action":"selection_change","selection":{"start":0,"end":2,"text":"hi"}}"#,
    ] {
        told += &world.say(TESS_STUDENT, room, said).await;
    }
    told += &world.leave(TESS_STUDENT, room).await;
    expect![[r#"
        publish to collaboration:den {
          "message": "tess joined the collaboration",
          "type": "user_joined",
          "user": "tess"
        }
        publish to collaboration:den except 6 {
          "position": {
            "x": 3,
            "y": 4
          },
          "timestamp": 0.5,
          "type": "cursor_update",
          "user": "tess"
        }
        publish to collaboration:den except 6 {
          "changes": {
            "length": 2,
            "position": 0,
            "text": "hi"
          },
          "timestamp": 0.5,
          "type": "text_change",
          "user": "tess"
        }
        publish to collaboration:den except 6 {
          "selection": {
            "end": 2,
            "start": 0,
            "text": "hi"
          },
          "timestamp": 0.5,
          "type": "selection_change",
          "user": "tess"
        }
        publish to collaboration:den {
          "message": "tess left the collaboration",
          "type": "user_left",
          "user": "tess"
        }
    "#]]
    .assert_eq(&told);

    let empty = world.say(TESS_STUDENT, room, r#"{"action":"cursor_update"}"#).await;
    assert!(empty.contains("cursor_update needs a position."), "{empty}");
}

#[tokio::test]
async fn the_systems_health_is_for_those_who_administer() {
    let world = World::new();
    for (user, expected) in [(1, "admitted"), (2, "admitted"), (3, "FORBIDDEN"), (5, "FORBIDDEN")] {
        assert_eq!(world.admit(user, "system-health").await, expected, "{user}");
    }
    // Two tabs of one user are one active user; who left is none.
    for user in [SAM_STUDENT, SAM_STUDENT, TESS_STUDENT, UMA_STUDENT] {
        world.connect(user, "notifications").await;
    }
    world.leave(SAM_STUDENT, "notifications").await;
    world.leave(UMA_STUDENT, "notifications").await;
    let first = world.connect(ADA_ADMIN, "system-health").await;
    expect![[r#"
        reply {
          "data": {
            "metrics": {
              "active_users": 3,
              "pending_projects": 2,
              "system_load": 0.25
            },
            "status": "healthy",
            "timestamp": "now"
          },
          "type": "system_status"
        }
    "#]]
    .assert_eq(&first);
    let check = world.say(ADA_ADMIN, "system-health", r#"{"action":"run_health_check"}"#).await;
    expect![[r#"
        reply {
          "data": {
            "checks": {
              "database": "healthy",
              "redis": "not configured",
              "storage": "healthy"
            },
            "status": "healthy",
            "timestamp": "now"
          },
          "type": "health_check_result"
        }
    "#]]
    .assert_eq(&check);
}

#[tokio::test]
async fn a_check_of_storage_that_is_gone_fails() {
    let world = World::new();
    fs::remove_dir_all(&world.dir).unwrap();
    let check = world.say(ADA_ADMIN, "system-health", r#"{"action":"run_health_check"}"#).await;
    assert!(check.contains(r#""storage": "unhealthy""#), "{check}");
    assert!(check.contains(r#""status": "unhealthy""#), "{check}");
}
