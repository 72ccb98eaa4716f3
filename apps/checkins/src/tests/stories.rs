//! What people say, and who is told what, in which order.

use app::{Action, App, Message};
use expect_test::{Expect, expect};
use proto::{Code, Refusal};

use super::{STAFF, World, frame, visitor};

/// Tells the story with what each frame says in a few words.
///
/// Each line is `<who> <what they say>`, `<who> connects`, `<n> minutes pass` or `pause`; one that
/// begins with `|` goes on with the line before.
async fn check(world: &mut World, story: &str, expected: Expect) {
    expected.assert_eq(&tell(world, story, brief).await);
}

/// The same with each frame as it is on the wire, broken to fit the page.
async fn check_whole(world: &mut World, story: &str, expected: Expect) {
    expected.assert_eq(&tell(world, story, broken).await);
}

async fn tell(world: &mut World, story: &str, show: fn(&str) -> String) -> String {
    let mut told = String::new();
    let lines: Vec<_> = story.lines().map(str::trim).collect();
    for line in lines.join("\n").replace("\n| ", "").lines() {
        let lines = match line.split_once(' ').unwrap_or((line, "")) {
            ("pause", _) => world.follows().await,
            (minutes, "minutes pass") => {
                world.minutes_pass(minutes.parse().unwrap());
                Vec::new()
            }
            ("staff", "connects") => world.connects(STAFF).await,
            ("staff", said) => world.says(STAFF, said).await,
            _ => panic!("what does it mean? {line}"),
        };
        told.push_str(&format!("{}\n", broken(line)));
        lines.iter().for_each(|it| told.push_str(&format!("    {}\n", show(it))));
    }
    told
}

pub(super) fn brief(line: &str) -> String {
    let Some((whom, _)) = line.split_once(" < ") else { return line.to_owned() };
    let frame = frame(line);
    let payload = &frame["payload"];
    let words = [&frame["type"], &payload["id"], &payload["activity"], &payload["status"]];
    let words = words.into_iter().chain([&payload["error"], &frame["message"]]);
    let said: Vec<_> = words.filter_map(|it| it.as_str()).collect();
    format!("{whom} < {}", said.join(" "))
}

/// Broken after commas, so that no line is wider than a page.
fn broken(line: &str) -> String {
    let (mut told, mut width) = (String::new(), 0);
    for part in line.split_inclusive(',') {
        if 76 < width + part.len() {
            told.push_str("\n        ");
            width = 0;
        }
        told.push_str(part);
        width += part.len();
    }
    told
}

