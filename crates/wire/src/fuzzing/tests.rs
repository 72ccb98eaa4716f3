//! The fuzz targets on stable: the committed corpus, and random bytes.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{frames, head, inflate};

/// Runs a target on what its fuzzer began with and what has ever broken it.
fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for seed in fs::read_dir(&corpus).unwrap() {
        run(&fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", corpus.display());
}

#[test]
fn the_corpora_pass() {
    replay("head", head);
    replay("frames", frames);
    replay("inflate", inflate);
}

/// Bytes that get past the first check more often than random ones do.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let first =
        prop_oneof![4 => 0x80_u8..0x8b, 4 => 0x00_u8..0x03, 2 => 0xc1_u8..0xc3, 1 => any::<u8>()];
    let piece = (first, 0x80_u8..0xff, proptest::collection::vec(any::<u8>(), 0..20)).prop_map(
        |(first, second, mut rest)| {
            rest.insert(0, second);
            rest.insert(0, first);
            rest
        },
    );
    let stream = proptest::collection::vec(piece, 0..12).prop_map(|it| it.concat());
    (any::<[u8; 2]>(), stream).prop_map(|(choice, stream)| [choice.as_slice(), &stream].concat())
}

fn nearly_head() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("GET / HTTP/1.1\r\n".as_bytes()),
        Just("Host: a\r\n".as_bytes()),
        Just("Upgrade: websocket\r\n".as_bytes()),
        Just("Connection: upgrade\r\n".as_bytes()),
        Just("Sec-WebSocket-Version: 13\r\n".as_bytes()),
        Just("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n".as_bytes()),
        Just("Sec-WebSocket-Extensions: permessage-deflate".as_bytes()),
        Just("; client_max_window_bits".as_bytes()),
        Just("=".as_bytes()),
        Just(": ".as_bytes()),
        Just("\r\n".as_bytes()),
        Just("\n".as_bytes()),
        Just("\r\n ".as_bytes()),
        Just(b"\xff\xfe".as_slice()),
        Just("15, ".as_bytes()),
    ];
    proptest::collection::vec(word, 0..14).prop_map(|it| it.concat())
}

proptest! {
    #[test]
    fn any_bytes_pass_as_a_head(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        head(&bytes);
    }

    #[test]
    fn bytes_like_a_head_pass(bytes in nearly_head()) {
        head(&bytes);
    }

    #[test]
    fn any_bytes_pass_as_frames(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        frames(&bytes);
    }

    #[test]
    fn bytes_like_frames_pass(bytes in nearly_frames()) {
        frames(&bytes);
    }

    #[test]
    fn any_bytes_pass_as_compressed(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        inflate(&bytes);
    }

    #[test]
    fn bytes_that_repeat_pass_as_compressed(
        choice in any::<u8>(),
        word in proptest::collection::vec(any::<u8>(), 1..40),
        count in 1_usize..1500,
    ) {
        inflate(&[&[choice], word.repeat(count).as_slice()].concat());
    }
}
