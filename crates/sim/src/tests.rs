//! Two hundred worlds.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{Run, run};

/// In CI. `SEEDS=1000..9000 cargo test --release -p sim` plays others.
const SEEDS: Range<u64> = 0..200;

/// `SEED=17 cargo test -p sim` plays one and tells how it went.
#[test]
fn in_every_world_what_should_be_true_is_true() {
    if let Ok(seed) = std::env::var("SEED") {
        replay(seed.parse().expect("SEED is a number"));
        return;
    }
    let mut sum = Run::default();
    let mut wrongs = Vec::new();
    for seed in seeds() {
        match catch_unwind(|| run(seed, false)) {
            Ok(Run { wrong: Some(wrong), .. }) => wrongs.push(format!("SEED={seed}: {wrong}")),
            Ok(run) => sum.add(&run),
            Err(_) => wrongs.push(format!("SEED={seed}: an assertion of the engine failed")),
        }
    }
    assert!(wrongs.is_empty(), "{} worlds went wrong:\n{}", wrongs.len(), wrongs.join("\n"));
    // A world in which nothing happens proves nothing.
    assert!(20_000 < sum.messages, "{sum:?}");
    assert!(100_000 < sum.frames, "{sum:?}");
    assert!(50 < sum.failures && 50 < sum.restarts && 100 < sum.overflows, "{sum:?}");
    assert!(1000 < sum.recovered && 100 < sum.not_recovered, "{sum:?}");
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("SEEDS is FROM..TO");
    let number = |it: &str| it.parse().expect("SEEDS are numbers");
    number(from)..number(to)
}

impl Run {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.frames += other.frames;
        self.failures += other.failures;
        self.restarts += other.restarts;
        self.overflows += other.overflows;
        self.recovered += other.recovered;
        self.not_recovered += other.not_recovered;
    }
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
