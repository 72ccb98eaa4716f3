//! Disks that are full, and disks that fail (L6): nothing is confirmed that is not there, and the
//! same process goes on when the disk does.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    child::{Confirmed, Other, command},
    fixtures::Dir,
};

/// Builds the library that stands between the store and the system.
fn shim(dir: &Dir) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/failing.c");
    let shim = dir.0.join("failing.so");
    let built = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
        .args([&shim, &source])
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success(), "cc is needed for this test");
    shim
}

/// Runs a child whose calls fail from the `at`th on, `count` times.
fn run(shim: &Path, at: u64, count: u64, with: &str, rounds: u64) -> Confirmed {
    let what = format!("{with} {count} times from call {at}");
    let dir = Dir::new();
    let mut command = command(&dir, rounds, None);
    command.env("LD_PRELOAD", shim).env("FAIL_DIR", &dir.0).env("FAIL_WITH", with);
    command.env("FAIL_AT", at.to_string()).env("FAIL_COUNT", count.to_string());
    let mut other = Other::start(&mut command);
    let mut confirmed = Confirmed::default();
    confirmed.hear(&mut other, usize::MAX);
    let output = other.child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && confirmed.is_done, "{what}: {said}");
    confirmed.check(&dir, &what);
    confirmed
}

#[test]
fn whichever_call_fails_nothing_confirmed_is_lost() {
    let dir = Dir::new();
    let shim = shim(&dir);
    let next = AtomicU64::new(1);
    let failures = AtomicU64::new(0);
    let cases = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if 200 < at {
                return;
            }
            let with = ["ENOSPC", "EIO", "short"][usize::try_from(at % 3).unwrap()];
            let confirmed = run(&shim, at, 1 + at % 4, with, 12);
            failures.fetch_add(u64::from(0 < confirmed.failures), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        // They wait more than they work.
        for _ in 0..6 {
            scope.spawn(cases);
        }
    });
    let failures = failures.into_inner();
    assert!(20 < failures, "most failures are to be seen: {failures}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let dir = Dir::new();
    let shim = shim(&dir);
    let data = Dir::new();
    // As long as this file is there, every write fails; the child takes it away.
    let mut command = command(&data, 12, None);
    command.env("LD_PRELOAD", &shim).env("FAIL_DIR", &data.0).env("FAIL_WITH", "ENOSPC");
    command.env("FULL_AT", "80");
    let mut other = Other::start(&mut command);
    let mut confirmed = Confirmed::default();
    confirmed.hear(&mut other, usize::MAX);
    other.child.wait().unwrap();
    assert!(confirmed.is_done && confirmed.was_full && 0 < confirmed.failures, "{confirmed:?}");
    confirmed.check(&data, "a full disk");
}

#[test]
fn a_file_that_may_not_grow_refuses_what_does_not_fit() {
    let data = Dir::new();
    // 256 blocks of 512 bytes; writing more is an error rather than a signal.
    let limit = "trap '' XFSZ; ulimit -f 256;";
    let mut other = Other::start(&mut command(&data, u64::MAX, Some(limit)));
    let mut confirmed = Confirmed::default();
    while confirmed.failures == 0 {
        confirmed.hear(&mut other, 1);
    }
    other.kill(&mut confirmed);
    assert!(fs::metadata(data.file()).unwrap().len() <= 256 * 512);
    confirmed.check(&data, "a file at its limit");
}
