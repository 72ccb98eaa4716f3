//! What one client keeps across its sockets, and whose word no longer counts.
//!
//! A *session* begins with the first connection of an identified client, outlives that connection
//! by a grace, and goes on with the next one. A *revocation* says that a token, a user, a session
//! or everything issued before some time is not believed any more, however good its signature.
//!
//! Nothing here looks at a clock, draws a number or writes a file: times and ids come in as
//! arguments, and what has to be kept goes out as rows of text.
//!
//! ```text
//!            start                    detach                  sweep, end
//!  (nobody) ───────► Live ──────────────────────────► Away ───────────────► (nobody)
//!                     ▲  ▲     the socket was lost     │ │
//!              renew  │  └──────── resume ─────────────┘ │ with a good token
//!                     └── Lent ◄── resume ───────────────┘ without: until the grace ends
//! ```

mod sessions; // Start here.

mod chains; // Finding records without a copy of their keys.
mod ending; // Which ends a session outlives.
mod labels; // Texts that many sessions share.
mod policy;
mod record;
mod revocations; // Whose word no longer counts.
mod rows; // As it is kept.

#[cfg(test)]
mod tests;

use std::time::Instant;

use proto::UnixTime;

pub use crate::{
    ending::{End, outlives},
    policy::{Bounds, Policy, WhenFull},
    record::{Left, Place, Seat},
    revocations::{
        BadRevocation, DEFAULT_LIFETIME, REASON_BYTES_MAX, REVOCATIONS_MAX, Revocation,
        Revocations, Subject, TOKEN_ID_BYTES_MAX,
    },
    rows::{BadRow, Change},
    sessions::{Full, Resumed, Sessions, Started, Tally, View, Visit},
};

/// Both times there are: deadlines and limits run on the one, tokens are dated in the other.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Instant,
    pub wall: UnixTime,
}

/// Everything that is known of sessions and revocations: one for the process.
#[derive(Debug)]
pub struct Register {
    pub sessions: Sessions,
    pub revocations: Revocations,
}

impl Register {
    pub fn new(bounds: Bounds) -> Self {
        Self { sessions: Sessions::new(bounds), revocations: Revocations::default() }
    }
}
