//! Retention: what is kept, what is cut, and what survives when nothing is left.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use proto::{Epoch, Offset, Span, UnixMillis};

use super::fixtures::{Dir, House, append, is_appended, name, publication};
use crate::{Class, Job, Options, Retention};

fn keeping(retention: Retention) -> Options {
    Options { default_retention: retention, ..Options::default() }
}

/// Waits until the store has cut so many messages.
pub(super) fn until_cut(house: &House, count: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while house.store.tally().cut < count {
        assert!(Instant::now() < deadline, "{:?}", house.store.tally());
        std::thread::yield_now();
    }
}

#[test]
fn the_newest_messages_are_kept() {
    let dir = Dir::new();
    let options = keeping(Retention { messages: Some(80), ..Retention::default() });
    let house = House::with(&dir, options.clone());
    house.fill("a", 1, 1..=85);
    assert_eq!(house.offsets("a"), (6..=85).collect::<Vec<_>>(), "whatever is on the disk");
    assert_eq!(house.load("a").unwrap().head.first, Offset(6));
    assert_eq!(house.store.tally().cut, 0, "cut in lots");
    house.fill("a", 1, 86..=200);
    until_cut(&house, 110);
    assert_eq!(house.offsets("a"), (121..=200).collect::<Vec<_>>());
    let read = house.read("a", 1, Span::Since(UnixMillis(0)), 1, 1 << 20).unwrap();
    assert_eq!(read.messages.len(), 1);
    drop(house);

    let house = House::with(&dir, options);
    assert_eq!(house.offsets("a"), (121..=200).collect::<Vec<_>>());
    house.fill("a", 1, 201..=201);
}

#[test]
fn bytes_are_kept_within_their_limit() {
    let dir = Dir::new();
    let house = House::with(&dir, keeping(Retention { bytes: Some(8000), ..Retention::default() }));
    // A kilobyte each, with the name of who said it.
    house.all((1..=20).map(|it| append("a", 1, it, &"x".repeat(997))));
    until_cut(&house, 12);
    assert_eq!(house.offsets("a").last(), Some(&20));
    assert!(house.store.tally().bytes <= 9000);
    house.all([append("b", 1, 1, &"x".repeat(20_000))]);
    until_cut(&house, 14);
    let loaded = house.load("b").unwrap();
    assert_eq!((loaded.head.at.offset, loaded.head.first), (Offset(1), Offset(2)));
}

#[test]
fn old_messages_are_cut_and_their_log_goes_on() {
    let dir = Dir::new();
    let minute = Duration::from_secs(60);
    let mut options = keeping(Retention { age: Some(minute), ..Retention::default() });
    options.retention = vec![("kept".to_owned(), Retention::default())];
    let house = House::with(&dir, options.clone());
    let now = UnixMillis::from(SystemTime::now());
    let said = |channel: &str, offset, time| {
        let mut said = publication(channel, 7, offset, "{}");
        said.time = time;
        Job::Append { publication: Arc::new(said), key: None, class: Class::Sync }
    };
    let old = UnixMillis(now.0 - 61_000);
    house.all((1..=6000).map(|it| said("old", it, old)));
    house.all((1..=10).map(|it| said("kept:a", it, old)));
    house.all((1..=10).map(|it| said("mixed", it, if it < 4 { old } else { now })));
    until_cut(&house, 6003);
    assert_eq!(house.offsets("mixed"), (4..=10).collect::<Vec<_>>());
    assert_eq!(house.offsets("kept:a").len(), 10);
    let check = |house: &House| {
        let loaded = house.load("old").unwrap();
        assert_eq!((loaded.head.at.epoch, loaded.head.at.offset), (Epoch(7), Offset(6000)));
        assert_eq!(loaded.head.first, Offset(6001));
        assert_eq!(loaded.time_last, old);
        assert_eq!(house.offsets("old").len(), 0);
    };
    check(&house);
    drop(house);
    let house = House::with(&dir, options);
    check(&house);
    assert!(is_appended(&house.ask(said("old", 6001, now))));
    assert_eq!(house.offsets("old"), [6001]);
    assert_eq!(house.offsets("mixed"), (4..=10).collect::<Vec<_>>());
}

/// Threat C5: what was erased is gone from the file, too.
#[test]
fn what_was_erased_leaves_the_file() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.all((1..=7000).map(|it| append("a", 1, it, "{}")));
    house.fill("b", 1, 1..=3);
    house.all([Job::Erase { channel: name("a") }]);
    until_cut(&house, 7000);
    drop(house);
    let db = rusqlite::Connection::open(dir.file()).unwrap();
    let count = |table: &str| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0)).unwrap()
    };
    assert_eq!((count("messages"), count("logs")), (3, 1));
}

#[test]
fn an_erasure_that_was_cut_off_is_finished() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.all((1..=200).map(|it| append("a", 1, it, "{}")));
    house.store.clone().close();
    drop(house);
    let house = House::open(&dir);
    house.submit([Job::Erase { channel: name("a") }]);
    // Closing does what was submitted, and leaves the cutting for another day.
    drop(house);
    let house = House::open(&dir);
    assert_eq!(house.load("a"), None);
    assert_eq!(dir.damaged_files(), 0);
    drop(house);
}

/// Readers ask for everything, again and again, while the log grows and is cut.
#[test]
fn no_page_has_a_gap() {
    let dir = Dir::new();
    let house =
        House::with(&dir, keeping(Retention { messages: Some(50), ..Retention::default() }));
    house.fill("a", 1, 1..=1);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for from in (2..4000).step_by(20) {
                house.fill("a", 1, from..=from + 19);
            }
        });
        let mut pages = 0;
        while !writing.is_finished() || pages < 100 {
            let offsets = house.offsets("a");
            assert!(!offsets.is_empty() && offsets.len() <= 50);
            assert!(offsets.windows(2).all(|it| it[0] + 1 == it[1]), "{offsets:?}");
            pages += 1;
        }
    });
    assert_eq!(house.store.tally().damaged_logs, 0);
}
