//! What the net tells whoever runs it.

use std::{fmt, net::SocketAddr};

use proto::ConnId;
use wire::{Arrived, Fault, HeadFault};

use crate::net::Net;

/// Hears what happens on the sockets. Each call may use the net at once, to answer or to close.
pub trait Ears {
    /// A whole request head is here. Answer with [`Net::open`], [`Net::refuse`] or
    /// [`Net::hand_off`]; or answer later: the connection waits, and [`Net::knock`] shows the head
    /// again.
    fn knocked(&mut self, net: &mut Net, conn: ConnId, knock: &Knock<'_>);

    /// A message or control frame of an open connection. Pings are answered already; a close has to
    /// be answered with [`Net::close`].
    fn arrived(&mut self, net: &mut Net, conn: ConnId, arrived: Arrived<'_>);

    /// Something is wrong with the connection. Answer with [`Net::refuse`] before the upgrade and
    /// with [`Net::close`] after it, else it stays.
    fn troubled(&mut self, net: &mut Net, conn: ConnId, trouble: Trouble);

    /// The outbox of a connection that had been full is empty again.
    fn unclogged(&mut self, net: &mut Net, conn: ConnId);

    /// The outbox of a connection that was asked about with [`Net::is_empty_or_tell`] is empty.
    fn emptied(&mut self, net: &mut Net, conn: ConnId);

    /// The socket is gone, and nobody who runs the net had asked for that.
    fn lost(&mut self, net: &mut Net, conn: ConnId);
}

/// A request, as far as it has been read.
#[derive(Clone, Copy)]
pub struct Knock<'a> {
    /// Everything received, beginning with the head.
    pub bytes: &'a [u8],
    pub head_bytes: usize,
    /// Who is on the other end of the socket, or whom the PROXY header names.
    pub peer: SocketAddr,
    pub is_tls: bool,
}

/// Without the bytes, which may hold a token.
impl fmt::Debug for Knock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes: _, head_bytes, peer, is_tls } = self;
        f.debug_struct("Knock")
            .field("head_bytes", head_bytes)
            .field("peer", peer)
            .field("is_tls", is_tls)
            .finish_non_exhaustive()
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The request head is malformed or too large.
    Head(HeadFault),
    /// No whole head within the deadline; TLS counts (H7).
    HeadLate,
    /// A frame breaks the protocol or a bound.
    Frame(Fault),
    /// A message was begun and not finished within the deadline (F3).
    MessageLate,
    /// More control frames than any client needs (F9).
    TooManyPings,
    /// The peer has not read for so long that it is taken for gone (F10).
    Stalled,
}
