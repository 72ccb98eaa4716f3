//! Two hundred worlds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::run;

const SEEDS: u64 = 200;

/// `SEED=17 cargo test -p sim` plays one and tells how it went.
#[test]
fn in_every_world_what_should_be_true_is_true() {
    if let Ok(seed) = std::env::var("SEED") {
        replay(seed.parse().expect("SEED is a number"));
        return;
    }
    let (mut messages, mut frames, mut failures, mut overflows) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let Ok(run) = catch_unwind(|| run(seed, false)) else {
            panic!("SEED={seed}: an assertion of the engine failed, see above");
        };
        if let Some(wrong) = run.wrong {
            panic!("SEED={seed}: {wrong}");
        }
        messages += run.messages;
        frames += run.frames;
        failures += run.failures;
        overflows += run.overflows;
    }
    // A world in which nothing happens proves nothing.
    assert!(10_000 < messages, "{messages} messages");
    assert!(50_000 < frames, "{frames} frames");
    assert!(50 < failures, "{failures} failures");
    assert!(100 < overflows, "{overflows} overflows");
}

#[test]
fn a_seed_is_a_world() {
    let [one, other] = [run(7, true), run(7, true)];
    assert_eq!(one.log, other.log);
    assert_ne!(one.log, run(8, true).log);
}

#[expect(clippy::print_stderr, reason = "whoever asks for one seed wants to read it")]
fn replay(seed: u64) {
    let run = catch_unwind(AssertUnwindSafe(|| run(seed, true))).expect("see above");
    for line in &run.log {
        eprintln!("{line}");
    }
    assert_eq!(run.wrong, None, "SEED={seed}");
}
