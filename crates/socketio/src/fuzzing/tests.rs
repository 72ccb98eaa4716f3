//! The fuzz targets on stable: the committed corpus, and random bytes.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{eio_payload, sio_packet};

/// Runs a target on what its fuzzer began with and what has ever broken it.
fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for seed in fs::read_dir(&corpus).unwrap() {
        run(&fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(0 < count, "{} is empty", corpus.display());
}

#[test]
fn the_corpora_pass() {
    replay("sio_packet", sio_packet);
    replay("eio_payload", eio_payload);
}

/// Pieces of packets, which get further than random bytes do.
fn nearly_packets() -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::sample::select(vec![
        "0",
        "1",
        "2",
        "3",
        "4",
        "42",
        "43",
        "5",
        "51-",
        "52-",
        "61-",
        "6",
        "/",
        "/a,",
        "17",
        "[",
        "]",
        "\"a\"",
        "\"connect\"",
        ",",
        "{\"_placeholder\":true,\"num\":0}",
        "1",
        "null",
        "{}",
        "\u{1e}",
        "\u{1e}\u{0}bytes",
        "\u{1e}\u{0}",
        "bAQID",
        "[\"a\"]",
        "[\"a\",1]",
        "probe",
        "é",
        "\u{1e}2probe\u{1e}5\u{1e}",
    ]);
    proptest::collection::vec(word, 0..16).prop_map(|it| it.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_pass_as_packets(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        sio_packet(&bytes);
    }

    #[test]
    fn any_bytes_pass_as_a_payload(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        eio_payload(&bytes);
    }

    #[test]
    fn bytes_like_packets_pass(bytes in nearly_packets(), cut in any::<u8>()) {
        sio_packet(&bytes);
        eio_payload(&[&[cut], bytes.as_slice()].concat());
    }
}
