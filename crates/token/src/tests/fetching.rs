//! Key sets that live elsewhere (A4): who may cause a fetch, and what is believed meanwhile.

use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm as Alg;
use serde_json::{Value, json};

use super::{NOW, ann, epoch, jwk, signed};
use crate::{
    BadJwks, FetchFault, Jwks, JwksFault, JwksRules, KeySets, Kid, Lookup, Rules, Source,
    TokenFault, Turn, Unverified,
};

const SECOND: Duration = Duration::from_secs(1);

fn set(keys: &[(Alg, &str)]) -> Vec<u8> {
    let key = |(alg, kid): &(Alg, &str)| jwk(*alg, Some(kid));
    json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() }).to_string().into_bytes()
}

fn kid(text: &str) -> Option<Kid> {
    Some(Kid::parse(text).unwrap())
}

/// What is said about a key, in a word or two.
fn ask(jwks: &mut Jwks, now: Instant, name: &str) -> &'static str {
    match jwks.wants(now, kid(name).as_ref()) {
        Lookup::Ready { fetch: false, .. } => "ready",
        Lookup::Ready { fetch: true, .. } => "ready, fetch",
        Lookup::Wait { fetch: false } => "wait",
        Lookup::Wait { fetch: true } => "wait, fetch",
        Lookup::Unknown => "unknown",
        Lookup::Unavailable => "unavailable",
    }
}

fn fresh(now: Instant) -> Jwks {
    let mut jwks = Jwks::new(JwksRules::default());
    assert_eq!(ask(&mut jwks, now, "a"), "wait, fetch");
    assert_eq!(jwks.fetched(now, Ok(&set(&[(Alg::EdDSA, "a")]))), Ok(Turn::Rotated));
    jwks
}

#[test]
fn one_asks_and_the_others_wait() {
    let now = epoch();
    let mut jwks = Jwks::new(JwksRules::default());
    assert_eq!(ask(&mut jwks, now, "a"), "wait, fetch");
    for _ in 0..1000 {
        assert_eq!(ask(&mut jwks, now, "a"), "wait");
    }
    jwks.fetched(now + SECOND, Ok(&set(&[(Alg::EdDSA, "a")]))).unwrap();
    assert_eq!(ask(&mut jwks, now + SECOND, "a"), "ready");
    assert_eq!(ask(&mut jwks, now + SECOND, "b"), "unknown");
}

#[test]
fn ten_thousand_names_cause_one_fetch_in_thirty_seconds() {
    let start = epoch();
    let mut jwks = fresh(start);
    let mut fetches = Vec::new();
    let mut answer_at = None;
    for turn in 0..100_000_u32 {
        let now = start + Duration::from_millis(1) * turn;
        if answer_at == Some(turn) {
            jwks.fetched(now, Ok(&set(&[(Alg::EdDSA, "a")]))).unwrap();
        }
        // Mostly new names, with an old one and the real one among them.
        let name = if turn % 7 == 0 { "same".to_owned() } else { format!("name-{turn}") };
        if ask(&mut jwks, now, &name) == "wait, fetch" {
            fetches.push(turn);
            answer_at = Some(turn + 200);
        }
        assert_eq!(ask(&mut jwks, now, "a"), "ready", "at {turn} ms");
    }
    assert_eq!(fetches, [30_000, 60_000, 90_000]);
}

#[test]
fn a_name_that_is_not_there_is_remembered_for_a_while() {
    let start = epoch();
    let rules = JwksRules { pause: SECOND, ..JwksRules::default() };
    let mut jwks = Jwks::new(rules);
    assert_eq!(ask(&mut jwks, start, "a"), "wait, fetch");
    jwks.fetched(start, Ok(&set(&[(Alg::EdDSA, "a")]))).unwrap();
    assert_eq!(ask(&mut jwks, start, "b"), "unknown");
    // Long enough for another fetch, but not for this name.
    assert_eq!(ask(&mut jwks, start + SECOND * 59, "b"), "unknown");
    assert_eq!(ask(&mut jwks, start + SECOND * 60, "b"), "wait, fetch");
    // The key was added meanwhile.
    let both = set(&[(Alg::EdDSA, "a"), (Alg::ES256, "b")]);
    assert_eq!(jwks.fetched(start + SECOND * 60, Ok(&both)), Ok(Turn::Rotated));
    assert_eq!(ask(&mut jwks, start + SECOND * 60, "b"), "ready");
}

#[test]
fn a_new_key_is_found_within_the_pause() {
    let start = epoch();
    let mut jwks = fresh(start);
    assert_eq!(ask(&mut jwks, start + SECOND * 29, "x"), "unknown");
    let later = start + SECOND * 30;
    assert_eq!(ask(&mut jwks, later, "b"), "wait, fetch");
    jwks.fetched(later, Ok(&set(&[(Alg::ES256, "b")]))).unwrap();
    assert_eq!(ask(&mut jwks, later, "b"), "ready");
    assert_eq!(ask(&mut jwks, later, "a"), "unknown", "a key that was taken back is gone");
}

