//! A home's book of guests: who is told of, and when.

use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(15);

fn presence() -> Presence {
    Presence::new(PresenceRules { grace: GRACE, events_max: 1000 })
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// So many connections of a user on a shard, who is missed at once if there are none.
fn seats(name: &str, count: u32) -> Seats {
    Seats {
        user: (name != "-").then(|| user(name)),
        was: 0,
        count,
        status: Status::Online,
        grace: Duration::ZERO,
    }
}

fn lost(name: &str) -> Seats {
    Seats { grace: GRACE, ..seats(name, 0) }
}

fn at(presence: &mut Presence, now: u32, shard: u16, seats: Seats) {
    presence.seat(Tick(now), UnixMillis(u64::from(now) * 100), ShardId(shard), seats);
}

/// What is told at its time, and when that was.
fn told(presence: &mut Presence) -> String {
    let mut now = presence.due();
    let mut notice = presence.take(now);
    while notice.is_none() && presence.due() != Tick::NEVER {
        assert!(now < presence.due(), "it is looked at for nothing");
        now = presence.due();
        notice = presence.take(now);
    }
    let Some(Notice::Presence(it)) = notice else { return "nothing".to_owned() };
    let seen = |all: &[(UserId, Status)]| {
        let one = |it: &(UserId, Status)| format!("{}:{}", it.0, it.1.as_str());
        all.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let left: Vec<&str> = it.left.iter().map(UserId::as_str).collect();
    let (joined, changed) = (seen(&it.joined), seen(&it.changed));
    format!("{}: +[{joined}] -[{}] ~[{changed}] {}", now.0, left.join(" "), it.users)
}

/// What the room of ten thousand costs: the record, the user's place in the tree, and one seat.
#[test]
fn a_user_costs_a_few_hundred_bytes() {
    assert!(size_of::<Guest>() + size_of::<UserId>() + size_of::<Seat>() <= 200);
}

#[test]
fn a_user_counts_once_whatever_the_number_of_connections() {
    let mut all = presence();
    at(&mut all, 0, 0, seats("ann", 1));
    at(&mut all, 0, 0, seats("ann", 3));
    at(&mut all, 1, 1, seats("ann", 2));
    at(&mut all, 1, 1, seats("-", 4));
    assert_eq!(told(&mut all), "2: +[ann:online] -[] ~[] 1");
    let roll = all.roll(&Who::All { after: None, limit: 0 });
    assert_eq!((roll.users.len(), roll.count, roll.connections), (0, 1, 9));
    at(&mut all, 5, 0, seats("ann", 0));
    assert_eq!(all.due(), Tick::NEVER);
    at(&mut all, 6, 1, seats("ann", 0));
    assert_eq!(told(&mut all), "8: +[] -[ann] ~[] 0");
    assert!(!all.has_users());
}

#[test]
fn whoever_comes_back_in_time_has_not_been_away() {
    let mut all = presence();
    at(&mut all, 0, 0, seats("ann", 1));
    told(&mut all);
    at(&mut all, 10, 0, lost("ann"));
    assert_eq!(all.due(), Tick(160));
    assert_eq!(all.roll(&Who::All { after: None, limit: 9 }).users[0].connections, 0);
    at(&mut all, 159, 1, seats("ann", 1));
    assert_eq!(told(&mut all), "nothing");
    let ann = all.roll(&Who::User(user("ann"))).users.remove(0);
    assert_eq!((ann.since, ann.last_seen), (Some(UnixMillis(0)), None));
    at(&mut all, 200, 1, lost("ann"));
    assert_eq!(told(&mut all), "352: +[] -[ann] ~[] 0");
    let ann = all.roll(&Who::User(user("ann"))).users.remove(0);
    assert_eq!(
        (ann.status, ann.since, ann.last_seen),
        (Status::Offline, None, Some(UnixMillis(20_000)))
    );
}

#[test]
fn whoever_comes_and_goes_between_two_notices_is_not_told_of() {
    let mut all = presence();
    at(&mut all, 0, 0, seats("ann", 1));
    at(&mut all, 1, 0, seats("ann", 0));
    assert_eq!(told(&mut all), "nothing");
    assert!(!all.has_users());
    at(&mut all, 10, 0, seats("bob", 1));
    told(&mut all);
    at(&mut all, 20, 0, seats("bob", 0));
    at(&mut all, 21, 0, Seats { status: Status::Away, ..seats("bob", 1) });
    assert_eq!(told(&mut all), "22: +[] -[] ~[bob:away] 1");
}

#[test]
fn the_strongest_status_of_all_shards_is_shown() {
    let mut all = presence();
    let custom = |text: &str| Status::Custom(text.into());
    at(&mut all, 0, 0, Seats { status: Status::Away, ..seats("ann", 1) });
    at(&mut all, 0, 1, Seats { status: custom("tea"), ..seats("ann", 1) });
    assert_eq!(told(&mut all), "2: +[ann:tea] -[] ~[] 1");
    at(&mut all, 5, 0, seats("ann", 1));
    assert_eq!(told(&mut all), "7: +[] -[] ~[ann:online] 1");
    at(&mut all, 8, 0, lost("ann"));
    assert_eq!(told(&mut all), "10: +[] -[] ~[ann:tea] 1");
}

#[test]
fn a_shard_that_failed_is_waited_for() {
    let mut all = presence();
    at(&mut all, 0, 1, seats("ann", 1));
    at(&mut all, 0, 1, seats("bob", 2));
    at(&mut all, 0, 1, seats("-", 2));
    at(&mut all, 0, 0, seats("bob", 1));
    assert_eq!(told(&mut all), "2: +[ann:online bob:online] -[] ~[] 2");
    all.lose(Tick(10), UnixMillis(1000), ShardId(1));
    let roll = all.roll(&Who::All { after: None, limit: 100 });
    assert_eq!((roll.count, roll.connections), (2, 1));
    at(&mut all, 20, 1, seats("ann", 1));
    assert_eq!(told(&mut all), "nothing");
    all.lose(Tick(30), UnixMillis(3000), ShardId(1));
    assert_eq!(told(&mut all), "182: +[] -[ann] ~[] 1");
}

/// Threat F14: what a notice and a list weigh does not grow with the room.
#[test]
fn many_are_told_of_a_hundred_at_a_time_and_a_crowd_is_only_counted() {
    let mut all = presence();
    (0..250).for_each(|it| at(&mut all, 0, 0, seats(&format!("u{it}"), 1)));
    let notices: Vec<String> = (0..3).map(|_| told(&mut all)).collect();
    let names: Vec<usize> = notices.iter().map(|it| it.matches(":online").count()).collect();
    assert_eq!(names, [100, 100, 50]);
    assert!(notices[0].ends_with(" 100") && notices[2].ends_with(" 250"));
    assert_eq!(all.due(), Tick::NEVER);

    (250..1500).for_each(|it| at(&mut all, 100, 0, seats(&format!("u{it}"), 1)));
    assert_eq!(told(&mut all), "102: +[] -[] ~[] 1500");
    at(&mut all, 110, 0, Seats { status: Status::Away, ..seats("u1", 1) });
    assert_eq!(told(&mut all), "nothing");
    at(&mut all, 140, 0, seats("u1499", 0));
    at(&mut all, 141, 0, seats("u1498", 0));
    assert_eq!(told(&mut all), "160: +[] -[] ~[] 1498");
    (1000..1498).for_each(|it| at(&mut all, 200, 0, seats(&format!("u{it}"), 0)));
    assert!(told(&mut all).ends_with(" 1398"), "again by name");
}

/// Threat F14.
#[test]
fn nobody_is_remembered_for_ever_and_the_last_are_only_counted() {
    let mut all = presence();
    (0..USERS_MAX).for_each(|it| at(&mut all, 0, 0, seats(&format!("u{it}"), 1)));
    at(&mut all, 1, 0, seats("late", 1));
    at(&mut all, 1, 0, Seats { was: 1, ..seats("late", 2) });
    let roll = all.roll(&Who::User(user("late")));
    assert_eq!((roll.users[0].since, roll.count), (None, USERS_MAX as u64));
    assert_eq!(roll.connections, USERS_MAX as u64 + 2);
    told(&mut all);
    (0..USERS_MAX).for_each(|it| at(&mut all, 50, 0, seats(&format!("u{it}"), 0)));
    while all.due() != Tick::NEVER {
        told(&mut all);
    }
    let seen = (all.seen.users.len(), all.seen.order.len());
    assert_eq!((all.users.len(), all.queue.len(), seen), (0, 0, (SEEN_MAX, SEEN_MAX)));
    // Now there is room for a name.
    at(&mut all, 60, 0, Seats { was: 2, ..seats("late", 3) });
    let roll = all.roll(&Who::User(user("late")));
    assert_eq!((roll.users[0].connections, roll.count, roll.connections), (3, 1, 3));
}

/// Whoever came and went again is remembered for the last time, and costs one place in the end.
#[test]
fn the_last_thousand_who_left_are_remembered() {
    let mut all = presence();
    let mut now = 0;
    let mut visit = |name: &str| {
        now += 10;
        at(&mut all, now, 0, seats(name, 1));
        told(&mut all);
        at(&mut all, now + 5, 0, seats(name, 0));
        told(&mut all);
    };
    visit("ann");
    visit("bob");
    (0..SEEN_MAX - 1).for_each(|it| visit(&format!("u{it}")));
    visit("bob");
    let last_seen = |name: &str| all.roll(&Who::User(user(name))).users[0].last_seen;
    assert_eq!(last_seen("ann"), None);
    assert_eq!(last_seen("bob"), Some(UnixMillis(1_002_500)));
    assert_eq!(last_seen("u1"), Some(UnixMillis(4_500)));
}

#[test]
fn lists_are_read_page_by_page() {
    let mut all = presence();
    ["cid", "ann", "dan", "bob"].iter().for_each(|it| at(&mut all, 0, 0, seats(it, 1)));
    at(&mut all, 0, 0, seats("bob", 0));
    let page = |after: Option<&str>, limit| {
        let roll = all.roll(&Who::All { after: after.map(user), limit });
        roll.users.iter().map(|it| it.user.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(page(None, 2), "ann cid");
    assert_eq!(page(Some("cid"), 2), "dan");
    assert_eq!(page(Some("bob"), 9), "cid dan");
    assert_eq!(page(Some("x"), 9), "");
}

/// What people do, tick by tick.
#[derive(Clone, Debug)]
enum Deed {
    /// So many connections of a user on a shard, seen so; missed after a grace or at once.
    Sit {
        user: u8,
        shard: u16,
        count: u32,
        is_away: bool,
        is_lost: bool,
    },
    Lose {
        shard: u16,
    },
    Wait {
        ticks: u32,
    },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let sit = (0..6_u8, 0..3_u16, 0..3_u32, any::<bool>(), any::<bool>()).prop_map(
        |(user, shard, count, is_away, is_lost)| Deed::Sit { user, shard, count, is_away, is_lost },
    );
    let wait = (0..200_u32).prop_map(|ticks| Deed::Wait { ticks });
    let lose = (0..3_u16).prop_map(|shard| Deed::Lose { shard });
    proptest::collection::vec(prop_oneof![8 => sit, 4 => wait, 1 => lose], 1..80)
}

/// A client that applies what it is told to a list of its own.
#[derive(Default)]
struct Client {
    list: BTreeMap<UserId, Status>,
}

impl Client {
    fn hear(&mut self, notice: &Notice) {
        let Notice::Presence(it) = notice else { panic!("only presence is told here") };
        for (user, status) in &it.joined {
            assert_eq!(self.list.insert(user.clone(), status.clone()), None, "{user} came twice");
        }
        for user in &it.left {
            assert!(self.list.remove(user).is_some(), "{user} left without having come");
        }
        for (user, status) in &it.changed {
            let before = self.list.insert(user.clone(), status.clone());
            assert!(before.is_some_and(|it| it != *status), "{user} changed nothing");
        }
        assert_eq!(self.list.len() as u64, it.users, "the count says whether anything was missed");
    }
}

proptest! {
    /// Whoever hears every notice has the list that whoever asks is given, once all is told.
    #[test]
    fn a_list_kept_by_notices_is_the_list(deeds in deeds()) {
        let mut all = presence();
        let mut client = Client::default();
        // Connections by user and shard.
        let mut model: BTreeMap<(u8, u16), u32> = BTreeMap::new();
        let mut now = 0;
        for deed in deeds {
            match deed {
                Deed::Sit { user, shard, count, is_away, is_lost } => {
                    let was = model.insert((user, shard), count).unwrap_or(0);
                    let status = if is_away { Status::Away } else { Status::Online };
                    let grace = if is_lost { GRACE } else { Duration::ZERO };
                    let it = Seats { was, status, grace, ..seats(&format!("u{user}"), count) };
                    at(&mut all, now, shard, it);
                }
                Deed::Lose { shard } => {
                    all.lose(Tick(now), UnixMillis(0), ShardId(shard));
                    model.retain(|it, _| it.1 != shard);
                }
                Deed::Wait { ticks } => {
                    while all.due() <= Tick(now + ticks) {
                        now = all.due().0;
                        all.take(Tick(now)).iter().for_each(|it| client.hear(it));
                        prop_assert!(Tick(now) < all.due());
                    }
                    now += ticks;
                }
            }
            let roll = all.roll(&Who::All { after: None, limit: 100 });
            prop_assert_eq!(roll.users.len() as u64, roll.count);
            prop_assert_eq!(roll.connections, model.values().copied().map(u64::from).sum::<u64>());
        }
        while all.due() != Tick::NEVER {
            now = all.due().0;
            all.take(Tick(now)).iter().for_each(|it| client.hear(it));
        }
        let roll = all.roll(&Who::All { after: None, limit: 100 });
        let list: Vec<_> = roll.users.into_iter().map(|it| (it.user, it.status)).collect();
        prop_assert_eq!(&list, &client.list.into_iter().collect::<Vec<_>>());
        let here: BTreeSet<String> =
            model.iter().filter(|it| 0 < *it.1).map(|it| format!("u{}", it.0.0)).collect();
        prop_assert_eq!(here, list.iter().map(|it| it.0.to_string()).collect());
    }
}
