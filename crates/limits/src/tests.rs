//! Stories at the door, and the door against a plain model of it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::table::Tally;
use crate::{
    AddressKey, AdmissionLimits, BackoffRules, Limit, Mode, Rate, Refused, RouteIndex, RouteLimits,
    Seat, ServerLimits,
};

const ROUTE: RouteIndex = RouteIndex(0);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Any time will do to count from.
#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

fn address(text: &str) -> AddressKey {
    text.parse::<IpAddr>().unwrap().into()
}

fn door(route: RouteLimits) -> (AdmissionLimits, Instant) {
    let epoch = epoch();
    (AdmissionLimits::new(ServerLimits::default(), vec![route], epoch), epoch)
}

#[test]
fn the_sixth_connection_from_an_address_waits_until_one_closes() {
    let (mut limits, now) = door(RouteLimits::default());
    let home = address("192.0.2.1");
    let mut seats: Vec<Seat> = (0..5).map(|_| limits.admit(now, ROUTE, home).unwrap()).collect();
    let refused = limits.admit(now, ROUTE, home).unwrap_err();
    assert_eq!(refused, Refused { limit: Limit::ConnectionsPerAddress, retry_after: SECOND * 5 });

    // The same household spelt in IPv6, and a neighbour.
    assert!(limits.admit(now, ROUTE, address("::ffff:192.0.2.1")).is_err());
    seats.push(limits.admit(now, ROUTE, address("192.0.2.2")).unwrap());

    limits.release(seats.remove(0));
    seats.push(limits.admit(now, ROUTE, home).unwrap());
    seats.into_iter().for_each(|seat| limits.release(seat));
    assert_eq!((limits.connections(), limits.connections_from(ROUTE, home)), (0, 0));
}

#[test]
fn the_eleventh_attempt_in_an_hour_is_told_when_to_come_back() {
    let (mut limits, epoch) = door(RouteLimits::default());
    let home = address("2001:db8::1");
    for attempt in 0..10 {
        let seat = limits.admit(epoch + SECOND * attempt, ROUTE, home).unwrap();
        limits.release(seat);
    }
    for (now, expected) in [
        (SECOND * 10, Err(HOUR - SECOND * 10)),
        (SECOND * 20, Err(HOUR - SECOND * 20)),
        (HOUR - Duration::from_millis(1), Err(Duration::from_millis(1))),
        (HOUR, Ok(())),
        (HOUR, Err(SECOND)),
    ] {
        let found = limits.admit(epoch + now, ROUTE, home).map_err(|refused| {
            assert_eq!(refused.limit, Limit::AttemptsPerAddress);
            refused.retry_after
        });
        assert_eq!(found.map(|seat| limits.release(seat)), expected, "at {now:?}");
    }
    let tally = limits.counts().of(Limit::AttemptsPerAddress);
    assert_eq!(tally, Tally { checked: 15, refused: 4, observed: 0 });
}

#[test]
fn an_attempt_refused_by_another_limit_is_no_attempt() {
    let route = RouteLimits { connections_per_address: Some(1), ..RouteLimits::default() };
    let (mut limits, now) = door(route);
    let home = address("192.0.2.1");
    let seat = limits.admit(now, ROUTE, home).unwrap();
    for _ in 0..100 {
        let refused = limits.admit(now, ROUTE, home).unwrap_err();
        assert_eq!(refused.limit, Limit::ConnectionsPerAddress);
    }
    limits.release(seat);
    let seat = limits.admit(now, ROUTE, home).unwrap();
    limits.release(seat);
}

#[test]
fn observing_admits_everyone_and_counts_who_would_have_been_refused() {
    let route = RouteLimits { mode: Mode::Observe, ..RouteLimits::default() };
    let (mut limits, now) = door(route);
    let home = address("192.0.2.1");
    let seats: Vec<Seat> = (0..15)
        .map(|_| {
            limits.authentication_failed(now, home);
            let mut seat = limits.admit(now, ROUTE, home).unwrap();
            limits.seat_user(&mut seat, "ann").unwrap();
            seat
        })
        .collect();
    assert_eq!(limits.connections_from(ROUTE, home), 15);
    for (limit, observed) in [
        (Limit::Server, 0),
        (Limit::ConnectionsPerAddress, 10),
        (Limit::AttemptsPerAddress, 5),
        (Limit::FailedAuthentication, 6),
        (Limit::ConnectionsPerUser, 5),
    ] {
        let tally = limits.counts().of(limit);
        assert_eq!(tally, Tally { checked: 15, refused: 0, observed }, "{limit:?}");
    }
    seats.into_iter().for_each(|seat| limits.release(seat));
    assert_eq!((limits.connections(), limits.connections_of(ROUTE, "ann")), (0, 0));
}

