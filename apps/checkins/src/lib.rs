//! Check-ins at a gym: who is in the house, told live to every dashboard.
//!
//! An application behind the gateway, in the words of an existing browser client. Members, users
//! and check-ins are in one SQLite file; nothing is told to anyone before it is committed there.
//!
//! A day is a UTC day: "today" in the stats begins at midnight UTC, wherever the gym stands.

mod checkins; // Start here.

mod absence;
mod api;
mod book;
mod changes;
mod check_in;
mod dashboards;
mod enrolment;
mod form;
mod frames;
mod heard;
mod member;
mod moment;
mod news;
mod not_done;
mod page;
mod seed;
mod shown;
mod stated;
mod stats;
mod user;
mod users;

#[cfg(test)]
mod tests;

pub use crate::{book::OpenError, checkins::Checkins};
