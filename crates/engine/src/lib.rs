//! What one shard decides.
//!
//! A shard is told what happened and when, and answers with what should be done. It never reads a
//! clock, touches a socket, waits, or spawns; the driver does. So the whole engine can be run,
//! replayed and broken inside a test, at any speed the test likes.

mod policy;

pub use crate::policy::{Namespace, Namespaces, Policy, Rules, Slow};
