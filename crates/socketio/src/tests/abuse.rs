//! What hostile clients send (F12, F13, H6), and what comes of it: the end of their connection, at
//! once, and nothing else.

use std::fmt::Write as _;

use expect_test::expect;

use super::{check, play::play};

/// What a joined client gets for saying this.
fn verdict(says: &str) -> String {
    let played = play(&format!("websockets in\nsays 40\nadmit\n{says}"));
    played.lines().last().unwrap().to_owned()
}

fn check_each(cases: &[&str], expected: expect_test::Expect) {
    let mut told = String::new();
    for case in cases {
        let shown = case.replace(char::is_control, "\u{fffd}");
        writeln!(told, "{shown}\n    {}", verdict(&format!("says {case}"))).unwrap();
    }
    expected.assert_eq(&told);
}

/// F12: fifty million attachments are refused when they are announced, not waited for.
#[test]
fn attachments_are_few() {
    check_each(
        &[
            r#"451000000-["a"]"#,
            r#"4511-["a"]"#,
            r#"450-["a"]"#,
            r#"45-["a"]"#,
            r#"451["a"]"#,
            r#"4501-["a"]"#,
            r#"451e1-["a"]"#,
            r#"45+1-["a"]"#,
            r#"45-1-["a"]"#,
            r#"451.0-["a"]"#,
            r#"4599999999999999999999-["a"]"#,
            "451",
            "451-",
        ],
        expect![[r#"
            451000000-["a"]
                closed: parse error (an impossible count of attachments)
            4511-["a"]
                closed: parse error (an impossible count of attachments)
            450-["a"]
                closed: parse error (an impossible count of attachments)
            45-["a"]
                closed: parse error (an impossible count of attachments)
            451["a"]
                closed: parse error (an impossible count of attachments)
            4501-["a"]
                closed: parse error (an impossible count of attachments)
            451e1-["a"]
                closed: parse error (an impossible count of attachments)
            45+1-["a"]
                closed: parse error (an impossible count of attachments)
            45-1-["a"]
                closed: parse error (an impossible count of attachments)
            451.0-["a"]
                closed: parse error (an impossible count of attachments)
            4599999999999999999999-["a"]
                closed: parse error (an impossible count of attachments)
            451
                closed: parse error (an impossible count of attachments)
            451-
                closed: parse error (a payload of the wrong kind)
        "#]],
    );
}

/// F12: announced and never sent.
#[test]
fn attachments_that_do_not_come_are_waited_for_ten_seconds() {
    check(
        r#"websockets in
         says 40
         admit
         says 452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]
         +5s
         sends 01
         +4.9s
         +0.1s"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            -- 10s
            s0 left: parse error
            w1 closed
            closed: parse error (attachments that did not come in time)
        "#]],
    );
}

/// F12: bounded in bytes too, here eight.
#[test]
fn attachments_are_short() {
    check(
        r#"websockets in
         says 40
         admit
         says 452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]
         sends 01 02 03 04
         sends 05 06 07 08 09"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: parse error
            w1 closed
            closed: parse error (attachments that are too long)
        "#]],
    );
}

