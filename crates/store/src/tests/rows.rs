//! Rows: none is given twice; and which messages of a log somebody has who has everything up to
//! one.

use std::time::Duration;

use proto::Epoch;
use rusqlite::Connection;

use super::{
    damage::{held, killed},
    fixtures::{Dir, House, append, move_cursor, name},
    keeping::until_cut,
};
use crate::{Answer, Fault, Options, Retention, backup, verify};

fn until(house: &House, channel: &str, row: u64) -> Option<u64> {
    house.writer.last_until(&name(channel), Epoch(1), row).map(|it| it.0)
}

#[test]
fn rows_are_counted_over_all_logs_and_outlive_the_process() {
    let dir = Dir::new();
    let house = House::open(&dir);
    assert_eq!(house.store.row_last(), 0);
    house.fill("a", 1, 1..=3);
    house.fill("b", 1, 1..=2);
    house.fill("a", 1, 4..=5);
    let check = |house: &House| {
        assert_eq!(house.store.row_last(), 7);
        let stood: Vec<_> = (0..9).map(|it| until(house, "a", it)).collect();
        assert_eq!(stood, [0, 1, 2, 3, 3, 3, 4, 5, 5].map(Some));
        let stood: Vec<_> = (0..9).map(|it| until(house, "b", it)).collect();
        assert_eq!(stood, [0, 0, 0, 0, 1, 2, 2, 2, 2].map(Some));
        assert_eq!(until(house, "c", 7), None, "no such log");
        assert_eq!(house.writer.last_until(&name("a"), Epoch(2), 7), None, "another life");
    };
    check(&house);
    drop(house);
    check(&House::open(&dir));
}

/// Options under which some namespaces are kept otherwise than for ever.
fn keeping<const N: usize>(named: [(&str, Retention); N]) -> Options {
    let retention = named.map(|it| (it.0.to_owned(), it.1)).into();
    Options { retention, ..Options::default() }
}

/// Times in these stories are of 1970, so age takes all of it at once.
const MINUTE: Retention =
    Retention { messages: None, age: Some(Duration::from_secs(60)), bytes: None };
const CENTURY: Retention =
    Retention { age: Some(Duration::from_secs(100 * 365 * 24 * 60 * 60)), ..MINUTE };

/// What was cut of a log is known as long as the process runs; then, which row was the last that
/// was cut of any log.
#[test]
fn what_was_cut_is_not_promised() {
    let few = Retention { messages: Some(4), age: None, bytes: None };
    let options = keeping([("few", few), ("old", MINUTE)]);
    let dir = Dir::new();
    let house = House::with(&dir, options.clone());
    house.fill("old", 1, 1..=3);
    house.fill("few", 1, 1..=8);
    house.fill("whole", 1, 1..=1);
    until_cut(&house, 7);
    let stood = |house: &House, channel| [2, 3, 6, 7, 8].map(|it| until(house, channel, it));
    let few_stood = [None, None, None, Some(4), Some(5)];
    assert_eq!(stood(&house, "few"), few_stood, "rows 4 to 7 were cut");
    assert_eq!(stood(&house, "old"), [None, Some(3), Some(3), Some(3), Some(3)]);
    drop(house);

    let house = House::with(&dir, options);
    assert_eq!(stood(&house, "few"), few_stood);
    assert_eq!(stood(&house, "old"), [None, None, None, Some(3), Some(3)], "7 may be of this one");
    assert_eq!(stood(&house, "whole"), [Some(0); 5], "nothing of it was cut");
}

#[test]
fn what_was_cut_under_other_options_is_not_promised() {
    let dir = Dir::new();
    let house = House::with(&dir, keeping([("a", MINUTE)]));
    house.fill("b", 1, 1..=1);
    house.fill("a", 1, 1..=5);
    until_cut(&house, 5);
    drop(house);
    let house = House::with(&dir, keeping([("a", CENTURY)]));
    let stood = [1, 5, 6, 7].map(|it| until(&house, "a", it));
    assert_eq!(stood, [None, None, Some(5), Some(5)]);
}

