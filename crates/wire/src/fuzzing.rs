//! One entry point for each fuzz target: any bytes in, an assertion broken or nothing.
//!
//! The same functions run under libFuzzer by night (`fuzz/`) and on stable in `cargo test`, on the
//! committed corpus and on random bytes. Each checks more than "does not panic": it says what must
//! hold between two ways of reading the same bytes.

use crate::decoder::{Arrived, Bounds, Decoder};
use crate::deflate::{DeflatePolicy, Deflater, Inflater};
use crate::{Fault, HeadLimits, HeadScan, handshake, parse_head};

/// A head fed byte by byte is the head fed at once, and what it holds can be asked for.
pub fn head(bytes: &[u8]) {
    let limits = HeadLimits { bytes_max: 2048, headers_max: 32 };
    let mut scan = HeadScan::default();
    let slow = (0..=bytes.len())
        .find_map(|count| scan.find(bytes.get(..count).unwrap_or_default(), &limits).transpose());
    assert_eq!(HeadScan::default().find(bytes, &limits).transpose(), slow);

    let Ok(Some((head, length))) = parse_head(bytes, &limits) else { return };
    assert_eq!(slow, Some(Ok(length)));
    assert!(length <= limits.bytes_max);
    assert_eq!(head.query().map_or(0, |it| it.len() + 1) + head.path().len(), head.target.len());
    for (name, value) in head.all_headers() {
        assert!(head.headers(name).count() > 0);
        assert!(!value.contains(&b'\n') && !value.contains(&b'\r'));
    }
    let policy = DeflatePolicy::default();
    if let Ok(upgrade) = handshake::upgrade(&head, Some(&policy)) {
        assert!(handshake::is_upgrade(&head));
        let protocol = upgrade.protocols.first().copied();
        let answer = handshake::response_101(&upgrade, protocol, upgrade.deflate.as_ref());
        assert_eq!(answer.windows(4).filter(|it| it == b"\r\n\r\n").count(), 1);
    }
}

/// An arrival that outlives its buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// See [`Arrived::Text`].
    Text(String),
    /// See [`Arrived::Binary`].
    Binary(Vec<u8>),
    /// See [`Arrived::Ping`].
    Ping(Vec<u8>),
    /// See [`Arrived::Pong`].
    Pong(Vec<u8>),
    /// See [`Arrived::Close`].
    Close(Option<(u16, String)>),
}

impl From<Arrived<'_>> for Owned {
    fn from(arrived: Arrived<'_>) -> Self {
        match arrived {
            Arrived::Text(text) => Self::Text(text.to_owned()),
            Arrived::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Arrived::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Arrived::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Arrived::Close(close) => {
                Self::Close(close.map(|(code, reason)| (code, reason.to_owned())))
            }
        }
    }
}

/// All that arrives from a stream that comes in these pieces, and the fault that ends it.
pub fn arrivals<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    bounds: &Bounds,
    mut inflater: Option<&mut Inflater>,
) -> (Vec<Owned>, Option<Fault>) {
    let mut decoder = Decoder::default();
    let mut arrived = Vec::new();
    // A box, a message that doubles on its way, and deflate's own overhead.
    let kept_max = bounds.message_bytes_max + bounds.message_bytes_max / 8 + 64 + 512;
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut rest = piece.as_mut_slice();
        loop {
            let length = rest.len();
            let step = match decoder.next(rest, bounds, inflater.as_deref_mut()) {
                Ok(step) => step,
                Err(fault) => return (arrived, Some(fault)),
            };
            let consumed = step.consumed;
            let done = step.arrived.is_none();
            arrived.extend(step.arrived.map(Owned::from));
            assert!(decoder.kept_bytes() <= kept_max, "memory is bounded by the message's bound");
            assert!(!done || consumed == length, "nothing arrived and bytes are left");
            rest = rest.get_mut(consumed..).unwrap_or_default();
            if done {
                break;
            }
        }
        assert!(decoder.is_partial() || decoder.kept_bytes() == 0, "idle costs nothing");
    }
    (arrived, None)
}

/// However a stream is cut, the same arrives, and the same fault ends it.
///
/// The first byte chooses compression and the second how the stream is cut.
pub fn frames(bytes: &[u8]) {
    let Some(([choice, cut], stream)) = bytes.split_first_chunk::<2>() else { return };
    let bounds = Bounds { message_bytes_max: 4096, fragments_max: 8, ratio_max: 100 };
    let inflater = || match choice % 3 {
        0 => None,
        1 => Some(Inflater::new()),
        _ => Some(Inflater::with_takeover()),
    };
    let whole = arrivals([stream], &bounds, inflater().as_mut());
    let pieces = stream.chunks(usize::from(*cut).max(1));
    assert_eq!(arrivals(pieces, &bounds, inflater().as_mut()), whole);
}

/// Inflating anything stays within its bound, and what we deflate inflates to what it was.
///
/// The first byte chooses the window and whether context is kept.
pub fn inflate(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let bounds = Bounds { message_bytes_max: 128 * 1024, fragments_max: 1, ratio_max: 100 };
    let bits = 9 + choice % 7;
    let (mut inflater, mut deflater) = if choice & 0x80 == 0 {
        (Inflater::new(), Deflater::new(bits))
    } else {
        (Inflater::with_takeover(), Deflater::with_takeover(bits))
    };
    if let Ok(inflated) = Inflater::new().inflate(bytes, &bounds) {
        assert!(inflated.len() <= bounds.message_bytes_max);
    }
    for _ in 0..3 {
        let mut compressed = Vec::new();
        deflater.compress(bytes, &mut compressed);
        let inflated = inflater.inflate(&compressed, &bounds);
        assert_eq!(inflated, Ok(bytes), "{bits} bits");
    }
}

#[cfg(test)]
mod tests;
