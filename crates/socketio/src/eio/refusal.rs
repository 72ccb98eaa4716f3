//! What a request is refused with: six numbers that clients of Engine.IO know.

use thiserror::Error;

/// Why a request is refused. The answer is status 400 (403 for [`Refusal::Forbidden`]) and
/// [`Refusal::to_json`]; a WebSocket handshake is answered the same way, before any upgrade.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// Neither polling nor WebSocket, or not said once.
    #[error("Transport unknown")]
    TransportUnknown = 0,
    /// The session ended, or never was. Clients open a new one.
    #[error("Session ID unknown")]
    SessionUnknown = 1,
    /// A session begins with a GET.
    #[error("Bad handshake method")]
    BadHandshakeMethod = 2,
    /// Anything else that makes no sense, at this time or at all.
    #[error("Bad request")]
    BadRequest = 3,
    /// The driver's: admission said no.
    #[error("Forbidden")]
    Forbidden = 4,
    /// Only `EIO=4` is spoken here.
    #[error("Unsupported protocol version")]
    UnsupportedVersion = 5,
}

impl Refusal {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TransportUnknown
            | Self::SessionUnknown
            | Self::BadHandshakeMethod
            | Self::BadRequest
            | Self::UnsupportedVersion => 400,
            Self::Forbidden => 403,
        }
    }

    /// The body, `application/json`.
    #[must_use]
    pub fn to_json(self) -> String {
        format!(r#"{{"code":{},"message":"{self}"}}"#, self.code())
    }
}
