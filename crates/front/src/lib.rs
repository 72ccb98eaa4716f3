//! HTTP on the port that WebSockets come in by.
//!
//! A shard that reads a request for something else hands over the socket with the bytes it has
//! read; [`serve`] answers it, with the routes of [`router`]. A socket that came here never goes
//! back.

mod serve; // Start here: from a handed-over socket to answers.

mod access;
mod api;
mod body;
mod bounds;
mod csp;
mod gate;
mod handoff;
mod health;
mod idempotency;
mod index;
mod json_depth;
mod linger;
mod monitoring;
mod outer;
mod problem;
mod replay;
mod router;
mod shared;
mod tls_stream;

#[cfg(test)]
mod tests;

pub use crate::{
    access::{ApiKeys, BadKey, KeyRow, Scope},
    bounds::Bounds,
    gate::{AdminRule, Claimed, MetricsAccess},
    handoff::{Handoff, Sender, Stream},
    index::PageLink,
    router::{Parts, router},
    serve::serve,
    tls_stream::TlsStream,
};
