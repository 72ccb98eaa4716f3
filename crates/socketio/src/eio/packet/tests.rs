//! Every packet there is, and those next to them.

use super::*;

#[test]
fn each_type_is_read() {
    for (text, packet) in [
        ("1", Packet::Close),
        ("2probe", Packet::Probe),
        ("3", Packet::Pong),
        ("4", Packet::Text("")),
        ("4hello €", Packet::Text("hello €")),
        ("4\u{1}", Packet::Text("\u{1}")),
        ("5", Packet::Upgrade),
        ("6", Packet::Noop),
    ] {
        assert_eq!(Packet::read(text), Ok(packet.clone()), "{text}");
        assert_eq!(Packet::read_polled(text), Ok(packet), "{text}");
    }
}

#[test]
fn each_fault_is_found() {
    for (text, fault) in [
        ("", Fault::Empty),
        ("7", Fault::UnknownType),
        ("abc", Fault::UnknownType),
        ("-1", Fault::UnknownType),
        ("é", Fault::UnknownType),
        ("４", Fault::UnknownType),
        ("0", Fault::WrongDirection),
        ("0{}", Fault::WrongDirection),
        ("2", Fault::WrongDirection),
        ("2Probe", Fault::WrongDirection),
        ("1x", Fault::Trailing),
        ("3probe", Fault::Trailing),
        ("5 ", Fault::Trailing),
        ("66", Fault::Trailing),
    ] {
        assert_eq!(Packet::read(text), Err(fault), "{text}");
        assert_eq!(Packet::read_polled(text), Err(fault), "{text}");
    }
    assert_eq!(Packet::read("bAQID"), Err(Fault::UnknownType), "frames carry bytes as they are");
}

#[test]
fn bytes_are_base64_in_a_payload() {
    for (text, bytes) in [
        ("bAQIDBA==", [1, 2, 3, 4].as_slice()),
        ("bAQIDBA", &[1, 2, 3, 4]),
        ("b", &[]),
        ("b/+8=", &[0xff, 0xef]),
    ] {
        assert_eq!(Packet::read_polled(text), Ok(Packet::Binary(bytes.into())), "{text}");
    }
    for text in ["b!", "bA", "b_-8=", "bAQ ID", "b====", "bé"] {
        assert_eq!(Packet::read_polled(text), Err(Fault::BadBase64), "{text}");
    }
}
