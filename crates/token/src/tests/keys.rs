//! Which keys are taken, and which of a ring are tried.

use jsonwebtoken::Algorithm as Alg;
use serde_json::{Value, json};

use super::{ED25519, NOW, P256, RSA, SECRET, ann, jwk, pem, ring, secret, signed};
use crate::{Algorithm, BadJwks, BadKey, Family, Key, Keyring, Kid, Rules, TokenFault, verify};

fn from_jwk(jwk: &Value) -> Result<Key, BadKey> {
    Key::from_jwk(jwk.to_string().as_bytes())
}

fn called(key: Key, kid: &str) -> Key {
    key.called(Kid::parse(kid).unwrap())
}

#[test]
fn a_key_is_of_one_family() {
    for (key, family, algorithms) in [
        (secret(), Family::Hmac, "HS256 HS384 HS512"),
        (pem(RSA), Family::Rsa, "RS256 PS256"),
        (pem(P256), Family::P256, "ES256"),
        (pem(ED25519), Family::Ed25519, "EdDSA"),
    ] {
        let permitted = Algorithm::ALL.into_iter().filter(|it| key.permits(*it));
        let permitted: Vec<_> = permitted.map(Algorithm::as_str).collect();
        assert_eq!((key.family(), permitted.join(" ").as_str()), (family, algorithms));
    }
    assert_eq!(secret().only(&[Algorithm::Rs256]).unwrap_err(), BadKey::Algorithm);
    assert_eq!(
        pem(RSA).only(&[Algorithm::Rs256, Algorithm::Hs256]).unwrap_err(),
        BadKey::Algorithm
    );
    assert_eq!(pem(RSA).only(&[]).unwrap_err(), BadKey::Algorithm);
}

#[test]
fn a_secret_knows_whether_it_could_be_guessed() {
    for (secret, expected) in [
        (&b""[..], Err(BadKey::SecretEmpty)),
        (&[7; 31], Ok((31, true))),
        (&[7; 32], Ok((32, false))),
        (RSA.as_bytes(), Err(BadKey::SecretIsPem)),
        (format!("\n  {RSA}").as_bytes(), Err(BadKey::SecretIsPem)),
    ] {
        let found = Key::hmac(secret).map(|key| (key.secret_bytes().unwrap(), key.is_weak()));
        assert_eq!(found, expected);
    }
    assert!(!format!("{:?}", secret()).contains(std::str::from_utf8(SECRET).unwrap()));
}

#[test]
fn a_pem_is_one_public_key_of_a_kind_we_verify_with() {
    let cut = &RSA[..RSA.len() / 2];
    let garbled = RSA.replace("MII", "MIX");
    let twice = format!("{RSA}{ED25519}");
    let bare = "-----BEGIN PUBLIC KEY-----\n\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----";
    let certificate = ED25519.replace("PUBLIC KEY", "CERTIFICATE");
    for (text, expected) in [
        (include_str!("../../testdata/rsa.pkcs1.pem"), Ok(Family::Rsa)),
        (RSA.trim_end(), Ok(Family::Rsa)),
        (&RSA.replace('\n', "\r\n"), Ok(Family::Rsa)),
        (include_str!("../../testdata/rsa1024.public.pem"), Err(BadKey::RsaBits)),
        (include_str!("../../testdata/p384.public.pem"), Err(BadKey::Kind)),
        (include_str!("../../testdata/rsa.private.pem"), Err(BadKey::Private)),
        (include_str!("../../testdata/p256.private.pem"), Err(BadKey::Private)),
        (&certificate, Err(BadKey::Certificate)),
        (&garbled, Err(BadKey::Kind)),
        (&twice, Err(BadKey::Pem)),
        (bare, Err(BadKey::Pem)),
        (cut, Err(BadKey::Pem)),
        ("", Err(BadKey::Pem)),
        ("a secret", Err(BadKey::Pem)),
    ] {
        assert_eq!(Key::from_pem(text).map(|key| key.family()), expected, "{text}");
    }
}

#[test]
fn a_key_in_json_is_the_key_in_pem() {
    for alg in [Alg::RS256, Alg::ES256, Alg::EdDSA] {
        let key = from_jwk(&jwk(alg, Some("k1"))).unwrap();
        assert_eq!(key.kid().map(Kid::as_str), Some("k1"));
        let token = signed(alg, Some("k1"), &ann());
        assert!(verify(&token, &ring([key]), &Rules::default(), NOW).is_ok(), "{alg:?}");
    }
    let oct = json!({ "kty": "oct", "k": "dGhlIHRpZGUgY29tZXMgaW4sIHRoZSB0aWRlIGdvZXMgb3V0" });
    let token = signed(Alg::HS384, None, &ann());
    assert!(verify(&token, &ring([from_jwk(&oct).unwrap()]), &Rules::default(), NOW).is_ok());
}

