//! Who is let in, what the file keeps, and what happens when many come at once.

use std::sync::Arc;

use app::{Action, App, Message};
use expect_test::expect;
use proto::{Code, UserId};
use tokio::task::JoinSet;

use super::{ADMIN, STAFF, World, frame, open, visitor};
use crate::{
    changes::Change,
    checkins::Checkins,
    heard::{Arrival, Departure},
    moment::Moment,
    news::PAUSE,
    not_done::NotDone,
    stats,
};

fn staff() -> Option<UserId> {
    UserId::parse(STAFF)
}

fn arrival(member: &str) -> Result<Arrival, NotDone> {
    Ok(Arrival { member: member.into(), location: String::new(), notes: String::new() })
}

/// R6: the token is genuine, but may its user still sign in?
#[tokio::test(start_paused = true)]
async fn only_active_users_are_admitted() {
    let world = World::new();
    world.write("UPDATE users SET active = 0 WHERE username = 'gym-trainer'").await;
    for (user, admitted) in [
        ("1001", true),
        ("1004", true),
        ("1003", false),
        ("9", true),
        ("ann@gym.example", true),
        ("a:b", false),
        ("\u{fc}", false),
    ] {
        let answer = world.app.admit(&visitor(user)).await;
        let expected = admitted.then_some(()).ok_or(Code::AuthFailed);
        assert_eq!(answer.map_err(|it| it.code), expected, "{user}");
    }

    let nobody = app::Visitor { identity: None, ..visitor("1001") };
    assert_eq!(world.app.admit(&nobody).await, Err(Code::AuthFailed.into()));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_struck_off_while_connected_does_nothing_more() {
    let mut world = World::new();
    world.write("UPDATE users SET active = 0 WHERE username = 'gym-staff'").await;
    let told = world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    assert_eq!(frame(&told[0])["payload"]["error"], "Authentication required");
    assert_eq!(told[1], "close AUTH_FAILED");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_taken_away_is_gone_at_once() {
    let mut world = World::empty().await;
    world.write("UPDATE users SET role = 'trainer' WHERE username = 'gym-staff'").await;
    let told = world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    assert_eq!(frame(&told[0])["payload"]["code"], "DENIED");
}

/// Two gateways over one file are as far apart as two can be: only the index stands between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_check_ins_of_one_member_exactly_one_succeeds() {
    let world = World::empty().await;
    let other = open(&world.dir, &world.gateway, &world.now);
    for number in 2..=9 {
        let key = format!("GYM-{number:04}");
        let mut asked = JoinSet::new();
        for index in 0..16 {
            let desk: &Arc<Checkins> = if index % 2 == 0 { &world.app } else { &other };
            let (desk, key) = (desk.clone(), key.clone());
            asked.spawn(async move { desk.check_in(staff(), arrival(&key)).await });
        }
        let done = asked.join_all().await;
        let (ins, outs): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
        let name = ins[0].as_ref().unwrap().check_in.member.full_name.clone();
        assert_eq!((ins.len(), outs.len()), (1, 15));
        assert!(
            outs.into_iter().all(|it| it.unwrap_err() == NotDone::AlreadyIn { name: name.clone() })
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_check_outs_of_one_visit_exactly_one_succeeds() {
    let world = World::empty().await;
    let begun = world.app.check_in(staff(), arrival("GYM-0002")).await.unwrap();
    let mut asked = JoinSet::new();
    for _ in 0..16 {
        let (desk, check_in) = (world.app.clone(), begun.check_in.id.clone());
        let departure = Ok(Departure { check_in, notes: None });
        asked.spawn(async move { desk.check_out(staff(), departure).await });
    }
    let ended: Vec<Change> = asked.join_all().await.into_iter().flatten().collect();
    assert_eq!(ended.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_confirmed_is_there_after_a_restart() {
    let mut world = World::empty().await;
    world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;

    world.app = open(&world.dir, &world.gateway, &world.now);
    let told = world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    assert_eq!(frame(&told[0])["payload"]["error"], "Aaron Whitfield is already checked in");
    let told = world.says(STAFF, r##"{"type":"check_out","data":{"checkInId":"#1"}}"##).await;
    assert_eq!(frame(&told[0])["type"], "check_out_success");
}

#[tokio::test(start_paused = true)]
async fn a_file_of_a_newer_version_is_left_alone() {
    let world = World::new();
    world.write("PRAGMA user_version = 7").await;
    let failure = Checkins::open(&world.dir.0, world.gateway.clone(), true).unwrap_err();
    let told = failure.to_string();
    assert!(told.ends_with("(form 7, known 3): upgrade, or move it away"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn only_an_empty_database_is_seeded_and_only_when_asked() {
    let world = World::new();
    let people = world.app.people();
    let names: Vec<_> = people.iter().map(|it| it.username.as_str()).collect();
    assert_eq!(names, ["gym-admin", "gym-staff", "gym-trainer", "gym-member"]);
    expect![[r#"{"user_id":1002,"username":"gym-staff"}"#]]
        .assert_eq(&serde_json::to_string(&people[1].claims).unwrap());

    world.write("DELETE FROM check_ins; DELETE FROM users WHERE id <> '1001'").await;
    world.app.admit(&visitor("gym-staff")).await.unwrap();
    let again = open(&world.dir, &world.gateway, &world.now);
    assert_eq!(again.people().len(), 1, "whoever came by a token has no known password");
    let plain = Checkins::open(&world.dir.0, world.gateway.clone(), false).unwrap();
    assert!(plain.people().is_empty());
}

#[tokio::test(start_paused = true)]
async fn today_begins_at_midnight_utc() {
    let world = World::empty().await;
    let stats = async |now| world.app.book.ask(move |db| stats::read(db, now)).await.unwrap();
    let noon = Moment(super::NOON);
    assert_eq!(stats(noon).await.average_stay_minutes, 0);

    // Yesterday's guest is still in; of today's two, one stayed 30 minutes and one 41.
    world
        .write(
            "INSERT INTO check_ins
             SELECT 'a', id, '', '', 1772452800000 - 86400000, NULL, NULL FROM members
             WHERE membership_number = 'GYM-0002';
             INSERT INTO check_ins
             SELECT 'b', id, '', '', 1772452800000, 1772452800000 + 1800000, NULL FROM members
             WHERE membership_number = 'GYM-0003';
             INSERT INTO check_ins
             SELECT 'c', id, '', '', 1772452800000, 1772452800000 + 2460000, NULL FROM members
             WHERE membership_number = 'GYM-0004';",
        )
        .await;
    let it = stats(noon).await;
    assert_eq!((it.currently_in, it.today_total, it.average_stay_minutes), (1, 2, 36));
    let it = stats(noon.minutes_before(-24 * 60)).await;
    assert_eq!((it.currently_in, it.today_total, it.average_stay_minutes), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_no_stay_negative() {
    let mut world = World::empty().await;
    world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#).await;
    world.minutes_pass(-10);
    let told = world.says(STAFF, r##"{"type":"check_out","data":{"checkInId":"#1"}}"##).await;
    let payload = &frame(&told[0])["payload"];
    assert_eq!(payload["check_out_time"], payload["check_in_time"]);
}

/// The client's own test sends fifty within five seconds. None of them touches the disk.
#[tokio::test(start_paused = true)]
async fn fifty_heartbeats_have_fifty_answers() {
    let mut world = World::new();
    for _ in 0..50 {
        let told = world.says(ADMIN, r#"{"type":"heartbeat"}"#).await;
        assert_eq!(frame(&told[0])["type"], "heartbeat_ack");
    }
}

/// A database that fails is said so, in the client's words, and ends nothing.
#[tokio::test(start_paused = true)]
async fn a_failing_database_is_told_and_survived() {
    let mut world = World::empty().await;
    world.write("ALTER TABLE check_ins RENAME TO lost").await;
    for (said, text) in [
        (
            r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#,
            "Internal server error during check-in",
        ),
        (
            r#"{"type":"check_out","data":{"checkInId":"x"}}"#,
            "Internal server error during check-out",
        ),
    ] {
        let told = world.says(STAFF, said).await;
        assert_eq!(frame(&told[0])["payload"]["error"], text);
        assert_eq!(told.len(), 1);
    }
    let told = frame(&world.connects(STAFF).await[0]);
    assert_eq!(told["message"], "Failed to load initial statistics");
    assert_eq!(told["retry"], true);

    world.write("ALTER TABLE lost RENAME TO check_ins").await;
    assert_eq!(frame(&world.connects(STAFF).await[0])["type"], "initial_stats");
}

/// A crowd in one pause is announced whole; only the feed is cut short.
#[tokio::test(start_paused = true)]
async fn the_news_that_wait_are_bounded() {
    let mut world = World::empty().await;
    let begun = world.app.check_in(staff(), arrival("GYM-0002")).await.unwrap();
    for _ in 0..500 {
        world.app.news.tell(begun.clone());
    }
    assert_eq!(world.follows().await.len(), 200 * 2 + 2);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_busy_costs_the_news_and_nothing_else() {
    let mut world = World::empty().await;
    world.gateway.refuses(Some(Code::Busy));
    let said = Message::Text(r#"{"type":"check_in","data":{"memberId":"GYM-0002"}}"#.into());
    let actions = world.app.message(&visitor(STAFF), said).await;
    assert!(matches!(actions[..], [Action::Reply(_), Action::Publish { .. }]));
    // Virtual time: the news are tried, and refused, before this returns.
    tokio::time::sleep(2 * PAUSE).await;
    assert!(world.told.try_recv().is_err());

    world.gateway.refuses(None);
    world.says(STAFF, r#"{"type":"check_in","data":{"memberId":"GYM-0003"}}"#).await;
    assert_eq!(world.follows().await.len(), 4);
}

/// R79: whichever desk was quicker to say so, the last word is on who came or went last.
#[tokio::test(start_paused = true)]
async fn the_news_are_in_the_order_of_what_happened() {
    let mut world = World::empty().await;
    let begun = world.app.check_in(staff(), arrival("GYM-0002")).await.unwrap();
    let departure = Ok(Departure { check_in: begun.check_in.id.clone(), notes: None });
    let ended = world.app.check_out(staff(), departure).await.unwrap();
    world.app.news.tell(ended);
    world.app.news.tell(begun);
    let told = world.follows().await;
    let status = |line: &str| frame(line)["payload"]["status"].clone();
    assert_eq!((status(&told[0]), status(&told[2])), ("checked_in".into(), "checked_out".into()));
}
