//! Verdicts and goodbyes: open, refuse, hand off, close.

use std::time::Duration;

use bytes::Bytes;
use proto::ConnId;

use super::{Compression, Net, OpenAs};
use crate::{
    ears::Ears,
    link::Handoff,
    sock::{Leaving, Stage},
};

impl Net {
    /// Answers a head with a 101 and reads frames from here on. Tells how long that took, from
    /// accept.
    pub fn open(&mut self, conn: ConnId, response: Vec<u8>, open_as: OpenAs) -> Duration {
        let now = self.now;
        let Some(sock) = self.socks.find(conn) else { return Duration::ZERO };
        let Stage::Awaiting(knocking) = &mut sock.stage else { return Duration::ZERO };
        let took = now.saturating_duration_since(knocking.since);
        // While the verdict was awaited more may have come. While the head is being shown, nothing
        // is here: whoever shows it sees to the rest.
        let early = knocking.head_bytes.min(knocking.bytes.len());
        sock.kept = knocking.bytes.split_off(early);
        sock.stage = Stage::Open;
        sock.bounds = open_as.bounds;
        sock.window_bits = match open_as.compression {
            Compression::Off => 0,
            Compression::Messages { window_bits } => window_bits,
        };
        if !sock.kept.is_empty() {
            self.read_again(conn);
        }
        self.outbox(conn, |outbox| outbox.push(response.into()));
        took
    }

    /// Answers a head with something else, and ends the connection.
    pub fn refuse(&mut self, conn: ConnId, response: Vec<u8>) {
        self.say_last(conn, response.into(), Leaving::Ending);
    }

    /// Sends a last message, where there is one, and a close frame; an empty one if `code` is zero.
    ///
    /// With `is_last` nothing more is awaited from the peer: it has closed first, or makes no
    /// sense.
    pub fn close(
        &mut self,
        conn: ConnId,
        last: Option<&str>,
        code: u16,
        reason: &str,
        is_last: bool,
    ) {
        let mut bytes = Vec::new();
        if let Some(text) = last {
            wire::frame_into(&mut bytes, wire::Opcode::Text, text.as_bytes(), false);
        }
        match code {
            0 => wire::frame_into(&mut bytes, wire::Opcode::Close, b"", false),
            code => bytes.extend(wire::close_frame(code, reason)),
        }
        let leaving = if is_last { Leaving::Ending } else { Leaving::Closing };
        self.say_last(conn, bytes.into(), leaving);
    }

    fn say_last(&mut self, conn: ConnId, bytes: Bytes, leaving: Leaving) {
        let now = self.now;
        let max = self.limits.outbox_bytes_max;
        let Some(sock) = self.socks.find(conn) else { return };
        if matches!(sock.stage, Stage::Leaving(_)) {
            return;
        }
        sock.stage = Stage::Leaving(leaving);
        // Whoever was paused is read again: their goodbye is awaited.
        sock.is_paused = false;
        sock.kept = Vec::new();
        self.outbox(conn, |outbox| {
            outbox.release();
            // Whoever does not read what waits already would never get to the goodbye.
            if max / 2 < outbox.bytes() {
                outbox.clear();
            }
            outbox.push(bytes);
        });
        self.goodbyes.push(now, conn);
        self.read_again(conn);
    }

    /// The peer has answered the goodbye: end our side of the stream too, once all is written.
    pub(super) fn end(&mut self, conn: ConnId) {
        let Some(sock) = self.socks.find(conn) else { return };
        sock.stage = Stage::Leaving(Leaving::Ending);
        if sock.outbox.as_ref().is_none_or(|it| it.is_empty()) {
            sock.link.finish();
        }
    }

    /// Gives the socket away, with everything read of it, to be spoken to in another protocol.
    pub fn hand_off(&mut self, conn: ConnId, already_read: Vec<u8>) -> Option<Handoff> {
        let mut sock = self.socks.remove(conn)?;
        let Stage::Awaiting(knocking) = &sock.stage else { return None };
        let peer = knocking.peer;
        self.poll.registry().deregister(sock.link.stream()).ok()?;
        let (stream, tls) = sock.link.into_parts();
        Some(Handoff { stream, tls, already_read, peer })
    }

    /// Tells every open connection goodbye, as far as its socket takes it now: the net is given up.
    pub fn abandon(&mut self, code: u16, reason: &str) {
        let frame = wire::close_frame(code, reason);
        for conn in self.socks.iter().collect::<Vec<_>>() {
            if let Some(sock) =
                self.socks.find(conn).filter(|it| it.is_open() && it.outbox.is_none())
            {
                // Whoever does not get it sees the stream end, and comes back as well.
                let _ = sock.link.write(&[std::io::IoSlice::new(&frame)]);
                sock.link.finish();
            }
        }
    }

    /// Closes the socket at once, without a word.
    pub fn discard(&mut self, conn: ConnId) {
        if let Some(mut sock) = self.socks.remove(conn) {
            // Closing the descriptor deregisters it; this says so first.
            let _ = self.poll.registry().deregister(sock.link.stream());
        }
    }

    /// The socket is gone. Told to `ears` unless the connection was leaving, or had not come in.
    pub(super) fn lose(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let stage = self.socks.find(conn).map(|it| &it.stage);
        let is_missed = matches!(stage, Some(Stage::Open | Stage::Awaiting(_)));
        self.discard(conn);
        if is_missed {
            ears.lost(self, conn);
        }
    }
}
