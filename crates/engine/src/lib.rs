//! What one shard decides.
//!
//! A shard is told what happened and when, and answers with what should be done. It never reads a
//! clock, touches a socket, waits, or spawns; the driver does. So the whole engine can be run,
//! replayed and broken inside a test, at any speed the test likes.

mod shard; // Start here.

mod channel;
mod channels;
mod conn;
mod conns;
mod conversation;
mod deadlines;
mod effect;
mod home;
mod homes;
mod input;
mod policy;
mod tally;

#[cfg(test)]
mod tests;

pub use crate::{
    channel::Member,
    effect::{Ask, Effect, Outcome},
    home::home_of,
    input::{Draft, Envelope, Errand, FollowId, Input, Opened, Origin, Proof, Ticket, Whom},
    policy::{Namespace, Namespaces, Policy, Rules, Slow},
    shard::Shard,
    tally::Tally,
};
