//! What the sockets of a shard have counted since it began. Only ever grows.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: u64,
    /// Accepts that failed for want of descriptors or memory, each followed by a wait (L4).
    pub accept_failures: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Frames handed to sockets or outboxes.
    pub frames_out: u64,
    /// System calls that wrote.
    pub writes: u64,
}
