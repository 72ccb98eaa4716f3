//! One entry point for each fuzz target: any bytes in, an assertion broken or nothing.
//!
//! The same functions run under libFuzzer by night (`fuzz/`) and on stable in `cargo test`, on the
//! committed corpus and on random bytes. Each checks more than "does not panic".

use std::{sync::Arc, time::Instant};

use crate::{
    Connection, Effect, Frame, Input, Message, Policy, Sid,
    eio::{self, Answer, ConnId, Incoming, Packet, RequestId, packets, payload},
    sio::{self, Body, Decoder, Payload, encode},
};

/// Bounds that a fuzzer can reach.
fn policy() -> Policy {
    Policy {
        payload_bytes_max: 4096,
        payload_packets_max: 64,
        waiting_packets_max: 16,
        waiting_bytes_max: 8192,
        attachments_bytes_max: 256,
        ..Policy::default()
    }
}

/// An arbitrary moment: only differences matter.
#[expect(clippy::disallowed_methods, reason = "a fuzzer needs some instant to count from")]
fn origin() -> Instant {
    Instant::now()
}

/// Messages as a WebSocket brings them: each packet is read or refused, and one that is read and
/// written again is the same to whoever reads it next.
///
/// Messages are separated by 0x1e; one that begins with 0x00 is bytes.
pub fn sio_packet(bytes: &[u8]) {
    let (now, policy) = (origin(), policy());
    let mut decoder = Decoder::default();
    for piece in bytes.split(|it| *it == 0x1e) {
        let Some(message) = message(piece) else { return };
        match decoder.take(now, message, &policy) {
            Ok(Some(packet)) => write_again(&packet, &policy),
            Ok(None) => assert!(decoder.until().is_some(), "it waits for something"),
            Err(_) => return,
        }
    }
}

fn message(piece: &[u8]) -> Option<Message> {
    match piece {
        [0, bytes @ ..] => Some(Message::Binary(bytes.into())),
        text => std::str::from_utf8(text).ok().map(|it| Message::Text(it.into())),
    }
}

fn write_again(packet: &sio::Packet, policy: &Policy) {
    let encoded = match &packet.body {
        Body::Event { event, ack } => {
            let payload = Payload::event(event.name(), event.args.values());
            let payload = payload.with_attachments(event.args.attachments().clone());
            encode::event_of(packet.namespace(), *ack, &payload)
        }
        Body::Ack { id, args } => {
            let payload = Payload::answer(args.values());
            let payload = payload.with_attachments(args.attachments().clone());
            encode::ack(packet.namespace(), *id, &payload)
        }
        Body::Disconnect => encode::disconnect(packet.namespace()),
        Body::Connect(_) | Body::ConnectError(_) => return,
    };
    let mut decoder = Decoder::default();
    let mut read = None;
    for frame in encoded.frames() {
        assert!(read.is_none(), "there is more than it takes");
        let message = match frame {
            Frame::Fixed(text) => Message::Text(text.into()),
            Frame::Text(text) => Message::Text(text.strip_prefix('4').expect("a message").into()),
            Frame::Binary(bytes) => Message::Binary(bytes),
        };
        read = decoder.take(origin(), message, policy).expect("what was read is written right");
    }
    let read = read.expect("all of it is there");
    assert_eq!(said(&read), said(packet));
}

/// What a packet says, without the text in which it says it.
fn said(packet: &sio::Packet) -> (&str, Option<u32>, &str, Vec<&str>, usize) {
    let namespace = packet.namespace();
    let values = |args: &'_ sio::Args| args.attachments().len();
    match &packet.body {
        Body::Event { event, ack } => {
            let texts = event.args.values().map(|it| it.as_str()).collect();
            let name = event.name().as_str();
            (namespace, ack.map(|it| it.0), name, texts, values(&event.args))
        }
        Body::Ack { id, args } => {
            let texts = args.values().map(|it| it.as_str()).collect();
            (namespace, Some(id.0), "", texts, values(args))
        }
        Body::Connect(_) | Body::Disconnect | Body::ConnectError(_) => {
            (namespace, None, "", Vec::new(), 0)
        }
    }
}

