//! The sockets of one shard: readiness, bytes in, frames out, one write per socket per turn.
//!
//! Knows TLS, frames and deadlines of the wire; knows nothing of users, channels or what a message
//! means. Whoever runs it listens through [`Ears`] and answers by calling [`Net`].
//!
//! ```text
//!            accept            whole head             verdict             goodbye
//!  listener ───────► Knocking ───────────► Awaiting ─────────► Open ─────────────► Leaving ─► gone
//!                                              └─ hand_off ─► the HTTP side (never comes back)
//! ```

mod net; // Start here.

mod batch;
mod ears;
mod link;
mod listen;
mod outbox;
mod queue;
mod sock;
mod socks;
mod tally;

pub use crate::{
    batch::Batch,
    ears::{Ears, Knock, Trouble},
    link::Handoff,
    listen::{BindError, bind, probe},
    net::{Compression, Limits, Net, OpenAs, Overfull, Proxy, ProxyHeaders},
    tally::Tally,
};

#[cfg(test)]
mod tests;
