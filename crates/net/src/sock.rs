//! What the net remembers of one socket.

use std::{fmt, net::SocketAddr, time::Instant};

use wire::{Decoder, HeadScan};

use crate::{link::Link, outbox::Outbox};

/// One socket. Small, and without a buffer of its own while nothing is partial.
#[derive(Debug)]
pub(crate) struct Sock {
    pub(crate) link: Link,
    pub(crate) stage: Stage,
    pub(crate) decoder: Decoder,
    pub(crate) outbox: Option<Box<Outbox>>,
    /// Bytes read and not decoded: reading is paused, or they followed the head.
    pub(crate) kept: Vec<u8>,
    /// When the message that is partial began.
    pub(crate) partial_since: Option<Instant>,
    /// Which bounds messages are held to.
    pub(crate) bounds: u16,
    /// The window of permessage-deflate towards this client; 0 without.
    pub(crate) window_bits: u8,
    pub(crate) is_paused: bool,
    /// Something came while reading was paused, which is announced only once.
    pub(crate) has_unread: bool,
    /// It is among those that are read again in the next turn.
    pub(crate) is_unread: bool,
    /// The queue for unfinished messages knows about it.
    pub(crate) is_timed: bool,
    /// The peer has ended its side, and is still owed a goodbye.
    pub(crate) has_ended: bool,
    /// In which turn a batch last wanted to write here, and how many did.
    pub(crate) turn: u32,
    pub(crate) batches: u8,
    /// Control frames are counted by the second.
    pub(crate) pings: u8,
    pub(crate) pings_in: u32,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// A PROXY header or a request head is being read.
    Knocking(Box<Knocking>),
    /// The head is whole; a verdict is awaited.
    Awaiting(Box<Knocking>),
    Open,
    /// A goodbye has been said; waits for the peer's, until a deadline.
    Leaving(Leaving),
}

pub(crate) struct Knocking {
    pub(crate) bytes: Vec<u8>,
    pub(crate) scan: HeadScan,
    pub(crate) head_bytes: usize,
    pub(crate) peer: SocketAddr,
    pub(crate) since: Instant,
    pub(crate) awaits_proxy_header: bool,
}

/// Without the bytes, which may hold a token.
impl fmt::Debug for Knocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knocking").field("peer", &self.peer).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Our close frame is on its way; theirs ends it.
    Closing,
    /// All is said; once it is written, only the peer's end of the stream is awaited, so that the
    /// kernel does not throw away what we sent last.
    Ending,
}

impl Sock {
    pub(crate) fn new(
        link: Link,
        peer: SocketAddr,
        since: Instant,
        awaits_proxy_header: bool,
    ) -> Self {
        let knocking = Knocking {
            bytes: Vec::new(),
            scan: HeadScan::default(),
            head_bytes: 0,
            peer,
            since,
            awaits_proxy_header,
        };
        Self {
            link,
            stage: Stage::Knocking(Box::new(knocking)),
            decoder: Decoder::default(),
            outbox: None,
            kept: Vec::new(),
            partial_since: None,
            bounds: 0,
            window_bits: 0,
            is_paused: false,
            has_unread: false,
            is_unread: false,
            is_timed: false,
            has_ended: false,
            turn: 0,
            batches: 0,
            pings: 0,
            pings_in: 0,
        }
    }

    /// Something said is not written yet.
    pub(crate) fn is_owed(&self) -> bool {
        self.outbox.as_ref().is_some_and(|it| !it.is_empty()) || !self.link.is_flushed()
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }
}