/// POST bodies to a whole connection, in pieces of a length that the first byte says; and the same
/// bytes read as a payload directly. However they are cut, the same comes of them.
pub fn eio_payload(bytes: &[u8]) {
    let Some((cut, body)) = bytes.split_first() else { return };
    let whole = posted(body, body.len().max(1));
    assert_eq!(posted(body, usize::from(*cut).max(1)), whole);
    let framed = body.split(|it| *it == 0x1e).take(64);
    talk(framed);

    let Ok(text) = std::str::from_utf8(body) else { return };
    let read: Result<Vec<_>, _> = packets(text, 64).collect();
    let Ok(read) = read else { return };
    let frames: Vec<_> = read.iter().filter_map(frame).collect();
    if !frames.is_empty() {
        let written = payload(&frames);
        let again: Vec<_> = packets(&written, 64).map(|it| it.expect("we wrote it")).collect();
        assert_eq!(again.iter().filter_map(frame).collect::<Vec<_>>(), frames);
    }
}

fn frame(packet: &Packet<'_>) -> Option<Frame> {
    match packet {
        Packet::Text(text) => Some(Frame::Text(format!("4{text}").into())),
        Packet::Binary(bytes) => Some(Frame::Binary((**bytes).into())),
        Packet::Noop => Some(Frame::NOOP),
        Packet::Close | Packet::Probe | Packet::Pong | Packet::Upgrade => None,
    }
}

/// What comes of a body that is posted in pieces of this length, to a client that has joined.
fn posted(body: &[u8], length: usize) -> Vec<Effect> {
    let (now, policy) = (origin(), Arc::new(policy()));
    let sid = Sid::draw([0; Sid::RANDOM_BYTES]);
    let mut effects = Vec::new();
    let mut it = Connection::open_polling(now, &policy, &sid, RequestId(0), &mut effects);
    join(&mut it, now, b"40", &mut effects);
    effects.clear();
    post(&mut it, now, RequestId(2), body.chunks(length), &mut effects);
    let answered = effects.iter().filter(|it| matches!(it, Effect::Answer { .. })).count();
    assert_eq!(answered, 1, "each request is answered once");
    let is_over = effects.iter().any(|it| matches!(it, Effect::Closed { .. }));
    assert_eq!(is_over, it.wakes_at().is_none(), "what is over wants nothing");
    let closed = effects.iter().position(|it| matches!(it, Effect::Closed { .. }));
    assert!(closed.is_none_or(|it| it + 1 == effects.len()), "the end comes last");
    effects
}

fn join(it: &mut Connection, now: Instant, knock: &[u8], effects: &mut Vec<Effect>) {
    post(it, now, RequestId(1), [knock], effects);
    let Some(Effect::Knocked { socket, .. }) = effects.last() else { return };
    let admitted =
        sio::Input::Admitted { socket: *socket, sid: Sid::draw([1; Sid::RANDOM_BYTES]), pid: None };
    it.handle(now, Input::Socket(admitted), effects);
}

fn post<'a>(
    it: &mut Connection,
    now: Instant,
    request: RequestId,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    effects: &mut Vec<Effect>,
) {
    let mut tell = |input| it.handle(now, Input::Transport(input), effects);
    tell(eio::Input::PostBegan { request, length: None });
    for bytes in pieces {
        tell(eio::Input::PostContinued { request, bytes });
    }
    tell(eio::Input::PostEnded { request });
}

/// The same pieces as messages of a WebSocket that comes to upgrade, with a GET waiting.
fn talk<'a>(messages: impl Iterator<Item = &'a [u8]>) {
    let (now, policy, conn) = (origin(), Arc::new(policy()), ConnId(1));
    let sid = Sid::draw([0; Sid::RANDOM_BYTES]);
    let mut effects = Vec::new();
    let mut it = Connection::open_polling(now, &policy, &sid, RequestId(0), &mut effects);
    let mut tell = |input| it.handle(now, Input::Transport(input), &mut effects);
    tell(eio::Input::Polled { request: RequestId(1) });
    tell(eio::Input::Attached { conn });
    for bytes in messages {
        let message = match std::str::from_utf8(bytes) {
            Ok(text) => Incoming::Text(text),
            Err(_) => Incoming::Binary(bytes),
        };
        tell(eio::Input::Received { conn, message });
    }
    tell(eio::Input::Abort(crate::Reason::ForcedClose));
    let answers = effects.iter().filter(|it| matches!(it, Effect::Answer { .. })).count();
    assert_eq!(answers, 2, "nobody is left waiting");
    let refusals = effects.iter().filter(|it| {
        matches!(it, Effect::Answer { answer: Answer::Refused(_) | Answer::TooLong, .. })
    });
    assert_eq!(refusals.count(), 0, "a GET is not refused for what a WebSocket says");
    let ends = effects.iter().filter(|it| matches!(it, Effect::Closed { .. })).count();
    assert_eq!(ends, 1, "it ends once");
}

#[cfg(test)]
mod tests;
