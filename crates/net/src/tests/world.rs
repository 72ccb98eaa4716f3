//! A net, ears that write down what they hear, and clients at the other end.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use proto::ConnId;
use socket2::{Domain, SockRef, Socket, Type};
use wire::{Arrived, Bounds, HeadLimits, Opcode, client::Reader};

use crate::{
    Batch, Compression, Ears, Handoff, Knock, Limits, Net, OpenAs, Overfull, Trouble, bind,
};

/// What ears answer to a knock.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Open(Compression),
    Refuse(Vec<u8>),
    HandOff,
    Wait,
}

/// What has been heard, in order, as lines like `c0.0 text hello`.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) lines: Vec<String>,
    pub(super) knocked: Vec<ConnId>,
    pub(super) verdict: Verdict,
    pub(super) handoff: Option<Handoff>,
    /// Reading is paused after this text.
    pub(super) pause_after: Option<&'static str>,
    /// A trouble ends the connection, as it should; else it is only heard of.
    pub(super) ends_trouble: bool,
}

impl Heard {
    fn note(&mut self, conn: ConnId, text: impl std::fmt::Display) {
        self.lines.push(format!("{conn} {text}"));
    }
}

pub(super) const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
pub(super) const LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\r\n";

pub(super) const fn open_as(compression: Compression) -> OpenAs {
    OpenAs { bounds: 0, compression }
}

impl Ears for Heard {
    fn knocked(&mut self, net: &mut Net, conn: ConnId, knock: &Knock<'_>) {
        let line = String::from_utf8_lossy(knock.bytes.split(|it| *it == b'\r').next().unwrap());
        self.note(conn, format_args!("knocked {line}"));
        self.knocked.push(conn);
        match self.verdict.clone() {
            Verdict::Open(compression) => {
                net.open(conn, SWITCHED.to_vec(), open_as(compression));
            }
            Verdict::Refuse(response) => net.refuse(conn, response),
            Verdict::HandOff => self.handoff = net.hand_off(conn, knock.bytes.to_vec()),
            Verdict::Wait => {}
        }
    }

    fn arrived(&mut self, net: &mut Net, conn: ConnId, arrived: Arrived<'_>) {
        match arrived {
            Arrived::Text(text) => {
                // Long ones are told apart by their beginning.
                let shown = text.get(..24).unwrap_or(text);
                self.note(conn, format_args!("text {shown}"));
                if self.pause_after.is_some_and(|it| it == text) {
                    net.pause(conn);
                }
            }
            Arrived::Binary(bytes) => self.note(conn, format_args!("binary {}", bytes.len())),
            Arrived::Ping(_) => self.note(conn, "ping"),
            Arrived::Pong(_) => self.note(conn, "pong"),
            Arrived::Close(said) => {
                self.note(conn, format_args!("close {:?}", said.map(|it| it.0)));
                net.close(conn, None, said.map_or(0, |it| it.0), "", true);
            }
        }
    }

    fn troubled(&mut self, net: &mut Net, conn: ConnId, trouble: Trouble) {
        self.note(conn, format_args!("troubled {trouble:?}"));
        match trouble {
            _ if !self.ends_trouble => {}
            Trouble::Head(_) | Trouble::HeadLate => net.refuse(conn, LATE.to_vec()),
            Trouble::Frame(_) | Trouble::MessageLate | Trouble::TooManyPings | Trouble::Stalled => {
                net.close(conn, None, 4000, "trouble", false)
            }
        }
    }

    fn unclogged(&mut self, _: &mut Net, conn: ConnId) {
        self.note(conn, "unclogged");
    }

    fn emptied(&mut self, _: &mut Net, conn: ConnId) {
        self.note(conn, "emptied");
    }

    fn lost(&mut self, _: &mut Net, conn: ConnId) {
        self.note(conn, "lost");
    }
}

pub(super) struct World {
    pub(super) net: Net,
    pub(super) ears: Heard,
    pub(super) address: SocketAddr,
    pub(super) now: Instant,
}

