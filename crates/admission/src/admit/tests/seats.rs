//! Whatever happens at the door, the seats add up (C3).

use std::time::Duration;

use limits::{Rate, RouteLimits};
use proptest::prelude::*;
use serde_json::json;
use token::FetchFault;

use crate::{
    Held, RefusalStyle, Route, TokenRules, TokenSource, Verdict, VerifierId, authenticate,
    fixtures::{
        Request, WALL, World, get, published, query_then_bearer, route, template, token,
        token_route,
    },
};

const PEERS: [&str; 4] = ["198.51.100.1", "198.51.100.2", "203.0.113.9", "2001:db8::1"];
const PATHS: [&str; 5] = ["/status/", "/close/", "/later/", "/published/", "/nowhere/"];

fn world() -> World {
    let limits = RouteLimits {
        connections_per_address: Some(2),
        connections_per_user: Some(1),
        attempts_per_address: Some(Rate::new(8, Duration::from_secs(60)).unwrap()),
        ..RouteLimits::unlimited()
    };
    let strict = |path, sources| {
        let mut route = token_route(path, sources);
        route.joins.push(template("role:{claims.role}"));
        route.require.insert("role".to_owned(), vec!["staff".to_owned(), "a:b".to_owned()]);
        Route { limits: limits.clone(), ..route }
    };
    let mut later = query_then_bearer();
    later.push(TokenSource::FirstMessage);
    let published = Some(TokenRules { sources: query_then_bearer(), verifier: VerifierId(1) });
    World::new(vec![
        strict("/status/", query_then_bearer()),
        Route { refusal: RefusalStyle::Close, ..strict("/close/", query_then_bearer()) },
        strict("/later/", later),
        Route { tokens: published, ..strict("/published/", query_then_bearer()) },
        Route { limits: limits.clone(), ..route("/open/") },
    ])
}

/// A request that may be wrong in any way.
fn request() -> impl Strategy<Value = Request> {
    let shown = prop_oneof![
        4 => shown_token(),
        1 => Just(String::new()),
        1 => Just("bad".to_owned()),
        1 => Just("%zz".to_owned()),
    ];
    let faults = (0..20_u8, 0..20_u8, 0..20_u8);
    (0..PATHS.len(), prop::option::weighted(0.8, shown), faults).prop_map(
        |(path, token, (host, origin, version))| {
            let query = token.map_or(String::new(), |it| format!("?token={it}"));
            let mut request = get(&format!("{}{query}", PATHS[path]));
            if host == 0 {
                request.host = "evil.test";
            }
            if origin == 0 {
                request.origin = None;
            }
            if version == 0 {
                request.version = 12;
            }
            request
        },
    )
}

fn shown_token() -> impl Strategy<Value = String> {
    let role = prop::sample::select(vec!["staff", "staff", "staff", "guest", "a:b"]);
    let exp = prop::sample::select(vec![WALL + 3600, WALL + 3600, WALL - 1]);
    (42..45_u32, role, exp)
        .prop_map(|(user, role, exp)| token(json!({"user_id": user, "role": role, "exp": exp})))
}

