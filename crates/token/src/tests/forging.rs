//! What a forger tries first (A1, A2, A3).

use std::{fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::Algorithm as Alg;
use proptest::prelude::*;
use proto::Code;
use serde_json::{Value, json};

use super::{ED25519, NOW, RSA, ann, jwk, pem, ring, secret, signed, signing_key};
use crate::{Key, Keyring, Rules, TokenFault, Unverified, mint::sign, verify};

/// A header of one's own choice with Ann's claims, signed with `key`.
fn forged(header: &Value, key: &Key) -> String {
    sign(&header.to_string(), &ann().to_string(), key).unwrap()
}

fn fault(token: &str, keys: &Keyring) -> TokenFault {
    verify(token, keys, &Rules::default(), NOW).unwrap_err()
}

#[test]
fn a_token_without_an_algorithm_of_ours_is_refused_like_any_other() {
    let keys = ring([secret(), pem(RSA)]);
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "nOnE" }),
        json!({ "alg": "" }),
        json!({ "alg": "hs256" }),
        json!({ "alg": "HS256 " }),
        json!({ "alg": "HS1" }),
        json!({ "alg": "ES256K" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "dir" }),
        json!({ "alg": null }),
        json!({ "alg": 256 }),
        json!({ "alg": ["HS256"] }),
        json!({ "typ": "JWT" }),
        json!({}),
    ] {
        let token = forged(&header, &secret());
        let stripped = token.rsplit_once('.').unwrap().0;
        for token in [token.clone(), format!("{stripped}."), stripped.to_owned()] {
            assert_eq!(fault(&token, &keys).code(), Code::InvalidToken, "{header}");
        }
    }
    // The right algorithm, and no signature.
    let token = signed(Alg::HS256, None, &ann());
    let stripped = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert_eq!(fault(&stripped, &keys), TokenFault::BadSignature);
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let trimmed = RSA.trim_end();
    let body: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&body).unwrap();
    let jwk = jwk(Alg::RS256, None);
    let n_text = jwk["n"].as_str().unwrap();
    let n = URL_SAFE_NO_PAD.decode(n_text).unwrap();
    let secrets: [&[u8]; 7] = [
        RSA.as_bytes(),
        trimmed.as_bytes(),
        body.as_bytes(),
        &der,
        &n,
        n_text.as_bytes(),
        &serde_json::to_vec(&jwk).unwrap(),
    ];
    for secret_bytes in secrets {
        for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
            let key = jsonwebtoken::EncodingKey::from_secret(secret_bytes);
            let header = jsonwebtoken::Header::new(alg);
            let token = jsonwebtoken::encode(&header, &ann(), &key).unwrap();
            assert_eq!(fault(&token, &ring([pem(RSA)])), TokenFault::AlgorithmRefused);
            let both = ring([pem(RSA), secret()]);
            assert_eq!(fault(&token, &both), TokenFault::BadSignature);
        }
    }
}

#[test]
fn a_key_is_only_used_for_the_algorithms_on_its_list() {
    use crate::Algorithm;
    let only_pss = ring([pem(RSA).only(&[Algorithm::Ps256]).unwrap()]);
    let fault_of = |alg| verify(&signed(alg, None, &ann()), &only_pss, &Rules::default(), NOW);
    assert!(fault_of(Alg::PS256).is_ok());
    assert_eq!(fault_of(Alg::RS256), Err(TokenFault::AlgorithmRefused));

    let token = signed(Alg::RS256, None, &ann());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let has_signed = |key: Key| key.has_signed(Algorithm::Rs256, message.as_bytes(), &signature);
    assert!(has_signed(pem(RSA)));
    assert!(!has_signed(pem(RSA).only(&[Algorithm::Ps256]).unwrap()));
}

#[test]
fn a_key_id_is_a_word_and_leads_nowhere() {
    let keys = ring([secret()]);
    for kid in [
        json!("../../dev/null"),
        json!("' OR 1=1"),
        json!("a\r\nFLUSHALL"),
        json!("http://evil.test/key"),
        json!(""),
        json!("k".repeat(129)),
        json!(7),
        json!(["k"]),
        json!({ "k": "k" }),
    ] {
        let token = forged(&json!({ "alg": "HS256", "kid": kid }), &secret());
        let found = fault(&token, &keys);
        assert!(matches!(found, TokenFault::Malformed(_)), "{kid}: {found}");
        assert_eq!(found.code(), Code::InvalidToken);
    }
    let huge = forged(&json!({ "alg": "HS256", "kid": "k".repeat(10_000_000) }), &secret());
    assert!(matches!(fault(&huge, &keys), TokenFault::TooLong { .. }));
}

