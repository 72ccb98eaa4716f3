//! Frames as a server writes them: unmasked, whole, with the shortest length that fits.

use crate::copy::append;
use crate::frame::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Opcode};

/// The longest reason a close frame has room for: a control payload less the two bytes of code.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// One whole frame.
///
/// `compressed` sets RSV1 and must be true exactly when `payload` came out of
/// [`crate::Deflater::compress`] on a connection that negotiated it.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8], compressed: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(HEADER_BYTES_MAX));
    frame_into(&mut out, opcode, payload, compressed);
    out
}

/// Appends one whole frame to `out`; several frames in one buffer go out in one write.
pub fn frame_into(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], compressed: bool) {
    header_into(out, first_byte(opcode, true, compressed), 0, payload.len());
    append(out, payload);
}

/// A close frame. A reason too long is cut to [`REASON_BYTES_MAX`] at a character.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    let mut payload = Vec::with_capacity(CONTROL_BYTES_MAX);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.get(..end).unwrap_or_default().as_bytes());
    frame(Opcode::Close, &payload, false)
}

/// The pong that answers a ping. What exceeds a control frame is left out; a ping that arrived
/// through [`crate::Decoder`] never does.
#[must_use]
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(Opcode::Pong, payload.get(..CONTROL_BYTES_MAX).unwrap_or(payload), false)
}

pub(crate) fn first_byte(opcode: Opcode, fin: bool, compressed: bool) -> u8 {
    u8::from(fin) << 7 | u8::from(compressed) << 6 | opcode as u8
}

/// `mask_bit` is 0x80 for a client's frame, whose key follows, and 0 for a server's.
pub(crate) fn header_into(out: &mut Vec<u8>, first: u8, mask_bit: u8, length: usize) {
    out.push(first);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => out.push(mask_bit | short),
        (_, Ok(medium)) => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
