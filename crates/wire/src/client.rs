//! The other side, for tests and load generators: writes masked frames, reads a server's.
//!
//! The gateway itself never speaks as a client. The caller brings the masking key, since nothing
//! here rolls dice.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::copy::append;
use crate::encode::{first_byte, header_into};
use crate::frame::{self, HEADER_BYTES_MAX, Opcode, Writer};
use crate::{Fault, unmask};

/// One whole masked frame.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(HEADER_BYTES_MAX));
    frame_into(&mut out, opcode, payload, key, Flags::WHOLE);
    out
}

/// The two bits of a frame that a fragmenting or compressing client sets itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The message ends with this frame.
    pub fin: bool,
    /// RSV1: the message is compressed. Only on its first frame.
    pub compressed: bool,
}

impl Flags {
    /// A message in one frame, as it is.
    pub const WHOLE: Self = Self { fin: true, compressed: false };
}

/// Appends one masked frame to `out`.
pub fn frame_into(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4], flags: Flags) {
    header_into(out, first_byte(opcode, flags.fin, flags.compressed), 0x80, payload.len());
    out.extend_from_slice(&key);
    let begin = out.len();
    append(out, payload);
    unmask(out.get_mut(begin..).unwrap_or_default(), key, 0);
}

/// A request that asks for an upgrade. `headers` are lines of our own, such as
/// `("Sec-WebSocket-Protocol", "tidegate.v1")`; `nonce` becomes the key.
#[must_use]
pub fn request(host: &str, target: &str, nonce: [u8; 16], headers: &[(&str, &str)]) -> Vec<u8> {
    let key = STANDARD.encode(nonce);
    let mut head = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// One frame a server wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub opcode: Opcode,
    /// The message ends with it.
    pub fin: bool,
    /// RSV1: the message is compressed.
    pub compressed: bool,
    /// The payload, still compressed if `compressed`.
    pub payload: &'a [u8],
}

/// Collects what a server sends and takes it apart into frames.
///
/// It trusts the server with memory: it keeps as much as is fed to it.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    read: usize,
}

impl Reader {
    /// Adds what came from the socket.
    pub fn feed(&mut self, bytes: &[u8]) {
        // Drop what was read only when it is most of the buffer, so that a byte moves at most once
        // for each byte read.
        if self.read * 2 >= self.bytes.len() {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        append(&mut self.bytes, bytes);
    }

    /// The next frame, or `None` until more is fed.
    ///
    /// # Errors
    /// A frame no server may send.
    #[expect(clippy::should_implement_trait, reason = "it lends its own bytes; Iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let Some(header) = frame::parse(rest, Writer::Server, true)? else { return Ok(None) };
        let Ok(length) = usize::try_from(header.length) else {
            return Err(Fault::TooLong { bytes_max: usize::MAX });
        };
        let end = header.header_bytes.saturating_add(length);
        let Some(payload) = rest.get(header.header_bytes..end) else { return Ok(None) };
        self.read += end;
        Ok(Some(Frame {
            opcode: header.opcode,
            fin: header.fin,
            compressed: header.compressed,
            payload,
        }))
    }
}

#[cfg(test)]
mod tests;
