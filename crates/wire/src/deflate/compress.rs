//! Compresses one message at a time.

use flate2::{Compress, Compression, FlushCompress, Status};

/// What a flush leaves at the end of each message, and the wire leaves out (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Of a kilobyte of JSON level 1 makes 341 bytes in 20 µs, level 4 makes 272 in 27 µs, and level 6
/// makes 267 in 28 µs but takes longer where messages are long. A message is compressed once and
/// sent to many, so bytes weigh more than microseconds. Half of the time is clearing the tables.
const LEVEL: u32 = 4;

/// Messages shorter than this are better sent as they are: 83 bytes of JSON become 78.
pub const WORTHWHILE_BYTES_MIN: usize = 256;

/// Compresses messages for the wire.
#[derive(Debug)]
pub struct Deflater {
    engine: Compress,
    takeover: bool,
}

impl Deflater {
    /// For connections to which each message begins afresh: one deflater serves all that agreed
    /// on this window, and one compressed message may go to all of them.
    ///
    /// `window_bits` is [`crate::deflate::DeflateParams::server_window_bits`]; outside 9 to 15 the
    /// nearest is taken.
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        let bits = window_bits.clamp(9, 15);
        let engine = Compress::new_with_window_bits(Compression::new(LEVEL), false, bits);
        Self { engine, takeover: false }
    }

    /// For one connection: messages may refer to those before.
    #[must_use]
    pub fn with_takeover(window_bits: u8) -> Self {
        Self { takeover: true, ..Self::new(window_bits) }
    }

    /// Appends the compressed payload to `out`, to be sent in a frame marked compressed.
    pub fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if payload.is_empty() {
            // An empty stored block less its tail (RFC 7692 7.2.3.6).
            out.push(0x00);
            return;
        }
        let begin = out.len();
        let mut rest = payload;
        loop {
            out.reserve(rest.len() / 2 + 64);
            let read = self.engine.total_in();
            let status = self
                .engine
                .compress_vec(rest, out, FlushCompress::Sync)
                .expect("a compressor that was not finished takes any bytes");
            let taken = usize::try_from(self.engine.total_in() - read).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            // Room left means that the flush is complete.
            let flushed = rest.is_empty() && out.len() < out.capacity();
            if flushed || status == Status::BufError && rest.is_empty() {
                break;
            }
        }
        if out.get(begin..).is_some_and(|it| it.ends_with(&TAIL)) {
            out.truncate(out.len() - TAIL.len());
        }
        if !self.takeover {
            self.engine.reset();
        }
    }
}

#[cfg(test)]
mod tests;
