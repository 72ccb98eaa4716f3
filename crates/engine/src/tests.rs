//! Transcripts: what people did, and what the shards decided.
//!
//! A line is a turn; a line that begins with `and` belongs to the turn before it. `+2s` lets time
//! pass, ringing every deadline on its way; `++2s` leaps, as if the process had been stopped. The
//! words are in `script.rs`; `UPDATE_EXPECT=1 cargo test -p engine` rewrites the answers.

mod play; // Start here.

mod disk;
mod house;
mod log;
mod script;

mod afternoons;
mod applications;
mod channels;
mod deadlines;
mod errands;
mod failures;
mod found;
mod found_on_disk;
mod greeting;
mod limits;
mod logs;
mod mail;
mod presence;
mod receipts;
mod recovering;
mod resuming;
mod seeing;
mod shards;
mod slow;
mod tokens;
mod typing;
mod unstored;

use expect_test::Expect;

/// Plays the script to one shard.
#[track_caller]
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&play::play(1, script));
}

/// Plays the script to several shards that share the channels.
#[track_caller]
fn check_shards(shards: u16, script: &str, expected: Expect) {
    expected.assert_eq(&play::play(shards, script));
}