/// R14, R80: two steps, token and stats.
#[tokio::test(start_paused = true)]
async fn the_first_frame_is_the_stats() {
    check_whole(
        &mut World::new(),
        "staff connects",
        expect![[r#"
        staff connects
            you < {"type":"initial_stats","payload":{"currentlyIn":3,"todayTotal":7,
                "averageStayMinutes":66,"timestamp":"2026-03-02T12:00:00Z"}}
    "#]],
    )
    .await;
}

/// R78 to R80. A check-out sent as soon as the check-in was heard finds its success to be the very
/// next frame: nothing else is told until the pause.
#[tokio::test(start_paused = true)]
async fn a_visit_is_told_to_the_sender_then_to_all_then_counted() {
    check_whole(
        &mut World::empty().await,
        r##"staff {"type":"check_in","data":{"memberId":"GYM-0002",
        | "location":"Pool","notes":"towel"}}
        30 minutes pass
        staff {"type":"check_out","data":{"checkInId":"#1"}}
        pause"##,
        expect![[r##"
            staff {"type":"check_in","data":{"memberId":"GYM-0002","location":"Pool",
                    "notes":"towel"}}
                you < {"type":"check_in_success","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z","notes":"towel"}}
                all < {"type":"member_checked_in","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z","notes":"towel"}}
            30 minutes pass
            staff {"type":"check_out","data":{"checkInId":"#1"}}
                you < {"type":"check_out_success","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z",
                    "check_out_time":"2026-03-02T12:30:00Z","notes":"towel"}}
                all < {"type":"member_checked_out","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z",
                    "check_out_time":"2026-03-02T12:30:00Z","notes":"towel"}}
            pause
                all < {"type":"check_in_update","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z","check_out_time":null,
                    "notes":"towel","status":"checked_in","type":"check_in",
                    "checkIn":{"id":"#1","member":{"id":"#2","full_name":"Aaron Whitfield",
                    "email":"aaron.whitfield@example.com","membership_type":"basic"},
                    "location":"Pool","check_in_time":"2026-03-02T12:00:00Z",
                    "check_out_time":null,"notes":"towel","status":"checked_in"},
                    "currentlyIn":0,"todayTotal":1,"averageStayMinutes":30,
                    "timestamp":"2026-03-02T12:30:00Z"}}
                all < {"type":"activity_notification","payload":{"type":"member_activity",
                    "activity":"check_in","member":{"id":"#2","full_name":"Aaron Whitfield",
                    "email":"aaron.whitfield@example.com","membership_type":"basic"},
                    "timestamp":"2026-03-02T12:00:00Z","location":"Pool"}}
                all < {"type":"check_in_update","payload":{"id":"#1","member":{"id":"#2",
                    "full_name":"Aaron Whitfield","email":"aaron.whitfield@example.com",
                    "membership_type":"basic"},"location":"Pool",
                    "check_in_time":"2026-03-02T12:00:00Z",
                    "check_out_time":"2026-03-02T12:30:00Z","notes":"towel",
                    "status":"checked_out","type":"check_out","checkIn":{"id":"#1",
                    "member":{"id":"#2","full_name":"Aaron Whitfield",
                    "email":"aaron.whitfield@example.com","membership_type":"basic"},
                    "location":"Pool","check_in_time":"2026-03-02T12:00:00Z",
                    "check_out_time":"2026-03-02T12:30:00Z","notes":"towel",
                    "status":"checked_out"},"currentlyIn":0,"todayTotal":1,
                    "averageStayMinutes":30,"timestamp":"2026-03-02T12:30:00Z"}}
                all < {"type":"activity_notification","payload":{"type":"member_activity",
                    "activity":"check_out","member":{"id":"#2","full_name":"Aaron Whitfield",
                    "email":"aaron.whitfield@example.com","membership_type":"basic"},
                    "timestamp":"2026-03-02T12:30:00Z","location":"Pool","duration_minutes":30}}
                all < {"type":"check_in_stats","payload":{"currentlyIn":0,"todayTotal":1,
                    "averageStayMinutes":30,"timestamp":"2026-03-02T12:30:00Z"}}
                all < {"type":"stats_update","payload":{"currentlyIn":0,"todayTotal":1,
                    "averageStayMinutes":30,"timestamp":"2026-03-02T12:30:00Z"}}
        "##]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_and_a_ping_are_answered() {
    check_whole(
        &mut World::new(),
        r#"staff {"type":"heartbeat","timestamp":1772452800000}
        staff {"type":"ping"}"#,
        expect![[r#"
            staff {"type":"heartbeat","timestamp":1772452800000}
                you < {"type":"heartbeat_ack","timestamp":"2026-03-02T12:00:00Z"}
            staff {"type":"ping"}
                you < {"type":"pong","timestamp":"2026-03-02T12:00:00Z"}
        "#]],
    )
    .await;
}

/// R12: a token is taken from the address and nowhere else.
#[tokio::test(start_paused = true)]
async fn a_token_in_a_message_is_not_taken() {
    check_whole(
        &mut World::new(),
        r#"staff {"type":"authenticate","payload":{"token":"x"}}
        staff {"type":"auth","data":{"token":"x"}}"#,
        expect![[r#"
            staff {"type":"authenticate","payload":{"token":"x"}}
                you < {"type":"error","code":"UNKNOWN_COMMAND",
                    "message":"Message-based authentication not supported. Use URL token.",
                    "payload":{"code":"UNKNOWN_COMMAND",
                    "message":"Message-based authentication not supported. Use URL token."}}
            staff {"type":"auth","data":{"token":"x"}}
                you < {"type":"error","code":"UNKNOWN_COMMAND",
                    "message":"Message-based authentication not supported. Use URL token.",
                    "payload":{"code":"UNKNOWN_COMMAND",
                    "message":"Message-based authentication not supported. Use URL token."}}
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn asking_to_reconnect_brings_fresh_stats() {
    check_whole(
        &mut World::new(),
        r#"staff {"type":"reconnect"}"#,
        expect![[r#"
        staff {"type":"reconnect"}
            you < {"type":"initial_stats","payload":{"currentlyIn":3,"todayTotal":7,
                "averageStayMinutes":66,"timestamp":"2026-03-02T12:00:00Z"}}
    "#]],
    )
    .await;
}

/// C7, C9: told in both forms, and the connection stays.
#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_said_so_and_harms_nobody() {
    check_whole(
        &mut World::new(),
        r#"staff {not json
        staff [1]
        staff {"data":{}}
        staff {"type":"dance"}
        staff {"type":"batch"}
        staff {"type":"heartbeat"}"#,
        expect![[r#"
            staff {not json
                you < {"type":"error","code":"INVALID_JSON","message":"Invalid JSON format",
                    "payload":{"code":"INVALID_JSON","message":"Invalid JSON format"}}
            staff [1]
                you < {"type":"error","code":"BAD_COMMAND",
                    "message":"A message is a JSON object with a \"type\".",
                    "payload":{"code":"BAD_COMMAND",
                    "message":"A message is a JSON object with a \"type\"."}}
            staff {"data":{}}
                you < {"type":"error","code":"BAD_COMMAND",
                    "message":"A message is a JSON object with a \"type\".",
                    "payload":{"code":"BAD_COMMAND",
                    "message":"A message is a JSON object with a \"type\"."}}
            staff {"type":"dance"}
                you < {"type":"error","code":"UNKNOWN_COMMAND",
                    "message":"There is no message of type \"dance\" here.",
                    "payload":{"code":"UNKNOWN_COMMAND",
                    "message":"There is no message of type \"dance\" here."}}
            staff {"type":"batch"}
                you < {"type":"error","code":"BAD_COMMAND",
                    "message":"A batch has its items in \"batches\", grouped by type.",
                    "payload":{"code":"BAD_COMMAND",
                    "message":"A batch has its items in \"batches\", grouped by type."}}
            staff {"type":"heartbeat"}
                you < {"type":"heartbeat_ack","timestamp":"2026-03-02T12:00:00Z"}
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_twice_or_leaves_twice() {
    check(
        &mut World::empty().await,
        r##"staff {"type":"check_in","payload":{"member_id":"GYM-0002"}}
        staff {"type":"check_in","payload":{"member_id":"GYM-0002"}}
        staff {"type":"check_out","payload":{"check_in_id":"#1"}}
        staff {"type":"check_out","payload":{"check_in_id":"#1"}}"##,
        expect![[r##"
            staff {"type":"check_in","payload":{"member_id":"GYM-0002"}}
                you < check_in_success #1
                all < member_checked_in #1
            staff {"type":"check_in","payload":{"member_id":"GYM-0002"}}
                you < check_in_error Aaron Whitfield is already checked in
            staff {"type":"check_out","payload":{"check_in_id":"#1"}}
                you < check_out_success #1
                all < member_checked_out #1
            staff {"type":"check_out","payload":{"check_in_id":"#1"}}
                you < check_out_error Check-in not found or already checked out
        "##]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_done_in_order_and_one_bad_item_spoils_nothing() {
    check(
        &mut World::empty().await,
        r##"staff {"type":"check_in","data":{"memberId":"GYM-0002"}}
        staff {"type":"batch","batches":{"check_out":[{"checkInId":"#1"}],
        | "check_in":[{"memberId":"nobody"},{"memberId":"GYM-0002"}],"heartbeat":[{}]},
        | "metadata":{"count":4,"compression":"grouped"}}
        pause"##,
        expect![[r##"
            staff {"type":"check_in","data":{"memberId":"GYM-0002"}}
                you < check_in_success #1
                all < member_checked_in #1
            staff {"type":"batch","batches":{"check_out":[{"checkInId":"#1"}],
                    "check_in":[{"memberId":"nobody"},{"memberId":"GYM-0002"}],
                    "heartbeat":[{}]},"metadata":{"count":4,"compression":"grouped"}}
                you < check_out_success #1
                all < member_checked_out #1
                you < check_in_error Member not found
                you < check_in_success #3
                all < member_checked_in #3
                you < heartbeat_ack
            pause
                all < check_in_update #1 checked_in
                all < activity_notification check_in
                all < check_in_update #1 checked_out
                all < activity_notification check_out
                all < check_in_update #3 checked_in
                all < activity_notification check_in
                all < check_in_stats
                all < stats_update
        "##]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_fifty_is_taken_and_one_of_fifty_one_is_not() {
    let mut world = World::new();
    for (count, answers, first) in [(50, 50, "heartbeat_ack"), (51, 1, "error")] {
        let items = vec!["{}"; count].join(",");
        let batch = format!(r#"{{"type":"batch","batches":{{"heartbeat":[{items}]}}}}"#);
        let told = world.says(STAFF, &batch).await;
        assert_eq!((told.len(), frame(&told[0])["type"].as_str()), (answers, Some(first)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_that_arrives_at_once_is_counted_once() {
    let mut world = World::empty().await;
    for number in 2..=20 {
        let said = format!(r#"{{"type":"check_in","data":{{"memberId":"GYM-{number:04}"}}}}"#);
        assert_eq!(world.says(STAFF, &said).await.len(), 2, "{number}");
    }

    let told = world.follows().await;
    assert_eq!(told.len(), 19 * 2 + 2);
    assert_eq!(frame(&told[0])["type"], "check_in_update");
    assert_eq!(frame(&told[0])["payload"]["currentlyIn"], 19);
    assert_eq!(frame(&told[38])["type"], "check_in_stats");
}

/// Its own codes are told in this client's form too; what may be tried again says so.
#[test]
fn a_refusal_of_the_gateway_has_both_forms() {
    let wait = std::time::Duration::from_millis(1500);
    let refusal = Refusal::new(Code::TooFast).after(wait);
    let worded = World::new().app.wording(&refusal).unwrap();
    expect![[r#"
        {"type":"error","code":"TOO_FAST","message":"Too many messages.",
                "details":{"retry_after":1.5},"retry":true,"payload":{"code":"TOO_FAST",
                "message":"Too many messages.","details":{"retry_after":1.5}}}"#]]
    .assert_eq(&broken(&worded));
}

#[tokio::test(start_paused = true)]
async fn bytes_are_no_message_here() {
    let said = Message::Binary([1, 2].into());
    let actions = World::new().app.message(&visitor(STAFF), said).await;
    assert_eq!(actions, [Action::Close(Code::UnsupportedData.into())]);
}
