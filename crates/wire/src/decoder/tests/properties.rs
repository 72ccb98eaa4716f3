//! What holds for any messages, fragmented, compressed and cut in any way.

use proptest::prelude::*;

use crate::client::{self, Flags};
use crate::fuzzing::{Owned, arrivals};
use crate::{Bounds, Deflater, Inflater, Opcode};

const BOUNDS: Bounds = Bounds { message_bytes_max: 100_000, fragments_max: 64, ratio_max: 2000 };

/// A message, how it is to be fragmented, and whether compressed.
#[derive(Clone, Debug)]
struct Sent {
    message: Owned,
    fragment_bytes: usize,
    compressed: bool,
    ping_between: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..400);
    let message = prop_oneof![
        4 => "\\PC{0,120}".prop_map(Owned::Text),
        1 => "[ab ]{0,3000}".prop_map(Owned::Text),
        2 => bytes.prop_map(Owned::Binary),
        1 => proptest::collection::vec(any::<u8>(), 0..126).prop_map(Owned::Ping),
    ];
    (message, 50_usize..2000, any::<bool>(), any::<bool>()).prop_map(
        |(message, fragment_bytes, compressed, ping_between)| Sent {
            message,
            fragment_bytes,
            compressed,
            ping_between,
        },
    )
}

/// Writes what a client would, and what must arrive.
fn write(sent: &[Sent], key: [u8; 4], deflater: &mut Deflater) -> (Vec<u8>, Vec<Owned>) {
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    for it in sent {
        let (opcode, payload) = match &it.message {
            Owned::Text(text) => (Opcode::Text, text.as_bytes()),
            Owned::Binary(bytes) => (Opcode::Binary, bytes.as_slice()),
            Owned::Ping(bytes) | Owned::Pong(bytes) => (Opcode::Ping, bytes.as_slice()),
            Owned::Close(_) => unreachable!("none is made"),
        };
        let compressed = it.compressed && !opcode.is_control();
        let mut payload = payload.to_vec();
        if compressed {
            let plain = std::mem::take(&mut payload);
            deflater.compress(&plain, &mut payload);
        }
        let bytes = if opcode.is_control() { 125 } else { it.fragment_bytes };
        let mut pieces: Vec<&[u8]> = payload.chunks(bytes).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let last = pieces.len() - 1;
        for (index, piece) in pieces.into_iter().enumerate() {
            if 0 < index && it.ping_between {
                stream.extend(client::frame(Opcode::Pong, b"between", key));
                expected.push(Owned::Pong(b"between".to_vec()));
            }
            let opcode = if index == 0 { opcode } else { Opcode::Continuation };
            let flags = Flags { fin: index == last, compressed: compressed && index == 0 };
            client::frame_into(&mut stream, opcode, piece, key, flags);
        }
        expected.push(it.message.clone());
    }
    (stream, expected)
}

/// The stream in pieces whose lengths repeat.
fn cut<'a>(mut stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at((*length).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn what_is_sent_arrives_at_any_cut(
        sent in proptest::collection::vec(sent(), 0..8),
        key in any::<[u8; 4]>(),
        lengths in proptest::collection::vec(1_usize..600, 1..6),
        takeover in any::<bool>(),
    ) {
        let (mut deflater, mut inflater) = if takeover {
            (Deflater::with_takeover(12), Inflater::with_takeover())
        } else {
            (Deflater::new(12), Inflater::new())
        };
        let (stream, expected) = write(&sent, key, &mut deflater);
        let arrived = arrivals(cut(&stream, &lengths), &BOUNDS, Some(&mut inflater));
        prop_assert_eq!(arrived, (expected, None));
    }

    #[test]
    fn a_stream_that_is_spoilt_ends_the_same_at_any_cut(
        sent in proptest::collection::vec(sent(), 1..6),
        key in any::<[u8; 4]>(),
        place in any::<prop::sample::Index>(),
        bits in 1_u8..,
        lengths in proptest::collection::vec(1_usize..40, 1..6),
    ) {
        let (mut stream, _) = write(&sent, key, &mut Deflater::new(15));
        let place = place.index(stream.len());
        stream[place] ^= bits;
        let whole = arrivals([stream.as_slice()], &BOUNDS, Some(&mut Inflater::new()));
        let pieces = arrivals(cut(&stream, &lengths), &BOUNDS, Some(&mut Inflater::new()));
        prop_assert_eq!(pieces, whole);
    }
}