#[test]
fn a_user_is_counted_wherever_they_come_from_and_only_on_that_route() {
    let route = RouteLimits { connections_per_user: Some(2), ..RouteLimits::default() };
    let epoch = epoch();
    let routes = vec![route.clone(), route];
    let mut limits = AdmissionLimits::new(ServerLimits::default(), routes, epoch);
    let mut seats = Vec::new();
    for (route, from, expected) in [
        (0, "192.0.2.1", true),
        (0, "192.0.2.2", true),
        (0, "192.0.2.3", false),
        (1, "192.0.2.3", true),
    ] {
        let mut seat = limits.admit(epoch, RouteIndex(route), address(from)).unwrap();
        let found = limits.seat_user(&mut seat, "ann").is_ok();
        assert_eq!(found, expected, "route {route} from {from}");
        if expected { seats.push(seat) } else { limits.release(seat) }
    }
    assert_eq!(limits.connections_of(ROUTE, "ann"), 2);
    seats.into_iter().for_each(|seat| limits.release(seat));
    assert_eq!(limits.connections_of(ROUTE, "ann"), 0);
}

/// F12: what comes by one socket counts like what comes by several, but is one attempt.
#[test]
fn a_further_place_by_the_same_socket_counts_and_is_no_attempt() {
    let (mut door, now) = door(RouteLimits {
        connections_per_address: Some(2),
        connections_per_user: Some(1),
        attempts_per_address: Rate::new(1, HOUR).ok(),
        ..RouteLimits::default()
    });
    let home = address("192.0.2.1");
    let mut first = door.admit(now, ROUTE, home).unwrap();
    let mut second = door.admit_beside(ROUTE, home).unwrap();
    let refused = door.admit_beside(ROUTE, home).unwrap_err();
    assert_eq!(refused.limit, Limit::ConnectionsPerAddress);
    door.seat_user(&mut first, "ann").unwrap();
    let refused = door.seat_user(&mut second, "ann").unwrap_err();
    assert_eq!(refused.limit, Limit::ConnectionsPerUser);
    // Whoever leaves and stays on the socket leaves their place as a user to others.
    door.unseat_user(&mut first);
    door.unseat_user(&mut first);
    door.seat_user(&mut second, "ann").unwrap();
    door.release(first);
    door.release(second);
    assert_eq!(door.connections(), 0);
}

#[test]
fn guessing_from_one_network_leaves_everyone_else_alone() {
    let (mut limits, now) = door(RouteLimits::unlimited());
    for guess in 0..50_000_u32 {
        let from = format!("2001:db8:1:2::{:x}:{:x}", guess >> 16, guess & 0xffff);
        limits.authentication_failed(now, address(&from));
    }
    let refused = limits.admit(now, ROUTE, address("2001:db8:1:2:ffff::1")).unwrap_err();
    assert_eq!(refused, Refused { limit: Limit::FailedAuthentication, retry_after: SECOND * 5 });
    let seat = limits.admit(now, ROUTE, address("2001:db8:1:3::1")).unwrap();
    limits.release(seat);
}

#[test]
fn a_full_server_refuses_before_anything_else_is_asked() {
    let epoch = epoch();
    let server = ServerLimits { connections_max: 1, ..ServerLimits::default() };
    // Observing does not lift the bound on memory.
    let route = RouteLimits { mode: Mode::Observe, ..RouteLimits::default() };
    let mut limits = AdmissionLimits::new(server, vec![route], epoch);
    let seat = limits.admit(epoch, ROUTE, address("192.0.2.1")).unwrap();
    let refused = limits.admit(epoch, ROUTE, address("192.0.2.2")).unwrap_err();
    assert_eq!(refused.limit, Limit::Server);
    assert_eq!(limits.counts().of(Limit::ConnectionsPerAddress).checked, 1);
    limits.release(seat);
}

/// The door as anyone would write it first: lists, counted afresh each time.
#[derive(Default)]
struct Model {
    open: Vec<(u16, u8, Option<u8>)>,
    attempts: Vec<(u16, u8, u64)>,
    failures: Vec<(u8, u64)>,
}

const CONNECTIONS_MAX: usize = 6;
const PER_ADDRESS: usize = 3;
const PER_USER: usize = 2;
const ATTEMPTS: usize = 5;
const ATTEMPTS_PER_MS: u64 = 10_000;

impl Model {
    fn admit(&mut self, now: u64, route: u16, from: u8) -> Result<(), Limit> {
        let here = |open: &&(u16, u8, Option<u8>)| open.0 == route && open.1 == from;
        let tried =
            |at: &&(u16, u8, u64)| at.0 == route && at.1 == from && now < at.2 + ATTEMPTS_PER_MS;
        if self.open.len() >= CONNECTIONS_MAX {
            return Err(Limit::Server);
        }
        if self.open.iter().filter(here).count() >= PER_ADDRESS {
            return Err(Limit::ConnectionsPerAddress);
        }
        if self.attempts.iter().filter(tried).count() >= ATTEMPTS {
            return Err(Limit::AttemptsPerAddress);
        }
        // One failure, one second: the doubling has its own table test.
        if self.failures.iter().any(|(address, at)| *address == from && now < at + 1_000) {
            return Err(Limit::FailedAuthentication);
        }
        self.attempts.push((route, from, now));
        self.open.push((route, from, None));
        Ok(())
    }

