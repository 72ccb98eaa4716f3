//! Lengths at their borders, and what does not fit a control frame.

use super::*;
use crate::client;

#[test]
fn a_length_takes_the_fewest_bytes() {
    let cases: [(usize, &[u8]); 6] = [
        (0, &[0x82, 0]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (0xffff, &[0x82, 126, 0xff, 0xff]),
        (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        (0x1_0001, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1]),
    ];
    for (length, header) in cases {
        let frame = frame(Opcode::Binary, &vec![7; length], false);
        assert_eq!(frame.len(), header.len() + length);
        assert!(frame.starts_with(header), "{length}");
    }
}

#[test]
fn a_compressed_frame_sets_the_first_reserved_bit() {
    assert_eq!(frame(Opcode::Text, b"x", true), [0xc1, 1, b'x']);
}

#[test]
fn several_frames_share_a_buffer() {
    let mut out = Vec::new();
    frame_into(&mut out, Opcode::Text, b"a", false);
    frame_into(&mut out, Opcode::Ping, b"", false);
    assert_eq!(out, [0x81, 1, b'a', 0x89, 0]);
}

#[test]
fn a_reason_is_cut_at_a_character() {
    assert_eq!(close_frame(1000, ""), [0x88, 2, 3, 0xe8]);
    // 122 bytes, and then a character of two that would end at 124.
    let reason = format!("{}é", "x".repeat(122));
    let frame = close_frame(1013, &reason);
    assert_eq!(frame.len(), 2 + 2 + 122);
    assert!(str::from_utf8(&frame[4..]).is_ok());
    assert_eq!(close_frame(1013, &"x".repeat(500)).len(), 2 + 125);
}

#[test]
fn a_pong_carries_what_the_ping_did() {
    assert_eq!(pong(b"abc"), [0x8a, 3, b'a', b'b', b'c']);
    assert_eq!(pong(&[0; 200]).len(), 2 + 125);
}

#[test]
fn a_reader_of_frames_reads_them() {
    let mut reader = client::Reader::default();
    reader.feed(&frame(Opcode::Text, b"hello", false));
    let read = reader.next().unwrap().unwrap();
    assert_eq!((read.opcode, read.payload), (Opcode::Text, b"hello".as_slice()));
    assert_eq!(reader.next(), Ok(None));
}
