//! One connection of the backend.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{crowd::Person, desk::body_of, dice::Dice};

#[derive(Debug)]
pub(super) enum Line {
    Http { stream: TcpStream, head: String, received: Vec<u8> },
    Native { person: Box<Person>, dice: Dice, is_open: bool },
}

impl Line {
    pub(super) fn http(at: SocketAddr, api_key: &str) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(at)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let head = format!(
            "POST /api/publish HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {api_key}\r\n\
             Content-Type: application/json\r\nContent-Length: "
        );
        Ok(Self::Http { stream: TcpStream::from_std(stream), head, received: Vec::new() })
    }

    pub(super) fn native(at: SocketAddr, target: &str, number: usize) -> io::Result<Self> {
        let mut person = Person::connect(at, number)?;
        let mut dice = Dice::new(number as u64);
        person.knock(at, target, &mut dice)?;
        Ok(Self::Native { person: Box::new(person), dice, is_open: false })
    }

    pub(super) fn register(&mut self, registry: &Registry, token: usize) -> io::Result<()> {
        match self {
            Self::Http { stream, .. } => {
                registry.register(stream, Token(token), Interest::READABLE)
            }
            Self::Native { person, .. } => person.register(registry, token),
        }
    }

    /// It may publish.
    pub(super) const fn is_open(&self) -> bool {
        match self {
            Self::Http { .. } => true,
            Self::Native { is_open, .. } => *is_open,
        }
    }

    pub(super) fn publish(&mut self, channel: &str, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Http { stream, head, .. } => {
                let request = request(head, channel, data);
                // The last answer has come, so the socket's buffer is empty and takes it whole.
                match stream.write(&request)? {
                    written if written == request.len() => Ok(()),
                    _ => Err(io::Error::other("a request did not fit into a socket")),
                }
            }
            Self::Native { person, dice, .. } => {
                let opening =
                    format!("{{\"id\":1,\"publish\":{{\"channel\":\"{channel}\",\"data\":");
                person.say(&[opening.as_bytes(), data, b"}}"].concat(), dice)
            }
        }
    }

    /// Reads what has come; answers whether the line is free for the next publication now.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self {
            Self::Http { stream, received, .. } => {
                receive(stream, received, buffer)?;
                let answered = body_of(received)?.is_some();
                if answered {
                    received.clear();
                }
                Ok(answered)
            }
            Self::Native { person, is_open, .. } => {
                let mut is_free = false;
                person.read(buffer, |said| {
                    let expected: &[u8] =
                        if *is_open { b"{\"id\":1,\"published\":" } else { b"{\"connected\":" };
                    if !said.starts_with(expected) {
                        return Err(refused(said));
                    }
                    (*is_open, is_free) = (true, true);
                    Ok(())
                })?;
                Ok(is_free)
            }
        }
    }
}

fn request(head: &str, channel: &str, data: &[u8]) -> Vec<u8> {
    let opening = format!("{{\"channel\":\"{channel}\",\"data\":");
    let length = opening.len() + data.len() + 1;
    let mut request = format!("{head}{length}\r\n\r\n{opening}").into_bytes();
    request.extend_from_slice(data);
    request.push(b'}');
    request
}

fn receive(stream: &mut TcpStream, received: &mut Vec<u8>, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(io::Error::other("the server closed a backend's connection")),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn refused(said: &[u8]) -> io::Error {
    let said = String::from_utf8_lossy(said);
    io::Error::other(format!("the server would not publish: {said}"))
}
