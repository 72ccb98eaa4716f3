//! Who is known, as what, and for how long; and a gym that begins with nothing but tokens.

use app::App;
use serde_json::{Value, json};

use super::{ADMIN, Dir, MEMBER, STAFF, TRAINER, World, frame, identity, uuid, visitor};

impl World {
    /// Admits a token: the role it comes to, or why it comes to none.
    async fn shows(&self, token: &str) -> String {
        match self.app.admit(&visitor(token)).await {
            Ok(()) => {
                let user = self.app.user(Some(&identity(token))).await.unwrap();
                format!("{}, {}, {}", user.username, user.full_name, user.role.as_str())
            }
            Err(refusal) => refusal.message().to_owned(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_a_token_names_is_known_from_then_on() {
    let world = World::unseeded();
    for (token, known) in [
        (r#"7 {"username":"sol","name":"Sol Okafor","role":"staff"}"#, "sol, Sol Okafor, staff"),
        ("7", "sol, Sol Okafor, staff"),
        ("8", "user 8, user 8, member"),
        (r#"ann@x {"username":"sol","role":"root"}"#, "user ann@x, user ann@x, member"),
        (r#"9 {"username":"user 10","role":["admin"]}"#, "user 10, user 10, member"),
        ("10", "user 10 (2), user 10 (2), member"),
    ] {
        assert_eq!(world.shows(token).await, known, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_tokens_the_newer_one_says_the_role() {
    const OUTDATED: &str = "Your role has changed. Sign in again.";
    let world = World::unseeded();
    for (token, comes_to) in [
        (r#"7 {"role":"member","iat":10}"#, "user 7, user 7, member"),
        (r#"7 {"role":"member","iat":30}"#, "user 7, user 7, member"),
        // Kept from before, and never shown until now.
        (r#"7 {"role":"admin","iat":20}"#, OUTDATED),
        (r#"7 {"role":"admin","iat":30}"#, "user 7, user 7, admin"),
        ("7", "user 7, user 7, admin"),
        (r#"7 {"role":"admin","iat":5}"#, "user 7, user 7, admin"),
        (r#"7 {"role":"staff"}"#, OUTDATED),
        (r#"7 {"role":"king","iat":50}"#, "user 7, user 7, admin"),
    ] {
        assert_eq!(world.shows(token).await, comes_to, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_removed_stay_out_until_they_are_restored() {
    let mut world = World::new();
    let removal = format!("DELETE /api/checkins/users/{STAFF}/");
    assert_eq!(world.asks(ADMIN, &removal, None).await.0, 204);
    assert_eq!(*world.gateway.ended.lock().unwrap(), [format!("{STAFF} AUTH_FAILED")]);
    for token in [STAFF, r#"1002 {"role":"admin","iat":1700000000}"#] {
        assert_eq!(world.shows(token).await, "This user was removed.");
        assert_eq!(world.connects(token).await, ["close AUTH_FAILED"]);
        assert_eq!(world.asks(token, "GET /api/checkins/", None).await.0, 401);
    }
    let restoring = format!("POST /api/checkins/users/{STAFF}/restore");
    assert_eq!(world.asks(ADMIN, &restoring, None).await.0, 204);
    assert_eq!(world.shows(STAFF).await, "gym-staff, Sol Okafor, staff");
}

#[tokio::test(start_paused = true)]
async fn only_admins_remove_and_only_whom_there_is() {
    let world = World::new();
    for (user, id, status) in [
        (STAFF, MEMBER, 403),
        (TRAINER, MEMBER, 403),
        (MEMBER, MEMBER, 403),
        (ADMIN, "77", 404),
        (ADMIN, "a%3Ab", 404),
    ] {
        for asked in ["DELETE /api/checkins/users/*/", "POST /api/checkins/users/*/restore/"] {
            let asked = asked.replace('*', id);
            assert_eq!(world.asks(user, &asked, None).await.0, status, "{user}: {asked}");
        }
    }
    assert!(world.gateway.ended.lock().unwrap().is_empty());
}

/// With nothing but tokens, in a database that began empty.
#[tokio::test(start_paused = true)]
async fn a_gym_begins_with_its_first_member() {
    let mut world = World::unseeded();
    let (desk, other) = (r#"sol {"role":"staff"}"#, "ann");
    assert_eq!(frame(&world.connects(other).await[0])["payload"]["currentlyIn"], 0);

    let mina = json!({ "full_name": "Mina Park", "email": "mina@example.com" });
    let (status, added) = world.asks(desk, "POST /api/members/", Some(mina)).await;
    assert_eq!((status, &added["membership_number"]), (201, &json!("M-00001")));
    assert_eq!(world.gets_members(desk).await["results"][0], added);

    let said = r#"{"type":"check_in","data":{"memberId":"m-00001"}}"#;
    let told = world.says(other, said).await;
    assert_eq!(frame(&told[0])["payload"]["code"], "DENIED");
    let told = world.says(desk, said).await;
    assert_eq!(frame(&told[0])["type"], "check_in_success");
    assert_eq!(frame(&told[0])["payload"]["member"]["full_name"], "Mina Park");
}

impl World {
    async fn gets_members(&self, user: &str) -> Value {
        self.asks(user, "GET /api/members/", None).await.1
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_is_one_members() {
    let world = World::unseeded();
    let desk = r#"sol {"role":"admin"}"#;
    for (raw, status, number, barcode) in [
        (json!({ "membership_number": "gym-1", "barcode": "b1" }), 201, "GYM-1", "b1"),
        (json!({ "membership_number": " m-00003 " }), 201, "M-00003", "M-00003"),
        (json!({ "membership_type": "basic" }), 201, "M-00004", "M-00004"),
        (json!({ "membership_number": "GYM-1" }), 400, "", ""),
        (json!({ "barcode": "b1" }), 400, "", ""),
        (json!({ "full_name": " " }), 400, "", ""),
        (json!({ "email": 7 }), 400, "", ""),
        (json!({ "email": "x".repeat(255) }), 400, "", ""),
        (json!({ "barcode": "x".repeat(65) }), 400, "", ""),
    ] {
        let mut body = json!({ "full_name": "A B", "email": "" });
        body.as_object_mut().unwrap().extend(raw.as_object().unwrap().clone());
        let (found, added) = world.asks(desk, "POST /api/members/", Some(body)).await;
        assert_eq!(found, status, "{raw}: {added}");
        if status == 201 {
            assert_eq!(
                (&added["membership_number"], &added["barcode"]),
                (&json!(number), &json!(barcode))
            );
        }
    }
    for user in ["ann", r#"tim {"role":"trainer"}"#] {
        let body = json!({ "full_name": "A B", "email": "" });
        assert_eq!(world.asks(user, "POST /api/members/", Some(body)).await.0, 403, "{user}");
    }
}

/// R16: a token is all that is known of her, and her member was enrolled before she first came.
#[tokio::test(start_paused = true)]
async fn a_member_known_by_a_token_alone_checks_in_themself() {
    let mut world = World::unseeded();
    let desk = r#"sol {"role":"staff"}"#;
    let enrol = async |world: &World, name: &str, user: Value| {
        let body = json!({ "full_name": name, "email": "", "user_id": user });
        let (status, added) = world.asks(desk, "POST /api/members/", Some(body)).await;
        (status, added["user_id"].clone())
    };
    assert_eq!(enrol(&world, "Mina Park", json!(" mina ")).await, (201, json!("mina")));
    assert_eq!(enrol(&world, "Tim Ng", json!(7)).await, (201, json!("7")));
    assert_eq!(enrol(&world, "Nobody's", json!("")).await, (201, Value::Null));
    for taken in [json!("mina"), json!("7"), json!("a:b"), json!(1.5), json!([7]), json!(true)] {
        assert_eq!(enrol(&world, "Another", taken.clone()).await.0, 400, "{taken}");
    }

    for (user, number) in [("mina", "M-00001"), (r#"7 {"role":"trainer"}"#, "M-00002")] {
        world.connects(user).await;
        let said = format!(r#"{{"type":"check_in","data":{{"memberId":"{number}"}}}}"#);
        let told = world.says(user, &said).await;
        assert_eq!(frame(&told[0])["type"], "check_in_success");
        world.connects("ann").await;
        let told = world.says("ann", &said).await;
        assert_eq!(frame(&told[0])["payload"]["code"], "DENIED");
    }
    assert_eq!(world.gets_members("mina").await["results"][0]["full_name"], "Mina Park");
    for user in ["mina", "ann", r#"7 {"role":"trainer"}"#] {
        let body = json!({ "full_name": "Ann", "email": "", "user_id": "ann" });
        assert_eq!(world.asks(user, "POST /api/members/", Some(body)).await.0, 403, "{user}");
    }
}

/// Form 2 had a user's member in the user's row.
#[tokio::test(start_paused = true)]
async fn a_file_of_the_second_form_is_brought_along() {
    let dir = Dir(std::env::temp_dir().join(format!("checkins-{}", uuid())));
    std::fs::create_dir_all(&dir.0).unwrap();
    let db = rusqlite::Connection::open(dir.0.join("checkins.db")).unwrap();
    db.execute_batch(include_str!("form_2.sql")).unwrap();
    db.execute_batch(
        "PRAGMA user_version = 2;
         INSERT INTO members VALUES ('m', 'Mina Park', 'm@x', '', 'GYM-1', '1');
         INSERT INTO users VALUES ('mina', 'mina', 'Mina', 'm@x', 'member', 9, 1, 'm');
         INSERT INTO users VALUES ('tim', 'tim', 'Tim', '', 'trainer', 0, 0, NULL);
         INSERT INTO check_ins VALUES ('c', 'm', '', '', 1, NULL, 'mina');",
    )
    .unwrap();
    drop(db);

    let mut world = World::in_dir(dir, false);
    assert_eq!(world.shows("mina").await, "mina, Mina, member");
    let kept = r#"mina {"role":"admin","iat":8}"#;
    assert_eq!(world.shows(kept).await, "Your role has changed. Sign in again.");
    assert_eq!(world.shows("tim").await, "This user was removed.");
    assert_eq!(world.gets_members("mina").await["results"][0]["user_id"], "mina");
    let told = world.says("mina", r#"{"type":"check_out","data":{"checkInId":"c"}}"#).await;
    assert_eq!(frame(&told[0])["type"], "check_out_success");
    let told = world.says("mina", r#"{"type":"check_in","data":{"memberId":"GYM-1"}}"#).await;
    assert_eq!(frame(&told[0])["type"], "check_in_success");
}

/// Form 1 had users with numbers for ids.
#[tokio::test(start_paused = true)]
async fn a_file_of_the_first_form_is_brought_along() {
    let dir = Dir(std::env::temp_dir().join(format!("checkins-{}", uuid())));
    std::fs::create_dir_all(&dir.0).unwrap();
    let db = rusqlite::Connection::open(dir.0.join("checkins.db")).unwrap();
    db.execute_batch(include_str!("form_1.sql")).unwrap();
    db.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO members VALUES ('m', 'Mina Park', 'm@x', '', 'GYM-1', '1');
         INSERT INTO users VALUES (7, 'mina', 'Mina Park', 'member', 1, 'm');
         INSERT INTO users VALUES (8, 'tim', 'Tim', 'trainer', 0, NULL);
         INSERT INTO check_ins VALUES ('c', 'm', '', '', 1, NULL, 7);",
    )
    .unwrap();
    drop(db);

    let mut world = World::in_dir(dir, false);
    assert_eq!(world.shows("7").await, "mina, Mina Park, member");
    assert_eq!(world.shows("8").await, "This user was removed.");
    let told = world.says("7", r#"{"type":"check_in","data":{"memberId":"GYM-1"}}"#).await;
    assert_eq!(frame(&told[0])["payload"]["code"], "ALREADY_CHECKED_IN");
    let told = world.says("7", r#"{"type":"check_out","data":{"checkInId":"c"}}"#).await;
    assert_eq!(frame(&told[0])["type"], "check_out_success");
}
