//! What survives a restart: the logs of durable channels, how far their readers have come, sessions
//! and revocations. One SQLite file, one thread that writes it, a few that read it.
//!
//! ```text
//!  shards ── submit: jobs ──► queue ──► writer ── one commit a group ──► tidegate.db
//!         ◄─ stored: answers, once a group ──┘ │                           ▲
//!         ── read ──────────► reads ──► readers ── index, then rows ───────┘
//!         ◄─ found: page ────────────────┘
//! ```
//!
//! - What is confirmed is on the disk. Whoever writes in crowds pays for one sync together.
//! - What is read is what was written, in order and without a gap, or it is said to be damaged.
//! - An offset is used once in an epoch. When that cannot be promised, the epoch changes.
//! - Damage is never a reason not to start, and never the end of what is not damaged.
//!
//! *Absence:* no socket, no async runtime, and no idea of who may read what.

#[cfg(test)]
extern crate self as store;

mod account;
mod aside;
mod backup;
mod desk;
mod fault;
mod group;
mod handle;
mod index;
mod inspect;
mod job;
mod lock;
mod options;
mod queue;
mod reader;
mod rescue;
mod retention;
mod row;
mod scan;
mod schema;
mod shared;
mod stats;
mod tally;
#[cfg(test)]
mod tests;
mod tidy;
mod verify;
mod wal;
mod writer;

pub use crate::{
    backup::backup,
    fault::{OpenError, ReadError},
    handle::{Row, Store, Writer},
    inspect::InspectError,
    job::{Answer, Class, Fault, Full, Job, Listener, Loaded, ReadFault, Table, Token},
    options::{Options, Retention},
    stats::{Stats, stats},
    tally::{Commits, Tally},
    verify::{Report, verify},
};
