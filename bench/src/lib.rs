//! Load for a running server, from one thread: people who listen, a backend that publishes, and
//! what it costs the server.
//!
//! The same for every server that takes `GET /ws/bench/{channel}?token=…` for an upgrade and
//! `POST /api/publish` with `{"channel", "data"}`, so that they can be measured side by side; and
//! for those that take Socket.IO at `/socket.io/{channel}/`. Every delivery is compared with what
//! was published: content, order, none lost, none twice.

mod scenario; // Start here.

mod backend;
mod cost;
mod crowd;
mod desk;
mod dice;
mod floor;
mod ledger;
mod listener;
mod options;
mod returning;
mod room;
mod speech;
mod stage;
mod storm;
mod table;

pub use crate::{options::Options, scenario::run, table::print};
