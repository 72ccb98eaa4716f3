//! What one shard decides.
//!
//! A shard is told what happened and when, and answers with what should be done. It never reads a
//! clock, touches a socket, waits, or spawns; the driver does. So the whole engine can be run,
//! replayed and broken inside a test, at any speed the test likes.

mod shard; // Start here.

mod channel;
mod channels;
mod company;
mod conn;
mod conns;
mod conversation;
mod deadlines;
mod effect;
mod home;
mod homes;
mod input;
mod keys;
mod knock;
mod log;
mod noticed;
mod owed;
mod policy;
mod position;
mod presence;
mod receipts;
mod recent;
mod tally;
mod typing;

#[cfg(test)]
mod tests;

pub use crate::{
    channel::Member,
    effect::{Ask, Effect, Outcome, Task},
    home::home_of,
    input::{
        Draft, Envelope, Errand, Fetched, FollowId, Input, Loaded, Marked, Moved, Opened, Origin,
        Proof, Returning, Seats, TakenUp, Ticket, Whom,
    },
    knock::{AskedBy, Marking, Wish},
    log::CURSORS_MAX,
    policy::{
        Class, Confirm, Keep, LogRules, Namespace, Namespaces, Policy, PresenceRules, Rules, Slow,
        Storage,
    },
    position::{Elsewhere, Position, Reached, Stamp},
    shard::Shard,
    tally::Tally,
};