pub(super) const HEAD_WITHIN: Duration = Duration::from_secs(10);
pub(super) const MESSAGE_WITHIN: Duration = Duration::from_secs(20);
pub(super) const STALL_WITHIN: Duration = Duration::from_secs(30);
pub(super) const GOODBYE_WITHIN: Duration = Duration::from_secs(2);

/// Much less than is sent, and enough that the kernel does not wait for the window to grow.
const NARROW_BYTES: usize = 32 * 1024;

pub(super) const fn limits() -> Limits {
    Limits {
        head: HeadLimits { bytes_max: 4096, headers_max: 32 },
        head_within: HEAD_WITHIN,
        message_within: MESSAGE_WITHIN,
        stall_within: STALL_WITHIN,
        goodbye_within: GOODBYE_WITHIN,
        outbox_bytes_max: 1 << 20,
        outbox_frames_max: 2000,
        sockets_max: 1000,
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(limits())
    }

    pub(super) fn with(limits: Limits) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        // Accepted sockets inherit it; the smallest there is, so that little fills it.
        SockRef::from(&listener).set_send_buffer_size(1).unwrap();
        let address = listener.local_addr().unwrap();
        let now = Instant::now();
        let bounds = Bounds { message_bytes_max: 4 << 20, ..Bounds::default() };
        let net = Net::new(listener, limits, vec![bounds], 0, now).unwrap();
        let ears = Heard {
            lines: Vec::new(),
            knocked: Vec::new(),
            verdict: Verdict::Open(Compression::Off),
            handoff: None,
            pause_after: None,
            ends_trouble: true,
        };
        Self { net, ears, address, now }
    }

    /// One turn, which waits so long for something to happen. Deliveries are made between listening
    /// and flushing, as the driver does.
    pub(super) fn turn_with(&mut self, patience: Duration, deliver: impl FnOnce(&mut Self)) {
        self.net.wait(Some(self.now + patience), self.now).unwrap();
        self.net.listen(self.now, &mut self.ears);
        deliver(self);
        self.net.flush(&mut self.ears);
    }

    /// A turn that takes what is there.
    pub(super) fn turn(&mut self) {
        self.turn_with(Duration::ZERO, |_| {});
    }

    /// Turns until something is so.
    pub(super) fn until(&mut self, mut is_so: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "heard: {:#?}", self.ears.lines);
            self.turn_with(Duration::from_millis(200), |_| {});
        }
    }

    /// Turns until so many lines have been heard, and returns them.
    pub(super) fn hear(&mut self, count: usize) -> Vec<String> {
        self.until(|it| count <= it.ears.lines.len());
        std::mem::take(&mut self.ears.lines)
    }

    /// Time passes, and a turn.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.turn();
    }

    /// Someone at the other end who has said nothing yet.
    pub(super) fn connect(&mut self) -> Client {
        let client = Client::new(TcpStream::connect(self.address).unwrap());
        let accepted = self.net.tally().accepted;
        self.until(|it| accepted < it.net.tally().accepted);
        client
    }

    /// Someone who has been let in.
    pub(super) fn enter(&mut self) -> (Client, ConnId) {
        let stream = TcpStream::connect(self.address).unwrap();
        self.enter_by(Client::new(stream))
    }

    /// Someone who has been let in and whose socket takes little at a time.
    pub(super) fn enter_narrow(&mut self) -> (Client, ConnId) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
        socket.connect(&self.address.into()).unwrap();
        self.enter_by(Client::new(socket.into()))
    }

    fn enter_by(&mut self, mut client: Client) -> (Client, ConnId) {
        let verdict = std::mem::replace(&mut self.ears.verdict, Verdict::Open(Compression::Off));
        if let Verdict::Open(_) = verdict {
            self.ears.verdict = verdict;
        }
        let count = self.ears.knocked.len();
        client.send(&request());
        self.until(|it| count < it.ears.knocked.len());
        self.ears.lines.clear();
        client.read_answer(self);
        (client, self.ears.knocked[count])
    }

    /// Gives someone more and more until its socket takes nothing and its outbox is full; answers
    /// what it was given.
    pub(super) fn fill(&mut self, conn: ConnId) -> Vec<String> {
        let mut given = Vec::new();
        let mut is_full = false;
        while !is_full {
            let text = numbered(given.len() + 1, 5000).pop().expect("at least one");
            is_full = !self.fan_out(std::slice::from_ref(&text), &[(conn, 0)]).is_empty();
            given.extend((!is_full).then_some(text));
            let waiting = self.net.outbox_bytes();
            self.turn();
            is_full &= self.net.outbox_bytes() == waiting;
        }
        self.ears.lines.clear();
        given
    }

    /// Gives a batch to members, each with how many it has already.
    pub(super) fn fan_out(
        &mut self,
        texts: &[String],
        members: &[(ConnId, usize)],
    ) -> Vec<Overfull> {
        let mut overfull = Vec::new();
        let mut batch = Batch::new(texts.to_vec());
        self.net.fan_out(&mut batch, members.iter().copied(), &mut overfull);
        overfull
    }
}

