//! Bits that flip and files that end early (L9): what is served is what was written, or it is said
//! to be damaged, and the store always opens.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use proto::{Epoch, Offset, UnixMillis};
use rusqlite::Connection;

use super::fixtures::{Dir, House, append, is_appended, move_cursor, offset, payload};
use crate::{
    Job, OpenError, Options, ReadFault, Table, account::Account, desk::insert_log, row::LogRow,
};

/// A file with three logs whose messages lie among each other, closed in peace.
fn written(dir: &Dir, messages: u64) -> Vec<u8> {
    let house = House::open(dir);
    for number in 1..=messages {
        let jobs = ["a", "b", "c"].map(|it| append(it, 9, number, &payload(number)));
        house.all(jobs);
    }
    house.all(["a", "b", "c"].map(|it| move_cursor(it, "ann", messages, 1)));
    let put = |it: u64| Job::Put {
        table: Table::Sessions,
        key: format!("s{it}").into(),
        value: payload(it).into(),
    };
    house.all((0..20).map(put));
    house.store.clone().close();
    drop(house);
    assert!(!dir.0.join("tidegate.db-wal").exists(), "one file is left");
    fs::read(dir.file()).unwrap()
}

/// Opens what the file has become, compares everything in it with what was written, and goes on
/// with it. Returns how many logs are as they were.
fn check(dir: &Dir, messages: u64, what: &str) -> usize {
    let house = House::try_with(&dir.0, Options::default());
    let house = house.unwrap_or_else(|error| panic!("{what}: {error}"));
    let rows = house.store.rows(Table::Sessions);
    let rows = rows.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    for (key, value) in rows {
        assert_eq!(*value, *payload(key[1..].parse().unwrap()), "{what}");
    }
    let mut whole = 0;
    for channel in ["a", "b", "c"] {
        let first = house.load(channel);
        let read = house.page(channel);
        let page = match (&first, read) {
            (None, Err(ReadFault::Unknown)) => None,
            (Some(_), Ok(page)) => Some(page),
            // Found while it was read; then it begins anew.
            (_, Err(ReadFault::Damaged | ReadFault::Unknown)) => None,
            (first, read) => panic!("{what}: {first:?} {read:?}"),
        };
        for message in page.iter().flat_map(|it| &it.messages) {
            assert_eq!(*message.payload, *payload(offset(message)), "{what}");
            assert_eq!(message.from.as_ref().unwrap().as_str(), "ann", "{what}");
        }
        let kept: Vec<u64> = page.iter().flat_map(|it| &it.messages).map(|it| offset(it)).collect();
        assert!(kept.windows(2).all(|it| it[0] + 1 == it[1]), "{what}: a gap in {kept:?}");
        let loaded = house.load(channel);
        let (epoch, head) =
            loaded.as_ref().map_or((1, 0), |it| (it.head.at.epoch.0, it.head.at.offset.0));
        if epoch == 9 {
            assert_eq!(kept, (1..=messages).collect::<Vec<_>>(), "{what}: the epoch promises all");
            whole += 1;
        }
        for (_, cursor) in loaded.iter().flat_map(|it| &it.cursors) {
            assert!(cursor.delivered.0 <= head, "{what}: a cursor past the head");
        }
        // Whatever it has become, it goes on.
        let next = house.ask(append(channel, epoch, head + 1, &payload(head + 1)));
        assert!(is_appended(&next), "{what}: {channel}");
    }
    whole
}

#[test]
fn a_flipped_bit_is_never_served() {
    let dir = Dir::in_memory();
    let bytes = written(&dir, 60);
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut outcomes = BTreeMap::new();
    for round in 0..2000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bit = usize::try_from(random % (bytes.len() as u64 * 8)).unwrap();
        // The header and the schema are a small part of the file; they get their share here.
        let bit = if round % 8 == 0 { bit % (100 * 8) } else { bit };
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let dir = Dir::in_memory();
        fs::write(dir.file(), flipped).unwrap();
        let whole = check(&dir, 60, &format!("bit {bit}"));
        *outcomes.entry((whole, dir.damaged_files())).or_insert(0) += 1;
    }
    assert!(outcomes.keys().any(|it| *it == (3, 0)), "{outcomes:?}");
    assert!(outcomes.keys().any(|it| *it == (2, 0)), "one log alone: {outcomes:?}");
}

#[test]
fn a_file_that_ends_early_is_never_served_as_whole() {
    let dir = Dir::in_memory();
    let bytes = written(&dir, 60);
    for length in (0..bytes.len()).step_by(509) {
        let dir = Dir::in_memory();
        fs::write(dir.file(), &bytes[..length]).unwrap();
        let whole = check(&dir, 60, &format!("{length} bytes of {}", bytes.len()));
        assert!(whole < 3, "{length} bytes of {}", bytes.len());
    }
}

