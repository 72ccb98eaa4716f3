//! The official client's parsers and ours, on the same packets. `testdata/README.md` says how the
//! vectors were made.

use std::{collections::BTreeMap, sync::Arc};

use expect_test::expect;
use serde_json::Value;

use super::origin;
use crate::{
    Encoded, Frame, Json, Message, Policy,
    eio::{self, packets, payload},
    sio::{self, AckId, Body, Decoder, EventName, Fault, Payload, encode},
};

const VECTORS: &str = include_str!("../../testdata/vectors.jsonl");

/// The lines of one kind.
fn vectors(kind: &str) -> Vec<Vec<Value>> {
    let lines: Vec<Vec<Value>> = VECTORS
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .filter(|it: &Vec<Value>| it[0] == kind)
        .collect();
    assert!(50 <= lines.len(), "{kind}");
    lines
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn unhex(hex: &str) -> Arc<[u8]> {
    let digits = hex.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).unwrap());
    digits.map(|it| u8::from_str_radix(it, 16).unwrap()).collect()
}

fn id(value: &Value) -> Option<AckId> {
    value.as_u64().map(|it| AckId(u32::try_from(it).unwrap()))
}

#[test]
fn what_we_write_is_what_they_write() {
    for line in vectors("encode") {
        let namespace = text(&line[2]);
        let mut values = texts(&line[4]).into_iter().map(|it| Json::parse(it).unwrap());
        let attachments: Arc<[_]> = texts(&line[5]).into_iter().map(unhex).collect();
        let encoded = if [2, 5].contains(&line[1].as_u64().unwrap()) {
            let name = values.next().unwrap().to_text().unwrap();
            let event = Payload::event(EventName::parse(&name).unwrap(), values);
            encode::event_of(namespace, id(&line[3]), &event.with_attachments(attachments))
        } else {
            let answer = Payload::answer(values).with_attachments(attachments);
            encode::ack(namespace, id(&line[3]).unwrap(), &answer)
        };
        assert_eq!(encoded.text.strip_prefix('4'), Some(text(&line[6])));
    }
}

/// Reads a vector's text and the bytes behind it.
fn decode(line: &[Value]) -> Result<Option<sio::Packet>, Fault> {
    let (now, policy) = (origin(), Policy::default());
    let mut decoder = Decoder::default();
    let mut read = decoder.take(now, Message::Text(text(&line[1]).into()), &policy)?;
    for attachment in texts(&line[2]) {
        read = decoder.take(now, Message::Binary(unhex(attachment)), &policy)?;
    }
    Ok(read)
}

/// As the vectors describe a packet.
fn described(packet: &sio::Packet, is_binary: bool) -> (u8, String, Option<u64>, Option<String>) {
    let array = |inner: &str| format!("[{inner}]");
    let (kind, id, payload) = match &packet.body {
        Body::Connect(auth) => (0, None, auth.json().map(|it| it.as_str().to_owned())),
        Body::Disconnect => (1, None, None),
        Body::Event { event, ack } => {
            let payload = Payload::event(event.name(), event.args.values());
            (2, *ack, Some(payload.text.into_string()))
        }
        Body::Ack { id, args } => (3, Some(*id), Some(array(args.as_str()))),
        Body::ConnectError(error) => (4, None, error.json().map(|it| it.as_str().to_owned())),
    };
    let payload = payload.filter(|_| !is_binary);
    (kind, packet.namespace().to_owned(), id.map(|it| it.0.into()), payload)
}

/// Whether two payloads are the same, however they are spaced.
fn is_same(ours: Option<&str>, theirs: Option<&str>) -> bool {
    let squeeze = |it: Option<&str>| it.map(|it| it.replace(' ', ""));
    squeeze(ours) == squeeze(theirs)
}

