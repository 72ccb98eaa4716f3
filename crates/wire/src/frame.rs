//! The header of one frame (RFC 6455 5.2), read from bytes that may not all be here yet.
//!
//! ```text
//!  byte 0           byte 1            then                     then
//!  ┌───┬───┬──────┐ ┌────┬──────────┐ ┌──────────────────────┐ ┌─────────────┐
//!  │FIN│RSV│opcode│ │MASK│ length 7 │ │ length 16 if it = 126│ │ key, 4 bytes│ payload
//!  │ 1 │ 3 │  4   │ │ 1  │          │ │ length 64 if it = 127│ │ if MASK     │
//!  └───┴───┴──────┘ └────┴──────────┘ └──────────────────────┘ └─────────────┘
//! ```

use crate::Fault;

/// The longest header: two bytes, a 64-bit length, a key.
pub const HEADER_BYTES_MAX: usize = 14;

/// The most a control frame may carry (RFC 6455 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message begun before.
    Continuation = 0,
    /// The first or only frame of a text message.
    Text = 1,
    /// The first or only frame of a binary message.
    Binary = 2,
    /// The last frame of a connection.
    Close = 8,
    /// Asks for a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or comes unasked.
    Pong = 10,
}

impl Opcode {
    /// Whether it may come between the fragments of a message.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn parse(nibble: u8) -> Result<Self, Fault> {
        match nibble {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            reserved => Err(Fault::ReservedOpcode(reserved)),
        }
    }
}

/// Which side wrote the frame; clients mask, servers do not (RFC 6455 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    Client,
    Server,
}

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    /// RSV1, which permessage-deflate gives the meaning "this message is compressed".
    pub(crate) compressed: bool,
    pub(crate) opcode: Opcode,
    pub(crate) key: [u8; 4],
    /// Length of the payload as declared. Not yet to be believed.
    pub(crate) length: u64,
    /// Bytes that the header itself took.
    pub(crate) header_bytes: usize,
}

impl Header {
    /// Whether the frame is an arrival by itself and not a part of one.
    pub(crate) fn stands_alone(&self) -> bool {
        self.fin && self.opcode != Opcode::Continuation
    }
}

/// Reads a header from the front of `bytes`; `None` when it is not all there.
///
/// Faults are found in the order of the bytes and as soon as the guilty byte is here, so the
/// outcome is the same however the stream is cut. `deflate` says that RSV1 has a meaning.
pub(crate) fn parse(bytes: &[u8], writer: Writer, deflate: bool) -> Result<Option<Header>, Fault> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let opcode = Opcode::parse(first & 0x0f);
    let fin = first & 0x80 != 0;
    let compressed = first & 0x40 != 0;
    if first & 0x30 != 0 || (compressed && !deflate) {
        return Err(Fault::ReservedBits);
    }
    let opcode = opcode?;
    // RFC 7692 6.1: the bit is set on the first frame of a message, and on no other.
    if compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Err(Fault::ReservedBits);
    }
    if opcode.is_control() && !fin {
        return Err(Fault::ControlFragmented);
    }

    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let masked = second & 0x80 != 0;
    match writer {
        Writer::Client if !masked => return Err(Fault::Unmasked),
        Writer::Server if masked => return Err(Fault::Masked),
        Writer::Client | Writer::Server => {}
    }
    let short = second & 0x7f;
    if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Fault::ControlTooLong);
    }

    let rest = bytes.get(2..).unwrap_or_default();
    let Some((length, rest)) = length(short, rest)? else { return Ok(None) };
    let (key, key_bytes) = match (masked, rest.first_chunk::<4>()) {
        (false, _) => ([0; 4], 0),
        (true, Some(&key)) => (key, 4),
        (true, None) => return Ok(None),
    };
    let header_bytes = bytes.len() - rest.len() + key_bytes;
    Ok(Some(Header { fin, compressed, opcode, key, length, header_bytes }))
}

/// The length, and what follows it.
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Fault> {
    let (length, least, rest) = match short {
        126 => match rest.split_first_chunk::<2>() {
            Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), 126, rest),
            None => return Ok(None),
        },
        127 => {
            if rest.first().is_some_and(|it| it & 0x80 != 0) {
                return Err(Fault::LengthTopBit);
            }
            match rest.split_first_chunk::<8>() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), 0x1_0000, rest),
                None => return Ok(None),
            }
        }
        short => (u64::from(short), 0, rest),
    };
    if length < least {
        return Err(Fault::LengthNotMinimal);
    }
    Ok(Some((length, rest)))
}
