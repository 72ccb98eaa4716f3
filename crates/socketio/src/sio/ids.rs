//! Names of things on one connection.

/// One life of one namespace on one connection: what Socket.IO calls a socket. Whoever leaves a
/// namespace and joins it again is another socket, so that no late answer reaches the wrong one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SocketId(pub(crate) u32);

impl SocketId {
    /// The number, for logs. They count up from zero on each connection.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// The number that ties an acknowledgement to its event. Clients count from zero; one that gets to
/// the end of 32 bits would have asked once a millisecond for seven weeks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AckId(pub u32);

/// Something the server asked a client. The driver's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AskId(pub u64);

/// Where to answer a client that asked for an acknowledgement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Reply {
    /// Who asked.
    pub socket: SocketId,
    /// Under which number.
    pub id: AckId,
}
