//! What the tests share: keys, a time, and tokens made by a library that nobody here wrote.

mod caching;
mod claiming;
mod fetching;
mod forging;
mod keys;
mod reference;
mod shapes;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header, jwk::Jwk};
use proto::UnixTime;
use serde_json::{Value, json};

use crate::{Key, Keyring};

/// Saturday 21 November 2026, about noon.
pub(crate) const NOW: UnixTime = UnixTime(1_795_262_400);

pub(crate) const SECRET: &[u8] = b"the tide comes in, the tide goes out";

pub(crate) const RSA: &str = include_str!("../testdata/rsa.public.pem");
pub(crate) const P256: &str = include_str!("../testdata/p256.public.pem");
pub(crate) const ED25519: &str = include_str!("../testdata/ed25519.public.pem");

/// A token as `jsonwebtoken` makes it.
pub(crate) fn signed(alg: Alg, kid: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(alg);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, &signing_key(alg)).unwrap()
}

pub(crate) fn signing_key(alg: Alg) -> EncodingKey {
    match alg {
        Alg::HS256 | Alg::HS384 | Alg::HS512 => EncodingKey::from_secret(SECRET),
        Alg::RS256 | Alg::RS384 | Alg::RS512 | Alg::PS256 | Alg::PS384 | Alg::PS512 => {
            EncodingKey::from_rsa_pem(include_bytes!("../testdata/rsa.private.pem")).unwrap()
        }
        Alg::ES256 | Alg::ES384 => {
            EncodingKey::from_ec_pem(include_bytes!("../testdata/p256.private.pem")).unwrap()
        }
        Alg::EdDSA => {
            EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519.private.pem")).unwrap()
        }
    }
}

/// Ann's token for the next hour.
pub(crate) fn ann() -> Value {
    json!({ "sub": "ann", "exp": NOW.0 + 3600 })
}

/// The public half as JSON, under a name.
pub(crate) fn jwk(alg: Alg, kid: Option<&str>) -> Value {
    let mut jwk = if alg == Alg::EdDSA {
        // The library has no opinion on this one. The key is the last 32 bytes of the DER form.
        let der = STANDARD.decode(ED25519.lines().nth(1).unwrap()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(&der[der.len() - 32..]);
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
    } else {
        serde_json::to_value(Jwk::from_encoding_key(&signing_key(alg), alg).unwrap()).unwrap()
    };
    if let Some(kid) = kid {
        jwk["kid"] = json!(kid);
    }
    jwk
}

pub(crate) fn secret() -> Key {
    Key::hmac(SECRET).unwrap()
}

pub(crate) fn pem(text: &str) -> Key {
    Key::from_pem(text).unwrap()
}

pub(crate) fn ring(keys: impl Into<Vec<Key>>) -> Keyring {
    Keyring::new(keys.into()).unwrap()
}

/// Any time will do to count from.
#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
pub(crate) fn epoch() -> std::time::Instant {
    std::time::Instant::now()
}