/// F12: a placeholder that names what is not there.
#[test]
fn placeholders_stand_for_one_attachment_each() {
    check_each(
        &[
            r#"451-["a",{"_placeholder":true,"num":-1}]"#,
            r#"451-["a",{"_placeholder":true,"num":1}]"#,
            r#"451-["a",{"_placeholder":true,"num":1e9}]"#,
            r#"451-["a",{"_placeholder":true,"num":0.5}]"#,
            r#"451-["a",{"_placeholder":true,"num":0.0}]"#,
            r#"451-["a",{"_placeholder":true,"num":-0}]"#,
            r#"451-["a",{"_placeholder":true,"num":"0"}]"#,
            r#"451-["a",{"_placeholder":true,"num":"splice"}]"#,
            r#"451-["a",{"_placeholder":true,"num":null}]"#,
            r#"451-["a",{"_placeholder":true,"num":[0]}]"#,
            r#"451-["a",{"_placeholder":true}]"#,
            r#"451-["a",{"_placeholder":true,"num":0,"num":0}]"#,
            r#"451-["a",{"_placeholder":true,"num":0,"n\u0075m":5}]"#,
            r#"451-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
            r#"451-["a",{"_placeholder":true,"num":0},{"\u005fplaceholder":true,"num":0}]"#,
            r#"452-["a",{"_placeholder":true,"num":0}]"#,
            r#"451-["a"]"#,
            r#"451-["a",{"_placeholder":1,"num":0}]"#,
        ],
        expect![[r#"
            451-["a",{"_placeholder":true,"num":-1}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":1}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":1e9}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0.5}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0.0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":-0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":"0"}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":"splice"}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":null}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":[0]}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0,"num":0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0,"n\u0075m":5}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":true,"num":0},{"\u005fplaceholder":true,"num":0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            452-["a",{"_placeholder":true,"num":0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a"]
                closed: parse error (a placeholder that stands for no attachment of its own)
            451-["a",{"_placeholder":1,"num":0}]
                closed: parse error (a placeholder that stands for no attachment of its own)
        "#]],
    );
}

#[test]
fn only_an_attachment_comes_where_one_is_due() {
    check(
        r#"websockets in
         says 40
         admit
         says 451-["a",{"_placeholder":true,"num":0}]
         says 42["b"]"#,
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: parse error
            w1 closed
            closed: parse error (a packet where an attachment was due)
        "#]],
    );
    check(
        "websockets in
         says 40
         admit
         sends 01 02",
        expect![[r#"
            w1 <- 0{..}
            s0 knocks at /
            w1 <- 40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}
            s0 left: parse error
            w1 closed
            closed: parse error (an attachment that was not announced)
        "#]],
    );
}

/// F12, CVE-2023-32695 and its like: whoever listens is not called by what is no name.
#[test]
fn an_event_begins_with_its_name() {
    check_each(
        &[
            "42[]",
            "42[null]",
            "42[1]",
            r#"42[["a"]]"#,
            r#"42[{"toString":"x"}]"#,
            "42[true,1]",
            r#"42["connect"]"#,
            r#"42["connect_error"]"#,
            r#"42["disconnect"]"#,
            r#"42["disconnecting"]"#,
            r#"42["newListener"]"#,
            r#"42["removeListener"]"#,
            r#"42["dis\u0063onnect"]"#,
            r#"42["\ud800"]"#,
            r#"451-["connect",{"_placeholder":true,"num":0}]"#,
        ],
        expect![[r#"
            42[]
                closed: parse error (an event that does not begin with its name)
            42[null]
                closed: parse error (an event that does not begin with its name)
            42[1]
                closed: parse error (an event that does not begin with its name)
            42[["a"]]
                closed: parse error (an event that does not begin with its name)
            42[{"toString":"x"}]
                closed: parse error (an event that does not begin with its name)
            42[true,1]
                closed: parse error (an event that does not begin with its name)
            42["connect"]
                closed: parse error (an event with a reserved name)
            42["connect_error"]
                closed: parse error (an event with a reserved name)
            42["disconnect"]
                closed: parse error (an event with a reserved name)
            42["disconnecting"]
                closed: parse error (an event with a reserved name)
            42["newListener"]
                closed: parse error (an event with a reserved name)
            42["removeListener"]
                closed: parse error (an event with a reserved name)
            42["dis\u0063onnect"]
                closed: parse error (an event with a reserved name)
            42["\ud800"]
                closed: parse error (an event that does not begin with its name)
            451-["connect",{"_placeholder":true,"num":0}]
                closed: parse error (an event with a reserved name)
        "#]],
    );
}

#[test]
fn what_is_no_packet_is_none() {
    check_each(
        &["4", "4abc", "47", "49999", r#"44{"message":"no"}"#, "44"],
        expect![[r#"
        4
            closed: parse error (a packet of a type that is not known)
        4abc
            closed: parse error (a packet of a type that is not known)
        47
            closed: parse error (a packet of a type that is not known)
        49999
            closed: parse error (a packet of a type that is not known)
        44{"message":"no"}
            closed: parse error (a packet that only a server sends)
        44
            closed: parse error (a payload of the wrong kind)
    "#]],
    );
}

#[test]
fn an_event_is_an_array_and_nothing_else() {
    check_each(
        &[
            "42",
            "42{}",
            r#"42"a""#,
            r#"42 ["a"]"#,
            r#"42["a"]["b"]"#,
            r#"42["a""#,
            r#"42["a",]"#,
            r#"42["a",01]"#,
            r#"42['a']"#,
            "42[\"a\u{1}\"]",
            r#"42["a",NaN]"#,
        ],
        expect![[r#"
            42
                closed: parse error (a payload of the wrong kind)
            42{}
                closed: parse error (a payload of the wrong kind)
            42"a"
                closed: parse error (a payload of the wrong kind)
            42 ["a"]
                closed: parse error (a payload of the wrong kind)
            42["a"]["b"]
                closed: parse error (not JSON)
            42["a"
                closed: parse error (not JSON)
            42["a",]
                closed: parse error (not JSON)
            42["a",01]
                closed: parse error (not JSON)
            42['a']
                closed: parse error (not JSON)
            42["a�"]
                closed: parse error (not JSON)
            42["a",NaN]
                closed: parse error (not JSON)
        "#]],
    );
}

#[test]
fn a_payload_is_what_its_packet_needs() {
    check_each(
        &[
            "40/b,[]",
            r#"40/b,"token""#,
            "40/b,null",
            "40/b,1{}",
            r#"40/b,{"a":1}x"#,
            "41{}",
            "411",
            "41/b,[]",
            "43[]",
            "430",
            "430{}",
        ],
        expect![[r#"
            40/b,[]
                closed: parse error (a payload of the wrong kind)
            40/b,"token"
                closed: parse error (a payload of the wrong kind)
            40/b,null
                closed: parse error (a payload of the wrong kind)
            40/b,1{}
                closed: parse error (an acknowledgement with an impossible number)
            40/b,{"a":1}x
                closed: parse error (not JSON)
            41{}
                closed: parse error (a payload of the wrong kind)
            411
                closed: parse error (an acknowledgement with an impossible number)
            41/b,[]
                closed: parse error (a payload of the wrong kind)
            43[]
                closed: parse error (an acknowledgement with an impossible number)
            430
                closed: parse error (a payload of the wrong kind)
            430{}
                closed: parse error (a payload of the wrong kind)
        "#]],
    );
}

/// F12: numbers of acknowledgements are written one way, in 32 bits.
#[test]
fn numbers_of_acknowledgements_are_bounded() {
    check_each(
        &[
            r#"424294967295["a"]"#,
            r#"424294967296["a"]"#,
            r#"4299999999999999999999["a"]"#,
            r#"4201["a"]"#,
            r#"42-1["a"]"#,
            r#"421.5["a"]"#,
            r#"421e3["a"]"#,
        ],
        expect![[r#"
            424294967295["a"]
                s0 says a and wants ack 4294967295
            424294967296["a"]
                closed: parse error (an acknowledgement with an impossible number)
            4299999999999999999999["a"]
                closed: parse error (an acknowledgement with an impossible number)
            4201["a"]
                closed: parse error (an acknowledgement with an impossible number)
            42-1["a"]
                closed: parse error (a payload of the wrong kind)
            421.5["a"]
                closed: parse error (a payload of the wrong kind)
            421e3["a"]
                closed: parse error (a payload of the wrong kind)
        "#]],
    );
}

#[test]
fn names_of_namespaces_are_short_and_plain() {
    check_each(
        &[
            "40/12345678901234567890123456789012",
            "40/b\u{1e}4\u{7f},",
            "40/b\u{0},",
            "40b",
            "42/b,[\"a\"]",
        ],
        expect![[r#"
            40/12345678901234567890123456789012
                closed: parse error (a namespace with an impossible name)
            40/b�4�,
                closed: parse error (a namespace with an impossible name)
            40/b�,
                closed: parse error (a namespace with an impossible name)
            40b
                closed: parse error (a payload of the wrong kind)
            42/b,["a"]
                closed: parse error (an event in a namespace that was not joined)
        "#]],
    );
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth| format!("says 42[\"a\",{}{}]", "[".repeat(depth), "]".repeat(depth));
    assert!(verdict(&nested(63)).starts_with("s0 says a [[["));
    assert_eq!(verdict(&nested(64)), "closed: parse error (nested deeper than 64)");
    assert_eq!(
        verdict(&format!("says 42[\"a\",{}", "[".repeat(900))),
        "closed: parse error (nested deeper than 64)"
    );
    assert_eq!(
        verdict(&format!("says 40/b,{}", "{\"a\":".repeat(100))),
        "closed: parse error (nested deeper than 64)"
    );
}

/// F11, F13: separators are cheap to send and must be cheap to get.
#[test]
fn a_payload_of_separators_ends_at_the_first() {
    check(
        &format!("polls in\nposts {}", "|".repeat(1000)),
        expect![[r#"
        r1 200 0{..}
        r2 400 {"code":3,"message":"Bad request"}
        closed: parse error
    "#]],
    );
    check(
        "polls in
         posts 6|6|6|6|6|6|6|6
         posts 6|6|6|6|6|6|6|6|6",
        expect![[r#"
            r1 200 0{..}
            r2 ok
            r3 400 {"code":3,"message":"Bad request"}
            closed: parse error
        "#]],
    );
}

#[test]
fn a_frame_longer_than_a_payload_is_refused() {
    let (fits, long) = ("a".repeat(987), "a".repeat(1000));
    assert!(verdict(&format!("says 42[\"aa\",\"{fits}\"]")).starts_with("s0 says aa"));
    assert_eq!(verdict(&format!("says 42[\"aa\",\"{long}\"]")), "closed: parse error");
    assert_eq!(verdict(&format!("sends {}", "00 ".repeat(1001))), "closed: parse error");
}

/// H6: what is no Engine.IO ends the session and not the process.
#[test]
fn garbage_in_frames_ends_the_session() {
    for text in ["", "é", "\u{0}", "bAQID", "7", "-1", "0{}", "5", "6x", "1x", "3x", "2probe"] {
        assert_eq!(verdict(&format!("says {text}")), "closed: parse error", "{text:?}");
    }
    for text in ["", "é", "b!", "bA", "0", "2", "5", "b===="] {
        let played = play(&format!("polls in\nposts {text}"));
        assert!(played.ends_with("closed: parse error\n"), "{text:?} {played}");
    }
}

#[test]
fn a_payload_that_is_not_utf_8_ends_the_session() {
    use std::sync::Arc;

    use crate::{
        Policy, Reason, Sid,
        eio::{Answer, Effect, Input, Refusal, RequestId, Session},
    };

    let (now, sid) = (super::play::origin(), Sid::draw([0; Sid::RANDOM_BYTES]));
    let mut effects = Vec::new();
    let policy = Arc::new(Policy::default());
    let mut session = Session::open_polling(now, policy, &sid, RequestId(1), &mut effects);
    effects.clear();
    let request = RequestId(2);
    session.handle(now, Input::PostBegan { request, length: None }, &mut effects);
    session.handle(now, Input::PostContinued { request, bytes: b"4\xff\xfe" }, &mut effects);
    session.handle(now, Input::PostEnded { request }, &mut effects);
    let refused = Effect::Answer { request, answer: Answer::Refused(Refusal::BadRequest) };
    assert_eq!(effects, [refused, Effect::Closed { reason: Reason::ParseError }]);
}
