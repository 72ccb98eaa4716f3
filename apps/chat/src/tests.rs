//! Stories: people come, say things in the words of their clients, and hear of each other. Then the
//! application as the gateway calls it.

mod channels;
mod endpoints;
mod house;
mod messages;
mod names;
mod people;
mod receipts;
mod sockets;
mod threads;
mod world;

use expect_test::Expect;

/// Plays a script and compares who heard what. The words are in `house`.
fn check(script: &str, expected: Expect) {
    expected.assert_eq(&house::play(script));
}