#[test]
fn old_keys_serve_while_new_ones_are_fetched_and_for_a_day_if_they_cannot_be() {
    let start = epoch();
    let mut jwks = fresh(start);
    let hour = SECOND * 3600;
    assert_eq!(ask(&mut jwks, start + SECOND * 599, "a"), "ready");
    let mut now = start + SECOND * 600;
    assert_eq!(ask(&mut jwks, now, "a"), "ready, fetch");
    assert_eq!(ask(&mut jwks, now, "a"), "ready");
    for fault in [
        Err(FetchFault::NoAnswer("timed out".to_owned())),
        Err(FetchFault::Status(500)),
        Err(FetchFault::TooLarge),
        Err(FetchFault::Redirected),
        Ok(&b"<html>"[..]),
        Ok(&br#"{"keys":[]}"#[..]),
    ] {
        let expected = match &fault {
            Err(fault) => JwksFault::Fetch(fault.clone()),
            Ok(body) if body.starts_with(b"<") => JwksFault::Read(BadJwks::Shape),
            Ok(_) => JwksFault::Read(BadJwks::NoneUsable),
        };
        assert_eq!(jwks.fetched(now, fault), Err(expected));
        assert_eq!(ask(&mut jwks, now, "a"), "ready");
        now += SECOND * 30;
        assert_eq!(ask(&mut jwks, now, "a"), "ready, fetch");
    }
    jwks.fetched(now, Err(FetchFault::Status(503))).unwrap_err();
    let last = start + hour * 24 - SECOND;
    assert_eq!(ask(&mut jwks, last, "a"), "ready, fetch");
    jwks.fetched(last, Err(FetchFault::Status(503))).unwrap_err();
    assert_eq!(ask(&mut jwks, start + hour * 24, "a"), "unavailable");
    assert_eq!(ask(&mut jwks, last + SECOND * 30, "a"), "wait, fetch");
}

#[test]
fn a_fetch_of_which_nothing_was_heard_is_lost() {
    let start = epoch();
    let mut jwks = Jwks::new(JwksRules::default());
    assert_eq!(ask(&mut jwks, start, "a"), "wait, fetch");
    assert_eq!(ask(&mut jwks, start + SECOND * 29, "a"), "wait");
    assert_eq!(ask(&mut jwks, start + SECOND * 30, "a"), "wait, fetch");
}

#[test]
fn the_same_set_again_changes_nothing() {
    let start = epoch();
    let mut jwks = fresh(start);
    let later = start + SECOND * 600;
    assert_eq!(ask(&mut jwks, later, "a"), "ready, fetch");
    assert_eq!(jwks.fetched(later, Ok(&set(&[(Alg::EdDSA, "a")]))), Ok(Turn::Same));
    assert_eq!(ask(&mut jwks, later + SECOND * 599, "a"), "ready");
}

fn source(issuer: &str) -> Source {
    Source { issuer: issuer.to_owned(), url: format!("{issuer}/jwks") }
}

/// As admission does: the claimed issuer chooses among the configured ones, whose keys and rules
/// then decide.
fn believe(sets: &mut KeySets, now: Instant, token: &str) -> Result<String, TokenFault> {
    let unverified = Unverified::parse(token, &Rules::default())?;
    let issuer = unverified.issuer().ok_or(TokenFault::WrongIssuer)?;
    let source = sets.source_of(&issuer).cloned().ok_or(TokenFault::WrongIssuer)?;
    let lookup = sets.of(&source).unwrap().wants(now, unverified.kid());
    let Lookup::Ready { keys, .. } = lookup else { panic!("{lookup:?}") };
    let rules = Rules { issuer: Some(vec![source.issuer]), ..Rules::default() };
    unverified.verify(&keys, &rules, NOW).map(|identity| identity.user.as_str().to_owned())
}

#[test]
fn two_issuers_that_call_their_keys_alike_share_nothing() {
    let now = epoch();
    let claiming = |issuer: &str| -> Value {
        let mut claims = ann();
        claims["iss"] = json!(issuer);
        claims
    };
    let (north, south) = ("https://north.test", "https://south.test");
    for order in [[north, south], [south, north]] {
        let mut sets = KeySets::new([source(north), source(south)], JwksRules::default());
        for issuer in order {
            let jwks = sets.of(&source(issuer)).unwrap();
            assert_eq!(ask(jwks, now, "k1"), "wait, fetch");
            let alg = if issuer == north { Alg::EdDSA } else { Alg::ES256 };
            jwks.fetched(now, Ok(&set(&[(alg, "k1")]))).unwrap();
        }
        for (alg, claimed, is_believed) in [
            (Alg::EdDSA, north, true),
            (Alg::ES256, south, true),
            (Alg::EdDSA, south, false),
            (Alg::ES256, north, false),
            (Alg::EdDSA, "https://evil.test", false),
            (Alg::EdDSA, "https://north.test/", false),
        ] {
            for _ in 0..2 {
                let token = signed(alg, Some("k1"), &claiming(claimed));
                let found = believe(&mut sets, now, &token);
                assert_eq!(found.is_ok(), is_believed, "{alg:?} claiming {claimed}: {found:?}");
            }
        }
    }
    let mut sets = KeySets::new([source(north)], JwksRules::default());
    let elsewhere = Source { issuer: north.to_owned(), url: "https://evil.test/jwks".to_owned() };
    assert!(sets.of(&elsewhere).is_none(), "an address comes from the configuration only");
    assert_eq!(sets.sources().count(), 1);
}