/// What a process leaves that is killed: a file and its write-ahead log, in which a bit flips.
#[test]
fn a_flipped_bit_in_the_write_ahead_log_is_noticed() {
    let dir = Dir::in_memory();
    let house = House::open(&dir);
    let _held = held(&dir);
    let mut lengths = Vec::new();
    for number in 1..=40 {
        house.all(["a", "b", "c"].map(|it| append(it, 9, number, &payload(number))));
        lengths.push(fs::metadata(dir.0.join("tidegate.db-wal")).unwrap().len());
    }
    let left = ["tidegate.db", "tidegate.db-wal"].map(|it| fs::read(dir.0.join(it)).unwrap());
    drop(house);
    let bits = left[1].len() * 8;
    // The end may as well be a commit that was cut off, and is not looked at.
    let looked_at = usize::try_from(lengths[37]).unwrap() * 8;
    for bit in (0..looked_at).step_by(4999) {
        let dir = Dir::in_memory();
        fs::write(dir.file(), &left[0]).unwrap();
        let mut log = left[1].clone();
        log[bit / 8] ^= 1 << (bit % 8);
        fs::write(dir.0.join("tidegate.db-wal"), log).unwrap();
        check(&dir, 40, &format!("bit {bit} of {bits} in the write-ahead log"));
    }
}

#[test]
fn a_file_that_is_no_store_is_moved_aside() {
    let dir = Dir::new();
    fs::write(dir.file(), "this is a poem and not a database, however long it may be").unwrap();
    let house = House::open(&dir);
    house.fill("a", 1, 1..=3);
    assert_eq!(dir.damaged_files(), 1);
    assert_eq!(house.store.tally().damaged_files, 1);
}

/// Reads, so that the write-ahead log stays as it is for as long as this lives.
pub(super) fn held(dir: &Dir) -> Connection {
    let db = Connection::open(dir.file()).unwrap();
    db.execute_batch("BEGIN; SELECT count(*) FROM messages").unwrap();
    db
}

/// What a process leaves that is killed: files as they are now.
pub(super) fn killed(dir: &Dir) -> Dir {
    let killed = Dir::new();
    for file in ["tidegate.db", "tidegate.db-wal"] {
        fs::copy(dir.0.join(file), killed.0.join(file)).unwrap();
    }
    killed
}

fn change(file: &Path, statement: &str) {
    let db = Connection::open(file).unwrap();
    assert_eq!(db.execute(statement, ()).unwrap(), 1, "{statement}");
}

#[test]
fn a_row_that_changed_costs_its_log_alone() {
    let dir = Dir::new();
    written(&dir, 20);
    change(&dir.file(), "UPDATE messages SET payload = '{}' WHERE log = 2 AND offset = 20");
    let house = House::open(&dir);
    assert_eq!(house.store.tally().damaged_logs, 1);
    let loaded = house.load("b").unwrap();
    assert_ne!(loaded.head.at.epoch, Epoch(9));
    assert_eq!((loaded.head.at.offset, loaded.head.first), (Offset(0), Offset(1)));
    assert_eq!(house.offsets("a").len() + house.offsets("c").len(), 40);
    assert_eq!(dir.damaged_files(), 0);
    drop(house);

    let house = House::open(&dir);
    assert_eq!(house.store.tally().damaged_logs, 0, "found once");
    assert_eq!(house.load("b").unwrap().head.at.epoch, loaded.head.at.epoch);
    drop(house);
    let db = Connection::open(dir.file()).unwrap();
    let kept = "SELECT count(*) FROM messages WHERE log = 2";
    assert_eq!(db.query_row(kept, (), |row| row.get(0)), Ok(20), "it can be looked at");
}

#[test]
fn a_damaged_log_is_kept_for_a_month() {
    let dir = Dir::new();
    written(&dir, 20);
    change(&dir.file(), "UPDATE messages SET payload = '{}' WHERE log = 2 AND offset = 20");
    drop(House::open(&dir));
    let db = Connection::open(dir.file()).unwrap();
    let text = format!("SELECT {} FROM logs WHERE id = 2", LogRow::COLUMNS);
    let row = db.query_row(&text, (), |row| Ok(LogRow::read(row))).unwrap().unwrap();
    let mut account = Account::read(&db).unwrap().unwrap();
    let old = LogRow { time: UnixMillis(row.time.0 - 31 * 24 * 60 * 60 * 1000), ..row.clone() };
    account.logs = account.logs.wrapping_sub(row.seal()).wrapping_add(old.seal());
    insert_log(&db, &old).unwrap();
    account.write(&db).unwrap();
    drop(db);

    let house = House::open(&dir);
    let deadline = Instant::now() + Duration::from_secs(20);
    while house.store.tally().cut < 20 {
        assert!(Instant::now() < deadline, "it is cut like what was erased");
        std::thread::yield_now();
    }
    assert_eq!(dir.damaged_files(), 0);
    assert_eq!(house.offsets("a").len(), 20);
}

