//! Team chat: the third of the three systems, for Socket.IO clients that exist.
//!
//! ```text
//!  a socket ──► Chat ──► Desk (its thread) ──► Book: an answer, who moves where, who is told what
//!   gateway ◄── replies, an acknowledgement, publications ◄── Seats: which channel carries it
//! ```
//!
//! A [`Book`] is a SQLite database and the little that is true only now (who is here, who is
//! typing). It opens no socket and reads no clock; a time comes with every call, and
//! [`Book::wake`] is due at [`Book::wakes_at`]. [`Chat`] drives it: it keeps the thread and the
//! clock, carries out the moves, tells everyone what there is to tell, and answers the sender.
//!
//! The events are those that shipped clients send, under every name that a version of them has
//! used (`said.rs` has the table), and what is told has every field that a version looks for, under
//! the names that clients listen to. Where the old server differed from its clients' interest it
//! is not followed: every event is answered, threads are as closed as their channels, and a message
//! said twice under one `tempId` is one message. What it told of rooms coming alive and falling
//! asleep, to which nothing listens, is not told.
//!
//! Who may connect and how often they may speak is the gateway's. One process: presence and typing
//! are of this one.

mod chat; // Start here.

mod access;
mod book;
mod channels;
mod command;
mod desk;
mod drafts;
mod endpoints;
mod invitations;
mod lists;
mod messages;
mod offline;
mod outcome;
mod page;
mod presence;
mod reactions;
mod receipts;
mod said;
mod seats;
mod seed;
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
    chat::Chat,
    outcome::{Audience, Emit, Move, Outcome, Room},
    store::OpenError,
    users::User,
};
