//! What leaves, against an inflater with exactly the window that was agreed.

use flate2::{Decompress, FlushDecompress};

use super::*;
use crate::{Bounds, Inflater};

fn compressed(deflater: &mut Deflater, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.compress(payload, &mut out);
    out
}

/// Words that recur at distances greater than small windows.
fn prose(bytes: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut prose = Vec::new();
    while prose.len() < bytes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        prose.extend_from_slice(format!("word{} ", seed >> 20).as_bytes());
    }
    prose.truncate(bytes);
    prose
}

#[test]
fn the_example_of_the_rfc_compresses_to_what_inflates() {
    let mut deflater = Deflater::new(15);
    let hello = compressed(&mut deflater, b"Hello");
    assert!(!hello.ends_with(&TAIL));
    assert_eq!(Inflater::new().inflate(&hello, &Bounds::default()), Ok(b"Hello".as_slice()));
}

#[test]
fn nothing_compresses_to_one_byte() {
    // RFC 7692 7.2.3.6.
    assert_eq!(compressed(&mut Deflater::new(15), b""), [0x00]);
    assert_eq!(compressed(&mut Deflater::with_takeover(15), b""), [0x00]);
}

#[test]
fn a_stateless_deflater_says_the_same_twice() {
    let mut deflater = Deflater::new(15);
    let first = compressed(&mut deflater, &prose(1000));
    assert_eq!(compressed(&mut deflater, &prose(1000)), first);
}

#[test]
fn a_deflater_that_keeps_context_says_it_shorter() {
    let mut deflater = Deflater::with_takeover(15);
    let first = compressed(&mut deflater, &prose(1000));
    let second = compressed(&mut deflater, &prose(1000));
    assert!(second.len() * 4 < first.len(), "{} then {}", first.len(), second.len());
}

#[test]
fn no_distance_passes_the_window_that_was_agreed() {
    for bits in 9..=15 {
        for payload in [prose(100_000), vec![b'x'; 70_000], prose(500).repeat(80)] {
            let mut wire = compressed(&mut Deflater::new(bits), &payload);
            wire.extend_from_slice(&TAIL);
            let mut inflated = Vec::with_capacity(payload.len() + 64);
            Decompress::new_with_window_bits(false, bits)
                .decompress_vec(&wire, &mut inflated, FlushDecompress::Sync)
                .unwrap();
            assert!(inflated == payload, "{bits} bits");
        }
    }
}

#[test]
fn what_does_not_compress_grows_by_little() {
    let mut seed = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed.to_be_bytes()[0]
    })
    .take(200_000)
    .collect();
    let wire = compressed(&mut Deflater::new(15), &noise);
    let bounds = Bounds { message_bytes_max: noise.len(), ..Bounds::default() };
    assert!(wire.len() <= noise.len() + noise.len() / 1024 + 64, "{}", wire.len());
    assert_eq!(Inflater::new().inflate(&wire, &bounds), Ok(noise.as_slice()));
}