#[test]
fn what_they_refuse_we_refuse_and_what_we_accept_is_the_same() {
    let mut stricter = BTreeMap::<String, Vec<String>>::new();
    for line in vectors("decode") {
        let (said, theirs) = (text(&line[3]), text(&line[1]));
        match (said, decode(&line)) {
            ("said", Ok(Some(packet))) => {
                let is_binary = !texts(&line[2]).is_empty();
                let (kind, namespace, id, payload) = described(&packet, is_binary);
                assert_eq!(Some(u64::from(kind)), line[4].as_u64(), "{theirs}");
                assert_eq!(namespace, text(&line[5]), "{theirs}");
                assert_eq!(id, line[6].as_u64(), "{theirs}");
                assert!(is_same(payload.as_deref(), line[7].as_str()), "{theirs}");
            }
            ("waits", Ok(None)) | ("refused", Err(_)) => (),
            ("said" | "waits", Err(fault)) => {
                stricter.entry(fault.to_string()).or_default().push(format!("<{theirs}>"));
            }
            (_, ours) => panic!("{theirs} is {said}, and we say {ours:?}"),
        }
    }
    // Each of these is no packet that a client writes.
    let mut listed = String::new();
    for (fault, mut texts) in stricter {
        texts.sort();
        texts.dedup();
        listed += &format!("{fault}\n    {}\n", texts.join("\n    "));
    }
    expect![[r#"
        a packet of a type that is not known
            <>
        a payload of the wrong kind
            <2/a[17["a"]>
            <4/no">
        a placeholder that stands for no attachment of its own
            <51-["a",{"-placeholder":true,"num":0}]>
            <51-["a",{"__placeholder":true,"num":0}]>
            <51-["a",{"_plaaceholder":true,"num":0}]>
            <51-["a",{"_placceholder":true,"num":0}]>
            <51-["a",{"_placeho:der":true,"num":0}]>
            <51-["a",{"_placehoolder":true,"num":0}]>
            <61-/a,1[{"num":0,"_placehold-r":true}]>
            <61-/a,1[{"num":0,"_placeholdeer":true}]>
            <61-/a,1[{"num":0,"_placeholderr":true}]>
        an acknowledgement with an impossible number
            <00>
            <11>
            <3/a,00[]>
            <3/a,[]>
            <3/a0[]>
            <44"no">
            <44{"message":"no"}>
    "#]]
    .assert_eq(&listed);
}

/// A message as the vectors have it: a text, or bytes in brackets.
fn frame(value: &Value) -> Frame {
    match value.as_array() {
        Some(bytes) => Frame::Binary(unhex(text(&bytes[0]))),
        None => Frame::Text(format!("4{}", text(value)).into()),
    }
}

#[test]
fn payloads_are_written_the_same() {
    for line in vectors("payload") {
        let frames: Vec<Frame> = line[1].as_array().unwrap().iter().map(frame).collect();
        assert_eq!(payload(&frames), text(&line[2]));
    }
}

#[test]
fn payloads_are_read_the_same() {
    for line in vectors("polled") {
        let (body, theirs) = (text(&line[1]), line[2].as_array().unwrap());
        let ours: Vec<_> = packets(body, 100).collect();
        for (ours, theirs) in ours.iter().zip(theirs) {
            match (ours, theirs.as_array()) {
                (Err(_), None) => break,
                (Ok(packet), Some(theirs)) => assert!(is_packet(packet, theirs), "{body:?}"),
                (ours, theirs) => panic!("{body:?}: {ours:?}, {theirs:?}"),
            }
        }
    }
}

fn is_packet(ours: &eio::Packet<'_>, theirs: &[Value]) -> bool {
    let (kind, data) = match ours {
        eio::Packet::Close => (1, ""),
        eio::Packet::Probe => (2, "probe"),
        eio::Packet::Pong => (3, ""),
        eio::Packet::Text(text) => (4, *text),
        eio::Packet::Binary(bytes) => return frame(&theirs[1]) == Frame::Binary((**bytes).into()),
        eio::Packet::Upgrade => (5, ""),
        eio::Packet::Noop => (6, ""),
    };
    theirs[0] == kind && theirs[1] == data
}

/// What their encoder cuts a message into is what ours does.
#[test]
fn a_packet_and_its_attachments_are_frames_of_their_own() {
    let attachments: Arc<[Arc<[u8]>]> = Arc::new([Arc::from([1_u8].as_slice())]);
    let encoded = Encoded { text: "451-[]".into(), attachments: attachments.clone() };
    let frames: Vec<Frame> = encoded.frames().collect();
    assert_eq!(frames, [Frame::Text("451-[]".into()), Frame::Binary(attachments[0].clone())]);
}