/// The log is smaller afterwards than it may be.
#[test]
fn what_was_cut_for_one_that_is_large_is_not_promised() {
    let options = keeping([("a", Retention { bytes: Some(64 * 1024), ..Retention::default() })]);
    let dir = Dir::new();
    let house = House::with(&dir, options.clone());
    house.fill("b", 1, 1..=1);
    for (offset, bytes) in [(1, 60_000), (2, 20_000)] {
        house.all([append("a", 1, offset, &"x".repeat(bytes))]);
    }
    until_cut(&house, 1);
    let check = |house: &House| {
        let stood = [1, 2, 3].map(|it| until(house, "a", it));
        assert_eq!(stood, [None, Some(1), Some(2)]);
    };
    check(&house);
    drop(house);
    check(&House::with(&dir, options));
}

/// The row of the next message.
fn next(house: &House, channel: &str) -> u64 {
    let (epoch, head) = house.load(channel).map_or((1, 0), |it| {
        let at = it.head.at;
        (at.epoch.0, at.offset.0)
    });
    match house.ask(append(channel, epoch, head + 1, "{}")) {
        Ok(Answer::Appended { row }) => row,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rescued_file_gives_no_row_again() {
    let dir = Dir::new();
    let house = House::with(&dir, keeping([("old", MINUTE)]));
    house.fill("a", 1, 1..=3);
    house.fill("old", 1, 1..=20);
    until_cut(&house, 20);
    drop(house);
    let change = |statement| Connection::open(dir.file()).unwrap().execute_batch(statement);
    change("DELETE FROM messages WHERE id = 2").unwrap();
    let house = House::with(&dir, keeping([("old", CENTURY)]));
    assert_eq!(dir.damaged_files(), 1);
    let row = next(&house, "a");
    assert!(23 < row, "{row}");
    let epoch = house.load("old").unwrap().head.at.epoch;
    assert_eq!(house.writer.last_until(&name("old"), epoch, 23), None, "who knows what was cut");

    // The same once more while the process runs.
    change("DROP TABLE cursors").unwrap();
    assert_eq!(house.ask(move_cursor("a", "ann", 1, 1)), Err(Fault::Unavailable));
    while house.store.tally().is_unavailable {
        std::thread::yield_now();
    }
    assert_eq!(dir.damaged_files(), 2);
    let next = next(&house, "a");
    assert!(row < next, "{next} after {row}");
    drop(house);
    let report = verify(&dir.0).unwrap();
    assert!(report.is_well(), "{report}");
}

/// A disk that has lost what it had synced, which nobody can see.
#[test]
fn a_row_that_was_lost_under_way_is_not_given_again() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 1, 1..=1);
    house.fill("a", 1, 2..=5);
    let thief = Connection::open(dir.file()).unwrap();
    thief.execute_batch("DELETE FROM messages WHERE id = 5; BEGIN IMMEDIATE").unwrap();
    assert_eq!(house.ask(append("a", 1, 6, "{}")), Err(Fault::Unavailable));
    thief.execute_batch("ROLLBACK").unwrap();
    while house.store.tally().is_unavailable {
        std::thread::yield_now();
    }
    let row = next(&house, "a");
    assert!(5 < row, "{row}");
}

#[test]
fn after_a_stop_that_was_not_clean_rows_that_may_be_lost_are_passed_over() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let _held = held(&dir);
    house.fill("a", 1, 1..=3);
    let killed = killed(&dir);
    house.fill("a", 1, 4..=6);
    let again = House::open(&killed);
    assert_eq!(again.offsets("a"), [1, 2, 3]);
    assert_eq!(until(&again, "a", 6), Some(3));
    let row = next(&again, "a");
    assert!(6 < row, "{row}");
    let report = verify(&killed.0).unwrap();
    assert!(report.is_well(), "{report}");
    drop(again);
    let again = House::open(&killed);
    assert_eq!(next(&again, "a"), row + 1, "after a clean stop none is");
    assert_eq!(killed.damaged_files(), 0);
}

#[test]
fn a_backup_gives_no_row_that_was_given_since() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 1, 1..=3);
    house.fill("a", 1, 4..=6);
    let copy = Dir::new();
    backup(&dir.0, &copy.file(), |_, _| ()).unwrap();
    let report = verify(&copy.0).unwrap();
    assert!(report.is_well(), "{report}");
    for from in (7..2000).step_by(100) {
        house.fill("a", 1, from..=from + 99);
    }
    let restored = House::open(&copy);
    assert_eq!(restored.offsets("a").len(), 6);
    assert_eq!(copy.damaged_files(), 0);
    assert!(house.store.row_last() + (1 << 30) < next(&restored, "a"));
}