#[derive(Clone, Debug)]
enum Step {
    Knock { request: Request, peer: usize },
    Show { token: String, place: usize },
    Leave { place: usize },
    Fetched { well: bool },
    Resume { place: usize },
    GiveUp { place: usize, by_us: bool },
    Pass { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let place = any::<usize>;
    prop_oneof![
        8 => (request(), 0..PEERS.len()).prop_map(|(request, peer)| Step::Knock { request, peer }),
        2 => (shown_token(), place()).prop_map(|(token, place)| Step::Show { token, place }),
        3 => place().prop_map(|place| Step::Leave { place }),
        1 => any::<bool>().prop_map(|well| Step::Fetched { well }),
        2 => place().prop_map(|place| Step::Resume { place }),
        1 => (place(), any::<bool>()).prop_map(|(place, by_us)| Step::GiveUp { place, by_us }),
        2 => (0..10_000_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

/// The public half of RFC 8037's example key; nobody here has the other.
const KEY_SET: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Those who wait, with what they asked.
type Waiting = Vec<(Request, usize, Held)>;

fn knocked(world: &mut World, waiting: &mut Waiting, verdict: Verdict, who: (Request, usize)) {
    if let Verdict::NeedKeys(held) = verdict {
        waiting.push((who.0, who.1, held));
    } else {
        world.said(verdict);
    }
}

fn take(step: Step, world: &mut World, waiting: &mut Waiting) {
    match step {
        Step::Knock { request, peer } => {
            let verdict = world.verdict(&request, PEERS[peer]);
            knocked(world, waiting, verdict, (request, peer));
        }
        Step::Show { token, place } if !world.inside.is_empty() => {
            let place = place % world.inside.len();
            let mut admitted = world.inside.swap_remove(place);
            let moment = world.moment;
            let _ = authenticate(&token, &mut admitted, moment, &mut world.tables());
            world.inside.push(admitted);
        }
        Step::Leave { place } if !world.inside.is_empty() => {
            let admitted = world.inside.swap_remove(place % world.inside.len());
            world.limits.release(admitted.seat);
        }
        Step::Fetched { well } => {
            let body = if well { Ok(KEY_SET) } else { Err(FetchFault::Status(500)) };
            let now = world.moment.now;
            let _ = world.key_sets.of(&published()).unwrap().fetched(now, body);
        }
        Step::Resume { place } if !waiting.is_empty() => {
            let (request, peer, held) = waiting.swap_remove(place % waiting.len());
            let verdict = world.resumed(&request, PEERS[peer], held);
            knocked(world, waiting, verdict, (request, peer));
        }
        Step::GiveUp { place, by_us } if !waiting.is_empty() => {
            let (_, _, held) = waiting.swap_remove(place % waiting.len());
            match by_us {
                true => drop(held.give_up(&mut world.limits)),
                false => held.release(&mut world.limits),
            }
        }
        Step::Pass { ms } => world.pass(Duration::from_millis(ms)),
        Step::Show { .. } | Step::Leave { .. } | Step::Resume { .. } | Step::GiveUp { .. } => (),
    }
}

proptest! {
    #[test]
    fn only_those_inside_and_those_who_wait_hold_seats(
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = world();
        let mut waiting = Waiting::new();
        for step in steps {
            take(step, &mut world, &mut waiting);
            let held = world.inside.len() + waiting.len();
            prop_assert_eq!(world.limits.connections() as usize, held);
        }
        waiting.into_iter().for_each(|it| it.2.release(&mut world.limits));
        prop_assert!(world.tallies.admitted + world.tallies.awaited <= world.tallies.entered);
        world.close();
    }
}

/// Every code that the door can tell is told in one run, so that none of the ways out is untried.
#[test]
fn every_way_out_is_tried() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 120);
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let mut world = world();
        let mut waiting = Waiting::new();
        for step in steps.new_tree(&mut runner).unwrap().current() {
            take(step, &mut world, &mut waiting);
        }
        told.extend(world.tallies.refusals().filter(|it| 0 < it.1).map(|it| it.0.as_str()));
        waiting.into_iter().for_each(|it| it.2.release(&mut world.limits));
        world.close();
    }
    let expected = [
        "AUTH_BACKOFF",
        "AUTH_REQUIRED",
        "AUTH_UNAVAILABLE",
        "FORBIDDEN",
        "HOST_REFUSED",
        "INVALID_TOKEN",
        "NO_SUCH_ROUTE",
        "ORIGIN_REFUSED",
        "TOKEN_EXPIRED",
        "TOO_MANY_ATTEMPTS",
        "TOO_MANY_CONNECTIONS",
        "TOO_MANY_FOR_USER",
        "UPGRADE_REQUIRED",
    ];
    for code in expected {
        assert!(told.contains(code), "{code} is not among {told:?}");
    }
}
