//! How much the HTTP side holds at most, and for how long.

use std::time::Duration;

/// Every number by which the HTTP side is limited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Sockets served at once. The next is answered with 503.
    pub connections_max: usize,
    /// From a socket's arrival, or from the answer before, to a whole request head. A socket kept
    /// alive without a request is closed after the same time (H7).
    pub header_read_within: Duration,
    /// A request's head; more is answered with 431 (H5).
    pub head_bytes_max: usize,
    /// A request's body; more is answered with 413.
    pub request_bytes_max: usize,
    /// All bodies held at once. A body that does not fit is answered with 503.
    pub bodies_bytes_max: usize,
    /// From a request's head to the end of its body.
    pub body_read_within: Duration,
    /// From a whole request to its answer.
    pub answer_within: Duration,
    /// A peer that takes nothing off its socket for so long is given up.
    pub write_within: Duration,
    /// What is still being answered when the front stops has so long to finish.
    pub stop_within: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            header_read_within: Duration::from_secs(15),
            head_bytes_max: 16 * 1024,
            request_bytes_max: 1024 * 1024,
            bodies_bytes_max: 64 * 1024 * 1024,
            body_read_within: Duration::from_secs(15),
            answer_within: Duration::from_secs(30),
            write_within: Duration::from_secs(15),
            stop_within: Duration::from_secs(10),
        }
    }
}

impl Bounds {
    /// The most memory that requests take, to be multiplied out and told at boot.
    pub const fn memory_bytes_max(&self) -> usize {
        // A head is held once as bytes and once as header fields.
        self.connections_max * self.head_bytes_max * 2 + self.bodies_bytes_max
    }
}
