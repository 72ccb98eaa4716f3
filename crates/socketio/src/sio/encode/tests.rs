//! What is encoded is decoded to the same; and the words of the protocol's own page.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    Items, Message, Policy,
    sio::{Body, Decoder, Packet},
    tests::origin,
};

fn name(name: &str) -> EventName<'_> {
    EventName::parse(name).unwrap()
}

fn sid(letter: u8) -> Sid {
    Sid::draw([letter; Sid::RANDOM_BYTES])
}

#[test]
fn packets_are_written_as_clients_read_them() {
    let json = |text| [Json::parse(text).unwrap()];
    let error = ConnectError { message: "Not \"authorized\"", code: None, details: None };
    let full = ConnectError { code: Some("E"), details: Some(Json::known("{}")), ..error.clone() };
    for (encoded, text) in [
        (event("/", name("foo"), []), r#"42["foo"]"#),
        (event("/admin", name("b\u{1e}\""), json("[1]")), r#"42/admin,["b\u001e\"",[1]]"#),
        (event_at("/", name("a"), json("1"), "o1"), r#"42["a",1,"o1"]"#),
        (event_at("/", name("a"), [], "o\"1"), r#"42["a","o\"1"]"#),
        (event_of("/", Some(AckId(12)), &Payload::event(name("a"), [])), r#"4212["a"]"#),
        (ack("/admin", AckId(456), &Payload::answer([])), "43/admin,456[]"),
        (connected("/", &sid(0), None), r#"40{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA"}"#),
        (disconnect("/admin"), "41/admin,"),
        (connect_error("/", &error), r#"44{"message":"Not \"authorized\""}"#),
        (
            connect_error("/a", &full),
            r#"44/a,{"message":"Not \"authorized\"","data":{"code":"E","message":"Not \"authorized\"","details":{}}}"#,
        ),
    ] {
        assert_eq!(&*encoded.text, text);
        assert!(encoded.attachments.is_empty());
    }
}

#[test]
fn reserved_names_cannot_be_sent() {
    for reserved in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert!(EventName::parse(reserved).is_err(), "{reserved}");
    }
    for fine in ["Connect", "connection", "", "__proto__", "message:created", "error"] {
        assert_eq!(name(fine).as_str(), fine);
    }
}

/// The packet that an encoded one is to whoever reads it.
fn decode(encoded: &Encoded) -> Packet {
    let (now, policy) = (origin(), Policy::default());
    let mut decoder = Decoder::default();
    let text = encoded.text.strip_prefix('4').unwrap();
    let mut packet = decoder.take(now, Message::Text(text.into()), &policy).unwrap();
    for attachment in encoded.attachments.iter() {
        assert_eq!(packet, None);
        assert_eq!(decoder.until(), Some(now + Duration::from_secs(10)));
        packet = decoder.take(now, Message::Binary(attachment.clone()), &policy).unwrap();
    }
    assert_eq!(decoder.until(), None);
    packet.unwrap()
}

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,\\p{Cc}]{1,20}"]
}

fn args() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<i32>().prop_map(|it| it.to_string()),
        ".{0,10}".prop_map(|it| serde_json::to_string(&it).unwrap()),
        Just(r#"{ "a": [1, {"b": "]}"}] }"#.to_owned()),
    ];
    proptest::collection::vec(value, 0..4).prop_map(|it| it.join(","))
}

fn attachments() -> impl Strategy<Value = Arc<[Arc<[u8]>]>> {
    let one = proptest::collection::vec(any::<u8>(), 0..30).prop_map(Arc::from);
    proptest::collection::vec(one, 0..=10).prop_map(Arc::from)
}

fn with_placeholders(args: &str, count: usize) -> String {
    let placeholders = (0..count).map(|it| placeholder(u8::try_from(it).unwrap()));
    Some(args.to_owned())
        .into_iter()
        .filter(|it| !it.is_empty())
        .chain(placeholders)
        .collect::<Vec<_>>()
        .join(",")
}

proptest! {
    #[test]
    fn an_event_comes_back(
        namespace in namespace(),
        name in ".{0,20}",
        args in args(),
        id in proptest::option::of(any::<u32>().prop_map(AckId)),
        attachments in attachments(),
    ) {
        prop_assume!(EventName::parse(&name).is_ok());
        let name = EventName::parse(&name).unwrap();
        let args = with_placeholders(&args, attachments.len());
        let payload = Payload::event(name, Items::new(&args)).with_attachments(attachments.clone());
        let packet = decode(&event_of(&namespace, id, &payload));
        prop_assert_eq!(packet.namespace(), &namespace);
        let Body::Event { event, ack } = packet.body else { panic!() };
        prop_assert_eq!(event.name(), name);
        prop_assert_eq!(event.args.as_str(), args);
        prop_assert_eq!(event.args.attachments(), &attachments);
        prop_assert_eq!(ack, id);
        // And passes on to somebody else as it came.
        let values = event.args.values();
        let again = Payload::event(event.name(), values).with_attachments(attachments);
        prop_assert_eq!(again, payload);
    }

    #[test]
    fn an_answer_comes_back(
        namespace in namespace(),
        args in args(),
        number in any::<u32>(),
        attachments in attachments(),
    ) {
        let args = with_placeholders(&args, attachments.len());
        let payload = Payload::answer(Items::new(&args)).with_attachments(attachments.clone());
        let packet = decode(&ack(&namespace, AckId(number), &payload));
        prop_assert_eq!(packet.namespace(), &namespace);
        let Body::Ack { id, args: heard } = packet.body else { panic!() };
        prop_assert_eq!((id, heard.as_str()), (AckId(number), &*args));
        prop_assert_eq!(heard.attachments(), &attachments);
    }

    #[test]
    fn admissions_refusals_and_goodbyes_come_back(
        namespace in namespace(),
        message in ".{0,20}",
        letter in any::<u8>(),
    ) {
        let packet = decode(&connected(&namespace, &sid(letter), Some(&sid(1))));
        prop_assert_eq!(packet.namespace(), &namespace);
        let Body::Connect(auth) = packet.body else { panic!() };
        prop_assert_eq!(auth.text("sid"), Some(sid(letter).as_str().to_owned()));
        prop_assert_eq!(auth.recovery().unwrap().pid, sid(1));

        let error = ConnectError { message: &message, code: Some(&message), details: None };
        let packet = decode(&connect_error(&namespace, &error));
        prop_assert_eq!(packet.namespace(), &namespace);
        let Body::ConnectError(told) = packet.body else { panic!() };
        prop_assert_eq!(told.text("message"), Some(message.clone()));
        let data = told.json().unwrap().member("data").unwrap();
        prop_assert_eq!(data.member("code").unwrap().to_text(), Some(message.clone()));
        prop_assert_eq!(data.member("details"), Some(Json::NULL));

        let packet = decode(&disconnect(&namespace));
        prop_assert_eq!(packet.namespace(), &namespace);
        prop_assert_eq!(packet.body, Body::Disconnect);
    }
}

/// An application's values are one JSON array, and nothing else gets onto the wire.
#[test]
fn values_that_are_there_as_an_array_are_looked_over() {
    let name = EventName::parse("a").unwrap();
    for (values, expected) in [("[]", r#"42["a"]"#), ("[ 1, {} ]", r#"42["a",1, {}]"#)] {
        let payload = Payload::event_of(name, values).unwrap();
        assert_eq!(&*event_of("/", None, &payload).text, expected);
        let answer = Payload::answer_of(values).unwrap();
        assert_eq!(*ack("/", AckId(7), &answer).text, *format!("437{values}"));
    }
    for wrong in ["", "1", "{}", "[1", "1]", "[1],[2]", " [1]"] {
        assert!(Payload::event_of(name, wrong).is_err(), "{wrong}");
        assert!(Payload::answer_of(wrong).is_err(), "{wrong}");
    }
}
