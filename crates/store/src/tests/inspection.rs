//! A store looked at from outside, while it is open and afterwards.

use std::fs;

use proto::{Epoch, Offset};
use rusqlite::Connection;

use super::fixtures::{Dir, House, append, move_cursor};
use crate::{InspectError, backup, stats, verify};

#[test]
fn figures_are_told_while_the_store_is_open() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("small", 9, 1..=3);
    house.all((1..=100).map(|it| append("large", 9, it, &"x".repeat(1000))));
    house.all([move_cursor("large", "ann", 3, 3)]);
    let stats = stats(&dir.0).unwrap();
    assert_eq!((stats.logs, stats.messages, stats.cursors), (2, 103, 1));
    assert_eq!(stats.largest[0].0.as_str(), "large");
    assert_eq!((stats.largest[0].1, stats.largest[0].2), (100, 100_000));
    let shown = stats.to_string();
    assert!(shown.contains("large: 100 messages, 0.1 MiB"), "{shown}");
}

#[test]
fn a_store_that_is_well_verifies_beside_its_process_and_alone() {
    let dir = Dir::new();
    let house = House::open(&dir);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for from in (1..1000).step_by(10) {
                house.fill("a", 9, from..=from + 9);
            }
        });
        while !writing.is_finished() {
            let report = verify(&dir.0).unwrap();
            assert!(report.is_well(), "{report}");
        }
    });
    drop(house);
    let report = verify(&dir.0).unwrap();
    assert!(report.is_well(), "{report}");
    assert_eq!((report.messages, report.logs), (1000, 1));
    assert_eq!(House::open(&dir).offsets("a").len(), 1000);
}

#[test]
fn what_is_wrong_is_said() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 9, 1..=9);
    house.fill("b", 9, 1..=9);
    house.fill("c", 9, 1..=9);
    drop(house);
    let db = Connection::open(dir.file()).unwrap();
    db.execute("UPDATE messages SET payload = 'no' WHERE log = 1 AND offset = 4", ()).unwrap();
    db.execute("DELETE FROM messages WHERE log = 2 AND offset = 4", ()).unwrap();
    drop(db);
    let said = verify(&dir.0).unwrap().to_string();
    for part in
        ["log a: a message is not what was written", "log b: messages are missing", "To do:"]
    {
        assert!(said.contains(part), "{said}");
    }
    let nowhere = verify(&dir.0.join("nowhere"));
    assert!(matches!(nowhere, Err(InspectError::Missing { .. })));
}

#[test]
fn a_backup_is_a_store_of_one_moment_in_new_epochs() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 9, 1..=500);
    house.all([move_cursor("a", "ann", 400, 300)]);
    let copy = Dir::new();
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| house.fill("a", 9, 501..=600));
        backup(&dir.0, &copy.file(), |done, all| told.push((done, all))).unwrap();
        writing.join().unwrap();
    });
    let (done, all) = told.last().unwrap();
    assert_eq!(done, all);
    assert!(matches!(backup(&dir.0, &copy.file(), |_, _| ()), Err(InspectError::Exists { .. })));
    assert_eq!(fs::read_dir(&copy.0).unwrap().count(), 1, "one file");

    let restored = House::open(&copy);
    let loaded = restored.load("a").unwrap();
    assert_ne!(loaded.head.at.epoch, Epoch(9), "whoever has seen 600 is told");
    assert!(Offset(500) <= loaded.head.at.offset);
    assert_eq!(restored.offsets("a").len() as u64, loaded.head.at.offset.0);
    assert_eq!(loaded.cursors.len(), 1);
    assert_eq!(copy.damaged_files(), 0);
    house.fill("a", 9, 601..=601);
}
