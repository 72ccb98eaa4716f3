//! Rate and count limits as a machine: who may come in, how often, and how much they may say.
//!
//! Every limit has a row in [`Limit`]: a name, a metric, a unit and a sentence with its reason.
//! Everything here takes the time as an argument, holds a bounded amount of memory, and works
//! alike in [`Mode::Enforce`] and [`Mode::Observe`]. Nothing here knows what a token, a socket or
//! a frame is, and nothing reads a wall clock: a step of the system time changes no limit.

pub mod address; // What counts as one address.
pub mod admission; // Start here: what admission asks at accept and gives back at close.
pub mod attempts; // Exact sliding window of attempts.
pub mod backoff; // The wait after failed authentications.
pub mod budget; // What one connection may say.
pub mod rate; // "60 per minute".
mod recent;
pub mod rules; // What the configuration fills in.
pub mod seats; // Concurrent counts.
pub mod table; // One row a limit, and the counters of all.

#[cfg(test)]
mod tests;

pub use address::AddressKey;
pub use admission::{AdmissionLimits, Refused, RouteIndex, Seat};
pub use attempts::Attempts;
pub use backoff::Backoff;
pub use budget::{Budget, Pace, RetryAfter};
pub use rate::{BadRate, Rate};
pub use rules::{BackoffRules, Mode, RouteLimits, ServerLimits};
pub use seats::Seats;
pub use table::{Counts, Limit, Tally};
