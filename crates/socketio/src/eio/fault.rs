//! What a client can get wrong in Engine.IO. It ends the session.

use thiserror::Error;

/// A violation by the client.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// A packet without a type.
    #[error("an empty packet")]
    Empty,
    /// The types are 0 to 6, and `b` in a payload.
    #[error("a packet of a type that is not known")]
    UnknownType,
    /// Opens and pings are the server's to send.
    #[error("a packet that only a server sends")]
    WrongDirection,
    /// An upgrade, or a probe, when nothing is being upgraded.
    #[error("a packet that has no place here")]
    OutOfPlace,
    /// A packet whose kind carries nothing, and this one does.
    #[error("a packet with something behind it that means nothing")]
    Trailing,
    /// Bytes in a payload are base64.
    #[error("bytes that are not base64")]
    BadBase64,
    /// A payload is text.
    #[error("a payload that is not UTF-8")]
    NotUtf8,
    /// More packets in a payload than `payload_packets_max`.
    #[error("too many packets in one payload")]
    TooManyPackets,
    /// More bytes than `payload_bytes_max`.
    #[error("too long")]
    TooLong,
}
