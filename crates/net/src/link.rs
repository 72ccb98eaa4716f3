//! One end of a connection: a socket, with TLS or without.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream as StdStream},
    sync::Arc,
};

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// Plaintext that rustls may keep for a socket that would block. The outbox keeps the rest,
/// bounded.
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
    /// The last byte has been given to `tls`; once it is written the stream ends.
    is_finished: bool,
}

/// A connection on its way to the HTTP side, with what has been read of it.
pub struct Handoff {
    pub stream: StdStream,
    /// The TLS state, past its handshake.
    pub tls: Option<Box<ServerConnection>>,
    /// Plaintext that was read and not consumed.
    pub already_read: Vec<u8>,
    pub peer: SocketAddr,
}

/// Without the bytes, which may hold a token.
impl fmt::Debug for Handoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handoff").field("peer", &self.peer).finish_non_exhaustive()
    }
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
                Ok(Self::Tls(Box::new(TlsLink { stream, tls, is_finished: false })))
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

    /// Nothing is left in the buffer of TLS.
    pub(crate) fn is_flushed(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(link) => !link.tls.wants_write(),
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
        let _ = match self {
            Self::Plain(stream) => stream.shutdown(Shutdown::Write),
            Self::Tls(link) => link.finish(),
        };
    }

    /// The reverse of [`Link::into_parts`].
    pub(crate) fn from_parts(stream: StdStream, tls: Option<Box<ServerConnection>>) -> Self {
        let stream = TcpStream::from_std(stream);
        match tls {
            None => Self::Plain(stream),
            Some(tls) => Self::Tls(Box::new(TlsLink { stream, tls: *tls, is_finished: false })),
        }
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

    /// Fills the buffer of rustls and empties it, in turns: one system call for as much as fits.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut count = 0;
        while self.flush()? {
            let taken = self.take(slices, count)?;
            if taken == 0 {
                break;
            }
            count += taken;
        }
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }

    /// Gives rustls what comes behind the first `done` bytes, in as few records as can be.
    fn take(&mut self, slices: &[IoSlice<'_>], mut done: usize) -> io::Result<usize> {
        for (index, slice) in slices.iter().enumerate() {
            if slice.len() <= done {
                done -= slice.len();
            } else if done == 0 {
                return self.tls.writer().write_vectored(&slices[index..]);
            } else {
                return self.tls.writer().write(&slice[done..]);
            }
        }
        Ok(0)
    }

    fn finish(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_finished, true) {
            self.tls.send_close_notify();
        }
        self.flush().map(|_| ())
    }

    /// Answers whether all is written. The stream ends with the last of it and not before: what the
    /// socket does not take at once would be lost.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.is_finished {
            // The peer may have gone first.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Ok(true)
    }
}
