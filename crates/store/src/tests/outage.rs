//! The store is not available for a while, and is again.

use proto::{Epoch, Offset};
use rusqlite::Connection;

use super::fixtures::{Dir, House, append, patient};
use crate::{Answer, Fault, Job, Table};

#[test]
fn what_could_not_be_stored_is_told_and_its_offsets_are_not_used_again() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("strict", 9, 1..=3);
    house.all((1..=3).map(|it| patient("loose", 9, it)));
    let thief = Connection::open(dir.file()).unwrap();
    thief.execute_batch("BEGIN IMMEDIATE").unwrap();

    let jobs = [patient("loose", 9, 4), append("strict", 9, 4, "{}"), patient("loose", 9, 5)];
    assert!(house.all(jobs).iter().all(|it| *it == Err(Fault::Unavailable)));
    assert!(house.store.tally().is_unavailable);
    assert_eq!(house.ask(append("strict", 9, 4, "{}")), Err(Fault::Unavailable), "at once");
    let read = house.read("strict", 9, proto::Span::Last, 9, usize::MAX).unwrap();
    assert_eq!(read.messages.len(), 3, "reads go on");
    thief.execute_batch("ROLLBACK").unwrap();

    let load = |channel| loop {
        match house.ask(Job::Load { channel: super::fixtures::name(channel) }) {
            Ok(Answer::Loaded(loaded)) => break loaded.unwrap().head,
            other => assert_eq!(other, Err(Fault::Unavailable)),
        }
    };
    let strict = load("strict");
    assert_eq!((strict.at.epoch, strict.at.offset), (Epoch(9), Offset(3)));
    let loose = load("loose");
    assert_ne!(loose.at.epoch, Epoch(9), "4 and 5 were told to somebody before");
    assert_eq!(loose.at.offset, Offset(3));
    assert_eq!(house.ask(patient("loose", 9, 4)), Err(Fault::OutOfOrder));
    house.fill("strict", 9, 4..=5);
    let tally = house.store.tally();
    assert!(1 <= tally.reopenings && !tally.is_unavailable && 4 <= tally.failed, "{tally:?}");
    assert_eq!(tally.damaged_files, 0);
}

#[test]
fn whoever_looks_at_the_store_does_not_hold_up_its_start() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 9, 1..=3);
    let looker = Connection::open(dir.file()).unwrap();
    looker.execute_batch("BEGIN; SELECT count(*) FROM messages").unwrap();
    house.fill("a", 9, 4..=6);
    drop(house);
    let house = House::open(&dir);
    assert_eq!(house.offsets("a"), [1, 2, 3, 4, 5, 6]);
    house.fill("a", 9, 7..=9);
    let seen = looker.query_row("SELECT count(*) FROM messages", (), |row| row.get(0));
    assert_eq!(seen, Ok(3), "as of one moment");
}

/// Damage that shows only when the file is written (L9).
#[test]
fn a_file_that_cannot_be_written_any_more_is_replaced_under_way() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 9, 1..=3);
    Connection::open(dir.file()).unwrap().execute_batch("DROP TABLE kept").unwrap();
    let put = || Job::Put { table: Table::Sessions, key: "k".into(), value: "v".into() };
    assert_eq!(house.ask(put()), Err(Fault::Unavailable));
    while let Err(fault) = house.ask(put()) {
        assert_eq!(fault, Fault::Unavailable);
    }
    assert_eq!(dir.damaged_files(), 1);
    assert_ne!(house.load("a").unwrap().head.at.epoch, Epoch(9));
    assert_eq!(house.offsets("a"), [1, 2, 3], "readers have found the new file");
    assert_eq!(house.store.rows(Table::Sessions).unwrap(), [("k".into(), "v".into())]);
}
