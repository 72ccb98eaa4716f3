//! What comes in compressed, and what claims to (threats F4, F5).

use super::*;
use crate::Deflater;

const BOUNDS: Bounds = Bounds { message_bytes_max: 256 * 1024, fragments_max: 8, ratio_max: 100 };

fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new(15).compress(payload, &mut out);
    out
}

/// About a megabyte that inflates to about a gigabyte of zeros.
fn bomb() -> Vec<u8> {
    let mut block = compressed(&vec![0; 1 << 20]);
    block.extend_from_slice(&TAIL);
    block.repeat(1 << 10)
}

#[test]
fn the_examples_of_the_rfc_inflate() {
    // RFC 7692 7.2.3: one block; a stored block; the last block marked so; two blocks.
    let cases: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for case in cases {
        assert_eq!(Inflater::new().inflate(case, &BOUNDS), Ok(b"Hello".as_slice()), "{case:?}");
    }
}

#[test]
fn the_example_of_the_rfc_that_refers_back_inflates() {
    // RFC 7692 7.2.3.2: the second Hello is a reference to the first.
    let mut inflater = Inflater::with_takeover();
    let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(inflater.inflate(&first, &BOUNDS), Ok(b"Hello".as_slice()));
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(inflater.inflate(&second, &BOUNDS), Ok(b"Hello".as_slice()));
}

#[test]
fn a_stateless_inflater_has_nothing_to_refer_back_to() {
    // F6: what one connection said cannot be had by another through a shared inflater.
    let mut inflater = Inflater::new();
    inflater.inflate(&compressed(b"a secret of someone else"), &BOUNDS).unwrap();
    let referring = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(inflater.inflate(&referring, &BOUNDS), Err(Fault::BadDeflate));
}

#[test]
fn nothing_inflates_to_nothing() {
    assert_eq!(Inflater::new().inflate(&[0x00], &BOUNDS), Ok(b"".as_slice()));
    assert_eq!(Inflater::new().inflate(&[], &BOUNDS), Ok(b"".as_slice()));
}

#[test]
fn a_last_block_without_a_byte_after_it_inflates() {
    let mut inflater = Inflater::with_takeover();
    for _ in 0..3 {
        let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflater.inflate(&hello, &BOUNDS), Ok(b"Hello".as_slice()));
    }
}

#[test]
fn garbage_is_a_fault_and_the_next_message_is_not() {
    let mut inflater = Inflater::new();
    assert_eq!(inflater.inflate(&[0xff; 40], &BOUNDS), Err(Fault::BadDeflate));
    assert_eq!(inflater.inflate(&compressed(b"fine"), &BOUNDS), Ok(b"fine".as_slice()));
}

#[test]
fn a_bomb_is_stopped_at_the_bound_not_after_it() {
    // F4: a megabyte on the wire, a gigabyte if believed.
    let bomb = bomb();
    assert!((900_000..1_200_000).contains(&bomb.len()), "{}", bomb.len());
    let mut inflater = Inflater::new();
    let fault = Fault::TooLong { bytes_max: BOUNDS.message_bytes_max };
    assert_eq!(inflater.inflate(&bomb, &BOUNDS), Err(fault));
    assert!(inflater.inflated.capacity() <= BOUNDS.message_bytes_max + 1);
    assert!(inflater.engine.total_in() < 16 * 1024, "the rest was not even read");

    // And what it took is given back with the next message.
    inflater.inflate(&compressed(b"fine"), &BOUNDS).unwrap();
    assert!(inflater.inflated.capacity() <= KEPT_BYTES);
}

#[test]
fn a_message_inflates_in_proportion_or_not_at_all() {
    // F4: 200 KiB of zeros come in some 230 bytes.
    let zeros = compressed(&vec![0; 200 * 1024]);
    assert_eq!(Inflater::new().inflate(&zeros, &BOUNDS), Err(Fault::Bomb { ratio_max: 100 }));
    let patient = Bounds { ratio_max: 2000, ..BOUNDS };
    assert_eq!(Inflater::new().inflate(&zeros, &patient).map(<[u8]>::len), Ok(200 * 1024));
    // Below 64 KiB nobody counts.
    let few = compressed(&vec![0; 60 * 1024]);
    assert_eq!(Inflater::new().inflate(&few, &BOUNDS).map(<[u8]>::len), Ok(60 * 1024));
}

#[test]
fn a_message_of_exactly_the_bound_inflates() {
    for bytes_max in [0, 1, 100, STEP_BYTES, STEP_BYTES + 1, KEPT_BYTES, 100_000] {
        let bounds = Bounds { message_bytes_max: bytes_max, ratio_max: 2000, ..BOUNDS };
        let mut inflater = Inflater::new();
        let fits = compressed(&vec![b'a'; bytes_max]);
        assert_eq!(inflater.inflate(&fits, &bounds).map(<[u8]>::len), Ok(bytes_max));
        let over = compressed(&vec![b'a'; bytes_max + 1]);
        assert_eq!(inflater.inflate(&over, &bounds), Err(Fault::TooLong { bytes_max }));
    }
}

#[test]
fn many_empty_last_blocks_end() {
    // Each is two bytes and a fresh start; a million of them are a million small steps.
    let blocks = [0x03, 0x00].repeat(20_000);
    assert_eq!(Inflater::new().inflate(&blocks, &BOUNDS), Ok(b"".as_slice()));
}
