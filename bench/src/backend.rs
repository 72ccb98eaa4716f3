//! A backend that publishes over HTTP connections it keeps.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};

/// Connections of one backend, each with at most one request under way.
#[derive(Debug)]
pub(crate) struct Backend {
    lines: Vec<Line>,
    /// The one that has rested longest first: servers close connections that are not used.
    idle: VecDeque<usize>,
    head: String,
    pub(crate) answers: u64,
}

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Backend {
    /// Opens `count` connections, known to the poll from `first` on.
    pub(crate) fn connect(
        at: SocketAddr,
        count: usize,
        api_key: &str,
        first: usize,
        registry: &Registry,
    ) -> io::Result<Self> {
        let line = |index| {
            let stream = std::net::TcpStream::connect(at)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            registry.register(&mut stream, Token(first + index), Interest::READABLE)?;
            Ok(Line { stream, received: Vec::new() })
        };
        let lines = (0..count).map(line).collect::<io::Result<Vec<_>>>()?;
        let head = format!(
            "POST /api/publish HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {api_key}\r\n\
             Content-Type: application/json\r\nContent-Length: "
        );
        Ok(Self { idle: (0..lines.len()).collect(), lines, head, answers: 0 })
    }

    pub(crate) fn is_free(&self) -> bool {
        !self.idle.is_empty()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.idle.len() == self.lines.len()
    }

    /// Publishes on a connection that has nothing else to do.
    pub(crate) fn publish(&mut self, channel: &str, data: &[u8]) -> io::Result<()> {
        let index = self.idle.pop_front().ok_or_else(|| io::Error::other("all lines are busy"))?;
        let opening = format!("{{\"channel\":\"{channel}\",\"data\":");
        let length = opening.len() + data.len() + 1;
        let mut request = format!("{}{length}\r\n\r\n{opening}", self.head).into_bytes();
        request.extend_from_slice(data);
        request.push(b'}');
        // The last answer has come, so the socket's buffer is empty and takes it whole.
        match self.lines[index].stream.write(&request)? {
            written if written == request.len() => Ok(()),
            _ => Err(io::Error::other("a request did not fit into a socket")),
        }
    }

    /// Reads what the server answered on a line.
    pub(crate) fn read(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        let line = &mut self.lines[index];
        loop {
            match line.stream.read(buffer) {
                Ok(0) => return Err(io::Error::other("the server closed a backend's connection")),
                Ok(count) => line.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if is_answered(&line.received)? {
            line.received.clear();
            self.idle.push_back(index);
            self.answers += 1;
        }
        Ok(())
    }
}

/// Whether a whole answer is here, and a good one.
fn is_answered(received: &[u8]) -> io::Result<bool> {
    let Some(end) = received.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(false) };
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|it| it.strip_prefix("content-length:"));
    let length: usize = length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    if received.len() < end + 4 + length {
        return Ok(false);
    }
    if !head.starts_with("http/1.1 200") {
        let whole = String::from_utf8_lossy(received);
        return Err(io::Error::other(format!("the server would not publish: {whole}")));
    }
    Ok(true)
}
