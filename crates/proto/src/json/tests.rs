//! The native dialect, as `PROTOCOL.md` shows it.

use std::{fmt::Write as _, time::Duration};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::{
    channel_name::ChannelName,
    code::Code,
    command::Request,
    dialect::Dialect,
    event::{Event, Stand},
    ids::{Epoch, Offset, RequestId, SessionId, UserId},
    log::{Cursor, LogHead, Page},
    notice::{Notice, Person, Presence, Roll, Status},
    publication::{Kind, Placed, Publication},
    refusal::Refusal,
    unix_time::{UnixMillis, UnixTime},
};

fn check(text: &str, expected: Expect) {
    let mut log = String::new();
    requests(text, |it| match it {
        Ok(Request { id, command }) => {
            writeln!(log, "{} {command:?}", id.map_or("-".into(), |it| it.0.to_string())).unwrap();
        }
        Err((id, refusal)) => {
            let id = id.map_or("-".into(), |it| it.0.to_string());
            writeln!(log, "{id} {}: {}", refusal.code, refusal.message()).unwrap();
        }
    });
    expected.assert_eq(&log);
}

#[test]
fn commands_are_read() {
    check(
        r#"[{"id":1,"connect":{"token":"t"}},
            {"id":2,"subscribe":{"channel":"news:today"}},
            {"id":3,"publish":{"channel":"news:today","data":{ "a" : [1, 2] }}},
            {"signal":{"channel":"news:today","data":null}},
            {"id":4,"unsubscribe":{"channel":"news:today"}},
            {"id":5,"refresh":{"token":"t2"}},
            {"id":6,"ping":{}},
            {"id":7,"subscribe":{"channel":"a","since":{"epoch":"e1","offset":4}}},
            {"id":8,"subscribe":{"channel":"a","rewind":{"last":10}}},
            {"id":9,"subscribe":{"channel":"a","rewind":{"time":1900000000.5}}},
            {"id":10,"publish":{"channel":"a","data":1,"key":"k"}},
            {"id":11,"history":{"channel":"a"}},
            {"id":12,"history":{"channel":"a","epoch":"e1","before":9,"limit":5}},
            {"id":13,"ack":{"channel":"a","offset":4}},
            {"id":14,"read":{"channel":"a","offset":4}},
            {"id":15,"resume":{"session":"000000000000000000000000000000ff","since":{"a":{"epoch":"e1","offset":4}}}}]"#,
        expect![[r#"
            1 Connect { token: "t" }
            2 Subscribe { channel: "news:today", start: Unsaid, presence: false }
            3 Publish { channel: "news:today", payload: "{ \"a\" : [1, 2] }", key: None }
            - Signal { channel: "news:today", payload: "null" }
            4 Unsubscribe { channel: "news:today" }
            5 Refresh { token: "t2" }
            6 Ping
            7 Subscribe { channel: "a", start: After(Placed { epoch: Epoch(225), offset: Offset(4) }), presence: false }
            8 Subscribe { channel: "a", start: Last(10), presence: false }
            9 Subscribe { channel: "a", start: Since(UnixMillis(1900000000500)), presence: false }
            10 Publish { channel: "a", payload: "1", key: Some("k") }
            11 History { channel: "a", span: Last, epoch: None, limit: 100 }
            12 History { channel: "a", span: Before(Offset(9)), epoch: Some(Epoch(225)), limit: 5 }
            13 Mark { channel: "a", mark: Delivered, offset: Offset(4) }
            14 Mark { channel: "a", mark: Read, offset: Offset(4) }
            15 Resume { session: s000000…, since: [("a", Placed { epoch: Epoch(225), offset: Offset(4) })] }
        "#]],
    );
}

#[test]
fn what_is_said_in_passing_is_read() {
    check(
        r#"[{"id":1,"typing":{"channel":"a","active":true}},
            {"typing":{"channel":"a","active":false}},
            {"id":2,"subscribe":{"channel":"a","presence":true}},
            {"id":3,"presence":{"channel":"a"}},
            {"id":4,"presence":{"channel":"a","limit":0,"watch":true}},
            {"id":5,"presence":{"channel":"a","after":"bob","limit":9}},
            {"id":6,"presence":{"channel":"a","user":"bob"}},
            {"id":7,"status":{"presence":"away"}},
            {"id":8,"status":{"presence":"in a boat"}},
            {"id":9,"typing":{"channel":"a"}},
            {"id":10,"presence":{"channel":"a","limit":101}},
            {"id":11,"presence":{"channel":"a","user":"bob","limit":1}},
            {"id":12,"presence":{"channel":"a","user":""}},
            {"id":13,"status":{"presence":""}},
            {"id":14,"status":{"presence":"a\u0007b"}}]"#,
        expect![[r#"
            1 Typing { channel: "a", active: true }
            - Typing { channel: "a", active: false }
            2 Subscribe { channel: "a", start: Unsaid, presence: true }
            3 Presence { channel: "a", who: All { after: None, limit: 100 }, watch: false }
            4 Presence { channel: "a", who: All { after: None, limit: 0 }, watch: true }
            5 Presence { channel: "a", who: All { after: Some("bob"), limit: 9 }, watch: false }
            6 Presence { channel: "a", who: User("bob"), watch: false }
            7 Status { status: Away }
            8 Status { status: Custom("in a boat") }
            9 BAD_COMMAND: The command lacks something or has the wrong form.
            10 BAD_COMMAND: The limit is from 0 to 100.
            11 BAD_COMMAND: Either user, or after and limit.
            12 BAD_COMMAND: The command lacks something or has the wrong form.
            13 BAD_COMMAND: A status is online, away, offline, or a text of 1 to 64 bytes.
            14 BAD_COMMAND: A status is online, away, offline, or a text of 1 to 64 bytes.
        "#]],
    );
}

#[test]
fn what_cannot_be_read_is_refused_by_its_number() {
    check(
        r#"[{"id":1,"fly":{}}, {"id":2}, {"id":3,"ping":{},"connect":{"token":""}},
            {"id":4,"subscribe":{"channel":"*"}}, {"id":5,"subscribe":"x"}, {"id":-1,"ping":{}}, 7,
            {"id":6,"subscribe":{"channel":"a","since":{"epoch":"x","offset":4}}},
            {"id":7,"subscribe":{"channel":"a","since":{"epoch":"1","offset":4},"rewind":{"last":1}}},
            {"id":8,"subscribe":{"channel":"a","rewind":{}}},
            {"id":9,"publish":{"channel":"a","data":1,"key":""}},
            {"id":10,"history":{"channel":"a","limit":0}},
            {"id":11,"history":{"channel":"a","after":1,"before":5}},
            {"id":12,"resume":{"session":"ff"}}]"#,
        expect![[r#"
            1 UNKNOWN_COMMAND: There is no such command.
            2 BAD_COMMAND: The message names no command.
            3 BAD_COMMAND: One command at a time, please.
            4 BAD_CHANNEL: That is not a channel name: a channel name consists of letters, digits and _ - . : / @ $ #.
            5 BAD_COMMAND: The command lacks something or has the wrong form.
            - BAD_COMMAND: The command lacks something or has the wrong form.
            - BAD_COMMAND: The command lacks something or has the wrong form.
            6 BAD_COMMAND: An epoch is the text that subscribed or published told.
            7 BAD_COMMAND: Either since or rewind, not both.
            8 BAD_COMMAND: A rewind names either last or time.
            9 BAD_COMMAND: A key has 1 to 128 bytes.
            10 BAD_COMMAND: The limit is from 1 to 1000.
            11 BAD_COMMAND: History is wanted after, before, or from a time on.
            12 SESSION_UNKNOWN: There is no session of yours to resume by that id.
        "#]],
    );
    check(
        "{",
        expect![[r#"
        - INVALID_JSON: The message is not valid JSON.
    "#]],
    );
    check(
        "",
        expect![[r#"
        - INVALID_JSON: The message is not valid JSON.
    "#]],
    );
}

/// F11: a bomb is one refusal, and no deep stack.
#[test]
fn bombs_are_refused() {
    let many = format!("[{}]", vec![r#"{"ping":{}}"#; 65].join(","));
    check(
        &many,
        expect![[r#"
        - BAD_COMMAND: A frame holds at most 64 commands.
    "#]],
    );
    let newlines = "\n".repeat(1 << 20);
    check(
        &newlines,
        expect![[r#"
        - INVALID_JSON: The message is not valid JSON.
    "#]],
    );
    let deep = format!(
        r#"{{"id":1,"publish":{{"channel":"a","data":{}{}}}}}"#,
        "[".repeat(1 << 16),
        "]".repeat(1 << 16)
    );
    for bomb in [deep, "[".repeat(1 << 20), r#"{"a":"#.repeat(1 << 18)] {
        check(
            &bomb,
            expect![[r#"
            - BAD_COMMAND: Nothing may nest deeper than 64.
        "#]],
        );
    }
}

#[test]
fn brackets_in_strings_do_not_nest() {
    assert!(is_shallow(&format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100))));
    assert!(is_shallow(&format!("{}{}", "[".repeat(64), "]".repeat(64))));
    assert!(!is_shallow(&"[".repeat(65)));
}

#[test]
fn events_are_printed() {
    let id = RequestId(2);
    let channel = ChannelName::parse("news:today").unwrap();
    let at = Placed { epoch: Epoch(0xe1), offset: Offset(17) };
    let user = UserId::parse("ann").unwrap();
    let events = [
        Event::Connected {
            id: None,
            user: Some(user),
            expires_at: Some(UnixTime(1_900_000_000)),
            ping: Duration::from_secs(25),
            session: SessionId::parse("0123456789abcdef0123456789abcdef"),
            resumed: true,
        },
        Event::Refreshed { id, expires_at: UnixTime(1_900_003_600) },
        Event::Subscribed { id: Some(id), channel: channel.clone(), stand: at.into() },
        Event::Subscribed {
            id: None,
            channel: channel.clone(),
            stand: Stand {
                at,
                recovered: Some(false),
                first: Some(Offset(12)),
                cursor: Some((Cursor { delivered: Offset(9), read: Offset(3) }, 14)),
            },
        },
        Event::Resumed { id, session: SessionId(255), channels: vec![channel.clone()] },
        Event::History {
            id,
            channel: channel.clone(),
            page: Page { head: LogHead { at, first: Offset(1) }, messages: Vec::new() },
        },
        Event::Marked {
            id,
            channel: channel.clone(),
            cursor: Cursor { delivered: Offset(9), read: Offset(3) },
            unread: 14,
        },
        Event::Unsubscribed { id, channel: channel.clone() },
        Event::Published { id, channel: channel.clone(), at },
        Event::Signalled { id, channel: channel.clone() },
        Event::Pong { id },
        Event::Gap { channel, from: Offset(3), to: Offset(9) },
        Event::Expiring { expires_at: UnixTime(1_900_000_000), within: Duration::from_secs(60) },
        Event::Refused { id: Some(id), refusal: Code::Denied.into() },
        Event::Closing { refusal: Refusal::new(Code::Draining).after(Duration::from_millis(1500)) },
    ];
    let printed: Vec<String> = events.iter().map(event).collect();
    expect![[r#"
        {"connected":{"user":"ann","expires_at":1900000000,"ping":25.0,"session":"0123456789abcdef0123456789abcdef","resumed":true}}
        {"id":2,"refreshed":{"expires_at":1900003600}}
        {"id":2,"subscribed":{"channel":"news:today","epoch":"e1","offset":17}}
        {"subscribed":{"channel":"news:today","epoch":"e1","offset":17,"recovered":false,"first":12,"delivered":9,"read":3,"unread":14}}
        {"id":2,"resumed":{"session":"000000000000000000000000000000ff","channels":["news:today"]}}
        {"id":2,"history":{"channel":"news:today","epoch":"e1","first":1,"head":17,"items":[]}}
        {"id":2,"marked":{"channel":"news:today","delivered":9,"read":3,"unread":14}}
        {"id":2,"unsubscribed":{"channel":"news:today"}}
        {"id":2,"published":{"channel":"news:today","epoch":"e1","offset":17}}
        {"id":2,"signalled":{"channel":"news:today"}}
        {"id":2,"pong":{}}
        {"gap":{"channel":"news:today","from":3,"to":9}}
        {"expiring":{"expires_at":1900000000,"within":60.0}}
        {"id":2,"error":{"code":"DENIED","message":"You have no permission for this on this channel."}}
        {"closing":{"code":"DRAINING","message":"The server restarts. Reconnect.","details":{"retry_after":1.5}}}
    "#]]
    .assert_eq(&(printed.join("\n") + "\n"));
}

#[test]
fn a_plain_refusal_is_found_under_every_key_clients_look_under() {
    let refusal = Refusal::new(Code::TooFast).after(Duration::from_secs(1));
    expect![[r#"
        {"type":"error","code":"TOO_FAST","message":"Too many messages.","details":{"retry_after":1.0},"payload":{"code":"TOO_FAST","message":"Too many messages.","details":{"retry_after":1.0}},"data":{"code":"TOO_FAST","message":"Too many messages.","details":{"retry_after":1.0}}}
    "#]]
    .assert_eq(&(plain_refusal(&refusal) + "\n"));
    let read: serde_json::Value = serde_json::from_str(&plain_refusal(&refusal)).unwrap();
    assert_eq!(read["payload"]["code"], "TOO_FAST");
}

#[test]
fn publications_are_printed_with_the_payload_as_it_was() {
    let message = Publication {
        channel: ChannelName::parse("news").unwrap(),
        kind: Kind::Message(Placed { epoch: Epoch(0xe1), offset: Offset(18) }),
        from: UserId::parse("a\"nn"),
        except: None,
        except_conn: None,
        payload: r#"{ "n" : 1.50 }"#.into(),
        event: None,
        time: UnixMillis(0),
    };
    let event = Some(r#"no"te"#.into());
    let signal = Publication { kind: Kind::Signal, from: None, event, ..message.clone() };
    expect![[r#"
        {"publication":{"channel":"news","epoch":"e1","offset":18,"user":"a\"nn","data":{ "n" : 1.50 }}}
        {"signal":{"channel":"news","event":"no\"te","data":{ "n" : 1.50 }}}
    "#]]
    .assert_eq(&format!("{}\n{}\n", publication(&message), publication(&signal)));
}

/// Bob is here with two connections, and cid was.
fn roll() -> Roll {
    let person = |name| Person {
        user: UserId::parse(name).unwrap(),
        status: Status::Offline,
        since: None,
        last_seen: None,
        connections: 0,
    };
    let bob = Person {
        status: Status::Custom("\"busy\"".into()),
        since: Some(UnixMillis(1_899_999_000_500)),
        connections: 2,
        ..person("b\\b")
    };
    let cid = Person { last_seen: Some(UnixMillis(1_899_999_000_000)), ..person("cid") };
    Roll { users: vec![bob, cid, person("dan")], count: 1, connections: 3 }
}

#[test]
fn answers_to_what_is_said_in_passing_are_printed() {
    let id = RequestId(2);
    let channel = ChannelName::parse("den").unwrap();
    let events = [
        Event::Typing { id, channel: channel.clone(), active: true },
        Event::Presence { id, channel, roll: roll() },
        Event::Status { id, status: Status::Away },
    ];
    let printed: Vec<String> = events.iter().map(event).collect();
    expect![[r#"
        {"id":2,"typing":{"channel":"den","active":true}}
        {"id":2,"presence":{"channel":"den","users":[{"user":"b\\b","status":"\"busy\"","since":1899999000.5,"connections":2},{"user":"cid","status":"offline","last_seen":1899999000.0},{"user":"dan","status":"offline"}],"count":1,"connections":3}}
        {"id":2,"status":{"presence":"away"}}
    "#]].assert_eq(&(printed.join("\n") + "\n"));
}

#[test]
fn notices_are_printed_for_those_who_can_read_them() {
    let user = |name| UserId::parse(name).unwrap();
    let cursor = Cursor { delivered: Offset(18), read: Offset(15) };
    let notices = [
        Notice::Typing { user: user("a\"nn"), active: false },
        Notice::Receipts(vec![(user("ann"), cursor), (user("bob"), Cursor::default())]),
        Notice::Presence(Presence {
            joined: vec![(user("ann"), Status::Online)],
            left: vec![user("bob")],
            changed: vec![(user("cid"), Status::Custom("zu Tisch".into()))],
            users: 2,
        }),
        Notice::Presence(Presence { users: 10_000, ..Presence::default() }),
    ];
    let kinds = notices.map(|it| Kind::Notice(Box::new(it)));
    for kind in &kinds {
        assert!(kind.is_for(Dialect::Native) && !kind.is_for(Dialect::Plain), "{kind:?}");
    }
    let publications = kinds.map(|kind| Publication {
        channel: ChannelName::parse("den").unwrap(),
        kind,
        from: None,
        except: None,
        except_conn: None,
        event: None,
        payload: "".into(),
        time: UnixMillis(0),
    });
    assert_eq!(
        publications.each_ref().map(Publication::is_for_everyone),
        [true, true, false, false]
    );
    let printed: Vec<String> = publications.iter().map(publication).collect();
    expect![[r#"
        {"typing":{"channel":"den","user":"a\"nn","active":false}}
        {"receipts":{"channel":"den","receipts":[{"user":"ann","delivered":18,"read":15},{"user":"bob","delivered":0,"read":0}]}}
        {"presence":{"channel":"den","joined":[{"user":"ann","status":"online"}],"left":["bob"],"changed":[{"user":"cid","status":"zu Tisch"}],"users":2}}
        {"presence":{"channel":"den","users":10000}}
    "#]].assert_eq(&(printed.join("\n") + "\n"));
    expect![[r#"{"users":[{"user":"b\\b","status":"\"busy\"","since":1899999000.5,"connections":2},{"user":"cid","status":"offline","last_seen":1899999000.0},{"user":"dan","status":"offline"}],"count":1,"connections":3}"#]].assert_eq(&super::roll(&roll()));
}

#[test]
fn a_plain_client_may_put_its_token_where_it_is_used_to() {
    for text in [
        r#"{"token":"t"}"#,
        r#"{"type":"authenticate","payload":{"token":"t"}}"#,
        r#"{"type":"auth","data":{"token":"t"}}"#,
    ] {
        assert_eq!(first_token(&Message::Text(text.into())).as_deref(), Some("t"), "{text}");
    }
    for text in [r#"{"type":"hello"}"#, "nonsense", r#"{"token":7}"#] {
        assert_eq!(first_token(&Message::Text(text.into())), None, "{text}");
    }
}

proptest! {
    /// What any bytes do to the reader: refusals at worst, one for each command at most.
    #[test]
    fn any_text_is_commands_or_refusals(text in ".{0,300}") {
        let mut count = 0;
        requests(&text, |_| count += 1);
        prop_assert!(count <= COMMANDS_MAX);
    }
}
