//! Every name that a version of the client has used means what it meant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::house::House;
use crate::{command::Command, said::parse};

/// Names of one thing, and values that do for all of them.
fn families() -> Vec<(Vec<&'static str>, Value)> {
    let message = || json!({ "messageId": "1", "type": "x", "content": "c", "channelId": "1" });
    vec![
        (vec!["message:send", "send_message", "sendMessage", "message.send"], message()),
        (vec!["message:update", "updateMessage", "message:edit"], message()),
        (vec!["message:delete", "deleteMessage"], message()),
        (vec!["channel:join", "join_channel", "joinChannel", "channel.join"], message()),
        (vec!["channel:leave", "leave_channel", "leaveChannel", "channel.leave"], message()),
        (vec!["reaction:add", "message:reaction:added"], message()),
        (vec!["reaction:remove", "message:reaction:removed"], message()),
        (vec!["message:received", "message:confirm", "message:delivered"], message()),
        (vec!["message:read", "message:seen", "READ"], message()),
        (vec!["typing:start", "message:typing:start", "TYPING_START", "typing"], message()),
        (vec!["typing:stop", "message:typing:stop", "TYPING_STOP"], message()),
        (vec!["thread:join"], json!({ "threadId": "1" })),
        (vec!["thread:leave"], json!({ "threadId": "1" })),
        (vec!["thread:reply"], json!({ "threadId": "1", "content": "c" })),
        (vec!["message:reaction:received"], message()),
        (vec!["message:getStatus"], message()),
        (vec!["message:getOfflineCount"], Value::Null),
        (vec!["channel:create"], json!({ "name": "n", "type": "PUBLIC" })),
        (vec!["channel:created"], json!({ "channel": { "id": "1" } })),
        (vec!["channel:update"], json!({ "channelId": "1", "name": "n" })),
        (
            vec!["channel:member:role"],
            json!({ "channelId": "1", "userId": "ann", "role": "OWNER" }),
        ),
        (vec!["channels:list"], Value::Null),
        (vec!["invitation:send"], json!({ "channelId": "1", "inviteeId": "bob" })),
        (vec!["invitation:respond"], json!({ "invitationId": "1", "accept": true })),
        (vec!["typing:get"], message()),
        (vec!["presence:get_online_users"], Value::Null),
        (vec!["draft:sync"], message()),
        (vec!["scroll:sync"], message()),
    ]
}

#[test]
fn every_name_of_a_thing_means_that_thing() {
    let mut seen: Vec<Command> = Vec::new();
    let mut names = BTreeSet::new();
    for (family, value) in families() {
        let meant = parse(family[0], std::slice::from_ref(&value)).unwrap();
        for name in family {
            assert!(names.insert(name), "{name} means two things");
            assert_eq!(parse(name, std::slice::from_ref(&value)), Ok(meant.clone()), "{name}");
        }
        assert!(!seen.contains(&meant), "{meant:?} is another family's");
        seen.push(meant);
    }
}

/// Ids are told as texts. Clients have sent them back as numbers, and channels bare.
#[test]
fn ids_come_as_texts_or_numbers_wrapped_or_bare() {
    let meant = parse("channel:join", &[json!({ "channelId": "7" })]);
    assert!(meant.is_ok());
    for value in [json!({ "channelId": 7 }), json!("7"), json!(7), json!({ "id": "7" })] {
        assert_eq!(parse("channel:join", std::slice::from_ref(&value)), meant, "{value}");
    }
    for value in [json!("den"), json!(""), json!(1.5), json!(null), json!([7]), json!({})] {
        assert!(parse("channel:join", std::slice::from_ref(&value)).is_err(), "{value}");
    }
}

#[test]
fn what_nobody_knows_is_answered_too() {
    let mut house = House::new();
    house.act("ann comes");
    for event in ["__proto__", "constructor", "", "message", "Message:Send", "connect"] {
        house.act(&format!("ann {event} {{}}"));
        assert!(house.log.ends_with("  no: Unknown event\n"), "{event:?} {}", house.log);
    }
}

/// Whatever comes as a value, there is an answer, and the database is none the worse.
#[test]
fn any_value_is_answered() {
    let mut house = House::new();
    house.act("ann comes");
    house.act(r#"ann channel:create {"name":"den"}"#);
    let odd = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!("1"),
        json!("'; DROP TABLE users; --"),
        json!([]),
        json!({}),
        json!({ "__proto__": {} }),
        json!({ "channelId": {} }),
        json!({ "channelId": "1", "messageId": "1", "threadId": "1", "content": "\u{0}" }),
        json!({ "channelId": i64::MAX, "messageId": i64::MIN, "threadId": "-0" }),
    ];
    let ann = super::house::user("ann");
    for name in families().into_iter().flat_map(|it| it.0) {
        for value in &odd {
            let outcome = house.book.handle(0, &ann, name, std::slice::from_ref(value)).unwrap();
            assert!(outcome.ack["success"].is_boolean(), "{name} {value}");
        }
        let outcome = house.book.handle(0, &ann, name, &[]).unwrap();
        assert!(outcome.ack["success"].is_boolean(), "{name}");
    }
}
