//! Rows: which messages of a log somebody has who has everything up to one.

use std::time::Duration;

use crate::{Options, Retention};
use proto::{Epoch, UnixTime};

use super::{
    fixtures::{Dir, House, name},
    keeping::until_cut,
};

/// Until a row that was the last an hour ago.
fn until(house: &House, channel: &str, row: u64) -> Option<u64> {
    let times = (UnixTime(0), UnixTime(3600));
    let found = house.writer.last_until(&name(channel), Epoch(1), row, times);
    found.map(|it| it.0)
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
        let times = (UnixTime(0), UnixTime(0));
        assert_eq!(house.writer.last_until(&name("a"), Epoch(2), 7, times), None, "another life");
    };
    check(&house);
    drop(house);
    check(&House::open(&dir));
}

/// What was cut before the file was opened is not known; only that a log which lost messages to its
/// size is still that large, and that age takes none that is younger.
#[test]
fn what_may_have_been_cut_is_not_promised() {
    let keep = |messages, age| Retention { messages, age, bytes: None };
    let minute = Duration::from_secs(60);
    let few = ("few".to_owned(), keep(Some(4), None));
    let old = ("old".to_owned(), keep(None, Some(minute)));
    let options = Options { retention: vec![few, old], ..Options::default() };
    let dir = Dir::new();
    let house = House::with(&dir, options.clone());
    // Times in these stories are of 1970, so age takes all of it at once.
    house.fill("old", 1, 1..=3);
    house.fill("few", 1, 1..=8);
    until_cut(&house, 7);
    let ago = |house: &House, channel, row, ago: Duration| {
        let times = (UnixTime(0), UnixTime(ago.as_secs()));
        house.writer.last_until(&name(channel), Epoch(1), row, times).map(|it| it.0)
    };
    let stood = [6, 7, 8].map(|it| ago(&house, "few", it, minute));
    assert_eq!(stood, [None, Some(4), Some(5)], "rows 4 to 7 were cut");
    assert_eq!(ago(&house, "old", 2, minute), None);
    assert_eq!(ago(&house, "old", 3, minute), Some(3), "all that was cut is before that");
    drop(house);

    let house = House::with(&dir, options);
    let stood = [6, 7, 8].map(|it| ago(&house, "few", it, minute));
    assert_eq!(stood, [None, None, Some(5)], "nobody knows any more which was cut last");
    assert_eq!(ago(&house, "old", 2, minute), None, "may have been cut");
    assert_eq!(ago(&house, "old", 9, Duration::from_secs(59)), Some(3), "age takes none so young");
}
