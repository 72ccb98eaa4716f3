//! The store in a process of its own that is killed, or whose disk fails.
#![expect(clippy::unwrap_used, reason = "a test may")]

#[path = "outside/child.rs"]
mod child;
#[path = "outside/disk.rs"]
mod disk;
#[expect(dead_code, reason = "the stories inside the crate use the rest")]
#[path = "../src/tests/fixtures.rs"]
mod fixtures;
#[path = "outside/kill.rs"]
mod kill;
