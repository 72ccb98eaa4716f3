//! What waits for one socket that would not take it at once.

use std::{
    collections::VecDeque,
    io::IoSlice,
    time::{Duration, Instant},
};

use bytes::Bytes;

/// Frames on their way to one socket. Boxed and dropped again when empty: most connections have
/// none.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    /// Bytes of the front frame that have been written.
    written: usize,
    bytes: usize,
    /// Publications kept back while the application has not spoken.
    held: Option<Vec<Bytes>>,
    /// Where a pong waits that has not begun: a later one takes its place.
    pong_at: Option<usize>,
    /// Since when the socket has taken nothing of what waits.
    stuck_since: Option<Instant>,
    /// The queue for stalled sockets knows about this one.
    pub(crate) is_watched: bool,
    /// It is among those that are written at the end of the turn.
    pub(crate) is_dirty: bool,
    /// It was full, and whoever runs the net wants to know when it is empty.
    pub(crate) is_clogged: bool,
    /// Whoever runs the net wants to know when it is empty, although it has been given everything.
    pub(crate) is_awaited: bool,
}

/// Frames named in one system call. More gain nothing: 64 small frames fill a segment or two.
const SLICES_MAX: usize = 64;

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self {
            frames: VecDeque::new(),
            written: 0,
            bytes: 0,
            held: None,
            pong_at: None,
            stuck_since: None,
            is_watched: false,
            is_dirty: false,
            is_clogged: false,
            is_awaited: false,
        }
    }

    /// Whether another frame may wait. One always may where nothing does, however long it is.
    pub(crate) fn has_room(&self, bytes: usize, bounds: (usize, usize)) -> bool {
        let count = self.frames.len() + self.held.as_ref().map_or(0, Vec::len);
        count == 0 || (count < bounds.0 && self.bytes + bytes <= bounds.1)
    }

    pub(crate) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Takes publications as long as there is room and none was missed; answers how many. The first
    /// `written` bytes of them are out already: a frame that has begun is taken in any case, for it
    /// cannot be taken back.
    pub(crate) fn take(
        &mut self,
        frames: &[Bytes],
        mut written: usize,
        bounds: (usize, usize),
    ) -> usize {
        // Whoever has missed something is told so before anything that came after it.
        if self.is_clogged {
            return 0;
        }
        for (index, frame) in frames.iter().enumerate() {
            if 0 < written && frame.len() <= written {
                written -= frame.len();
            } else if 0 < written {
                assert!(self.frames.is_empty(), "only the first frame can be half written");
                self.push(frame.clone());
                self.bytes -= written;
                self.written = std::mem::take(&mut written);
            } else if self.has_room(frame.len(), bounds) {
                self.publish(frame.clone());
            } else {
                return index;
            }
        }
        frames.len()
    }

    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Adds a publication: behind the application's first words if those are awaited.
    fn publish(&mut self, frame: Bytes) {
        match &mut self.held {
            Some(held) => {
                self.bytes += frame.len();
                held.push(frame);
            }
            None => self.push(frame),
        }
    }

    pub(crate) fn release(&mut self) {
        for frame in self.held.take().into_iter().flatten() {
            // Counted when it was held.
            self.frames.push_back(frame);
        }
    }

    /// Answers a ping. While the socket takes nothing, only the last one is answered (RFC 6455
    /// section 5.5.3), so that pings cannot fill the outbox of someone who does not read (F9).
    pub(crate) fn pong(&mut self, frame: Bytes) {
        if let Some(earlier) = self.pong_at.and_then(|it| self.frames.get_mut(it)) {
            self.bytes += frame.len();
            self.bytes -= earlier.len();
            *earlier = frame;
        } else if self.is_watched {
            // Waits for the frame that is under way, not for the whole backlog.
            let at = usize::from(0 < self.written);
            self.bytes += frame.len();
            self.frames.insert(at, frame);
            self.pong_at = Some(at);
        } else {
            self.push(frame);
        }
    }

    /// Throws away what has not begun, so that a goodbye gets through to someone who reads slowly.
    pub(crate) fn clear(&mut self) {
        let begun = (0 < self.written).then(|| self.frames.pop_front()).flatten();
        self.frames.clear();
        self.held = None;
        self.pong_at = None;
        self.bytes = begun.as_ref().map_or(0, |it| it.len() - self.written);
        self.frames.extend(begun);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Nothing waits, and nothing is kept back: what comes may go straight to the socket.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_empty() && self.held.is_none()
    }

    /// What to write next.
    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        let skips = std::iter::once(self.written).chain(std::iter::repeat(0));
        let frames = self.frames.iter().take(SLICES_MAX).zip(skips);
        frames.map(|(frame, skip)| IoSlice::new(&frame[skip..])).collect()
    }

    /// The socket took this many bytes.
    pub(crate) fn wrote(&mut self, now: Instant, mut count: usize) {
        self.bytes -= count;
        count += self.written;
        let mut gone = 0;
        while let Some(front) = self.frames.front().filter(|it| it.len() <= count) {
            count -= front.len();
            gone += 1;
            self.frames.pop_front();
        }
        self.written = count;
        let begun = usize::from(0 < count);
        self.pong_at = self.pong_at.filter(|it| gone + begun <= *it).map(|it| it - gone);
        self.stuck_since = (!self.frames.is_empty()).then_some(now);
    }

    /// The socket would not take all; true if nobody watches over that yet.
    pub(crate) fn watch(&mut self, now: Instant) -> bool {
        self.stuck_since.get_or_insert(now);
        !std::mem::replace(&mut self.is_watched, true)
    }

    pub(crate) fn is_stuck(&self, now: Instant, wait: Duration) -> bool {
        self.stuck_since.is_some_and(|it| it + wait <= now)
    }

    /// Bytes that wait, for the account of memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
