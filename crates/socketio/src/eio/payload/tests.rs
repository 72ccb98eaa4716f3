//! Payloads, whole and in pieces.

use proptest::prelude::*;

use super::*;

#[test]
fn packets_stand_between_separators() {
    let read: Vec<_> = packets("4a\u{1e}bAQ==\u{1e}6", 3).map(Result::unwrap).collect();
    assert_eq!(read, [Packet::Text("a"), Packet::Binary([1].as_slice().into()), Packet::Noop]);
    for text in ["", "\u{1e}", "4a\u{1e}", "\u{1e}4a", "4a\u{1e}\u{1e}4a"] {
        assert!(packets(text, 9).any(|it| it == Err(Fault::Empty)), "{text:?}");
    }
    assert_eq!(packets("6\u{1e}6\u{1e}6", 2).last(), Some(Err(Fault::TooManyPackets)));
}

#[test]
fn a_body_is_measured_while_it_comes() {
    let mut body = Body::default();
    assert_eq!(body.take(b"12345", 10), Ok(()));
    assert_eq!(body.take(b"67890", 10), Ok(()));
    assert_eq!(body.take(b"", 10), Ok(()));
    assert_eq!(body.take(b"1", 10), Err(Fault::TooLong));
    assert_eq!(body.finish().as_deref(), Ok("1234567890"));
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        Just(Frame::NOOP),
        "[^\u{1e}]{0,20}".prop_map(|it| Frame::Text(format!("4{it}").into())),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(|it| Frame::Binary(it.into())),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(frames in proptest::collection::vec(frame(), 1..8)) {
        let text = payload(&frames);
        let length: usize = frames.iter().map(|it| it.polled_bytes() + 1).sum();
        prop_assert_eq!(text.len() + 1, length, "what waits is counted as what it will be");
        let read: Vec<_> = packets(&text, 8).map(Result::unwrap).collect();
        let expected: Vec<_> = frames.iter().map(|it| match it {
            Frame::Fixed(text) => Packet::read(text).unwrap(),
            Frame::Text(text) => Packet::Text(&text[1..]),
            Frame::Binary(bytes) => Packet::Binary((&**bytes).into()),
        }).collect();
        prop_assert_eq!(read, expected);
    }
}
