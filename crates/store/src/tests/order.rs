//! Jobs in their order, groups, and what a restart finds.

use std::sync::Arc;

use proto::{Cursor, Epoch, Offset, Reader, Span, UnixMillis, UserId};

use super::fixtures::{
    Dir, House, append, is_appended, move_cursor, name, offset, patient, payload, publication,
    token,
};
use crate::{Answer, Class, Fault, Full, Job, OpenError, Options, ReadFault, Table};

#[test]
fn what_was_appended_is_read_as_it_was_said() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let mut said = publication("room:a", 7, 1, r#"{"a": "ä"}"#);
    said.except = UserId::parse("bob");
    said.event = Some("tide:turned".into());
    let second = { Arc::new(publication("room:a", 7, 2, "")) };
    let job = |publication| Job::Append { publication, key: Some("k".into()), class: Class::Sync };
    assert!(is_appended(&house.ask(job(Arc::new(said.clone())))));
    let mut from_nobody = (*second).clone();
    from_nobody.from = None;
    assert!(is_appended(&house.ask(job(Arc::new(from_nobody.clone())))));

    for _ in 0..2 {
        let page = house.page("room:a").unwrap();
        let messages: Vec<_> = page.messages.iter().map(|it| (**it).clone()).collect();
        assert_eq!(messages, [said.clone(), from_nobody.clone()]);
    }
}

#[test]
fn only_the_next_message_of_a_log_is_taken() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let wrong = Err(Fault::OutOfOrder);
    assert_eq!(house.ask(append("a", 1, 2, "{}")), wrong, "a new log begins with 1");
    assert_eq!(house.ask(append("a", 1, 0, "{}")), wrong);
    house.fill("a", 1, 1..=2);
    assert_eq!(house.ask(append("a", 1, 2, "{}")), wrong, "taken");
    assert_eq!(house.ask(append("a", 1, 4, "{}")), wrong, "a gap");
    assert_eq!(house.ask(append("a", 2, 3, "{}")), wrong, "another epoch");
    assert_eq!(house.ask(append("a", 2, 1, "{}")), wrong, "another epoch");
    house.fill("a", 1, 3..=3);
    assert_eq!(house.offsets("a"), [1, 2, 3]);
}

#[test]
fn a_log_goes_on_after_a_restart() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 5, 1..=100);
    house.fill("b", 6, 1..=3);
    house.store.clone().close();
    drop(house);

    let house = House::open(&dir);
    let loaded = house.load("a").unwrap();
    assert_eq!((loaded.head.at.epoch, loaded.head.at.offset), (Epoch(5), Offset(100)));
    assert_eq!(loaded.head.first, Offset(1));
    assert_eq!(loaded.time_last, UnixMillis(1_100_000));
    house.fill("a", 5, 101..=110);
    assert_eq!(house.offsets("a"), (1..=110).collect::<Vec<_>>());
    assert_eq!(house.offsets("b"), [1, 2, 3]);
    assert_eq!(house.load("c"), None);
    assert_eq!(house.page("c"), Err(ReadFault::Unknown));
}

#[test]
fn a_group_is_told_once() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let answers = house.all((1..=500).map(|it| append("a", 1, it, "{}")));
    assert!(answers.iter().all(is_appended));
    assert_eq!(house.ear.groups(), [500]);
    let tally = house.store.tally();
    assert_eq!((tally.groups, tally.jobs, tally.appended, tally.messages), (1, 500, 500, 500));
}

#[test]
fn a_load_sees_everything_that_was_submitted_before() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let keyed = |it| Job::Append {
        publication: Arc::new({
            let mut said = publication("a", 1, it, "{}");
            said.time = std::time::SystemTime::now().into();
            said
        }),
        key: (it % 2 == 0).then(|| format!("key {it}").into()),
        class: Class::Sync,
    };
    let load = || Job::Load { channel: name("a") };
    let answers = house.all([load(), keyed(1), keyed(2), load(), keyed(3), keyed(4), load()]);
    assert_eq!(answers[0], Ok(Answer::Loaded(None)));
    let found = |index: usize| match &answers[index] {
        Ok(Answer::Loaded(Some(loaded))) => loaded.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(3).head.at.offset, Offset(2));
    assert_eq!(found(3).keys, [("key 2".into(), Offset(2))]);
    assert_eq!(found(6).head.at.offset, Offset(4));
    assert_eq!(found(6).keys, [("key 2".into(), Offset(2)), ("key 4".into(), Offset(4))]);
}

