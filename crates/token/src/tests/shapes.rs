//! The shapes a token comes in: good, bad, and neither (R125, R127).

use jsonwebtoken::Algorithm as Alg;
use proto::Code;
use serde_json::{Value, json};

use super::{ED25519, NOW, P256, RSA, ann, pem, ring, secret, signed};
use crate::{Rules, TokenFault, Unverified, mint, verify};

/// What System N and System G issue: an access token with an integer `user_id`.
fn rules() -> Rules {
    Rules {
        issuer: Some(vec!["https://id.test".to_owned()]),
        audience: Some(vec!["tidegate".to_owned(), "tidegate-staging".to_owned()]),
        user_claims: vec!["user_id".to_owned()],
        required: vec![("token_type".to_owned(), vec!["access".to_owned()])],
        ..Rules::default()
    }
}

fn access() -> Value {
    json!({
        "user_id": 42, "token_type": "access", "iss": "https://id.test", "aud": "tidegate",
        "exp": NOW.0 + 300, "iat": NOW.0 - 10, "jti": "0d9b1f", "role": "trainer",
    })
}

/// The same with some claims changed; `null` takes one out.
fn access_but(changes: Value) -> String {
    let mut claims = access();
    for (name, value) in changes.as_object().unwrap() {
        let claims = claims.as_object_mut().unwrap();
        claims.insert(name.clone(), value.clone());
        claims.retain(|_, value| !value.is_null());
    }
    signed(Alg::HS256, None, &claims)
}

fn claim_wrong(name: &str) -> TokenFault {
    TokenFault::ClaimWrong(name.into())
}

fn claim_missing(name: &str) -> TokenFault {
    TokenFault::ClaimMissing(name.into())
}

#[test]
fn an_access_token_names_its_user() {
    let identity = verify(&access_but(json!({})), &ring([secret()]), &rules(), NOW).unwrap();
    assert_eq!(identity.user.as_str(), "42");
    assert_eq!(identity.expires_at.0, NOW.0 + 300);
    assert_eq!(identity.issued_at.unwrap().0, NOW.0 - 10);
    assert_eq!(identity.token_id.as_deref(), Some("0d9b1f"));
    assert_eq!(identity.claim("role").as_deref(), Some("trainer"));
}

#[test]
fn every_bad_shape_has_its_fault_and_its_code() {
    use TokenFault as T;
    let good = access_but(json!({}));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = access_but(json!({ "user_id": 1 }));
    let other_head = other.rsplit_once('.').unwrap().0;
    let foreign = crate::Key::hmac(b"someone else's idea of a good secret").unwrap();
    let foreign = mint(access().as_object().unwrap(), &foreign, None).unwrap();
    let cases = [
        ("", T::Missing, Code::AuthRequired),
        ("undefined", T::Malformed("not three parts"), Code::InvalidToken),
        (head, T::Malformed("not three parts"), Code::InvalidToken),
        (&format!("{good}.{signature}"), T::Malformed("not three parts"), Code::InvalidToken),
        (&format!("{head}."), T::BadSignature, Code::InvalidToken),
        (&format!("{other_head}.{signature}"), T::BadSignature, Code::InvalidToken),
        (&foreign, T::BadSignature, Code::InvalidToken),
        (&access_but(json!({ "exp": NOW.0 - 1 })), T::Expired, Code::TokenExpired),
        (&access_but(json!({ "exp": NOW.0 })), T::Expired, Code::TokenExpired),
        (&access_but(json!({ "exp": null })), claim_missing("exp"), Code::InvalidToken),
        (&access_but(json!({ "exp": "9999999999" })), claim_wrong("exp"), Code::InvalidToken),
        (&access_but(json!({ "nbf": NOW.0 + 1 })), T::NotYetValid, Code::InvalidToken),
        (&access_but(json!({ "iss": "https://evil.test" })), T::WrongIssuer, Code::InvalidToken),
        (&access_but(json!({ "iss": null })), claim_missing("iss"), Code::InvalidToken),
        (&access_but(json!({ "aud": "other" })), T::WrongAudience, Code::InvalidToken),
        (&access_but(json!({ "aud": null })), claim_missing("aud"), Code::InvalidToken),
        (
            &access_but(json!({ "token_type": "refresh" })),
            claim_wrong("token_type"),
            Code::InvalidToken,
        ),
        (
            &access_but(json!({ "token_type": null })),
            claim_missing("token_type"),
            Code::InvalidToken,
        ),
        (&access_but(json!({ "user_id": null })), claim_missing("user_id"), Code::InvalidToken),
        (&access_but(json!({ "user_id": 4.2 })), claim_wrong("user_id"), Code::InvalidToken),
        (&access_but(json!({ "user_id": "" })), claim_wrong("user_id"), Code::InvalidToken),
        (&access_but(json!({ "user_id": [42] })), claim_wrong("user_id"), Code::InvalidToken),
        (&access_but(json!({ "jti": 7 })), claim_wrong("jti"), Code::InvalidToken),
        // Expired and for someone else: a new one would not help, so it is not called expired.
        (
            &access_but(json!({ "exp": NOW.0 - 1, "aud": "other" })),
            T::WrongAudience,
            Code::InvalidToken,
        ),
    ];
    for (token, fault, code) in cases {
        let found = verify(token, &ring([secret()]), &rules(), NOW).unwrap_err();
        assert_eq!((&found, found.code()), (&fault, code), "{token}");
    }
}

