//! How sessions begin.

use std::{sync::Arc, time::Duration};

use expect_test::expect;

use super::{check, play::origin};
use crate::{
    Connection, Effect, Frame, Policy, Sid,
    eio::{Answer, ConnId, RequestId},
};

fn opened(effects: &[Effect]) -> &str {
    match effects {
        [Effect::Answer { request: RequestId(1), answer: Answer::Payload(text) }] => text,
        [Effect::Write { conn: ConnId(1), frame: Frame::Text(text) }] => text,
        _ => panic!("{effects:?}"),
    }
}

#[test]
fn a_get_opens_a_session_and_is_offered_an_upgrade() {
    let (now, sid, mut effects) = (origin(), Sid::draw([0; Sid::RANDOM_BYTES]), Vec::new());
    let policy = Arc::new(Policy::default());
    Connection::open_polling(now, &policy, &sid, RequestId(1), &mut effects);
    let expected = r#"0{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"#.to_owned()
        + r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(opened(&effects), expected);
}

#[test]
fn an_upgrade_is_offered_only_where_there_is_one() {
    let (now, sid, mut effects) = (origin(), Sid::draw([0; Sid::RANDOM_BYTES]), Vec::new());
    let policy = Arc::new(Policy { offers_upgrade: false, ..Policy::default() });
    Connection::open_polling(now, &policy, &sid, RequestId(1), &mut effects);
    assert!(opened(&effects).contains(r#""upgrades":[],"#));
}

#[test]
fn a_websocket_opens_a_session_and_is_offered_nothing() {
    let (now, sid, mut effects) = (origin(), Sid::draw([0; Sid::RANDOM_BYTES]), Vec::new());
    let (ping_interval, ping_timeout) = (Duration::from_millis(300), Duration::from_millis(200));
    let policy = Arc::new(Policy { ping_interval, ping_timeout, ..Policy::default() });
    Connection::open_websocket(now, &policy, &sid, ConnId(1), &mut effects);
    let expected = r#"0{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","upgrades":[],"#.to_owned()
        + r#""pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;
    assert_eq!(opened(&effects), expected);
}

#[test]
fn whoever_joins_no_namespace_is_parted_with() {
    check(
        "websockets in
         +26s
         says 3
         +60s",
        expect![[r#"
            w1 <- 0{..}
            -- 25s
            w1 <- 2
            -- 45s
            w1 closed
            closed: no namespace
        "#]],
    );
}
