//! The loop's body: wait for readiness, read what came, write what is due.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, Waker, net::TcpListener};
use proto::ConnId;
use rustls::ServerConfig;
use wire::{Bounds, Deflater, HeadLimits, Inflater};

use crate::{
    ears::{Ears, Trouble},
    link::{Handoff, Link},
    queue::Queue,
    sock::{Sock, Stage},
    socks::Socks,
    tally::Tally,
};

mod accepting; // New sockets, and waiting when there can be none.
mod leaving; // Refusals, goodbyes, handing off.
mod reading; // Heads and frames.
mod writing; // One write per socket per turn.

pub use writing::Overfull;

/// Bounds and deadlines of sockets, the same for all routes.
#[derive(Clone, Debug)]
pub struct Limits {
    pub head: HeadLimits,
    /// From accept to a whole head, TLS included, in all and not per read (H7).
    pub head_within: Duration,
    /// From the first byte of a message to its last (F3).
    pub message_within: Duration,
    /// How long a socket with something to write may take nothing (F10).
    pub stall_within: Duration,
    /// How long the peer may take to answer a goodbye.
    pub goodbye_within: Duration,
    /// Bytes and frames that may wait for one socket (F10).
    pub outbox_bytes_max: usize,
    pub outbox_frames_max: usize,
    /// Open sockets on this shard; beyond it, new ones are not accepted until one closes.
    pub sockets_max: usize,
}

/// How an upgraded connection is read.
#[derive(Clone, Copy, Debug)]
pub struct OpenAs {
    /// Which of the bounds given to [`Net::new`] its messages are held to.
    pub bounds: u16,
    pub compression: Compression,
}

/// permessage-deflate without context takeover, where negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Off,
    /// The window towards the client, 9 to 15 bits.
    Messages {
        window_bits: u8,
    },
}

/// The proxies in front of us: who they are, and how what they say of a connection is read.
pub trait ProxyHeaders: fmt::Debug + Send {
    /// Whether connections of this peer begin with a header. One from anybody else is not looked
    /// for, so that nobody can say where they come from but whoever is trusted to (H9).
    fn are_from(&self, peer: IpAddr) -> bool;

    fn parse(&self, bytes: &[u8]) -> Proxy;
}

/// What a PROXY header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    Incomplete,
    /// Whom it names, if anyone, and its length.
    Whole {
        source: Option<SocketAddr>,
        bytes: usize,
    },
    Malformed,
}

/// More than the largest PROXY header that is taken.
const PROXY_BYTES_MAX: usize = 1280;

/// Read at once. Larger gains nothing measurable; smaller costs a system call more per large
/// message.
const BUFFER_BYTES: usize = 64 * 1024;

/// Events taken per turn. Others wait their turn: fairness between reading and everything else.
const EVENTS_MAX: usize = 512;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// The sockets of one shard.
#[derive(Debug)]
pub struct Net {
    poll: Poll,
    events: Option<Events>,
    waker: Arc<Waker>,
    listener: Option<TcpListener>,
    tls: Option<Arc<ServerConfig>>,
    proxy: Option<Box<dyn ProxyHeaders>>,
    limits: Limits,
    bounds: Vec<Bounds>,
    socks: Socks,
    /// One read buffer for all sockets.
    buffer: Vec<u8>,
    /// Taken out while it is at work.
    inflater: Option<Inflater>,
    /// By window size, made when first wanted.
    deflaters: [Option<Box<Deflater>>; 16],
    /// Sockets that have more to read than one turn takes.
    unread: Vec<ConnId>,
    /// Sockets with something new to write.
    dirty: Vec<ConnId>,
    /// Told apart in [`Sock::turn`].
    turn: u32,
    now: Instant,
    began: Instant,
    heads: Queue,
    messages: Queue,
    stalls: Queue,
    goodbyes: Queue,
    accepting: accepting::Accepting,
    tally: Tally,
}

