//! What a client can get wrong once it speaks WebSocket, and the close code that answers it.

use thiserror::Error;

/// A violation by the client. The connection is over: answer with [`Fault::close_code`] and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// RFC 6455 5.2: a reserved bit is set that no negotiated extension gives a meaning.
    #[error("a reserved bit is set and no extension explains it")]
    ReservedBits,
    /// RFC 6455 5.2: opcodes 3 to 7 and 11 to 15 mean nothing.
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// RFC 6455 5.1: what a client sends is masked.
    #[error("a client's frame must be masked")]
    Unmasked,
    /// RFC 6455 5.1: what a server sends is not masked. Only [`crate::client`] says this.
    #[error("a server's frame must not be masked")]
    Masked,
    /// RFC 6455 5.5: control frames carry at most 125 bytes.
    #[error("a control frame carries at most 125 bytes")]
    ControlTooLong,
    /// RFC 6455 5.5: control frames are whole.
    #[error("a control frame must not be fragmented")]
    ControlFragmented,
    /// RFC 6455 5.2: the top bit of a 64-bit length is zero.
    #[error("a length with its top bit set")]
    LengthTopBit,
    /// RFC 6455 5.2: a length is written in the fewest bytes that hold it.
    #[error("a length must be written in the fewest bytes")]
    LengthNotMinimal,
    /// RFC 6455 5.4: a continuation needs something to continue.
    #[error("a continuation frame without a message to continue")]
    NothingToContinue,
    /// RFC 6455 5.4: fragments of two messages may not interleave.
    #[error("a new message began before the last one ended")]
    Interleaved,
    /// RFC 6455 5.5.1: a close payload is empty, or a code of two bytes and a reason.
    #[error("a close frame of one byte holds no code")]
    CloseTooShort,
    /// RFC 6455 7.4: this code may not be sent.
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// RFC 6455 8.1: text, and the reason of a close, is UTF-8.
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// RFC 7692 7.2.2: what claims to be compressed does not inflate.
    #[error("compressed bytes that do not inflate")]
    BadDeflate,
    /// The message would exceed [`crate::Bounds::message_bytes_max`].
    #[error("the message is longer than {bytes_max} bytes")]
    TooLong {
        /// The bound that was passed.
        bytes_max: usize,
    },
    /// The message inflates out of all proportion: [`crate::Bounds::ratio_max`].
    #[error("the message inflates to more than {ratio_max} times its size")]
    Bomb {
        /// The bound that was passed.
        ratio_max: u32,
    },
    /// The message came in more frames than [`crate::Bounds::fragments_max`].
    #[error("the message came in more than {fragments_max} fragments")]
    TooManyFragments {
        /// The bound that was passed.
        fragments_max: u32,
    },
}

impl Fault {
    /// The status code of the close frame that answers (RFC 6455 7.4.1).
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::Unmasked
            | Self::Masked
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::LengthTopBit
            | Self::LengthNotMinimal
            | Self::NothingToContinue
            | Self::Interleaved
            | Self::CloseTooShort
            | Self::CloseCode(_) => 1002,
            Self::NotUtf8 | Self::BadDeflate => 1007,
            Self::TooManyFragments { .. } => 1008,
            Self::TooLong { .. } | Self::Bomb { .. } => 1009,
        }
    }
}
