//! Any JSON in any claim, against the rules as one would tell them to a colleague (A5).

use proptest::prelude::*;
use proto::{Code, UnixTime};
use serde_json::{Map, Value, json};

use super::{ring, secret};
use crate::{Rules, mint, verify};

const NOW: f64 = 1000.0;

fn any_json() -> impl Strategy<Value = Value> {
    let times = prop_oneof![
        3 => (990_i64..1010).prop_map(Value::from),
        1 => (9900_i64..10100).prop_map(|tenths| json!(tenths as f64 / 10.0)),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|it| json!(it)),
        1 => Just(json!(-1)),
        1 => Just(json!(2.5e11)),
        1 => Just(json!(2.6e11)),
    ];
    let texts = prop_oneof![
        Just("gate".to_owned()),
        Just("other".to_owned()),
        Just("1005".to_owned()),
        Just(String::new()),
        "[a-z]{1,140}",
    ];
    let leaf = prop_oneof![
        6 => times,
        3 => texts.prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            inner.prop_map(|it| json!({ "gate": it })),
        ]
    })
}

/// Mostly fit, so that every check is reached.
fn claim(fit: Value) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![3 => Just(Some(fit)), 2 => any_json().prop_map(Some), 1 => Just(None)]
}

/// A time, if it is there; `Err` if it is no time.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Code> {
    match claims.get(name).map(Value::as_f64) {
        None => Ok(None),
        Some(Some(secs)) if (0.0..=253_402_300_799.0).contains(&secs) => Ok(Some(secs)),
        Some(_) => Err(Code::InvalidToken),
    }
}

fn expected(claims: &Map<String, Value>) -> Result<(String, u64), Code> {
    let bad = Code::InvalidToken;
    let audience = claims.get("aud").ok_or(bad)?;
    let audiences = audience.as_array().cloned().unwrap_or_else(|| vec![audience.clone()]);
    if !audiences.iter().all(Value::is_string) || !audiences.contains(&json!("gate")) {
        return Err(bad);
    }
    let user = claims.get("sub").ok_or(bad)?;
    let user = match user.as_str() {
        Some(text) => text.to_owned(),
        None if user.is_i64() || user.is_u64() => user.to_string(),
        None => return Err(bad),
    };
    if user.is_empty() || 128 < user.len() {
        return Err(bad);
    }
    let expires = time(claims, "exp")?.ok_or(bad)?.floor();
    let begins = time(claims, "nbf")?.unwrap_or(0.0);
    time(claims, "iat")?;
    if expires <= NOW {
        return Err(Code::TokenExpired);
    }
    if NOW < begins {
        return Err(bad);
    }
    Ok((user, expires as u64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_json_in_any_claim_is_judged_as_told(
        exp in claim(json!(1500)),
        nbf in claim(json!(900)),
        iat in claim(json!(900)),
        aud in claim(json!("gate")),
        sub in claim(json!("ann")),
    ) {
        let mut claims = Map::new();
        for (name, value) in
            [("exp", exp), ("nbf", nbf), ("iat", iat), ("aud", aud), ("sub", sub)]
        {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        }
        let rules = Rules { audience: Some(vec!["gate".to_owned()]), ..Rules::default() };
        let token = mint(&claims, &secret(), None).unwrap();
        let found = verify(&token, &ring([secret()]), &rules, UnixTime(NOW as u64));
        let found = found
            .map(|identity| (identity.user.as_str().to_owned(), identity.expires_at.0))
            .map_err(|fault| fault.code());
        prop_assert_eq!(found, expected(&claims));
    }
}