#[test]
fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let mut header = jsonwebtoken::Header::new(Alg::EdDSA);
    header.jwk = Some(serde_json::from_value(jwk(Alg::EdDSA, None)).unwrap());
    header.jku = Some("https://evil.test/jwks".to_owned());
    header.x5u = Some("https://evil.test/chain".to_owned());
    let token = jsonwebtoken::encode(&header, &ann(), &signing_key(Alg::EdDSA)).unwrap();
    assert_eq!(fault(&token, &ring([pem(RSA)])), TokenFault::AlgorithmRefused);
    // And does no harm where the key is known anyway.
    assert!(verify(&token, &ring([pem(ED25519)]), &Rules::default(), NOW).is_ok());
}

#[test]
fn a_header_is_read_as_it_was_meant_or_not_at_all() {
    let keys = ring([secret()]);
    for header in [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"["HS256",null,null,null]"#,
        r#" {"alg":"HS256"}"#,
        r#"{"alg":"HS256"}}"#,
        r#"{"alg":"HS256""#,
        r#""HS256""#,
        "null",
        "",
        "\u{feff}{\"alg\":\"HS256\"}",
    ] {
        let token = sign(header, &ann().to_string(), &secret()).unwrap();
        assert!(matches!(fault(&token, &keys), TokenFault::Malformed(_)), "{header}");
    }
    for (typ, expected) in [
        ("JWT", true),
        ("jwt", true),
        ("at+jwt", true),
        ("application/at+jwt", true),
        ("dpop+jwt", false),
        ("logout+jwt", false),
        ("secevent+jwt", false),
        ("JWE", false),
        ("", false),
    ] {
        let token = forged(&json!({ "alg": "HS256", "typ": typ }), &secret());
        let found = verify(&token, &keys, &Rules::default(), NOW);
        assert_eq!(found.is_ok(), expected, "{typ}");
    }
}

#[test]
fn a_token_has_one_spelling() {
    let keys = ring([secret()]);
    let token = signed(Alg::HS256, None, &ann());
    let (message, signature) = token.rsplit_once('.').unwrap();
    for respelt in [
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}="),
        format!("{message}.{}\n{}", &signature[..4], &signature[4..]),
        message.to_owned() + "." + &signature.replace('-', "+").replace('_', "/") + "=",
    ] {
        assert!(verify(&respelt, &keys, &Rules::default(), NOW).is_err(), "{respelt}");
    }
    // 32 bytes end in four bits and two to spare: three other letters decode to the same bytes.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let believed = alphabet.chars().filter(|last| {
        let respelt = format!("{}{last}", &token[..token.len() - 1]);
        verify(&respelt, &keys, &Rules::default(), NOW).is_ok()
    });
    assert_eq!(believed.count(), 1);
}

#[test]
fn claims_are_one_json_object_or_nothing() {
    let keys = ring([secret()]);
    let deep = format!(r#"{{"sub":"ann","exp":1,"x":{}{}}}"#, "[".repeat(3000), "]".repeat(3000));
    for payload in [
        "",
        "null",
        "[]",
        "\"ann\"",
        "7",
        "{",
        "{}}",
        "{} {}",
        r#"{"sub":"ann","exp":1e400}"#,
        r#"{"sub":"ann","exp":NaN}"#,
        r#"{"sub":"ann","exp":Infinity}"#,
        "{'sub':'ann'}",
        &deep,
    ] {
        let token = sign(r#"{"alg":"HS256"}"#, payload, &secret()).unwrap();
        let found = fault(&token, &keys);
        assert!(matches!(found, TokenFault::Malformed(_)), "{found}");
        let unverified = Unverified::parse(&token, &Rules::default()).unwrap();
        assert_eq!(unverified.issuer(), None);
    }
}

#[test]
fn the_committed_corpus_has_answers() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tokens");
    let mut count = 0;
    for seed in fs::read_dir(&corpus).unwrap() {
        crate::fuzzing::tokens(&fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", corpus.display());
}

const HEADER: &str =
    r#"\{"alg":"(HS256|RS256|EdDSA|none)"(,"(kid|typ|crit)":("[a-z]{0,3}"|\[\]))?\}"#;
const CLAIMS: &str =
    r#"\{("(sub|exp|nbf|iat|aud|iss|jti)":("[a-z]?"|[0-9]{1,5}|-1|\[\]|1e400),?){0,5}\}"#;

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzzing::tokens(&bytes);
    }

    #[test]
    fn any_signed_text_has_an_answer(choice in 0_u8..16, header in HEADER, claims in CLAIMS) {
        let mut bytes = vec![choice | 1];
        bytes.extend_from_slice(format!("{header}\n{claims}").as_bytes());
        crate::fuzzing::tokens(&bytes);
    }
}