#[test]
fn a_key_in_json_that_is_not_for_us_is_refused() {
    let with = |alg, name: &str, value: Value| {
        let mut jwk = jwk(alg, Some("k1"));
        jwk[name] = value;
        from_jwk(&jwk).map(|_| ())
    };
    for (found, expected) in [
        (with(Alg::RS256, "use", json!("sig")), Ok(())),
        (with(Alg::RS256, "use", json!("enc")), Err(BadKey::Use)),
        (with(Alg::RS256, "key_ops", json!(["verify"])), Ok(())),
        (with(Alg::RS256, "key_ops", json!(["encrypt"])), Err(BadKey::Use)),
        (with(Alg::RS256, "alg", json!("PS256")), Ok(())),
        (with(Alg::RS256, "alg", json!("RSA-OAEP")), Err(BadKey::Algorithm)),
        (with(Alg::RS256, "alg", json!("HS256")), Err(BadKey::Algorithm)),
        (with(Alg::RS256, "kid", json!("../etc")), Err(BadKey::Kid)),
        (with(Alg::RS256, "n", json!("AQAB")), Err(BadKey::RsaBits)),
        (with(Alg::RS256, "n", json!("")), Err(BadKey::Jwk)),
        (with(Alg::RS256, "e", json!("AA")), Err(BadKey::Kind)),
        (with(Alg::RS256, "e", json!(null)), Err(BadKey::Jwk)),
        (with(Alg::ES256, "crv", json!("P-384")), Err(BadKey::Kind)),
        (with(Alg::ES256, "x", json!("AQAB")), Err(BadKey::Jwk)),
        // A point that is not on the curve.
        (with(Alg::ES256, "x", jwk(Alg::EdDSA, None)["x"].clone()), Err(BadKey::Kind)),
        (with(Alg::EdDSA, "crv", json!("X25519")), Err(BadKey::Kind)),
        (with(Alg::EdDSA, "kty", json!("AKP")), Err(BadKey::Kind)),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_key_set_yields_what_can_be_used_of_it() {
    let mut encryption = jwk(Alg::RS256, Some("enc"));
    encryption["use"] = json!("enc");
    let set = json!({ "keys": [
        encryption,
        { "kty": "oct", "kid": "hs", "k": "dGhlIHRpZGUgY29tZXMgaW4sIHRoZSB0aWRlIGdvZXMgb3V0" },
        { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" },
        { "kty": 7 },
        "not a key",
        null,
        jwk(Alg::ES256, Some("es")),
        jwk(Alg::EdDSA, None),
    ] });
    let ring = Keyring::from_jwks(set.to_string().as_bytes()).unwrap();
    let families: Vec<_> = ring.keys().iter().map(Key::family).collect();
    assert_eq!(families, [Family::P256, Family::Ed25519]);
}

#[test]
fn a_key_set_has_bounds() {
    let keys = |count| json!({ "keys": vec![jwk(Alg::EdDSA, Some("k")); count] }).to_string();
    let spaces = " ".repeat(Keyring::JWKS_BYTES_MAX + 1);
    for (body, expected) in [
        (keys(100), Ok(100)),
        (keys(101), Err(BadJwks::TooMany)),
        (keys(0), Err(BadJwks::NoneUsable)),
        (json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }).to_string(), Err(BadJwks::NoneUsable)),
        (json!({ "keys": {} }).to_string(), Err(BadJwks::Shape)),
        (json!([]).to_string(), Err(BadJwks::Shape)),
        ("<html>".to_owned(), Err(BadJwks::Shape)),
        ("[".repeat(100_000), Err(BadJwks::Shape)),
        (String::new(), Err(BadJwks::Shape)),
        (spaces, Err(BadJwks::TooLarge)),
    ] {
        let found = Keyring::from_jwks(body.as_bytes()).map(|ring| ring.keys().len());
        assert_eq!(found, expected, "{}", &body[..body.len().min(40)]);
    }
    assert_eq!(Keyring::new(vec![secret(); 101]).unwrap_err(), BadJwks::TooMany);
}

#[test]
fn a_ring_is_asked_by_name_and_else_in_order() {
    let foreign = || Key::hmac(&[7; 32]).unwrap();
    let token = |kid| signed(Alg::HS256, kid, &ann());
    let unknown = TokenFault::UnknownKey { kid: Kid::parse("a").unwrap() };
    for (why, keys, kid, expected) in [
        ("named", vec![called(foreign(), "b"), called(secret(), "a")], Some("a"), None),
        (
            "named, so no other is tried",
            vec![called(foreign(), "a"), called(secret(), "b"), secret()],
            Some("a"),
            Some(TokenFault::BadSignature),
        ),
        ("two of one name", vec![called(foreign(), "a"), called(secret(), "a")], Some("a"), None),
        ("nobody's name, one nameless", vec![called(foreign(), "b"), secret()], Some("a"), None),
        ("nobody's name", vec![called(secret(), "b")], Some("a"), Some(unknown)),
        ("nameless token", vec![called(foreign(), "b"), called(secret(), "c")], None, None),
        ("wrong kind", vec![pem(RSA)], Some("a"), Some(TokenFault::AlgorithmRefused)),
        (
            "named, wrong kind",
            vec![called(pem(RSA), "a")],
            Some("a"),
            Some(TokenFault::AlgorithmRefused),
        ),
    ] {
        let found = verify(&token(kid), &ring(keys), &Rules::default(), NOW).err();
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn only_so_many_keys_are_tried_for_a_token_that_names_none() {
    let place = |place: usize| {
        let mut keys = vec![Key::hmac(&[7; 32]).unwrap(); 100];
        keys[place] = secret();
        verify(&signed(Alg::HS256, None, &ann()), &ring(keys), &Rules::default(), NOW)
    };
    assert!(place(Keyring::TRIES_MAX - 1).is_ok());
    assert_eq!(place(Keyring::TRIES_MAX), Err(TokenFault::BadSignature));
}
