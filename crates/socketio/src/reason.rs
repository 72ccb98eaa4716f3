//! Why a connection, or one socket on it, came to its end.

use std::fmt;

/// Why it ended. Where the official server has a word for it, ours is the same, because people
/// have written it into their dashboards.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// A ping was not answered within `ping_timeout`.
    PingTimeout,
    /// The client said goodbye, or its WebSocket ended.
    TransportClose,
    /// Requests that overlap, a body that is too long or broke off.
    TransportError,
    /// A packet that breaks the rules.
    ParseError,
    /// The server said goodbye.
    ForcedClose,
    /// More waits for the next GET than may.
    TooSlow,
    /// Nobody joined a namespace within `connect_within`.
    NoNamespace,
    /// The client left this namespace; the connection stays.
    ClientNamespaceDisconnect,
    /// The server made the client leave this namespace; the connection stays.
    ServerNamespaceDisconnect,
}

impl Reason {
    /// The words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::TooSlow => "too slow",
            Self::NoNamespace => "no namespace",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
