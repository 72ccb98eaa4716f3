//! One write per socket per turn.

use std::io::{ErrorKind, IoSlice};

use bytes::Bytes;
use proto::ConnId;
use wire::{Deflater, Opcode, deflate::WORTHWHILE_BYTES_MIN};

use super::Net;
use crate::{
    batch::{Batch, Frames},
    ears::Ears,
    outbox::Outbox,
    sock::{Leaving, Sock, Stage},
};

/// Batches are deflated for this window only; a client that asked for a smaller one gets them as
/// they are, which the extension allows for any message (RFC 7692 section 6).
const BATCH_WINDOW_BITS: u8 = 15;

/// A connection whose outbox would not take a batch, and how many frames of it were owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overfull {
    pub conn: ConnId,
    /// The first frame of the batch that it was owed and has not been given.
    pub from: usize,
}

impl Net {
    /// Queues a message for one connection; it is written at the end of the turn.
    ///
    /// False if the outbox is full; nothing was queued then. A connection that is gone takes
    /// anything.
    #[must_use]
    pub fn send(&mut self, conn: ConnId, opcode: Opcode, payload: &[u8]) -> bool {
        let bounds = (self.limits.outbox_frames_max, self.limits.outbox_bytes_max);
        let Some(sock) = self.socks.find(conn).filter(|it| it.is_open()) else { return true };
        if let Some(outbox) = &mut sock.outbox
            && !outbox.has_room(payload.len(), bounds)
        {
            outbox.is_clogged = true;
            return false;
        }
        let window_bits = sock.window_bits;
        let frame = self.framed(opcode, payload, window_bits);
        self.tally.frames_out += 1;
        self.outbox(conn, |outbox| outbox.push(frame));
        true
    }

    fn framed(&mut self, opcode: Opcode, payload: &[u8], window_bits: u8) -> Bytes {
        if window_bits == 0 || payload.len() < WORTHWHILE_BYTES_MIN {
            return wire::frame(opcode, payload, false).into();
        }
        let mut smaller = Vec::with_capacity(payload.len() / 2);
        self.deflater(window_bits).compress(payload, &mut smaller);
        wire::frame(opcode, &smaller, true).into()
    }

    fn deflater(&mut self, window_bits: u8) -> &mut Deflater {
        self.deflaters[usize::from(window_bits)]
            .get_or_insert_with(|| Box::new(Deflater::new(window_bits)))
    }

    /// Says beforehand that a batch is coming for these, so that a socket with several gets one
    /// write.
    ///
    /// Needed only in a turn with more than one batch.
    pub fn announce(&mut self, members: impl Iterator<Item = ConnId>) {
        let turn = self.turn;
        for conn in members {
            let Some(sock) = self.socks.find(conn) else { continue };
            if sock.turn != turn {
                (sock.turn, sock.batches) = (turn, 0);
            }
            sock.batches = sock.batches.saturating_add(1);
        }
    }

    /// Gives every member its part of the batch: all frames but the first `skip`.
    ///
    /// Written at once where the socket takes it. Whoever is too slow is named in `overfull` and
    /// not given the rest.
    pub fn fan_out(
        &mut self,
        batch: &mut Batch,
        members: impl Iterator<Item = (ConnId, usize)>,
        overfull: &mut Vec<Overfull>,
    ) {
        let mut deflating = Vec::new();
        let frames = batch.plain();
        for (conn, skip) in members {
            self.give(conn, skip, frames, Some(&mut deflating), overfull);
        }
        if deflating.is_empty() {
            return;
        }
        let frames = batch.deflated(self.deflater(BATCH_WINDOW_BITS));
        for (conn, skip) in deflating {
            self.give(conn, skip, frames, None, overfull);
        }
    }

    /// One member's part, unless it is one of those who are `deflating` and get theirs later.
    fn give(
        &mut self,
        conn: ConnId,
        skip: usize,
        frames: &Frames,
        deflating: Option<&mut Vec<(ConnId, usize)>>,
        overfull: &mut Vec<Overfull>,
    ) {
        let turn = self.turn;
        let Some(sock) = self.socks.find(conn).filter(|it| it.is_open()) else { return };
        if let Some(deflating) = deflating.filter(|_| sock.window_bits == BATCH_WINDOW_BITS) {
            deflating.push((conn, skip));
            return;
        }
        let (bytes, frames) = frames.after(skip);
        let has_several = sock.turn == turn && 1 < sock.batches;
        let is_idle = sock.outbox.as_ref().is_none_or(|it| it.is_idle());
        let is_tried = is_idle && !has_several && !bytes.is_empty();
        let mut written = 0;
        if is_tried {
            match sock.link.write(&[IoSlice::new(bytes)]) {
                Ok(count) => written = count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The reading side will notice that the peer is gone.
                Err(_) => return,
            }
        }
        if written == bytes.len() {
            self.count_out(frames.len(), written);
            return;
        }
        let bounds = (self.limits.outbox_frames_max, self.limits.outbox_bytes_max);
        let outbox = sock.outbox.get_or_insert_with(|| Box::new(Outbox::new()));
        let given = outbox.take(frames, written, bounds);
        outbox.is_clogged |= given < frames.len();
        self.count_out(given, written);
        if is_tried {
            self.watch(conn);
        } else if is_idle {
            self.mark_dirty(conn);
        }
        if given < frames.len() {
            overfull.push(Overfull { conn, from: skip + given });
        }
    }

