//! Opening the port: one listening socket per shard, the kernel spreads connections over them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Connections that may wait to be accepted. The kernel caps it at `somaxconn`, 4,096 on Linux.
const BACKLOG: i32 = 4096;

#[derive(Debug, Error)]
pub enum BindError {
    #[error("listen on {address}: another program has this address already")]
    Taken { address: SocketAddr, source: io::Error },
    #[error("listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
}

/// Makes sure nobody listens there, and settles the port if it is zero.
///
/// `SO_REUSEPORT` lets a second server of the same user share the port and take half the
/// connections without a word; a plain bind first tells them apart.
pub fn probe(address: SocketAddr) -> Result<SocketAddr, BindError> {
    let listen = |source| BindError::Listen { address, source };
    let taken = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            BindError::Taken { address, source }
        } else {
            BindError::Listen { address, source }
        }
    };
    let socket = open(address).map_err(listen)?;
    socket.bind(&address.into()).map_err(taken)?;
    let bound = socket.local_addr().map_err(listen)?;
    Ok(bound.as_socket().unwrap_or(address))
}

/// One shard's listening socket. All shards bind the same address.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = |source| BindError::Listen { address, source };
    let socket = open(address).map_err(listen)?;
    socket.set_reuse_port(true).map_err(listen)?;
    socket.set_nonblocking(true).map_err(listen)?;
    socket.bind(&address.into()).map_err(listen)?;
    socket.listen(BACKLOG).map_err(listen)?;
    Ok(socket.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a restart bind while connections of the last run are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    Ok(socket)
}
