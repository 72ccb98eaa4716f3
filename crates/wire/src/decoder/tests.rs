//! Frames as clients send them, rightly and wrongly (threats F2, F3, F4, F7, F8).

use super::*;
use crate::client::{self, Flags};
use crate::fuzzing::{Owned, arrivals};
use crate::{Deflater, close_frame};

mod properties;

const BOUNDS: Bounds = Bounds { message_bytes_max: 1000, fragments_max: 8, ratio_max: 100 };
const KEY: [u8; 4] = [0xa1, 0x02, 0xff, 0x00];

/// A masked frame with any first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = client::frame(Opcode::Text, payload, KEY);
    frame[0] = first;
    frame
}

fn text(text: &str) -> Owned {
    Owned::Text(text.to_owned())
}

/// What arrives, and what ends it, is the same whole and byte by byte.
fn check(stream: &[u8], expected: &[Owned], fault: Option<Fault>) {
    let expected = (expected.to_vec(), fault);
    assert_eq!(arrivals([stream], &BOUNDS, None), expected, "whole: {stream:02x?}");
    assert_eq!(arrivals(stream.chunks(1), &BOUNDS, None), expected, "in bytes: {stream:02x?}");
}

fn faulty(stream: &[u8], fault: Fault) {
    check(stream, &[], Some(fault));
}

#[test]
fn whole_messages_arrive() {
    check(
        &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
        &[text("Hello")],
        None,
    );
    check(&frame(0x81, b""), &[text("")], None);
    check(&frame(0x82, &[0, 255]), &[Owned::Binary(vec![0, 255])], None);
    let long = "é".repeat(300);
    check(&frame(0x81, long.as_bytes()), &[text(&long)], None);
    check(&[frame(0x81, b"a"), frame(0x81, b"b")].concat(), &[text("a"), text("b")], None);
}

#[test]
fn a_whole_message_is_lent_from_the_input_and_keeps_nothing() {
    let mut stream = frame(0x81, b"hello");
    let place = stream.as_ptr_range();
    let mut decoder = Decoder::default();
    let step = decoder.next(&mut stream, &BOUNDS, None).unwrap();
    let Some(Arrived::Text(text)) = step.arrived else { panic!("no text") };
    assert!(place.contains(&text.as_ptr()));
    assert_eq!((decoder.is_partial(), decoder.kept_bytes()), (false, 0));
}

#[test]
fn fragments_become_one_message() {
    let stream =
        [frame(0x01, b"a"), frame(0x00, b""), frame(0x00, b"b"), frame(0x80, b"c")].concat();
    check(&stream, &[text("abc")], None);
    check(&[frame(0x02, b""), frame(0x80, b"")].concat(), &[Owned::Binary(vec![])], None);
}

#[test]
fn control_frames_come_between_fragments() {
    let stream =
        [frame(0x01, b"a"), frame(0x89, b"?"), frame(0x8a, b""), frame(0x80, b"b")].concat();
    check(&stream, &[Owned::Ping(b"?".to_vec()), Owned::Pong(vec![]), text("ab")], None);
}

#[test]
fn reserved_bits_and_opcodes_are_refused() {
    // F8. The first reserved bit, too, while no extension is agreed on.
    for first in [0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xa8, 0x9a] {
        faulty(&frame(first, b"x"), Fault::ReservedBits);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        faulty(&frame(0x80 | opcode, b""), Fault::ReservedOpcode(opcode));
        faulty(&[0x80 | opcode], Fault::ReservedOpcode(opcode));
    }
}

#[test]
fn an_unmasked_frame_is_refused() {
    // F8.
    faulty(&crate::frame(Opcode::Text, b"x", false), Fault::Unmasked);
    faulty(&crate::frame(Opcode::Ping, b"", false), Fault::Unmasked);
    faulty(&close_frame(1000, ""), Fault::Unmasked);
}

#[test]
fn control_frames_are_short_and_whole() {
    // F8.
    let most = vec![b'x'; 125];
    check(&frame(0x89, &most), &[Owned::Ping(most)], None);
    for opcode in [8, 9, 10] {
        faulty(&frame(0x80 | opcode, &[b'x'; 126]), Fault::ControlTooLong);
        faulty(&frame(opcode, b""), Fault::ControlFragmented);
        faulty(&[0x80 | opcode, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], Fault::ControlTooLong);
    }
}

