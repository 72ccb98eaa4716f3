//! Packets that wait for the next GET.

use std::collections::VecDeque;

use crate::{Frame, Policy};

/// The bytes are those of its answer. Texts are shared with all others they go to, so a room of
/// polling members keeps one copy of what waits for them.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Waiting {
    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes = self.bytes.saturating_add(frame.polled_bytes() + 1);
        self.frames.push_back(frame);
    }

    /// Asked after each push; then the session ends.
    pub(crate) fn is_too_much(&self, policy: &Policy) -> bool {
        policy.waiting_packets_max < self.frames.len() || policy.waiting_bytes_max < self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn take(&mut self) -> VecDeque<Frame> {
        self.bytes = 0;
        std::mem::take(&mut self.frames)
    }
}
