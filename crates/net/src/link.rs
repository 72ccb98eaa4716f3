//! One end of a connection: a socket, with TLS or without.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream as StdStream},
    sync::Arc,
};

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// Plaintext that rustls may keep for a socket that would block. The outbox keeps the rest, bounded.
const TLS_BUFFER_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) enum Link {
    Plain(TcpStream),
    /// Boxed: a TLS connection is some kilobytes, and most shards have none or only such.
    Tls(Box<TlsLink>),
}

#[derive(Debug)]
pub(crate) struct TlsLink {
    stream: TcpStream,
    tls: ServerConnection,
}

/// A connection on its way to the HTTP side, with what has been read of it.
#[derive(Debug)]
pub struct Handoff {
    pub stream: StdStream,
    /// The TLS state, past its handshake.
    pub tls: Option<Box<ServerConnection>>,
    /// Plaintext that was read and not consumed.
    pub already_read: Vec<u8>,
    pub peer: SocketAddr,
}

impl Link {
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(link) => &mut link.stream,
        }
    }

    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The same socket, speaking TLS from here on.
    pub(crate) fn with_tls(self, config: &Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        match self {
            Self::Plain(stream) => {
                let mut tls = ServerConnection::new(Arc::clone(config))?;
                tls.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
                Ok(Self::Tls(Box::new(TlsLink { stream, tls })))
            }
            Self::Tls(_) => Ok(self),
        }
    }

    /// Reads plaintext. `Ok(0)` is the end, `WouldBlock` means later.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(link) => link.read(buffer),
        }
    }

    /// Writes what the socket takes now. For TLS that means: takes into its bounded buffer.
    pub(crate) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            // `send` is the cheaper call where one slice is all there is.
            Self::Plain(stream) if slices.len() == 1 => stream.write(&slices[0]),
            Self::Plain(stream) => stream.write_vectored(slices),
            Self::Tls(link) => link.write(slices),
        }
    }

    /// Moves what TLS has buffered to the socket. `Ok(true)` when nothing is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            Self::Tls(link) => link.flush(),
        }
    }

    /// Says that nothing more will be written. Errors do not matter: the peer may be gone.
    pub(crate) fn finish(&mut self) {
        if let Self::Tls(link) = self {
            link.tls.send_close_notify();
            let _ = link.flush();
        }
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    pub(crate) fn into_parts(self) -> (StdStream, Option<Box<ServerConnection>>) {
        match self {
            Self::Plain(stream) => (stream.into(), None),
            Self::Tls(link) => (link.stream.into(), Some(Box::new(link.tls))),
        }
    }
}

impl TlsLink {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if self.tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            let processed = self.tls.process_new_packets();
            // Handshake messages, or the alert that says what was wrong.
            self.flush()?;
            processed.map_err(|it| io::Error::new(io::ErrorKind::InvalidData, it))?;
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut count = 0;
        loop {
            let rest = unwritten(slices, count);
            if rest.is_empty() {
                break;
            }
            let taken = self.tls.writer().write(rest)?;
            count += taken;
            let is_flushed = self.flush()?;
            if taken == 0 && !is_flushed {
                break;
            }
        }
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The first slice that is not written, from where it is not.
fn unwritten<'a>(slices: &'a [IoSlice<'_>], mut written: usize) -> &'a [u8] {
    for slice in slices {
        if written < slice.len() {
            return &slice[written..];
        }
        written -= slice.len();
    }
    &[]
}
