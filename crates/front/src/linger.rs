//! A goodbye that arrives.
//!
//! Closing a socket with bytes unread resets the connection, and the answer that was written last
//! is thrown away with it. Whoever sends more than is wanted would see a broken pipe, not the 413.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// What is read and thrown away after the last answer, and for how long. Whoever sends more than
/// this after it was told to stop may as well be cut off.
const BYTES_MAX: usize = 4 * 1024 * 1024;
const WITHIN: Duration = Duration::from_secs(3);

/// A socket that ends its own side first and then lets the peer finish.
#[derive(Debug)]
pub(crate) struct Linger<S> {
    socket: S,
    /// Our side has ended; until when we listen, and how much was thrown away.
    ending: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Linger<S> {
    pub(crate) const fn new(socket: S) -> Self {
        Self { socket, ending: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let (until, thrown_away) = match &mut this.ending {
            Some(ending) => ending,
            None => {
                ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
                this.ending.insert((Box::pin(sleep(WITHIN)), 0))
            }
        };
        let mut waste = [0; 16 * 1024];
        while *thrown_away < BYTES_MAX && until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut waste);
            // The end of the stream, or that of our patience: either way all is said.
            match ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buf)) {
                Ok(()) if buf.filled().is_empty() => break,
                Ok(()) => *thrown_away += buf.filled().len(),
                Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
