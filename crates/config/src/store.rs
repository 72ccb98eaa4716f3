//! `[store]`: what logs may take of the machine.

use std::time::Duration;

use crate::{
    server::bytes,
    table::Table,
    units::{Bytes, GIB, MIB},
};

/// Bounds of logs, in memory and on their way to the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Store {
    /// How long a repetition with the same idempotency key is recognised.
    pub keys_for: Duration,
    /// What logs in memory may weigh, in bytes, over all shards.
    pub memory_bytes_max: usize,
    /// What may wait to be written.
    pub queue_max: usize,
    pub queue_bytes_max: usize,
}

pub(crate) fn read(table: &mut Table<'_>) -> Store {
    let keys_for = table.within(
        "idempotency_window",
        Duration::from_secs(120),
        Duration::from_secs(1)..=Duration::from_secs(24 * 3600),
        "How long a message said again with the same key is recognised.",
    );
    let memory_bytes_max = table.within(
        "memory_bytes_max",
        Bytes(256 * MIB),
        Bytes(MIB)..=Bytes(64 * GIB),
        "What messages kept in memory may weigh, of logs in memory and of what is remembered of \
         those on disk. Beyond it a channel in which something is said keeps its last message only.",
    );
    let queue_max = table.within(
        "queue_max",
        100_000,
        1_000..=10_000_000,
        "Messages and cursors that may wait to be written. Beyond it publishers are told to wait.",
    );
    let queue_bytes_max = table.within(
        "queue_bytes_max",
        Bytes(64 * MIB),
        Bytes(MIB)..=Bytes(16 * GIB),
        "Bytes of payloads in them.",
    );
    Store {
        keys_for,
        memory_bytes_max: bytes(memory_bytes_max),
        queue_max: usize::try_from(queue_max).unwrap_or(usize::MAX),
        queue_bytes_max: bytes(queue_bytes_max),
    }
}
