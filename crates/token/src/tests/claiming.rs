//! Edges of single claims, as tables.

use std::time::Duration;

use proto::UnixTime;
use serde_json::{Value, json};

use super::{NOW, SECRET, ring, secret};
use crate::{Key, Rules, TokenFault, mint::sign, verify};

/// The fault of a token with these claims, written out so that every number is as it stands.
fn fault(claims: &str, rules: &Rules, now: u64) -> Option<TokenFault> {
    let token = sign(r#"{"alg":"HS256"}"#, claims, &Key::hmac(SECRET).unwrap()).unwrap();
    verify(&token, &ring([secret()]), rules, UnixTime(now)).err()
}

#[test]
fn a_time_is_a_number_and_nothing_else() {
    let wrong = |name: &str| Some(TokenFault::ClaimWrong(name.into()));
    for name in ["exp", "nbf", "iat"] {
        for (value, is_fit) in [
            ("0", true),
            ("999", true),
            ("999.5", true),
            ("1e3", true),
            ("253402300799", true),
            // Milliseconds by mistake.
            ("1795262400000", false),
            ("253402300800", false),
            ("253402300799.5", false),
            ("18446744073709551615", false),
            ("18446744073709551616", false),
            ("1e300", false),
            ("-1", false),
            ("-0.5", false),
            ("\"999\"", false),
            ("\"\"", false),
            ("null", false),
            ("true", false),
            ("[999]", false),
            ("{}", false),
        ] {
            let exp = if name == "exp" { "" } else { r#","exp":253402300799"# };
            let claims = format!(r#"{{"sub":"ann","{name}":{value}{exp}}}"#);
            let found = fault(&claims, &Rules::default(), 500);
            assert_eq!(found == wrong(name), !is_fit, "{claims}: {found:?}");
        }
    }
}

#[test]
fn a_time_is_kept_to_the_second_and_the_leeway() {
    let expired = Some(TokenFault::Expired);
    let early = Some(TokenFault::NotYetValid);
    for (claims, leeway, now, expected) in [
        (r#""exp":1000"#, 0, 999, None),
        (r#""exp":1000"#, 0, 1000, expired.clone()),
        // A fraction is rounded against the token.
        (r#""exp":1000.9"#, 0, 1000, expired.clone()),
        (r#""exp":1000"#, 10, 1009, None),
        (r#""exp":1000"#, 10, 1010, expired.clone()),
        // Whatever is configured, a minute is the most.
        (r#""exp":1000"#, 3600, 1059, None),
        (r#""exp":1000"#, 3600, 1060, expired),
        (r#""exp":2000,"nbf":1000"#, 0, 1000, None),
        (r#""exp":2000,"nbf":1000"#, 0, 999, early.clone()),
        (r#""exp":2000,"nbf":1000.1"#, 0, 1000, early.clone()),
        (r#""exp":2000,"nbf":1000"#, 10, 990, None),
        (r#""exp":2000,"nbf":1000"#, 10, 989, early),
        // When it was issued is told, not judged: clocks differ.
        (r#""exp":2000,"iat":1500"#, 0, 1000, None),
    ] {
        let rules = Rules { leeway: Duration::from_secs(leeway), ..Rules::default() };
        let found = fault(&format!(r#"{{"sub":"ann",{claims}}}"#), &rules, now);
        assert_eq!(found, expected, "{claims} with {leeway} s at {now}");
    }
}

#[test]
fn an_audience_is_named_by_both_or_by_neither() {
    let wrong = Some(TokenFault::ClaimWrong("aud".into()));
    let other = Some(TokenFault::WrongAudience);
    for (aud, expected) in [
        (json!("gate"), None),
        (json!(["gate"]), None),
        (json!(["other", "gate"]), None),
        (json!("other"), other.clone()),
        (json!("gat"), other.clone()),
        (json!("GATE"), other.clone()),
        (json!([]), other.clone()),
        (json!(["other"]), other),
        (json!(["gate", 7]), wrong.clone()),
        (json!([["gate"]]), wrong.clone()),
        (json!({ "gate": true }), wrong.clone()),
        (json!(7), wrong.clone()),
        (json!(null), wrong),
    ] {
        let claims = json!({ "sub": "ann", "exp": NOW.0 + 1, "aud": aud }).to_string();
        let rules = Rules { audience: Some(vec!["gate".to_owned()]), ..Rules::default() };
        assert_eq!(fault(&claims, &rules, NOW.0), expected, "{aud}");
        // Made for someone, and we have not said that it is us.
        let found = fault(&claims, &Rules::default(), NOW.0);
        assert_eq!(found, Some(TokenFault::WrongAudience), "{aud}");
    }
}

#[test]
fn the_first_user_claim_present_names_the_user() {
    let wrong = |name: &str| Some(TokenFault::ClaimWrong(name.into()));
    let rules =
        Rules { user_claims: vec!["user_id".to_owned(), "sub".to_owned()], ..Rules::default() };
    let longest = "u".repeat(128);
    for (claims, expected) in [
        (json!({ "user_id": 42, "sub": "ann" }), Ok("42")),
        (json!({ "sub": "ann" }), Ok("ann")),
        (json!({ "user_id": "7", "sub": 8 }), Ok("7")),
        (json!({ "user_id": u64::MAX }), Ok("18446744073709551615")),
        (json!({ "user_id": -1 }), Ok("-1")),
        (json!({ "user_id": longest }), Ok(&*longest)),
        // Present and unfit is not absent.
        (json!({ "user_id": null, "sub": "ann" }), Err(wrong("user_id"))),
        (json!({ "user_id": "", "sub": "ann" }), Err(wrong("user_id"))),
        (json!({ "user_id": 1.0 }), Err(wrong("user_id"))),
        (json!({ "user_id": true }), Err(wrong("user_id"))),
        (json!({ "user_id": "u".repeat(129) }), Err(wrong("user_id"))),
        (json!({ "name": "ann" }), Err(Some(TokenFault::ClaimMissing("user_id".into())))),
    ] {
        let mut whole = claims.clone();
        whole["exp"] = json!(NOW.0 + 1);
        let token = sign(r#"{"alg":"HS256"}"#, &whole.to_string(), &secret()).unwrap();
        let found = verify(&token, &ring([secret()]), &rules, NOW);
        let found = found.map(|identity| identity.user.as_str().to_owned());
        assert_eq!(found.as_deref().map_err(|it| Some(it.clone())), expected, "{claims}");
    }
}

#[test]
fn a_required_claim_has_one_of_the_values_wanted() {
    let rules = Rules {
        required: vec![
            ("token_type".to_owned(), vec!["access".to_owned(), "api".to_owned()]),
            ("version".to_owned(), vec!["2".to_owned()]),
            ("active".to_owned(), vec!["true".to_owned()]),
        ],
        ..Rules::default()
    };
    let check = |token_type: Value, version: Value, active: Value| {
        let claims = json!({
            "sub": "ann", "exp": NOW.0 + 1,
            "token_type": token_type, "version": version, "active": active,
        });
        fault(&claims.to_string(), &rules, NOW.0)
    };
    let wrong = |name: &str| Some(TokenFault::ClaimWrong(name.into()));
    assert_eq!(check(json!("access"), json!(2), json!(true)), None);
    assert_eq!(check(json!("api"), json!("2"), json!("true")), None);
    assert_eq!(check(json!("refresh"), json!(2), json!(true)), wrong("token_type"));
    assert_eq!(check(json!(["access"]), json!(2), json!(true)), wrong("token_type"));
    assert_eq!(check(json!("access"), json!(2.0), json!(true)), wrong("version"));
    assert_eq!(check(json!("access"), json!(2), json!(false)), wrong("active"));
    assert_eq!(check(json!("access"), json!(2), json!(null)), wrong("active"));
}