#[test]
fn keys_are_remembered_for_their_window() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let mut said = publication("a", 1, 1, "{}");
    said.time = UnixMillis(1);
    let key = Some("old".into());
    let job = Job::Append { publication: Arc::new(said), key, class: Class::Sync };
    assert!(is_appended(&house.ask(job)));
    assert_eq!(house.load("a").unwrap().keys.len(), 0);
}

#[test]
fn cursors_go_forward_and_not_past_the_head() {
    let dir = Dir::new();
    let house = House::open(&dir);
    assert_eq!(house.ask(move_cursor("a", "ann", 1, 1)), Err(Fault::OutOfOrder), "no such log");
    house.fill("a", 1, 1..=9);
    let device = |device: Option<&str>| Reader {
        user: UserId::parse("ann").unwrap(),
        device: device.map(Arc::from),
    };
    let cursor = |delivered, read| Cursor { delivered: Offset(delivered), read: Offset(read) };
    for (device_name, to) in [
        (None, cursor(5, 2)),
        (None, cursor(3, 4)),
        (Some(""), cursor(2, 0)),
        (Some("x"), cursor(70, 0)),
    ] {
        let job = Job::MoveCursor { channel: name("a"), reader: device(device_name), to };
        assert_eq!(house.ask(job), Ok(Answer::Done));
    }
    drop(house);
    let house = House::open(&dir);
    let known = [
        (device(None), cursor(5, 4)),
        (device(Some("")), cursor(2, 0)),
        (device(Some("x")), cursor(9, 0)),
    ];
    assert_eq!(house.load("a").unwrap().cursors, known);
}

#[test]
fn a_log_has_so_many_cursors_and_no_more() {
    let dir = Dir::new();
    let options = Options { cursors_max: 2, logs_max: 1, ..Options::default() };
    for round in 0..2 {
        let house = House::with(&dir, options.clone());
        if round == 0 {
            house.fill("a", 1, 1..=9);
        }
        let users = ["ann", "bob", "cleo", "ann"].map(|it| house.ask(move_cursor("a", it, 3, 3)));
        let done = Ok(Answer::Done);
        assert_eq!(users, [done.clone(), done.clone(), Err(Fault::TooMany), done]);
        assert_eq!(house.ask(append("b", 1, 1, "{}")), Err(Fault::TooMany));
    }
}

/// Threat C5.
#[test]
fn an_erased_channel_begins_anew() {
    let dir = Dir::new();
    let house = House::open(&dir);
    house.fill("a", 1, 1..=20);
    house.fill("b", 1, 1..=1);
    let first = [
        move_cursor("a", "ann", 7, 7),
        append("a", 1, 21, "{}"),
        Job::Erase { channel: name("a") },
        append("a", 1, 22, "{}"),
        append("a", 2, 1, "\"anew\""),
    ];
    let answers = house.all(first);
    let row = 23;
    let expected = [Ok(Answer::Done), Err(Fault::OutOfOrder), Ok(Answer::Appended { row })];
    assert_eq!(answers[2..], expected);
    check_anew(&house);
    drop(house);
    check_anew(&House::open(&dir));
}

fn check_anew(house: &House) {
    let loaded = house.load("a").unwrap();
    assert_eq!((loaded.head.at.epoch, loaded.head.at.offset), (Epoch(2), Offset(1)));
    assert_eq!(loaded.cursors.len(), 0);
    let old = house.read("a", 1, Span::After(Offset(0)), 100, usize::MAX).unwrap();
    assert_eq!((old.head.at.epoch, old.messages.len()), (Epoch(2), 0));
    assert_eq!(&*house.page("a").unwrap().messages[0].payload, "\"anew\"");
    assert_eq!(house.offsets("b"), [1]);
}

#[test]
fn rows_are_kept_and_forgotten() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let put =
        |table, key: &str, value: &str| Job::Put { table, key: key.into(), value: value.into() };
    house.all([
        put(Table::Sessions, "a", "1"),
        put(Table::Sessions, "b", "2"),
        put(Table::Revocations, "a", "3"),
        put(Table::Sessions, "a", "4"),
        Job::Remove { table: Table::Sessions, key: "b".into() },
        Job::Remove { table: Table::Sessions, key: "never was".into() },
    ]);
    drop(house);
    let house = House::open(&dir);
    assert_eq!(house.store.rows(Table::Sessions).unwrap(), [("a".into(), "4".into())]);
    assert_eq!(house.store.rows(Table::Revocations).unwrap(), [("a".into(), "3".into())]);
}