pub(super) fn request() -> Vec<u8> {
    wire::client::request("localhost", "/", [7; 16], &[])
}

/// A masked frame.
pub(super) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    wire::client::frame(opcode, payload, [1, 2, 3, 4])
}

pub(super) fn text(text: &str) -> Vec<u8> {
    frame(Opcode::Text, text.as_bytes())
}

/// As many texts of that length, each told apart by its number.
pub(super) fn numbered(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|it| format!("{it:0>6}{}", ".".repeat(length - 6))).collect()
}

/// The other end. Does not block.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    reader: Reader,
    /// What has come, whole.
    pub(super) bytes: Vec<u8>,
    pub(super) has_ended: bool,
    fed: usize,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_nonblocking(true).unwrap();
        let reader = Reader::default();
        Self { stream, reader, bytes: Vec::new(), has_ended: false, fed: 0 }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends more than the sockets take at once.
    pub(super) fn send_long(&mut self, world: &mut World, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            world.turn();
        }
    }

    /// Takes what has come.
    pub(super) fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.has_ended = true;
                    return;
                }
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("read: {error}"),
            }
        }
    }

    /// Reads the answer to the handshake, and keeps what follows it.
    pub(super) fn read_answer(&mut self, world: &mut World) {
        world.until(|_| {
            self.read();
            SWITCHED.len() <= self.bytes.len()
        });
        assert!(self.bytes.starts_with(SWITCHED));
        self.bytes.drain(..SWITCHED.len());
    }

    /// The next frame that has come: what it is, and whether it is compressed.
    pub(super) fn next(&mut self) -> Option<(Opcode, bool, Vec<u8>)> {
        self.reader.feed(&self.bytes[self.fed..]);
        self.fed = self.bytes.len();
        let frame = self.reader.next().unwrap()?;
        Some((frame.opcode, frame.compressed, frame.payload.to_vec()))
    }

    /// Reads so many frames, as text: `close 4000` for those that end it.
    pub(super) fn frames(&mut self, world: &mut World, count: usize) -> Vec<String> {
        let mut frames = Vec::new();
        world.until(|_| {
            self.read();
            while let Some((opcode, _, payload)) = self.next() {
                frames.push(worded(opcode, &payload));
            }
            count <= frames.len()
        });
        frames
    }

    /// Reads to the end of the stream.
    pub(super) fn read_to_end(&mut self, world: &mut World) {
        world.until(|_| {
            self.read();
            self.has_ended
        });
    }
}

fn worded(opcode: Opcode, payload: &[u8]) -> String {
    let shown = String::from_utf8_lossy(payload);
    match (opcode, payload) {
        (Opcode::Text, _) => shown.into_owned(),
        (Opcode::Close, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            format!("close {code} {}", String::from_utf8_lossy(reason)).trim_end().to_owned()
        }
        _ => format!("{} {shown}", format!("{opcode:?}").to_lowercase()).trim_end().to_owned(),
    }
}
