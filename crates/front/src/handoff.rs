//! What a shard gives away when a request is not for a WebSocket.

use std::{
    fmt,
    net::{IpAddr, SocketAddr, TcpStream},
};

/// A socket, with everything that has been read from it.
#[derive(Debug)]
pub struct Handoff {
    pub stream: Stream,
    /// Plaintext that the shard has read: the request's head and whatever came with it.
    pub already_read: Vec<u8>,
    /// The other end of the socket.
    pub peer: SocketAddr,
    /// The client's address, after trusted proxies were believed.
    pub client: IpAddr,
}

/// The socket itself. It may still be in blocking mode; the front sees to that.
pub enum Stream {
    Plain(TcpStream),
    /// After the TLS handshake.
    Tls(TcpStream, Box<rustls::ServerConnection>),
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(socket) => f.debug_tuple("Plain").field(socket).finish(),
            Self::Tls(socket, _) => f.debug_tuple("Tls").field(socket).finish_non_exhaustive(),
        }
    }
}

/// Whom an HTTP request comes from; set by [`crate::serve`] on every request.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// The other end of the socket.
    pub peer: IpAddr,
    /// The client's address, after trusted proxies were believed.
    pub client: IpAddr,
}
