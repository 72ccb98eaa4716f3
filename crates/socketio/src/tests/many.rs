//! What many connections cost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::play::origin;
use crate::{
    Connection, Effect, Frame, Input, Policy, Reason, Sid,
    eio::{self, ConnId, Incoming, RequestId},
    sio::{self, EventName, SocketId, encode},
};

fn sid(number: u64) -> Sid {
    let mut random = [0; Sid::RANDOM_BYTES];
    random[..8].copy_from_slice(&number.to_be_bytes());
    Sid::draw(random)
}

/// F13: ten thousand clients that open and never come back are gone after ping interval and ping
/// timeout, and none of them keeps a buffer until then but its ping.
#[test]
fn ten_thousand_dead_polling_sessions_are_reclaimed() {
    let start = origin();
    let policy = Arc::new(Policy::default());
    let mut effects = Vec::new();
    let mut open: Vec<Connection> = (0..10_000)
        .map(|it| {
            let request = RequestId(it);
            Connection::open_polling(start, &policy, &sid(it), request, &mut effects)
        })
        .collect();
    assert_eq!(effects.len(), 10_000);

    let mut now = start;
    while let Some(wake) = open.iter().filter_map(Connection::wakes_at).min() {
        assert!(now <= wake);
        now = wake;
        open.retain_mut(|it| {
            effects.clear();
            it.handle(now, Input::Woke, &mut effects);
            !matches!(effects.last(), Some(Effect::Closed { reason: Reason::PingTimeout, .. }))
        });
    }
    assert!(open.is_empty());
    assert_eq!(now - start, policy.ping_interval + policy.ping_timeout);
}

fn joined(now: Instant, policy: &Arc<Policy>, number: u64) -> (Connection, SocketId) {
    let mut effects = Vec::new();
    let conn = ConnId(number);
    let mut it = Connection::open_websocket(now, policy, &sid(number), conn, &mut effects);
    let message = Incoming::Text("40");
    it.handle(now, Input::Transport(eio::Input::Received { conn, message }), &mut effects);
    let Some(Effect::Knocked { socket, .. }) = effects.pop() else { panic!("{effects:?}") };
    let admitted = sio::Input::Admitted { socket, sid: sid(number + 1), pid: None };
    it.handle(now, Input::Socket(admitted), &mut effects);
    (it, socket)
}

/// One text for a room, whoever polls and whoever does not.
#[test]
fn an_event_is_encoded_once_for_everyone() {
    let (now, policy) = (origin(), Arc::new(Policy::default()));
    let mut room: Vec<_> = (0..100).map(|it| joined(now, &policy, it)).collect();
    let payload = crate::Json::parse(r#"{"text":"hello"}"#).unwrap();
    let name = EventName::parse("message:created").unwrap();
    let event = encode::event("/", name, [payload]);
    assert_eq!(&*event.text, r#"42["message:created",{"text":"hello"}]"#);
    for (index, (it, socket)) in room.iter_mut().enumerate() {
        let conn = ConnId(index as u64);
        assert_eq!(it.writes_to(*socket), Some(conn), "the driver may write it by itself");
        let mut effects = Vec::new();
        let emit = sio::Input::Emit { socket: *socket, event: event.clone() };
        it.handle(now, Input::Socket(emit), &mut effects);
        let [Effect::Write { conn: to, frame: Frame::Text(text) }] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(*to, conn);
        assert!(Arc::ptr_eq(text, &event.text), "no copy for each");
    }
}

#[test]
fn nobody_writes_to_whoever_is_not_there() {
    let (now, policy) = (origin(), Arc::new(Policy::default()));
    let (mut it, socket) = joined(now, &policy, 1);
    it.handle(now, Input::Socket(sio::Input::Disconnect { socket }), &mut Vec::new());
    assert_eq!(it.writes_to(socket), None);

    let (mut it, socket) = joined(now, &policy, 1);
    it.handle(now, Input::Transport(eio::Input::Close), &mut Vec::new());
    assert_eq!((it.writes_to(socket), it.wakes_at()), (None, None));
}

/// A copy from the read buffer, and everything else refers to it.
#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Connection>();
    assert!(size <= 512, "{size} bytes");
}

#[test]
fn whoever_wakes_late_is_not_in_trouble() {
    let (now, policy) = (origin(), Arc::new(Policy::default()));
    let (mut it, _) = joined(now, &policy, 1);
    let mut effects = Vec::new();
    it.handle(now + Duration::from_secs(3600), Input::Woke, &mut effects);
    assert!(matches!(effects.as_slice(), [Effect::Write { frame: Frame::Fixed("2"), .. }]));
}