#[test]
fn a_row_that_changes_under_way_is_found_when_it_is_read() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 9, 1..=5);
    house.fill("b", 9, 1..=5);
    change(&dir.file(), "UPDATE messages SET payload = '{}' WHERE log = 1 AND offset = 3");
    assert_eq!(house.page("a"), Err(ReadFault::Damaged));
    let loaded = house.load("a").unwrap();
    assert_eq!(loaded.head.at.offset, Offset(0));
    house.fill("a", loaded.head.at.epoch.0, 1..=2);
    assert_eq!(house.offsets("a"), [1, 2]);
    assert_eq!(house.offsets("b"), [1, 2, 3, 4, 5]);
}

#[test]
fn messages_that_are_gone_are_missed() {
    for statement in [
        "DELETE FROM messages WHERE log = 2 AND offset = 20",
        "DELETE FROM messages WHERE log = 2 AND offset = 1",
        "DELETE FROM logs WHERE id = 2",
    ] {
        let dir = Dir::new();
        written(&dir, 20);
        change(&dir.file(), statement);
        let house = House::open(&dir);
        assert_eq!(dir.damaged_files(), 1, "{statement}");
        for channel in ["a", "b", "c"] {
            let epoch = house.load(channel).map(|it| it.head.at.epoch);
            assert_ne!(epoch, Some(Epoch(9)), "{statement}: nobody knows whose it was");
        }
        assert_eq!(house.offsets("a").len() + house.offsets("c").len(), 40, "{statement}");
    }
}

#[test]
fn a_later_version_is_left_alone() {
    let dir = Dir::new();
    let bytes = written(&dir, 3);
    let db = Connection::open(dir.file()).unwrap();
    db.execute_batch("PRAGMA user_version = 2; DROP TABLE account; CREATE TABLE account (x)")
        .unwrap();
    drop(db);
    let later = House::try_with(&dir.0, Options::default());
    assert!(matches!(later.err(), Some(OpenError::Newer { version: 2, .. })));

    // The header alone may lie.
    fs::write(dir.file(), bytes).unwrap();
    Connection::open(dir.file()).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    assert_eq!(House::open(&dir).offsets("a"), [1, 2, 3]);
}

/// Tables of other columns are not ours, and what is whole in them goes on.
#[test]
fn a_file_of_an_earlier_build_is_rescued() {
    let dir = Dir::new();
    written(&dir, 3);
    let db = Connection::open(dir.file()).unwrap();
    db.execute_batch("ALTER TABLE account DROP COLUMN cut").unwrap();
    drop(db);
    let house = House::open(&dir);
    assert_eq!(dir.damaged_files(), 1, "it is set aside");
    assert_ne!(house.load("a").unwrap().head.at.epoch, Epoch(9));
    assert_eq!(house.offsets("a"), [1, 2, 3]);
    assert!(9 < house.store.row_last(), "nine rows were given");
}

#[test]
fn an_unclean_stop_costs_the_epoch_of_what_was_told_before_it_was_stored() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let _held = held(&dir);
    house.fill("strict", 9, 1..=5);
    house.all((1..=5).map(|it| super::fixtures::patient("loose", 9, it)));
    house.all([move_cursor("loose", "ann", 5, 5)]);
    let killed = killed(&dir);
    let house = House::open(&killed);
    assert_eq!(house.load("strict").unwrap().head.at.epoch, Epoch(9));
    let loose = house.load("loose").unwrap();
    assert_ne!(loose.head.at.epoch, Epoch(9));
    assert_eq!(loose.head.at.offset, Offset(5));
    assert_eq!(house.offsets("loose"), [1, 2, 3, 4, 5], "they can still be read");
    assert_eq!(loose.cursors.len(), 1);
    assert_eq!(house.store.tally().renewed_logs, 1);
    drop(house);
    let again = House::open(&killed).load("loose").unwrap();
    assert_eq!(again.head.at.epoch, loose.head.at.epoch, "after a clean stop it stays");
}
