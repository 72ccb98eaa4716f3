//! Notifications for a university's project management: the first of the three systems.
//!
//! Speaks what its shipped browser client speaks, on five routes: the user's notifications (twice,
//! the second for clients set up without a path), one project, one collaboration room, and the
//! system's health. State is in SQLite; what is confirmed is committed.

mod notifications; // Start here.

mod access;
mod collaboration;
mod draft;
mod endpoints;
mod frame;
mod health;
mod here;
mod notice;
mod page;
mod place;
mod project;
mod projects;
mod said;
mod seed;
mod stated;
mod store;
mod timestamp;
mod user;
mod users;

pub use crate::{notifications::Notifications, store::OpenError};

#[cfg(test)]
mod tests;
