//! Team chat: the third of the three systems, as far as it can be told without a transport.
//!
//! ```text
//!  user, event, values, time ──► Book::handle ──► an answer, who moves where, who is told what
//! ```
//!
//! A [`Book`] is a SQLite database and the little that is true only now (who is here, who is
//! typing). It opens no socket and reads no clock. Whoever drives it keeps sockets and rooms,
//! carries out the moves, tells everyone what there is to tell, and answers the sender; a time
//! comes with every call, and [`Book::wake`] is due at [`Book::wakes_at`].
//!
//! The events are those that shipped clients send, under every name that a version of them has
//! used (`said.rs` has the table), and what is told has every field that a version looks for, under
//! the names that clients listen to. Where the old server differed from its clients' interest it
//! is not followed: every event is answered, threads are as closed as their channels, and a message
//! said twice under one `tempId` is one message. What it told of rooms coming alive and falling
//! asleep, to which nothing listens, is not told.
//!
//! Not here: who may come in and how often they may speak, which is the gateway's; and lists over
//! HTTP (history, search), which read the same database.

mod book; // Start here.

mod channels;
mod command;
mod drafts;
mod invitations;
mod messages;
mod offline;
mod outcome;
mod presence;
mod reactions;
mod receipts;
mod said;
mod stop;
mod store;
mod threads;
mod timestamp;
mod turn;
mod typing;
mod users;

#[cfg(test)]
mod tests;

pub use crate::{
    book::Book,
    outcome::{Audience, Emit, Move, Outcome, Room},
    store::OpenError,
    users::User,
};
