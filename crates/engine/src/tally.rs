//! What a shard has counted since it began. Only ever grows; the driver shows it to the monitor.

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Publications and signals that were given out by this shard as their home.
    pub published: u64,
    /// Things told in passing by this shard as their home: receipts, typing, presence.
    pub notices: u64,
    /// Commands and application messages taken from clients.
    pub messages: u64,
    /// Commands refused for any reason.
    pub refused: u64,
    /// Messages not delivered to a slow member of a channel that drops.
    pub dropped: u64,
    /// Connections closed for reading too slowly.
    pub too_slow: u64,
    /// Connections that no longer answered.
    pub ping_timeouts: u64,
    /// Asks sent to applications, those answered, and those that failed.
    pub asks: u64,
    pub asks_answered: u64,
    pub asks_failed: u64,
    /// Messages that the disk refused.
    pub not_stored: u64,
    /// Messages of mailboxes sent again because nobody acknowledged them (R61).
    pub resent: u64,
    /// And those given up for their connection; they stay in the mailbox (R90).
    pub undelivered: u64,
    /// Times the inbox overflowed.
    pub overflows: u64,
}
