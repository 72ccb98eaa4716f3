//! The client's side against the server's.

use proptest::prelude::*;

use super::*;
use crate::{encode, handshake, head};

#[test]
fn a_request_is_one_the_server_grants() {
    let bytes = request("x.test", "/ws?token=a", [7; 16], &[("Origin", "https://x.test")]);
    let (head, length) = head::parse_head(&bytes, &head::HeadLimits::default()).unwrap().unwrap();
    assert_eq!(length, bytes.len());
    assert_eq!(head.header("origin"), Some("https://x.test"));
    assert!(handshake::upgrade(&head, None).is_ok());
}

#[test]
fn a_masked_frame_from_the_server_is_a_fault() {
    let mut reader = Reader::default();
    reader.feed(&frame(Opcode::Text, b"x", [1, 2, 3, 4]));
    assert_eq!(reader.next(), Err(Fault::Masked));
}

#[test]
fn a_length_beyond_memory_waits_for_ever_and_keeps_nothing() {
    let mut reader = Reader::default();
    reader.feed(&[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(reader.next(), Ok(None));
}

proptest! {
    #[test]
    fn a_reader_reads_what_was_written_at_any_cut(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..9),
        cut in 1_usize..40,
    ) {
        let mut stream = Vec::new();
        for payload in &payloads {
            encode::frame_into(&mut stream, Opcode::Binary, payload, false);
        }
        let mut reader = Reader::default();
        let mut read = Vec::new();
        for piece in stream.chunks(cut) {
            reader.feed(piece);
            while let Some(frame) = reader.next().unwrap() {
                read.push(frame.payload.to_vec());
            }
        }
        prop_assert_eq!(read, payloads);
    }
}
