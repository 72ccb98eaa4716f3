//! What waits for one socket that would not take it at once.

use std::{collections::VecDeque, io::IoSlice, time::Instant};

use bytes::Bytes;

/// Frames on their way to one socket. Boxed and dropped again when empty: most connections have none.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    /// Bytes of the front frame that have been written.
    written: usize,
    bytes: usize,
    /// Publications kept back while the application has not spoken.
    held: Option<Vec<Bytes>>,
    /// The answer to the last ping; earlier ones need none (RFC 6455 section 5.5.3).
    pong: Option<Bytes>,
    /// When the socket last took something.
    pub(crate) moved_at: Instant,
    /// The queue for stalled sockets knows about this one.
    pub(crate) is_watched: bool,
    /// It is among those that are written at the end of the turn.
    pub(crate) is_dirty: bool,
    /// It was full, and whoever runs the net wants to know when it is empty.
    pub(crate) is_clogged: bool,
}

/// Frames named in one system call. More gain nothing: 64 small frames fill a segment or two.
const SLICES_MAX: usize = 64;

impl Outbox {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            frames: VecDeque::new(),
            written: 0,
            bytes: 0,
            held: None,
            pong: None,
            moved_at: now,
            is_watched: false,
            is_dirty: false,
            is_clogged: false,
        }
    }

    pub(crate) fn has_room(&self, frames: usize, bytes: usize, bounds: (usize, usize)) -> bool {
        let held = self.held.as_ref().map_or(0, Vec::len);
        self.frames.len() + held + frames <= bounds.0 && self.bytes + bytes <= bounds.1
    }

    pub(crate) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Adds frames of which `skip` bytes are written already.
    pub(crate) fn extend(&mut self, frames: &[Bytes], mut skip: usize) {
        for frame in frames {
            if frame.len() <= skip {
                skip -= frame.len();
                continue;
            }
            if 0 < skip {
                assert!(self.frames.is_empty(), "only the first frame can be half written");
                self.written = std::mem::take(&mut skip);
                self.bytes += frame.len() - self.written;
                self.frames.push_back(frame.clone());
                continue;
            }
            self.push(frame.clone());
        }
    }

    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Adds publications: behind the application's first words if those are awaited.
    pub(crate) fn publish(&mut self, frames: &[Bytes]) {
        match &mut self.held {
            Some(held) => {
                self.bytes += frames.iter().map(Bytes::len).sum::<usize>();
                held.extend_from_slice(frames);
            }
            None => self.extend(frames, 0),
        }
    }

    pub(crate) fn release(&mut self) {
        for frame in self.held.take().into_iter().flatten() {
            // Counted when it was held.
            self.frames.push_back(frame);
        }
    }

    /// Answers a ping. While the socket takes nothing, only the last one is answered (RFC 6455 section
    /// 5.5.3), so that pings cannot fill the outbox of someone who does not read (F9).
    pub(crate) fn pong(&mut self, frame: Bytes) {
        if self.is_watched {
            self.pong = Some(frame);
        } else {
            self.push(frame);
        }
    }

    /// Throws away what has not begun, so that a goodbye gets through to someone who reads slowly.
    pub(crate) fn clear(&mut self) {
        let begun = (0 < self.written).then(|| self.frames.pop_front()).flatten();
        self.frames.clear();
        self.held = None;
        self.pong = None;
        self.bytes = begun.as_ref().map_or(0, |it| it.len() - self.written);
        self.frames.extend(begun);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.pong.is_none()
    }

    /// Nothing waits, and nothing is kept back: what comes may go straight to the socket.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.held.is_none()
    }

    /// What to write next.
    pub(crate) fn slices(&mut self) -> Vec<IoSlice<'_>> {
        // A pong waits for the frame that is under way, not for the whole backlog.
        if let Some(pong) = self.pong.take() {
            self.bytes += pong.len();
            let behind_front = usize::from(0 < self.written);
            self.frames.insert(behind_front, pong);
        }
        let skips = std::iter::once(self.written).chain(std::iter::repeat(0));
        let frames = self.frames.iter().take(SLICES_MAX).zip(skips);
        frames.map(|(frame, skip)| IoSlice::new(&frame[skip..])).collect()
    }

    /// The socket took this many bytes.
    pub(crate) fn wrote(&mut self, now: Instant, mut count: usize) {
        self.moved_at = now;
        self.bytes -= count;
        count += self.written;
        while let Some(front) = self.frames.front() {
            if count < front.len() {
                break;
            }
            count -= front.len();
            self.frames.pop_front();
        }
        self.written = count;
    }

    /// Bytes that wait, for the account of memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
