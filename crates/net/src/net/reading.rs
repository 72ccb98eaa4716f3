//! Heads and frames: from bytes to what they say.

use std::{
    io::{self, Read as _},
    net::SocketAddr,
};

use proto::ConnId;
use wire::{Arrived, Decoder};

use super::{BUFFER_BYTES, Net, PROXY_BYTES_MAX, Proxy};
use crate::{
    ears::{Ears, Knock, Trouble},
    sock::{Leaving, Stage},
};

/// Pings and pongs a client may send in one second before it is taken for an attacker (F9).
const PINGS_MAX: u8 = 50;

impl Net {
    /// Reads a socket until it has no more, or one buffer full; the rest waits for the next turn.
    ///
    /// `to_end`: the stream may have ended behind what is there, which is announced only once.
    pub(super) fn read(
        &mut self,
        conn: ConnId,
        buffer: &mut [u8],
        to_end: bool,
        ears: &mut impl Ears,
    ) {
        if !self.pass_proxy_header(conn, ears) {
            return;
        }
        loop {
            let Some(sock) = self.socks.find(conn) else { return };
            if sock.is_paused {
                sock.has_unread = true;
                return;
            }
            let is_tls = sock.link.is_tls();
            match sock.link.read(buffer) {
                Ok(0) => {
                    self.hear_end(conn, ears);
                    return;
                }
                Ok(count) => {
                    self.tally.bytes_in += count as u64;
                    self.take_in(conn, &mut buffer[..count], ears);
                    // A short read from a plain socket has emptied it (epoll(7), question 9). TLS
                    // may hold plaintext that no event will announce, so it is read to the end.
                    match count < BUFFER_BYTES {
                        true if is_tls || to_end => {}
                        true => return,
                        false => {
                            self.read_again(conn);
                            return;
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.lose(conn, ears);
                    return;
                }
            }
        }
    }

    /// In the next turn, for nothing will announce what is left.
    pub(super) fn read_again(&mut self, conn: ConnId) {
        let Some(sock) = self.socks.find(conn) else { return };
        if !std::mem::replace(&mut sock.is_unread, true) {
            self.unread.push(conn);
        }
    }

    /// The peer has ended its side of the stream. It may still read: a goodbye gets through first.
    fn hear_end(&mut self, conn: ConnId, ears: &mut impl Ears) {
        match self.socks.find(conn) {
            Some(sock) if matches!(sock.stage, Stage::Leaving(_)) && sock.is_owed() => {
                sock.has_ended = true;
            }
            Some(_) | None => self.lose(conn, ears),
        }
    }

    pub(super) fn take_in(&mut self, conn: ConnId, bytes: &mut [u8], ears: &mut impl Ears) {
        let Some(sock) = self.socks.find(conn) else { return };
        match &mut sock.stage {
            Stage::Knocking(knocking) | Stage::Awaiting(knocking) => {
                knocking.bytes.extend_from_slice(bytes);
                self.look_at_head(conn, ears);
            }
            Stage::Open | Stage::Leaving(Leaving::Closing) => self.decode(conn, bytes, ears),
            Stage::Leaving(Leaving::Ending) => {}
        }
    }

    /// Finds the end of the head, and says that somebody knocks.
    fn look_at_head(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let Some(sock) = self.socks.find(conn) else { return };
        let Stage::Knocking(knocking) = &mut sock.stage else {
            self.bound_waiting(conn, ears);
            return;
        };
        match knocking.scan.find(&knocking.bytes, &self.limits.head) {
            Ok(None) => {}
            Err(fault) => ears.troubled(self, conn, Trouble::Head(fault)),
            Ok(Some(head_bytes)) => {
                knocking.head_bytes = head_bytes;
                let stage = std::mem::replace(&mut sock.stage, Stage::Open);
                let Stage::Knocking(knocking) = stage else { return };
                sock.stage = Stage::Awaiting(knocking);
                self.knock(conn, ears);
            }
        }
    }

    /// Who sends on while a verdict is awaited has patience for no more than a head's worth.
    fn bound_waiting(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let max = self.limits.head.bytes_max + BUFFER_BYTES;
        let Some(sock) = self.socks.find(conn) else { return };
        if let Stage::Awaiting(knocking) = &sock.stage
            && max < knocking.bytes.len()
        {
            ears.troubled(self, conn, Trouble::Head(wire::HeadFault::TooLarge));
        }
    }

    /// Shows the head of a waiting connection, again if need be.
    pub fn knock(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let Some(sock) = self.socks.find(conn) else { return };
        let is_tls = sock.link.is_tls();
        let Stage::Awaiting(knocking) = &mut sock.stage else { return };
        let bytes = std::mem::take(&mut knocking.bytes);
        let (head_bytes, peer) = (knocking.head_bytes, knocking.peer);
        let knock = Knock { bytes: &bytes, head_bytes, peer, is_tls };
        ears.knocked(self, conn, &knock);
        self.after_knock(conn, bytes, head_bytes, ears);
    }

    /// What was read with the head goes where the verdict says.
    fn after_knock(
        &mut self,
        conn: ConnId,
        mut bytes: Vec<u8>,
        head_bytes: usize,
        ears: &mut impl Ears,
    ) {
        let Some(sock) = self.socks.find(conn) else { return };
        match &mut sock.stage {
            Stage::Awaiting(knocking) | Stage::Knocking(knocking) => knocking.bytes = bytes,
            Stage::Open => {
                if head_bytes < bytes.len() {
                    self.decode(conn, &mut bytes[head_bytes..], ears);
                }
            }
            // Nothing behind a refused request is ever looked at (H4).
            Stage::Leaving(_) => {}
        }
    }

    fn decode(&mut self, conn: ConnId, bytes: &mut [u8], ears: &mut impl Ears) {
        let Some(sock) = self.socks.find(conn) else { return };
        let mut decoder = std::mem::take(&mut sock.decoder);
        let mut kept = std::mem::take(&mut sock.kept);
        // What was kept while reading was paused comes first.
        let input = if kept.is_empty() {
            bytes
        } else {
            kept.extend_from_slice(bytes);
            kept.as_mut_slice()
        };
        let done = self.decode_all(conn, &mut decoder, input, ears);
        let rest = input[done..].to_vec();
        let now = self.now;
        if let Some(sock) = self.socks.find(conn) {
            sock.partial_since = decoder.is_partial().then(|| sock.partial_since.unwrap_or(now));
            sock.decoder = decoder;
            sock.kept = rest;
            if sock.partial_since.is_some() && !std::mem::replace(&mut sock.is_timed, true) {
                self.messages.push(now, conn);
            }
        }
    }

    /// Decodes until the input is used up, the connection is paused or gone; answers how far it
    /// got.
    fn decode_all(
        &mut self,
        conn: ConnId,
        decoder: &mut Decoder,
        input: &mut [u8],
        ears: &mut impl Ears,
    ) -> usize {
        let mut done = 0;
        // Taken out, because what is decoded borrows from it while the net is in use.
        let mut inflater = self.inflater.take();
        while let Some(sock) = self.socks.find(conn).filter(|it| !it.is_paused) {
            let bounds = self.bounds[usize::from(sock.bounds)];
            let is_leaving = matches!(sock.stage, Stage::Leaving(_));
            let inflater = inflater.as_mut().filter(|_| sock.window_bits != 0);
            match decoder.next(&mut input[done..], &bounds, inflater) {
                Ok(step) => {
                    done += step.consumed;
                    let Some(arrived) = step.arrived else { break };
                    if !is_leaving {
                        self.hear(conn, arrived, ears);
                    } else if matches!(arrived, Arrived::Close(_)) {
                        self.end(conn);
                    }
                    // The next message begins where this one ended. A control frame in the middle
                    // of one ends nothing, or pings would buy a message any time (F3).
                    if !decoder.is_partial()
                        && let Some(sock) = self.socks.find(conn)
                    {
                        sock.partial_since = None;
                    }
                }
                Err(fault) => {
                    done = input.len();
                    if is_leaving {
                        self.end(conn);
                    } else {
                        ears.troubled(self, conn, Trouble::Frame(fault));
                    }
                    break;
                }
            }
        }
        self.inflater = inflater;
        done
    }

    fn hear(&mut self, conn: ConnId, arrived: Arrived<'_>, ears: &mut impl Ears) {
        if matches!(arrived, Arrived::Ping(_) | Arrived::Pong(_)) {
            let second = u32::try_from((self.now - self.began).as_secs()).unwrap_or(u32::MAX);
            let Some(sock) = self.socks.find(conn) else { return };
            if sock.pings_in != second {
                (sock.pings_in, sock.pings) = (second, 0);
            }
            sock.pings += 1;
            if PINGS_MAX < sock.pings {
                ears.troubled(self, conn, Trouble::TooManyPings);
                return;
            }
        }
        if let Arrived::Ping(payload) = arrived {
            let pong = wire::pong(payload).into();
            self.outbox(conn, |outbox| outbox.pong(pong));
        }
        ears.arrived(self, conn, arrived);
    }

    /// Stops reading until [`Net::resume`]. What is in the kernel stays there, and the peer waits.
    pub fn pause(&mut self, conn: ConnId) {
        if let Some(sock) = self.socks.find(conn) {
            sock.is_paused = true;
        }
    }

    pub fn resume(&mut self, conn: ConnId) {
        if let Some(sock) = self.socks.find(conn) {
            sock.is_paused = false;
            if std::mem::take(&mut sock.has_unread) || !sock.kept.is_empty() {
                self.read_again(conn);
            }
        }
    }

    /// Decodes what was kept while reading was paused. True if there may be more to read.
    pub(super) fn catch_up(&mut self, conn: ConnId, ears: &mut impl Ears) {
        if self.socks.find(conn).is_some_and(|it| !it.kept.is_empty() && !it.is_paused) {
            self.decode(conn, &mut [], ears);
        }
    }

    /// Reads the PROXY header where one is required. True when there is nothing (more) of it to
    /// read.
    fn pass_proxy_header(&mut self, conn: ConnId, ears: &mut impl Ears) -> bool {
        let (Some(headers), Some(sock)) = (&self.proxy, self.socks.find(conn)) else { return true };
        let Stage::Knocking(knocking) = &mut sock.stage else { return true };
        if !knocking.awaits_proxy_header {
            return true;
        }
        let mut header = [0; PROXY_BYTES_MAX];
        let peeked = match sock.link.stream().peek(&mut header) {
            Ok(0) => {
                self.lose(conn, ears);
                return false;
            }
            Ok(count) => &header[..count],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => {
                self.lose(conn, ears);
                return false;
            }
        };
        match headers.parse(peeked) {
            Proxy::Incomplete => false,
            Proxy::Whole { source, bytes } => self.begin_behind_proxy(conn, source, bytes),
            Proxy::Malformed => {
                self.discard(conn);
                false
            }
        }
    }

    fn begin_behind_proxy(
        &mut self,
        conn: ConnId,
        source: Option<SocketAddr>,
        bytes: usize,
    ) -> bool {
        let Some(sock) = self.socks.find(conn) else { return false };
        let mut header = [0; PROXY_BYTES_MAX];
        // These bytes were peeked, so they are there. The header is outside of TLS.
        if sock.link.stream().read(&mut header[..bytes]).ok() != Some(bytes) {
            self.discard(conn);
            return false;
        }
        if let Stage::Knocking(knocking) = &mut sock.stage {
            knocking.awaits_proxy_header = false;
            knocking.peer = source.unwrap_or(knocking.peer);
        }
        true
    }
}
