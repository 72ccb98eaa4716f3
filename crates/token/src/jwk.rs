//! A key as JSON (RFC 7517), of the kinds we verify with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::{
    algorithm::Algorithm,
    key::{BadKey, Key},
    kid::Kid,
};

/// The members we read. `x5u`, `x5c` and the like are not among them (A3), nor are the private
/// ones.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

impl Jwk {
    /// The key, with its name and for its algorithm if it says so.
    pub(crate) fn to_key(&self) -> Result<Key, BadKey> {
        let is_for_signatures = self.purpose.as_deref().is_none_or(|it| it == "sig");
        let verifies = |ops: &Vec<String>| ops.iter().any(|it| it == "verify");
        if !is_for_signatures || !self.key_ops.as_ref().is_none_or(verifies) {
            return Err(BadKey::Use);
        }
        let mut key = self.material()?;
        if let Some(alg) = &self.alg {
            key = key.only(&[Algorithm::named(alg).ok_or(BadKey::Algorithm)?])?;
        }
        if let Some(kid) = &self.kid {
            key = key.called(Kid::parse(kid).ok_or(BadKey::Kid)?);
        }
        Ok(key)
    }

    /// Whether it is a secret, which a published set has no business to hold.
    pub(crate) fn is_secret(&self) -> bool {
        self.kty == "oct"
    }

    fn material(&self) -> Result<Key, BadKey> {
        match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => Key::from_rsa_components(&bytes(&self.n)?, &bytes(&self.e)?),
            ("EC", Some("P-256")) => Key::from_p256_point(&bytes_32(&self.x)?, &bytes_32(&self.y)?),
            ("OKP", Some("Ed25519")) => Key::from_ed25519_bytes(&bytes_32(&self.x)?),
            ("oct", _) => Key::hmac(&bytes(&self.k)?),
            _ => Err(BadKey::Kind),
        }
    }
}

impl Key {
    /// One key in JSON (RFC 7517), from the configuration. May be a secret (`kty` `oct`).
    pub fn from_jwk(json: &[u8]) -> Result<Self, BadKey> {
        serde_json::from_slice::<Jwk>(json).map_err(|_| BadKey::Jwk)?.to_key()
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, BadKey> {
    let text = member.as_deref().ok_or(BadKey::Jwk)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey::Jwk)?;
    if bytes.is_empty() { Err(BadKey::Jwk) } else { Ok(bytes) }
}

fn bytes_32(member: &Option<String>) -> Result<Vec<u8>, BadKey> {
    bytes(member).and_then(|it| if it.len() == 32 { Ok(it) } else { Err(BadKey::Jwk) })
}
