//! People with a WebSocket.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::{Domain, Socket, Type};
use wire::{Opcode, client};

use crate::dice::Dice;

/// One of them.
#[derive(Debug)]
pub(crate) struct Person {
    stream: TcpStream,
    reader: client::Reader,
    /// The answer to the upgrade, while it is not whole.
    head: Option<Vec<u8>>,
}

impl Person {
    /// Connects, without a word.
    ///
    /// Closing will reset the connection: thousands in TIME_WAIT would use up the ports. Every few
    /// thousand come from another address of this machine: with half of the ports of one taken, the
    /// kernel searches long for the next, and newcomers drip in one by one.
    pub(crate) fn connect(at: SocketAddr, number: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_linger(Some(std::time::Duration::ZERO))?;
        if at.ip().is_loopback() {
            let last = 2 + u8::try_from(number / 4000 % 200).unwrap_or(0);
            socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into())?;
        }
        socket.connect(&at.into())?;
        let stream = std::net::TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        let reader = client::Reader::default();
        Ok(Self { stream, reader, head: Some(Vec::new()) })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: usize) -> io::Result<()> {
        registry.register(&mut self.stream, Token(token), Interest::READABLE)
    }

    /// Asks for the upgrade.
    pub(crate) fn knock(
        &mut self,
        at: SocketAddr,
        target: &str,
        dice: &mut Dice,
    ) -> io::Result<()> {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&dice.roll().to_ne_bytes());
        let request = client::request(&at.to_string(), target, nonce, &[]);
        match self.stream.write(&request)? {
            written if written == request.len() => Ok(()),
            _ => Err(io::Error::other("a request head did not fit into a socket")),
        }
    }

    /// Says one message, which has to be small enough for an empty socket.
    pub(crate) fn say(&mut self, text: &[u8], dice: &mut Dice) -> io::Result<()> {
        let [a, b, c, d, ..] = dice.roll().to_ne_bytes();
        let frame = client::frame(Opcode::Text, text, [a, b, c, d]);
        match self.stream.write(&frame)? {
            written if written == frame.len() => Ok(()),
            _ => Err(io::Error::other("a message did not fit into a socket")),
        }
    }

    /// The server has upgraded the connection.
    pub(crate) const fn is_open(&self) -> bool {
        self.head.is_none()
    }

    /// Reads what is there and shows each message to `hear`.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        mut hear: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(io::Error::other("the server closed a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            self.take_in(&buffer[..count])?;
            while let Some(frame) = self.reader.next().map_err(io::Error::other)? {
                match frame.opcode {
                    Opcode::Text => hear(frame.payload)?,
                    Opcode::Ping => {
                        let pong = client::frame(Opcode::Pong, frame.payload, [1, 2, 3, 4]);
                        let _ = self.stream.write(&pong)?;
                    }
                    Opcode::Continuation | Opcode::Binary | Opcode::Close | Opcode::Pong => {
                        let said = String::from_utf8_lossy(frame.payload);
                        let what = format!("the server sent {:?}: {said}", frame.opcode);
                        return Err(io::Error::other(what));
                    }
                }
            }
            // A short read has emptied the socket (epoll(7), question 9).
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(head) = &mut self.head else {
            self.reader.feed(bytes);
            return Ok(());
        };
        head.extend_from_slice(bytes);
        if let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") {
            if !head.starts_with(b"HTTP/1.1 101") {
                let head = String::from_utf8_lossy(head);
                return Err(io::Error::other(format!("the server would not upgrade: {head}")));
            }
            self.reader.feed(&head[end + 4..]);
            self.head = None;
        }
        Ok(())
    }
}