    fn seat_user(&mut self, place: usize, user: u8) -> bool {
        let route = self.open[place].0;
        let seated = self.open.iter().filter(|open| open.0 == route && open.2 == Some(user));
        if seated.count() >= PER_USER {
            return false;
        }
        self.open[place].2 = Some(user);
        true
    }

    /// A failure during a wait starts no other.
    fn failed(&mut self, now: u64, from: u8) {
        if !self.failures.iter().any(|(address, at)| *address == from && now < at + 1_000) {
            self.failures.push((from, now));
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Connect { route: u16, from: u8, user: u8 },
    Fail { from: u8 },
    Close { place: usize },
    Pass { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u16..2, 0_u8..3, 0_u8..3)
            .prop_map(|(route, from, user)| Step::Connect { route, from, user }),
        1 => (0_u8..3).prop_map(|from| Step::Fail { from }),
        3 => any::<usize>().prop_map(|place| Step::Close { place }),
        2 => prop_oneof![0_u64..50, 0_u64..4_000].prop_map(|ms| Step::Pass { ms }),
    ]
}

fn small_door(epoch: Instant) -> AdmissionLimits {
    let route = RouteLimits {
        connections_per_address: Some(PER_ADDRESS as u32),
        connections_per_user: Some(PER_USER as u32),
        attempts_per_address: Some(
            Rate::new(ATTEMPTS as u32, Duration::from_millis(ATTEMPTS_PER_MS)).unwrap(),
        ),
        ..RouteLimits::default()
    };
    let backoff =
        BackoffRules { failures: 1, window: Duration::ZERO, wait_min: SECOND, wait_max: SECOND };
    let server = ServerLimits {
        connections_max: CONNECTIONS_MAX as u32,
        addresses_max: 100,
        backoff: Some(backoff),
        ..ServerLimits::default()
    };
    AdmissionLimits::new(server, vec![route.clone(), route], epoch)
}

proptest! {
    #[test]
    fn the_door_does_what_the_plain_model_does(steps in prop::collection::vec(step(), 0..300)) {
        let epoch = epoch();
        let mut limits = small_door(epoch);
        let mut model = Model::default();
        let mut seats: Vec<Seat> = Vec::new();
        let mut now_ms = 0;
        for step in steps {
            let now = epoch + Duration::from_millis(now_ms);
            match step {
                Step::Pass { ms } => now_ms += ms,
                Step::Fail { from } => {
                    limits.authentication_failed(now, AddressKey::V6(u64::from(from)));
                    model.failed(now_ms, from);
                }
                Step::Close { place } => {
                    if !seats.is_empty() {
                        let place = place % seats.len();
                        limits.release(seats.remove(place));
                        model.open.remove(place);
                    }
                }
                Step::Connect { route, from, user } => {
                    let from_key = AddressKey::V6(u64::from(from));
                    let found = limits.admit(now, RouteIndex(route), from_key);
                    let limit = found.as_ref().map(|_| ()).map_err(|refused| refused.limit);
                    prop_assert_eq!(limit, model.admit(now_ms, route, from));
                    let Ok(mut seat) = found else { continue };
                    let user_key = user.to_string();
                    let is_seated = limits.seat_user(&mut seat, &user_key).is_ok();
                    prop_assert_eq!(is_seated, model.seat_user(model.open.len() - 1, user));
                    if is_seated {
                        seats.push(seat);
                    } else {
                        limits.release(seat);
                        model.open.pop();
                    }
                }
            }
            prop_assert_eq!(limits.connections() as usize, model.open.len());
        }
        seats.into_iter().for_each(|seat| limits.release(seat));
        prop_assert_eq!(limits.connections(), 0);
        for (route, name) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let route = RouteIndex(route);
            prop_assert_eq!(limits.connections_from(route, AddressKey::V6(name)), 0);
            prop_assert_eq!(limits.connections_of(route, &name.to_string()), 0);
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted(gaps in prop::collection::vec(0_u64..3_000, 1..60)) {
        let epoch = epoch();
        let mut limits = small_door(epoch);
        let from = AddressKey::V6(0);
        let mut now = epoch;
        for gap in gaps {
            now += Duration::from_millis(gap);
            match limits.admit(now, ROUTE, from) {
                Ok(seat) => limits.release(seat),
                Err(refused) => {
                    let early = refused.retry_after - Duration::from_millis(1);
                    prop_assert!(limits.admit(now + early, ROUTE, from).is_err());
                    now += refused.retry_after;
                    let seat = limits.admit(now, ROUTE, from).unwrap();
                    limits.release(seat);
                }
            }
        }
    }
}

#[test]
fn the_memory_at_the_bound_can_be_told_at_boot() {
    let (limits, _) = door(RouteLimits::default());
    let bytes = limits.memory_bytes_max();
    assert!((10_000_000..64_000_000).contains(&bytes), "{bytes} is not what A12 allows");
}
