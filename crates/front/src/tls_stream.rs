//! TLS that somebody else began: a socket and a rustls connection as one asynchronous stream.
//!
//! tokio-rustls makes its own connections and cannot adopt one; the shard's has to go on, because
//! the handshake and the request head are done. rustls keeps the protocol; this moves bytes both
//! ways.

use std::{
    fmt,
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::ServerConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Plaintext on this side, TLS records on the socket.
pub struct TlsStream {
    socket: TcpStream,
    tls: Box<ServerConnection>,
    has_said_goodbye: bool,
}

/// Ciphertext that waits for the socket. Enough for four records; a writer that is faster waits.
const OUT_BYTES_MAX: usize = 64 * 1024;

impl TlsStream {
    /// Takes over after the handshake. What `tls` has decrypted and nobody read comes out first.
    pub fn adopt(socket: TcpStream, mut tls: Box<ServerConnection>) -> Self {
        tls.set_buffer_limit(Some(OUT_BYTES_MAX));
        Self { socket, tls, has_said_goodbye: false }
    }

    /// Reads ciphertext once and has it understood.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.tls.read_tls(&mut Socket(&self.socket)) {
                Ok(_) => break,
                Err(error) if is_waiting(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if let Err(fault) = self.tls.process_new_packets() {
            // The peer is told by an alert where that can be written at once; it is over anyway.
            let _alert = self.poll_drain(cx);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault)));
        }
        Poll::Ready(Ok(()))
    }

    /// Writes ciphertext until none is left.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            ready!(self.socket.poll_write_ready(cx))?;
            match self.tls.write_tls(&mut Socket(&self.socket)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if is_waiting(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes plaintext as `take` does, then writes what it became. Waits only if nothing was taken.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        take: impl Fn(&mut rustls::Writer<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let taken = take(&mut self.tls.writer())?;
            let drained = self.poll_drain(cx)?;
            if taken != 0 {
                return Poll::Ready(Ok(taken));
            }
            // The buffer was full. If it could be emptied there is room now.
            ready!(drained);
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            // Reading makes TLS answer too: to a key update, for one.
            let _later = self.poll_drain(cx)?;
            match self.tls.reader().read(buf.initialize_unfilled()) {
                // Nothing after a close_notify is an end; nothing without one is UnexpectedEof.
                Ok(n) => {
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if is_waiting(&error) => ready!(self.poll_fill(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_take(cx, |writer| writer.write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|it| it.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_take(cx, |writer| writer.write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_said_goodbye {
            self.has_said_goodbye = true;
            self.tls.send_close_notify();
        }
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// The socket as rustls wants it: what would block says so.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buf)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.try_write(buf)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_waiting(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
