//! The languages clients speak. The engine cannot tell which one a client speaks.

/// How a route's clients are spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Our JSON protocol, subprotocol `tidegate.v1`.
    Native,
    /// The application's own JSON, without envelope and without a subscribe step.
    Plain,
    /// Socket.IO 5 over Engine.IO 4, by WebSocket or long polling. What its clients call a socket
    /// is a connection here.
    SocketIo,
}

impl Dialect {
    /// All of them, in the order in which a channel keeps their speakers.
    pub const ALL: [Self; 3] = [Self::Native, Self::Plain, Self::SocketIo];

    /// The WebSocket subprotocol of the native dialect.
    pub const SUBPROTOCOL: &str = "tidegate.v1";
}
