//! What operators are shown: metrics, and the day's figures.
//!
//! Each shard has a [`ShardMetrics`] that only its own thread writes, with plain stores and no
//! lock; a [`Monitor`] adds them up when somebody looks. Labels come from tables of ours, so the
//! number of series is a constant (F14): no user, address, channel or token ever becomes one (A7).

pub mod table; // Start here: every metric, one row each.

mod daily;
mod front;
mod histogram;
mod iso;
mod monitor;
mod process;
mod recent;
mod shard;
mod text;

pub use crate::{
    daily::DailyCounters,
    front::{FrontMetrics, Registered, Stored},
    iso::iso8601,
    monitor::{Build, Monitor, WebSocketMetrics},
    shard::{Held, ShardMetrics},
    text::CONTENT_TYPE,
};
