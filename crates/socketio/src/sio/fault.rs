//! What a client can get wrong in Socket.IO. It ends the connection with "parse error".

use thiserror::Error;

use crate::JsonFault;

/// A violation by the client.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// The types are 0 to 6.
    #[error("a packet of a type that is not known")]
    UnknownType,
    /// A packet that only a server sends.
    #[error("a packet that only a server sends")]
    WrongDirection,
    /// A name that is too long, or has a control character in it.
    #[error("a namespace with an impossible name")]
    BadNamespace,
    /// A number with a leading zero, beyond 32 bits, or without an event to acknowledge.
    #[error("an acknowledgement with an impossible number")]
    BadAckId,
    /// A count of attachments that is no number, none, or more than there may be.
    #[error("an impossible count of attachments")]
    BadAttachmentCount,
    /// Attachments of one packet beyond `attachments_bytes_max`.
    #[error("attachments that are too long")]
    AttachmentsTooLong,
    /// Something else came where an attachment was due.
    #[error("a packet where an attachment was due")]
    AttachmentMissing,
    /// Attachments did not come within `attachments_within`.
    #[error("attachments that did not come in time")]
    AttachmentsLate,
    /// Bytes that belong to no packet.
    #[error("an attachment that was not announced")]
    AttachmentUnannounced,
    /// An event or acknowledgement that is no array, a CONNECT that is no object, something behind
    /// a DISCONNECT.
    #[error("a payload of the wrong kind")]
    BadPayload,
    /// The payload is not JSON, too deep, or has impossible placeholders.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// An event without a name.
    #[error("an event that does not begin with its name")]
    NameMissing,
    /// A name that the libraries on both sides use for themselves.
    #[error("an event with a reserved name")]
    NameReserved,
    /// An event in a namespace that this connection has not joined.
    #[error("an event in a namespace that was not joined")]
    NotJoined,
    /// More namespaces than `namespaces_max`.
    #[error("too many namespaces")]
    TooManyNamespaces,
}