#[test]
fn fragments_out_of_order_are_refused() {
    faulty(&frame(0x80, b"x"), Fault::NothingToContinue);
    faulty(&frame(0x00, b"x"), Fault::NothingToContinue);
    let stream = [frame(0x81, b"a"), frame(0x80, b"b")].concat();
    check(&stream, &[text("a")], Some(Fault::NothingToContinue));
    faulty(&[frame(0x01, b"a"), frame(0x81, b"b")].concat(), Fault::Interleaved);
    faulty(&[frame(0x02, b"a"), frame(0x01, b"b")].concat(), Fault::Interleaved);
}

#[test]
fn a_length_with_the_top_bit_is_refused() {
    // F2.
    faulty(&[0x82, 0xff, 0x80], Fault::LengthTopBit);
    faulty(
        &[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4],
        Fault::LengthTopBit,
    );
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_refused() {
    faulty(&[0x82, 0xfe, 0, 125, 1, 2, 3, 4], Fault::LengthNotMinimal);
    faulty(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4], Fault::LengthNotMinimal);
}

#[test]
fn a_length_past_the_bound_is_refused_by_its_header_alone() {
    // F2: nothing is kept for a length that is only declared.
    let too_long = Fault::TooLong { bytes_max: 1000 };
    check(&frame(0x82, &[1; 1000]), &[Owned::Binary(vec![1; 1000])], None);
    faulty(&frame(0x82, &[1; 1001])[..8], too_long);
    faulty(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4], too_long);
    faulty(&[0x02, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], too_long);
    faulty(&[frame(0x02, &[1; 1000]), frame(0x80, b"x")].concat(), too_long);
    let brink = [0x80, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    faulty(&[frame(0x02, &[1; 1000]), brink.to_vec()].concat(), too_long);
}

#[test]
fn a_declared_length_is_not_kept_room_for() {
    // F2: within the bound, but not here yet.
    let bounds = Bounds { message_bytes_max: 1 << 40, ..BOUNDS };
    let mut decoder = Decoder::default();
    let mut stream = vec![0x82, 0xff, 0, 0, 0, 0x40, 0, 0, 0, 0, 1, 2, 3, 4, 5];
    decoder.next(&mut stream, &bounds, None).unwrap();
    assert!(decoder.is_partial());
    assert!(decoder.kept_bytes() < 400, "{}", decoder.kept_bytes());
}

#[test]
fn empty_fragments_count() {
    // F3: the cap that ignored them was the second advisory of another server.
    let mut stream = frame(0x01, b"");
    for _ in 0..6 {
        stream.extend(frame(0x00, b""));
    }
    check(&[stream.clone(), frame(0x80, b"x")].concat(), &[text("x")], None);
    stream.extend(frame(0x00, b""));
    faulty(&[stream, frame(0x80, b"x")].concat(), Fault::TooManyFragments { fragments_max: 8 });
}

#[test]
fn a_million_fragments_of_a_byte_stay_within_the_message() {
    // F3, with a bound on fragments that does not help: the bytes do.
    let bounds = Bounds { message_bytes_max: 4 << 20, fragments_max: u32::MAX, ratio_max: 100 };
    let mut decoder = Decoder::default();
    let mut first = frame(0x02, b"x");
    decoder.next(&mut first, &bounds, None).unwrap();
    let pieces = frame(0x00, b"x").repeat(1000);
    for count in 1..=1000 {
        let mut pieces = pieces.clone();
        let step = decoder.next(&mut pieces, &bounds, None).unwrap();
        assert_eq!((step.consumed, step.arrived), (7000, None));
        assert!(decoder.kept_bytes() <= 2 * count * 1000 + 1000);
    }
    // And the connection still answers.
    let mut ping = frame(0x89, b"?");
    let step = decoder.next(&mut ping, &bounds, None).unwrap();
    assert_eq!(step.arrived, Some(Arrived::Ping(b"?")));
    let mut last = frame(0x80, b"");
    let step = decoder.next(&mut last, &bounds, None).unwrap();
    assert!(matches!(step.arrived, Some(Arrived::Binary(it)) if it.len() == 1_000_001));
    decoder.next(&mut [], &bounds, None).unwrap();
    assert_eq!(decoder.kept_bytes(), 0);

    // With the usual bound it ends after a thousand.
    let pieces = [frame(0x02, b"x"), frame(0x00, b"x").repeat(2000)].concat();
    let (_, fault) = arrivals([pieces.as_slice()], &Bounds::default(), None);
    assert_eq!(fault.map(Fault::close_code), Some(1008));
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    // F7.
    let bad: [&[u8]; 12] = [
        b"\xff",
        b"a\x80",
        b"\xc0\xaf",
        b"\xc1\x81",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\xe2\x82",
    ];
    for bad in bad {
        faulty(&frame(0x81, bad), Fault::NotUtf8);
        for cut in 0..=bad.len() {
            let (head, tail) = bad.split_at(cut);
            faulty(&[frame(0x01, head), frame(0x80, tail)].concat(), Fault::NotUtf8);
        }
        check(&frame(0x82, bad), &[Owned::Binary(bad.to_vec())], None);
    }
}

