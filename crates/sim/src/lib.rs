//! A world to run shards in: people, sockets, a bus between shards, a disk, applications, faults
//! and time.
//!
//! Everything that happens follows from one seed, so a failure can be looked at again:
//! `SEED=17 cargo test -p sim` plays seed 17 and writes down what happened. The engine in here is
//! the real one. What is simple in here is the model: it knows what should be true, and the judge
//! compares.

mod world; // Start here.

mod application;
mod dice;
mod disk;
mod faults;
mod house;
mod judge;
mod marks;
mod model;
mod network;
mod people;
mod rules;

#[cfg(test)]
mod tests;

pub use crate::world::{Run, run};
