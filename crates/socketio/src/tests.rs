//! Stories: what a client and the server do, and what is decided.

mod abuse;
mod acks;
mod anything;
mod endings;
mod heartbeat;
mod joining;
mod many;
mod messages;
mod opening;
mod play;
mod polling;
mod upgrade;
mod vectors;

use expect_test::Expect;

pub(crate) use play::origin;

/// Plays a script and compares what came of it. The words are in `play`.
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&play::play(script));
}
