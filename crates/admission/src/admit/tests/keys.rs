//! Published keys: a request waits, and is one attempt however long that takes (A4).

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use limits::{Rate, RouteLimits};
use serde_json::json;
use token::FetchFault;

use crate::{
    Held, Moment, TokenRules, TokenSource, Unmet, Verdict, VerifierId,
    fixtures::{HOME, Request as Knock, WALL, World, get, published, token_route},
    identify,
};

struct Issuer {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Issuer {
    fn new(kid: &'static str, seed: u8) -> Self {
        Self { kid, pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    fn jwk(&self) -> serde_json::Value {
        let x = BASE64.encode(self.pair.public_key().as_ref());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x })
    }

    fn token(&self, user: u32) -> String {
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.kid }).to_string();
        let claims = json!({ "sub": user.to_string(), "exp": WALL + 900, "token_type": "access" });
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn key_set(issuers: &[&Issuer]) -> Vec<u8> {
    let keys: Vec<_> = issuers.iter().map(|it| it.jwk()).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

fn world() -> World {
    let mut route = token_route("/ws/", vec![TokenSource::Bearer]);
    route.tokens = Some(TokenRules { sources: vec![TokenSource::Bearer], verifier: VerifierId(1) });
    route.limits = RouteLimits {
        connections_per_address: Some(1),
        attempts_per_address: Some(Rate::per_hour(2).unwrap()),
        ..RouteLimits::unlimited()
    };
    World::new(vec![route])
}

fn knocking(token: &str) -> Knock {
    get("/ws/").with(format!("Authorization: Bearer {token}"))
}

fn waiting(world: &mut World, request: &Knock, peer: &str) -> Held {
    match world.verdict(request, peer) {
        Verdict::NeedKeys(held) => held,
        other @ (Verdict::Admit(_)
        | Verdict::AwaitToken(_)
        | Verdict::Refuse(_)
        | Verdict::PassOn) => panic!("{other:?}"),
    }
}

fn fetched(world: &mut World, body: Result<&[u8], FetchFault>) {
    let now = world.moment.now;
    let _ = world.key_sets.of(&published()).unwrap().fetched(now, body);
}

#[test]
fn a_request_that_waits_for_keys_is_one_attempt_with_one_seat() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let request = knocking(&issuer.token(42));
    let held = waiting(&mut world, &request, HOME);
    assert_eq!(held.verifier(), VerifierId(1));
    assert_eq!(world.fetches, [published()]);
    assert_eq!(world.limits.connections(), 1);
    // The seat is taken meanwhile, and another address may wait as well without a second fetch.
    assert_eq!(world.knock(&request, HOME), "429 TOO_MANY_CONNECTIONS");
    let other = waiting(&mut world, &request, "198.51.100.2");
    assert_eq!(world.fetches.len(), 1);

    fetched(&mut world, Ok(&key_set(&[&issuer])));
    let verdict = world.resumed(&request, HOME, held);
    assert_eq!(world.said(verdict), "42 joins user:42");
    let verdict = world.resumed(&request, "198.51.100.2", other);
    assert_eq!(world.said(verdict), "42 joins user:42");
    assert_eq!((world.tallies.entered, world.tallies.admitted), (2, 2));

    // Of two attempts an hour one is left.
    let admitted = world.inside.remove(0);
    world.limits.release(admitted.seat);
    assert_eq!(world.knock(&request, HOME), "42 joins user:42");
    let admitted = world.inside.pop().unwrap();
    world.limits.release(admitted.seat);
    assert_eq!(world.knock(&request, HOME), "429 TOO_MANY_ATTEMPTS");
    world.close();
}

#[test]
fn keys_that_do_not_come_are_our_fault_and_nobody_is_blamed() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let request = knocking(&issuer.token(42));
    let held = waiting(&mut world, &request, HOME);
    fetched(&mut world, Err(FetchFault::Status(500)));
    let verdict = world.resumed(&request, HOME, held);
    assert_eq!(world.said(verdict), "503 AUTH_UNAVAILABLE");
    assert_eq!(world.knock(&request, HOME), "503 AUTH_UNAVAILABLE");
    world.close();
}

#[test]
fn whoever_gives_up_or_leaves_gives_the_seat_back() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let request = knocking(&issuer.token(42));
    let held = waiting(&mut world, &request, HOME);
    let refused = held.give_up(&mut world.limits);
    assert_eq!(refused.refusal.code, proto::Code::AuthUnavailable);
    assert_eq!(refused.address.to_string(), HOME);
    assert_eq!(world.limits.connections(), 0);
    waiting(&mut world, &request, HOME).release(&mut world.limits);
    world.close();
}

/// A name that is in no set is asked for once; then it is a bad token like any other.
#[test]
fn a_token_of_an_unknown_key_is_refused_once_the_keys_are_there() {
    let (mut world, known, unknown) = (world(), Issuer::new("k1", 1), Issuer::new("k2", 2));
    let good = knocking(&known.token(42));
    let held = waiting(&mut world, &good, HOME);
    fetched(&mut world, Ok(&key_set(&[&known])));
    let verdict = world.resumed(&good, HOME, held);
    assert_eq!(world.said(verdict), "42 joins user:42");
    world.fetches.clear();

    for peer in ["198.51.100.2", "198.51.100.3", "198.51.100.4"] {
        assert_eq!(world.knock(&knocking(&unknown.token(43)), peer), "401 INVALID_TOKEN");
    }
    assert!(world.fetches.is_empty(), "the last fetch was a moment ago");
    // One key's name does not borrow another's signature.
    let forged = Issuer::new("k1", 2);
    assert_eq!(world.knock(&knocking(&forged.token(42)), "198.51.100.5"), "401 INVALID_TOKEN");
    world.close();
}

/// Keys that are due are fetched while the old ones still serve.
#[test]
fn a_due_fetch_keeps_nobody_waiting() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let held = waiting(&mut world, &knocking(&issuer.token(42)), HOME);
    held.release(&mut world.limits);
    fetched(&mut world, Ok(&key_set(&[&issuer])));
    world.fetches.clear();
    world.pass(Duration::from_secs(11 * 60));
    assert_eq!(world.knock(&knocking(&issuer.token(43)), "198.51.100.2"), "43 joins user:43");
    assert_eq!(world.fetches, [published()]);
    world.close();
}

#[test]
fn a_request_whose_route_is_gone_comes_back_at_once() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let request = knocking(&issuer.token(42));
    let held = waiting(&mut world, &request, HOME);
    world.door.routes = crate::Routes::new(Vec::new());
    let verdict = world.resumed(&request, HOME, held);
    assert_eq!(world.said(verdict), "503 DRAINING");
    world.close();
}

#[test]
fn the_front_may_ask_whom_a_token_names() {
    let (mut world, issuer) = (world(), Issuer::new("k1", 1));
    let token = issuer.token(42);
    let (route, moment): (_, Moment) = (crate::RouteId(0), world.moment);
    let asked = identify(&token, route, moment, &mut world.tables());
    assert_eq!(asked, Err(Unmet::NeedKeys(VerifierId(1))));
    fetched(&mut world, Ok(&key_set(&[&issuer])));
    let found = identify(&token, route, moment, &mut world.tables()).unwrap();
    assert_eq!(found.user.as_str(), "42");
    world.close();
}