#[test]
fn every_algorithm_is_verified_as_another_library_signs_it() {
    let keys = ring([secret(), pem(RSA), pem(P256), pem(ED25519)]);
    let pkcs1 = ring([pem(include_str!("../../testdata/rsa.pkcs1.pem"))]);
    for alg in [Alg::HS256, Alg::HS384, Alg::HS512, Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA]
    {
        let token = signed(alg, None, &ann());
        let identity = verify(&token, &keys, &Rules::default(), NOW).unwrap();
        assert_eq!(identity.user.as_str(), "ann", "{alg:?}");
        let is_rsa = matches!(alg, Alg::RS256 | Alg::PS256);
        assert_eq!(verify(&token, &pkcs1, &Rules::default(), NOW).is_ok(), is_rsa, "{alg:?}");

        // One bit anywhere, and it is not what was signed.
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            let found = verify(&changed, &keys, &Rules::default(), NOW);
            assert_eq!(found.unwrap_err().code(), Code::InvalidToken, "{alg:?} at {place}");
        }
    }
    for alg in [Alg::RS384, Alg::RS512, Alg::PS384, Alg::PS512] {
        let token = signed(alg, None, &ann());
        let found = verify(&token, &keys, &Rules::default(), NOW);
        assert_eq!(found, Err(TokenFault::AlgorithmRefused), "{alg:?}");
    }
}

#[test]
fn what_we_mint_another_library_believes() {
    let kid = crate::Kid::parse("dev-1").unwrap();
    let token = mint(ann().as_object().unwrap(), &secret(), Some(&kid)).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Alg::HS256);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_secret(super::SECRET);
    let found = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!((found.claims, found.header.kid.as_deref()), (ann(), Some("dev-1")));
    assert!(verify(&token, &ring([secret()]), &Rules::default(), NOW).is_ok());
    assert!(mint(ann().as_object().unwrap(), &pem(RSA), None).is_err());
}

#[test]
fn a_token_of_more_than_the_allowed_bytes_is_not_even_decoded() {
    let rules = Rules { token_bytes_max: 100, ..Rules::default() };
    let found = verify(&"x".repeat(101), &ring([secret()]), &rules, NOW);
    assert_eq!(found, Err(TokenFault::TooLong { bytes_max: 100 }));
    let found = verify(&"x".repeat(100), &ring([secret()]), &rules, NOW);
    assert_eq!(found, Err(TokenFault::Malformed("not three parts")));
}

#[test]
fn a_fault_never_repeats_the_token() {
    let canary = "SECRETCANARY";
    for token in [
        canary.to_owned(),
        format!("{canary}.{canary}.{canary}"),
        access_but(json!({ "user_id": canary, "exp": canary })),
        access_but(json!({ "token_type": canary })),
        access_but(json!({ "iss": canary })),
        access_but(json!({ "aud": canary })),
        access_but(json!({ "jti": [canary] })),
    ] {
        let fault = verify(&token, &ring([secret()]), &rules(), NOW).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains(canary), "{fault}");
        let Ok(unverified) = Unverified::parse(&token, &rules()) else { continue };
        let shown = format!("{unverified:?}");
        assert!(!token.split('.').any(|part| shown.contains(part)), "{shown}");
    }
}
