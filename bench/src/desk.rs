//! A backend that asks one thing at a time over HTTP, and waits.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::options::Options;

/// Longest wait for an answer, or for something to come about.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Desk<'a> {
    options: &'a Options,
    stream: TcpStream,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(options: &'a Options) -> io::Result<Self> {
        let stream = TcpStream::connect(options.at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { options, stream })
    }

    /// Publishes; answers where in the channel it is.
    pub(crate) fn publish(&mut self, data: &str) -> io::Result<(String, u64)> {
        let body = format!("{{\"channel\":\"{}\",\"data\":{data}}}", self.options.room);
        let answer = self.ask("POST /api/publish", &body)?;
        let epoch = answer["epoch"].as_str().map(str::to_owned);
        let place = epoch.zip(answer["offset"].as_u64());
        place.ok_or_else(|| io::Error::other(format!("no place in {answer}")))
    }

    /// Waits until the channel has so many members.
    pub(crate) fn see_members(&mut self, count: u64) -> io::Result<()> {
        let asked_since = Instant::now();
        let channel = format!("GET /api/channels/{}", self.options.room);
        while asked_since.elapsed() < PATIENCE {
            if self.ask(&channel, "")?["members"].as_u64() == Some(count) {
                return Ok(());
            }
            // Asking is not free for the server that is measured.
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Err(io::Error::other(format!("the channel has not come to {count} members")))
    }

    fn ask(&mut self, what: &str, body: &str) -> io::Result<Value> {
        let (at, key, length) = (self.options.at, &self.options.api_key, body.len());
        let request = format!(
            "{what} HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes())?;
        let mut received = Vec::new();
        let mut part = [0; 4096];
        loop {
            let count = self.stream.read(&mut part)?;
            received.extend_from_slice(&part[..count]);
            if let Some(body) = body_of(&received)? {
                return serde_json::from_slice(body).map_err(io::Error::other);
            }
            if count == 0 {
                return Err(io::Error::other("the server closed a backend's connection"));
            }
        }
    }
}

/// The body of an answer that is here as a whole and says that all is well.
pub(crate) fn body_of(received: &[u8]) -> io::Result<Option<&[u8]>> {
    let Some(end) = received.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|it| it.strip_prefix("content-length:"));
    let length: usize = length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    let Some(body) = received.get(end + 4..end + 4 + length) else { return Ok(None) };
    if !head.starts_with("http/1.1 200") {
        let said = String::from_utf8_lossy(received);
        return Err(io::Error::other(format!("the server would not do it: {said}")));
    }
    Ok(Some(body))
}