impl Net {
    /// `bounds` are what [`OpenAs::bounds`] chooses from. `now` is where its time begins.
    /// Connections live their `first_life` and later ones: whoever replaces a net that failed
    /// begins beyond it, so that what is still on its way to old connections finds nobody.
    ///
    /// # Errors
    /// When the operating system has no epoll for us.
    pub fn new(
        listener: StdListener,
        limits: Limits,
        bounds: Vec<Bounds>,
        first_life: u32,
        now: Instant,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Some(Events::with_capacity(EVENTS_MAX)),
            waker,
            listener: Some(listener),
            tls: None,
            proxy: None,
            heads: Queue::new(limits.head_within),
            messages: Queue::new(limits.message_within),
            stalls: Queue::new(limits.stall_within),
            goodbyes: Queue::new(limits.goodbye_within),
            limits,
            bounds,
            socks: Socks::new(first_life),
            buffer: vec![0; BUFFER_BYTES],
            inflater: Some(Inflater::new()),
            deflaters: [const { None }; 16],
            unread: Vec::new(),
            dirty: Vec::new(),
            turn: 0,
            now,
            began: now,
            accepting: accepting::Accepting::default(),
            tally: Tally::default(),
        })
    }

    /// Speak TLS on every socket accepted from here on. Called again to change certificates.
    pub fn speak_tls(&mut self, config: Arc<ServerConfig>) {
        self.tls = Some(config);
    }

    /// Require a PROXY header on every socket of a proxy.
    pub fn require_proxy_header(&mut self, headers: Box<dyn ProxyHeaders>) {
        self.proxy = Some(headers);
    }

    /// Ends [`Net::wait`] from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sockets of any kind: knocking, open or leaving.
    pub const fn socket_count(&self) -> usize {
        self.socks.count()
    }

    /// A place among connections for one without a socket here. Whatever is sent to it goes
    /// nowhere; no socket gets the place before [`Net::free`].
    pub fn reserve(&mut self) -> ConnId {
        self.socks.reserve()
    }

    /// Gives back a place without a socket. Means nothing for any other connection.
    pub fn free(&mut self, conn: ConnId) {
        self.socks.free(conn);
    }

    /// The first life for whoever replaces this net.
    pub fn next_life(&self) -> u32 {
        self.socks.next_life()
    }

    /// Some have been told goodbye and have not gone. Walks every socket: for the end of a drain.
    pub fn has_leaving(&self) -> bool {
        self.socks.all().any(|it| matches!(it.stage, Stage::Leaving(_)))
    }

    /// Waits until something is ready, `until` comes, or the waker calls.
    ///
    /// # Errors
    /// When epoll itself fails, which nothing here can mend.
    pub fn wait(&mut self, until: Option<Instant>, now: Instant) -> io::Result<()> {
        let deadlines = [
            until,
            self.heads.next(),
            self.messages.next(),
            self.stalls.next(),
            self.goodbyes.next(),
            self.accepting.retry_at(),
        ];
        let next = deadlines.into_iter().flatten().min();
        let mut timeout = next.map(|it| it.saturating_duration_since(now));
        if !self.unread.is_empty() || self.accepting.is_pending() {
            timeout = Some(Duration::ZERO);
        }
        let events = self.events.as_mut().expect("events are put back after every turn");
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            done => done,
        }
    }

    /// Reads everything that became ready in [`Net::wait`] and keeps deadlines. `ears` hears of it.
    pub fn listen(&mut self, now: Instant, ears: &mut impl Ears) {
        self.now = now;
        self.turn = self.turn.wrapping_add(1);
        let events = self.events.take().expect("events are put back after every turn");
        let mut buffer = std::mem::take(&mut self.buffer);
        for conn in std::mem::take(&mut self.unread) {
            if let Some(sock) = self.socks.find(conn) {
                sock.is_unread = false;
            }
            self.catch_up(conn, ears);
            self.read(conn, &mut buffer, true, ears);
        }
        for event in &events {
            match event.token() {
                LISTENER => self.accepting.call(),
                WAKER => {}
                Token(slot) => {
                    let Some(conn) = self.socks.in_slot(slot) else { continue };
                    if event.is_writable() {
                        self.write_on(conn, ears);
                    }
                    if event.is_error() && self.socks.find(conn).is_some_and(|it| it.is_paused) {
                        // Reading would find out, and is not to be.
                        self.lose(conn, ears);
                    } else if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.read(conn, &mut buffer, event.is_read_closed(), ears);
                    }
                }
            }
        }
        self.accept();
        self.events = Some(events);
        self.buffer = buffer;
        self.keep_deadlines(ears);
    }

    fn keep_deadlines(&mut self, ears: &mut impl Ears) {
        let now = self.now;
        while let Some(conn) = self.heads.pop_due(now) {
            let stage = self.socks.find(conn).map(|it| &it.stage);
            if matches!(stage, Some(Stage::Knocking(_) | Stage::Awaiting(_))) {
                ears.troubled(self, conn, Trouble::HeadLate);
            }
        }
        while let Some(conn) = self.messages.pop_due(now) {
            self.look_at_message(conn, ears);
        }
        while let Some(conn) = self.stalls.pop_due(now) {
            self.look_at_stall(conn, ears);
        }
        while let Some(conn) = self.goodbyes.pop_due(now) {
            let stage = self.socks.find(conn).map(|it| &it.stage);
            if matches!(stage, Some(Stage::Leaving(_))) {
                self.discard(conn);
            }
        }
    }

    /// An unfinished message, or another after it: is it late?
    fn look_at_message(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let (wait, now) = (self.messages.wait(), self.now);
        let Some(sock) = self.socks.find(conn) else { return };
        sock.is_timed = false;
        let Some(since) = sock.partial_since.filter(|_| sock.is_open()) else { return };
        if since + wait <= now {
            ears.troubled(self, conn, Trouble::MessageLate);
            return;
        }
        // One entry a socket, or whoever sends halves of messages would fill the queue. So a later
        // message is looked at up to once again its time too late.
        sock.is_timed = true;
        self.messages.push(now, conn);
    }

    /// A socket that had something to write: has it moved since it was put into the queue?
    fn look_at_stall(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let wait = self.stalls.wait();
        let now = self.now;
        let Some(sock) = self.socks.find(conn) else { return };
        let is_open = sock.is_open();
        let Some(outbox) = &mut sock.outbox else { return };
        outbox.is_watched = false;
        if outbox.is_idle() {
            sock.outbox = None;
            return;
        }
        // What is kept back waits for an application, which is not the peer's fault.
        if outbox.is_empty() {
            return;
        }
        if is_open && outbox.is_stuck(now, wait) {
            ears.troubled(self, conn, Trouble::Stalled);
            return;
        }
        outbox.is_watched = true;
        self.stalls.push(now, conn);
    }

    /// Takes a socket from another shard, with everything that was read of it: its head is shown
    /// as if it had come here. One that there is no room for is dropped.
    pub fn take_over(&mut self, handoff: Handoff, ears: &mut impl Ears) {
        let Handoff { stream, tls, already_read, peer } = handoff;
        if self.limits.sockets_max <= self.socks.count() || stream.set_nonblocking(true).is_err() {
            return;
        }
        // Its PROXY header was read over there, and `peer` is whom it named.
        let sock = Sock::new(Link::from_parts(stream, tls), peer, self.now, false);
        let Some(conn) = self.register(sock) else { return };
        let mut bytes = already_read;
        self.take_in(conn, &mut bytes, ears);
        self.read_again(conn);
    }

    fn adopt(&mut self, link: Link, peer: SocketAddr) {
        let is_proxy = self.proxy.as_ref().is_some_and(|it| it.are_from(peer.ip()));
        self.register(Sock::new(link, peer, self.now, is_proxy));
    }

    fn register(&mut self, sock: Sock) -> Option<ConnId> {
        let conn = self.socks.insert(sock);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let sock = self.socks.find(conn).expect("it was inserted above");
        let token = Token(conn.slot());
        if self.poll.registry().register(sock.link.stream(), token, interest).is_err() {
            // Out of memory for the interest list; the peer sees a reset and comes back.
            self.socks.remove(conn);
            return None;
        }
        self.heads.push(self.now, conn);
        Some(conn)
    }

    /// Bytes that wait in all outboxes of this shard. Walks every socket: not for every turn.
    pub fn outbox_bytes(&self) -> usize {
        self.socks.all().filter_map(|it| it.outbox.as_ref()).map(|it| it.bytes()).sum()
    }
}