#[test]
fn a_character_may_be_cut_anywhere() {
    // F7, Autobahn 6.2.
    for whole in ["é", "€", "😀", "a\u{10ffff}b", "\u{fffd}\u{feff}"] {
        for cut in 0..=whole.len() {
            let (head, tail) = whole.as_bytes().split_at(cut);
            let stream = [frame(0x01, head), frame(0x89, b""), frame(0x80, tail)].concat();
            check(&stream, &[Owned::Ping(vec![]), text(whole)], None);
        }
    }
}

#[test]
fn text_that_cannot_become_utf_8_is_refused_before_the_frame_ends() {
    // F7, Autobahn 6.4: as soon as the byte is here, however much is announced after it.
    let whole = frame(0x81, b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80 and then a good deal more");
    let header = 6;
    for count in 0..header + 7 {
        assert_eq!(arrivals([&whole[..count]], &BOUNDS, None), (vec![], None), "{count}");
    }
    faulty(&whole[..header + 7], Fault::NotUtf8);
    // The same in a fragment that is whole while the message is not.
    faulty(&frame(0x01, b"\xf4\x90"), Fault::NotUtf8);
}

#[test]
fn a_close_has_a_code_that_may_be_sent() {
    // F8, Autobahn 7.
    check(&frame(0x88, b""), &[Owned::Close(None)], None);
    faulty(&frame(0x88, b"\x03"), Fault::CloseTooShort);
    for code in 0..=u16::MAX {
        let stream = frame(0x88, &code.to_be_bytes());
        let may = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let expected = if may {
            (vec![Owned::Close(Some((code, String::new())))], None)
        } else {
            (vec![], Some(Fault::CloseCode(code)))
        };
        assert_eq!(arrivals([stream.as_slice()], &BOUNDS, None), expected);
    }
    let reason = "x".repeat(123);
    let stream = frame(0x88, &[b"\x03\xe8", reason.as_bytes()].concat());
    check(&stream, &[Owned::Close(Some((1000, reason)))], None);
    faulty(&frame(0x88, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"), Fault::NotUtf8);
    faulty(&frame(0x88, b"\x03\xe8\xe2\x82"), Fault::NotUtf8);
}

#[test]
fn nothing_is_decoded_after_a_close_or_a_fault() {
    let closed = [frame(0x88, b"\x03\xe8"), frame(0x81, b"late")].concat();
    check(&closed, &[Owned::Close(Some((1000, String::new())))], None);

    let mut decoder = Decoder::default();
    let mut partial = [frame(0x01, b"a"), frame(0x83, b"")].concat();
    decoder.next(&mut partial, &BOUNDS, None).unwrap_err();
    let mut late = frame(0x81, b"late");
    let step = decoder.next(&mut late, &BOUNDS, None).unwrap();
    assert_eq!((step.consumed, step.arrived), (10, None));
    assert_eq!((decoder.is_partial(), decoder.kept_bytes()), (false, 0));
}

#[test]
fn whatever_has_begun_is_partial() {
    let partial = |bytes: &[u8]| {
        let mut decoder = Decoder::default();
        let mut bytes = bytes.to_vec();
        let mut at = 0;
        loop {
            let step = decoder.next(&mut bytes[at..], &BOUNDS, None).unwrap();
            at += step.consumed;
            if step.arrived.is_none() {
                return decoder.is_partial();
            }
        }
    };
    assert!(!partial(b""));
    assert!(partial(&[0x81]));
    assert!(partial(&frame(0x81, b"abc")[..7]));
    assert!(partial(&frame(0x01, b"abc")));
    assert!(partial(&[frame(0x01, b"a"), frame(0x89, b"")].concat()));
    assert!(partial(&frame(0x89, b"abc")[..8]));
    assert!(!partial(&frame(0x81, b"abc")));
    assert!(!partial(&[frame(0x01, b"a"), frame(0x80, b"")].concat()));
}

/// One compressed message in frames of `bytes` each.
fn compressed(payload: &[u8], bytes: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    Deflater::new(15).compress(payload, &mut wire);
    let count = wire.chunks(bytes).count();
    let mut stream = Vec::new();
    for (index, piece) in wire.chunks(bytes).enumerate() {
        let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
        let flags = Flags { fin: index + 1 == count, compressed: index == 0 };
        client::frame_into(&mut stream, opcode, piece, KEY, flags);
    }
    stream
}

#[test]
fn compressed_messages_arrive_inflated() {
    let payload = "hello hello hello ".repeat(20);
    for bytes in [1000, 8, 10] {
        let stream = [compressed(payload.as_bytes(), bytes), frame(0x81, b"plain")].concat();
        for cut in [1, 3, 1000] {
            let arrived = arrivals(stream.chunks(cut), &BOUNDS, Some(&mut Inflater::new()));
            assert_eq!(arrived, (vec![text(&payload), text("plain")], None), "{bytes} {cut}");
        }
    }
}

#[test]
fn only_the_first_frame_of_a_message_says_it_is_compressed() {
    // RFC 7692 6.1, Autobahn 12 and 13.
    for stream in [
        frame(0xc9, b""),
        frame(0xc8, b""),
        [frame(0x41, b"x"), frame(0xc0, b"y")].concat(),
        frame(0xe1, b"x"),
        frame(0x91, b"x"),
    ] {
        let (_, fault) = arrivals([stream.as_slice()], &BOUNDS, Some(&mut Inflater::new()));
        assert_eq!(fault, Some(Fault::ReservedBits), "{stream:02x?}");
    }
}

#[test]
fn compressed_text_must_be_utf_8_and_must_inflate() {
    let stream = compressed(b"abc \xff\xfe abc", 1000);
    let arrived = arrivals([stream.as_slice()], &BOUNDS, Some(&mut Inflater::new()));
    assert_eq!(arrived, (vec![], Some(Fault::NotUtf8)));
    let stream = frame(0xc1, &[0xff; 20]);
    let arrived = arrivals([stream.as_slice()], &BOUNDS, Some(&mut Inflater::new()));
    assert_eq!(arrived, (vec![], Some(Fault::BadDeflate)));
}

#[test]
fn a_bomb_in_fragments_is_one_too() {
    // F4: 200 KiB of zeros in pieces of a few bytes.
    let bounds = Bounds { message_bytes_max: 100_000, fragments_max: 1000, ratio_max: 2000 };
    let stream = compressed(&vec![0; 200 * 1024], 5);
    for cut in [1, 100, 10_000] {
        let (arrived, fault) = arrivals(stream.chunks(cut), &bounds, Some(&mut Inflater::new()));
        assert_eq!((arrived.len(), fault.map(Fault::close_code)), (0, Some(1009)), "{cut}");
    }
}

#[test]
fn every_fault_closes_with_the_code_the_rfc_names() {
    let codes = [
        (Fault::ReservedBits, 1002),
        (Fault::Unmasked, 1002),
        (Fault::CloseCode(1005), 1002),
        (Fault::NotUtf8, 1007),
        (Fault::BadDeflate, 1007),
        (Fault::TooManyFragments { fragments_max: 8 }, 1008),
        (Fault::TooLong { bytes_max: 1 }, 1009),
        (Fault::Bomb { ratio_max: 100 }, 1009),
    ];
    for (fault, code) in codes {
        assert_eq!(fault.close_code(), code);
        // It goes out as the reason of a close frame, so it must fit one.
        assert!(fault.to_string().len() <= crate::encode::REASON_BYTES_MAX, "{fault}");
    }
}