#[test]
fn pages_are_the_part_that_was_asked_for() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let jobs = (1..=10).map(|it| append("a", 1, it, &"x".repeat(16 * it as usize - 3)));
    house.all(jobs);
    let read = |span, messages_max, bytes_max| {
        let page = house.read("a", 1, span, messages_max, bytes_max).unwrap();
        page.messages.iter().map(|it| offset(it)).collect::<Vec<_>>()
    };
    let all = usize::MAX;
    assert_eq!(read(Span::After(Offset(0)), all, all), (1..=10).collect::<Vec<_>>());
    assert_eq!(read(Span::After(Offset(3)), 2, all), [4, 5]);
    assert_eq!(read(Span::After(Offset(10)), all, all).len(), 0);
    assert_eq!(read(Span::After(Offset(u64::MAX)), all, all).len(), 0);
    assert_eq!(read(Span::Before(Offset(4)), 2, all), [2, 3]);
    assert_eq!(read(Span::Before(Offset(0)), 2, all).len(), 0);
    assert_eq!(read(Span::Before(Offset(1)), 2, all).len(), 0);
    assert_eq!(read(Span::Last, 3, all), [8, 9, 10]);
    assert_eq!(read(Span::Last, 0, 0), [10], "one, if there is one");
    assert_eq!(read(Span::Since(UnixMillis(1_004_000)), 2, all), [4, 5]);
    assert_eq!(read(Span::Since(UnixMillis(1_004_001)), 2, all), [5, 6]);
    assert_eq!(read(Span::Since(UnixMillis(u64::MAX)), 2, all).len(), 0);
    assert_eq!(read(Span::After(Offset(1)), all, 16 * (2 + 3) + 15), [2, 3]);
    assert_eq!(read(Span::After(Offset(8)), all, 1), [9]);
    assert_eq!(read(Span::Last, all, 16 * 21), [9, 10]);
}

#[test]
fn patient_jobs_wait_for_company_and_not_longer() {
    let dir = Dir::new();
    let interval = std::time::Duration::from_millis(50);
    let house = House::with(&dir, Options { interval, ..Options::default() });
    let began = std::time::Instant::now();
    assert!(is_appended(&house.ask(patient("a", 1, 1))));
    assert!(interval <= began.elapsed());

    let house_two = House::with(
        &Dir::new(),
        Options { interval: std::time::Duration::from_secs(600), ..Options::default() },
    );
    house_two.submit([patient("a", 1, 1), patient("a", 1, 2)]);
    assert!(is_appended(&house_two.ask(append("b", 1, 1, "{}"))));
    assert_eq!(house_two.ear.groups(), [3]);
    let last = house_two.submit([patient("a", 1, 3)]);
    house_two.store.clone().close();
    drop(house_two.store);
    assert!(is_appended(&house_two.ear.answer(last[0])), "closing waits for nobody");
}

#[test]
fn a_full_queue_takes_nothing() {
    let dir = Dir::new();
    let interval = std::time::Duration::from_secs(600);
    let house = House::with(&dir, Options { queue_jobs_max: 4, interval, ..Options::default() });
    house.submit((1..=3).map(|it| patient("a", 1, it)));
    let two = vec![(token(), patient("a", 1, 4)), (token(), patient("a", 1, 5))];
    assert_eq!(house.writer.submit(two), Err(Full));
    assert_eq!(house.store.tally().queue_jobs, 3);
    let last = house.submit([append("a", 1, 4, &payload(4))]);
    assert!(is_appended(&house.ear.answer(last[0])));
    assert_eq!(house.store.tally().refused, 2);
    assert_eq!(house.offsets("a"), [1, 2, 3, 4]);
}

/// Threat L16.
#[test]
fn a_second_process_is_refused() {
    let dir = Dir::new();
    let house = House::open(&dir);
    let second = House::try_with(&dir.0, Options::default());
    assert!(matches!(second.err(), Some(OpenError::Locked { .. })));
    house.store.clone().close();
    drop(house);
    House::open(&dir);
}
