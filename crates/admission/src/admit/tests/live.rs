//! Tokens on connections that are open: first messages and refreshes (A8).

use std::net::IpAddr;

use proto::Code;
use serde_json::{Value, json};

use crate::{
    RouteId, TokenSource, Unmet, authenticate,
    fixtures::{HOME, WALL, World, get, route, token, token_route},
    refresh,
};

fn world() -> World {
    let sources = vec![TokenSource::Bearer, TokenSource::FirstMessage];
    let mut late = token_route("/ws/{room}/", sources);
    late.joins.push(crate::fixtures::template("room:{room}"));
    late.require.insert("role".to_owned(), vec!["staff".to_owned()]);
    late.limits.connections_per_user = Some(1);
    World::new(vec![late, route("/open/")])
}

fn staff(user: u32) -> Value {
    json!({"user_id": user, "role": "staff"})
}

/// Shows a token on the connection that came last.
fn show(world: &mut World, token: &str) -> String {
    let mut admitted = world.inside.pop().unwrap();
    let moment = world.moment;
    let said = match authenticate(token, &mut admitted, moment, &mut world.tables()) {
        Ok(()) => {
            let channels: Vec<&str> = admitted.channels.iter().map(|it| it.as_str()).collect();
            format!("{} joins {}", admitted.identity.as_ref().unwrap().user, channels.join(" "))
        }
        Err(Unmet::Refused(refusal)) => refusal.code.to_string(),
        Err(Unmet::NeedKeys(_)) => "need keys".to_owned(),
    };
    world.inside.push(admitted);
    said
}

#[test]
fn a_token_may_come_in_the_first_message() {
    let mut world = world();
    assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
    assert_eq!(show(&mut world, &token(staff(42))), "42 joins user:42 room:den");
    let tallies = &world.tallies;
    assert_eq!((tallies.awaited, tallies.verified, tallies.admitted), (1, 1, 0));
    assert_eq!(show(&mut world, &token(staff(42))), "BAD_COMMAND", "once is enough");
    world.close();
}

#[test]
fn a_token_in_the_handshake_is_not_waited_for() {
    let mut world = world();
    let with = |token: &str| get("/ws/den/").with(format!("Authorization: Bearer {token}"));
    assert_eq!(world.knock(&with("bad"), HOME), "401 INVALID_TOKEN");
    assert_eq!(world.knock(&with(&token(staff(42))), HOME), "42 joins user:42 room:den");
    world.close();
}

/// The connection ends by the one who was told, and gives its seat back like any other.
#[test]
fn a_first_message_is_judged_like_a_handshake() {
    for (claims, expected) in [
        (json!({"user_id": 42, "role": "guest"}), "FORBIDDEN"),
        (json!({"user_id": "4:2", "role": "staff"}), "FORBIDDEN"),
        (json!({"user_id": 42, "role": "staff", "exp": WALL - 1}), "TOKEN_EXPIRED"),
        (json!({"role": "staff"}), "INVALID_TOKEN"),
    ] {
        let mut world = world();
        assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
        assert_eq!(show(&mut world, &token(claims)), expected);
        assert!(world.inside[0].identity.is_none() && world.inside[0].channels.is_empty());
        world.close();
    }
    let mut world = world();
    assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
    assert_eq!(show(&mut world, ""), "AUTH_REQUIRED");
    assert_eq!(show(&mut world, "bad"), "INVALID_TOKEN");
    world.close();
}

#[test]
fn a_user_is_counted_when_they_are_known() {
    let mut world = world();
    assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
    assert_eq!(show(&mut world, &token(staff(42))), "42 joins user:42 room:den");
    assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
    assert_eq!(show(&mut world, &token(staff(42))), "TOO_MANY_FOR_USER");
    assert_eq!(show(&mut world, &token(staff(43))), "43 joins user:43 room:den");
    world.close();
}

/// Threat A12: a connection that is open is no place to guess from, either.
#[test]
fn guesses_in_first_messages_count_against_the_address() {
    let mut world = world();
    for _ in 0..3 {
        assert_eq!(world.knock(&get("/ws/den/"), HOME), "await");
        assert_eq!(show(&mut world, "bad"), "INVALID_TOKEN");
    }
    assert_eq!(world.knock(&get("/ws/den/"), HOME), "429 AUTH_BACKOFF");
    world.close();
}

#[test]
fn a_newer_token_must_be_as_good_as_the_first() {
    let mut world = world();
    let bearer = format!("Authorization: Bearer {}", token(staff(42)));
    world.knock(&get("/ws/den/").with(bearer), HOME);
    let (moment, address): (_, IpAddr) = (world.moment, HOME.parse().unwrap());
    for (claims, expected) in [
        (json!({"user_id": 42, "role": "staff", "exp": WALL + 7200}), Ok(WALL + 7200)),
        (json!({"user_id": 42, "role": "staff", "exp": WALL + 60}), Ok(WALL + 60)),
        (json!({"user_id": 42, "role": "guest"}), Err(Code::Forbidden)),
        (json!({"user_id": 42, "role": "staff", "exp": WALL}), Err(Code::TokenExpired)),
        (json!({"user_id": 42, "role": "staff", "token_type": "refresh"}), Err(Code::InvalidToken)),
    ] {
        let (text, route) = (token(claims.clone()), RouteId(0));
        let found = refresh(&text, route, address, moment, &mut world.tables());
        let found = found.map(|it| it.expires_at.0).map_err(|it| match it {
            Unmet::Refused(refusal) => refusal.code,
            Unmet::NeedKeys(_) => panic!("the keys are there"),
        });
        assert_eq!(found, expected, "{claims}");
    }
    assert_eq!(world.limits.connections_of(limits::RouteIndex(0), "42"), 1);
    world.close();
}

/// R15: the second time a token is shown nothing is verified, but everything else is asked.
#[test]
fn a_remembered_token_still_expires_and_still_needs_its_claims() {
    let mut world = world();
    let bearer = format!("Authorization: Bearer {}", token(staff(42)));
    let request = get("/ws/den/").with(bearer);
    assert_eq!(world.knock(&request, HOME), "42 joins user:42 room:den");
    assert_eq!(world.knock(&request, HOME), "429 TOO_MANY_FOR_USER");
    assert_eq!((world.tallies.verified, world.tallies.remembered), (2, 1));
    world.pass(std::time::Duration::from_secs(3600));
    assert_eq!(world.knock(&request, HOME), "401 TOKEN_EXPIRED");
    world.close();
}

#[test]
fn a_route_without_tokens_takes_none() {
    let mut world = world();
    assert_eq!(world.knock(&get("/open/"), HOME), "anyone joins");
    assert_eq!(show(&mut world, &token(staff(42))), "NOT_ACCEPTED");
    world.close();
}
