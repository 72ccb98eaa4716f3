//! Every number of the two protocols, and why it is what it is.

use std::time::Duration;

/// What a connection may take, and by when it must have done what.
///
/// The most that one connection can make us keep is `payload_bytes_max` twice (a POST, and what was
/// in it while it is decided), `waiting_bytes_max` (for the next GET), `attachments_bytes_max` (a
/// binary packet) and sixteen names of namespaces; [`Policy::memory_bytes_max`] adds it up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// From a pong, or the opening, to the next ping. Below the 30 to 60 s after which proxies cut
    /// what is silent; a shorter one costs phones their sleep.
    pub ping_interval: Duration,
    /// How long a pong may take. What a phone needs to change networks.
    pub ping_timeout: Duration,
    /// Bytes in one WebSocket message or POST body. Told to the client, which cuts its POSTs to
    /// fit. A million is what clients expect to be told.
    pub payload_bytes_max: usize,
    /// Packets in one POST body. Clients put all they have into one; four thousand is an afternoon
    /// of clicking offline, and as much as should be decided upon in one go.
    pub payload_packets_max: usize,
    /// Whether a session that began with polling is offered WebSocket.
    pub offers_upgrade: bool,
    /// From a WebSocket that comes to upgrade a session, to the upgrade (F13). Three small frames
    /// each way.
    pub upgrade_within: Duration,
    /// How long a goodbye waits for the GET that fetches it. Clients ask again at once.
    pub closing_within: Duration,
    /// Packets that wait for the next GET. A client asks again within a round trip; a thousand
    /// packets in one are more than it can be reading.
    pub waiting_packets_max: usize,
    /// Bytes of them. Above one payload, so that a single message always fits.
    pub waiting_bytes_max: usize,
    /// From the opening, or from leaving the last namespace, to joining one. Clients join at once.
    pub connect_within: Duration,
    /// Namespaces joined at a time (F12). Applications have one to three.
    pub namespaces_max: usize,
    /// Bytes in the name of one. They are paths that people write into source code.
    pub namespace_bytes_max: usize,
    /// Bytes of all attachments of one packet. As a payload: a client that may send a megabyte of
    /// text may send a megabyte of picture.
    pub attachments_bytes_max: usize,
    /// From a packet that announces attachments to the last of them (F12). They leave a client
    /// together; ten seconds bring a megabyte over a bad line.
    pub attachments_within: Duration,
    /// Answers the server waits for at a time. Each is a thing some code holds on to.
    pub asks_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            payload_bytes_max: 1_000_000,
            payload_packets_max: 4096,
            offers_upgrade: true,
            upgrade_within: Duration::from_secs(10),
            closing_within: Duration::from_secs(10),
            waiting_packets_max: 1024,
            waiting_bytes_max: 2 << 20,
            connect_within: Duration::from_secs(45),
            namespaces_max: 16,
            namespace_bytes_max: 128,
            attachments_bytes_max: 1_000_000,
            attachments_within: Duration::from_secs(10),
            asks_max: 64,
        }
    }
}

impl Policy {
    /// The most bytes of a client's making, or waiting for it, that one connection keeps.
    #[must_use]
    pub fn memory_bytes_max(&self) -> usize {
        self.payload_bytes_max
            .saturating_mul(2)
            .saturating_add(self.waiting_bytes_max)
            .saturating_add(self.attachments_bytes_max)
            .saturating_add(self.namespaces_max.saturating_mul(self.namespace_bytes_max))
    }
}