    const fn count_out(&mut self, frames: usize, bytes: usize) {
        self.tally.writes += (0 < bytes) as u64;
        self.tally.frames_out += frames as u64;
        self.tally.bytes_out += bytes as u64;
    }

    /// Whether nothing waits for the connection's socket. If something does, [`Ears::emptied`]
    /// tells once it has gone. A connection that is gone has nothing waiting.
    pub fn is_empty_or_tell(&mut self, conn: ConnId) -> bool {
        let Some(sock) = self.socks.find(conn).filter(|it| it.is_open()) else { return true };
        match sock.outbox.as_mut().filter(|it| !it.is_idle()) {
            Some(outbox) => {
                outbox.is_awaited = true;
                false
            }
            None => true,
        }
    }

    /// Keeps publications back until [`Net::release`], behind what is sent meanwhile.
    pub fn hold(&mut self, conn: ConnId) {
        self.outbox(conn, Outbox::hold);
    }

    pub fn release(&mut self, conn: ConnId) {
        if self.socks.find(conn).is_some_and(|it| it.outbox.is_some()) {
            self.outbox(conn, Outbox::release);
        }
    }

    /// Changes a connection's outbox, making one if need be, and sees to its being written.
    pub(super) fn outbox(&mut self, conn: ConnId, change: impl FnOnce(&mut Outbox)) {
        let Some(sock) = self.socks.find(conn) else { return };
        let outbox = sock.outbox.get_or_insert_with(|| Box::new(Outbox::new()));
        change(outbox);
        self.mark_dirty(conn);
    }

    fn mark_dirty(&mut self, conn: ConnId) {
        let Some(outbox) = self.socks.find(conn).and_then(|it| it.outbox.as_mut()) else { return };
        if !std::mem::replace(&mut outbox.is_dirty, true) {
            self.dirty.push(conn);
        }
    }

    /// Writes everything that was queued in this turn.
    pub fn flush(&mut self, ears: &mut impl Ears) {
        while let Some(conn) = self.dirty.pop() {
            if let Some(outbox) = self.socks.find(conn).and_then(|it| it.outbox.as_mut()) {
                outbox.is_dirty = false;
                self.write_on(conn, ears);
            }
        }
    }

    /// Writes what waits for a socket, as far as it takes it.
    pub(super) fn write_on(&mut self, conn: ConnId, ears: &mut impl Ears) {
        let now = self.now;
        let Some(sock) = self.socks.find(conn) else { return };
        let written = match write_all(sock, now) {
            Ok(written) => written,
            Err(_) => {
                self.lose(conn, ears);
                return;
            }
        };
        self.tally.writes += written.0;
        self.tally.bytes_out += written.1;
        let Some(sock) = self.socks.find(conn) else { return };
        let Some(outbox) = &mut sock.outbox else { return };
        if !outbox.is_empty() {
            self.watch(conn);
            return;
        }
        let was_clogged = outbox.is_idle() && std::mem::take(&mut outbox.is_clogged);
        let was_awaited = outbox.is_idle() && std::mem::take(&mut outbox.is_awaited);
        let is_ending = sock.stage.is_ending();
        // A watched box stays until its turn in the queue, which finds it by being there.
        if outbox.is_idle() && !outbox.is_watched {
            sock.outbox = None;
        }
        if is_ending || sock.has_ended {
            sock.link.finish();
        }
        if sock.has_ended && sock.link.is_flushed() {
            self.discard(conn);
            return;
        }
        if was_clogged {
            ears.unclogged(self, conn);
        }
        if was_awaited {
            ears.emptied(self, conn);
        }
    }

    /// Sees to it that a socket that takes nothing is noticed (F10).
    fn watch(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(outbox) = self.socks.find(conn).and_then(|it| it.outbox.as_mut()) else { return };
        if outbox.watch(now) {
            self.stalls.push(now, conn);
        }
    }
}

/// Writes until the outbox is empty or the socket full; answers how many calls and bytes it was.
fn write_all(sock: &mut Sock, now: std::time::Instant) -> std::io::Result<(u64, u64)> {
    let (mut calls, mut bytes) = (0, 0);
    if !sock.link.flush()? {
        return Ok((calls, bytes));
    }
    let Some(outbox) = &mut sock.outbox else { return Ok((calls, bytes)) };
    while !outbox.is_empty() {
        let result = sock.link.write(&outbox.slices());
        match result {
            Ok(count) => {
                calls += 1;
                bytes += count as u64;
                outbox.wrote(now, count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((calls, bytes))
}

impl Stage {
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self, Self::Leaving(Leaving::Ending))
    }
}
