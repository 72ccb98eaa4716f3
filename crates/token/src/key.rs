//! One key, of one family, with the algorithms it may be used for.
//!
//! Which algorithms those are is settled when the key is read. The `alg` of a token is only ever
//! compared with that list, so no token can talk a key into being something else (A1, A2).

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rsa::{PublicEncryptingKey, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256,
    },
};
use thiserror::Error;

use crate::{
    algorithm::{Algorithm, Family},
    kid::Kid,
    pem,
};

/// A key that tokens are verified with. Parsed once, when it is read.
#[derive(Clone)]
pub struct Key {
    kid: Option<Kid>,
    algorithms: Vec<Algorithm>,
    material: Material,
}

/// Prepared for each algorithm of the family, so that a verification parses nothing.
#[derive(Clone)]
enum Material {
    Hmac(Box<Secret>),
    Rsa { pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
    P256(ParsedPublicKey),
    Ed25519(ParsedPublicKey),
}

/// Hashed in already, at more than a kilobyte for each algorithm.
#[derive(Clone)]
struct Secret {
    bytes: usize,
    sha256: hmac::Key,
    sha384: hmac::Key,
    sha512: hmac::Key,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadKey {
    /// A secret of no bytes.
    #[error("the secret is empty")]
    SecretEmpty,
    /// A public key where a secret belongs: anyone could sign with it (A2).
    #[error("the secret is a PEM block; give a public key as a public key")]
    SecretIsPem,
    /// Not PEM, or not one whole block of it.
    #[error("not one PEM block with a public key")]
    Pem,
    /// A private key, which has no business here.
    #[error("this is a private key; give the public key")]
    Private,
    /// A certificate; we have no opinion on who signed it.
    #[error("this is a certificate; give the public key in it (openssl x509 -pubkey)")]
    Certificate,
    /// Neither RSA nor P-256 nor Ed25519.
    #[error("not a key of a kind we verify with: RSA, P-256, Ed25519")]
    Kind,
    /// RSA with less than 2048 or more than 8192 bits.
    #[error("an RSA key must have 2048 to 8192 bits")]
    RsaBits,
    /// Not a JSON Web Key as RFC 7517 wants it.
    #[error("not a JSON Web Key")]
    Jwk,
    /// Meant for something else than verifying signatures.
    #[error("the key is not meant for signatures")]
    Use,
    /// An algorithm of another family, or none at all.
    #[error("the key cannot be used with that algorithm")]
    Algorithm,
    /// A key that only verifies was asked to sign.
    #[error("only a secret can sign with HS256")]
    CannotSign,
    /// A name that no token could give.
    #[error("a key id is 1 to 128 of A-Z a-z 0-9 . _ -")]
    Kid,
}

impl Key {
    /// Fewer bytes of secret than this are guessable (D1; RFC 7518 §3.2 wants as many as the hash
    /// has). The configuration refuses them in production.
    pub const SECRET_BYTES_MIN: usize = 32;

    /// A shared secret, for HS256, HS384 and HS512.
    pub fn hmac(secret: &[u8]) -> Result<Self, BadKey> {
        if secret.is_empty() {
            return Err(BadKey::SecretEmpty);
        }
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(BadKey::SecretIsPem);
        }
        Ok(Self::new(Material::Hmac(Box::new(Secret {
            bytes: secret.len(),
            sha256: hmac::Key::new(hmac::HMAC_SHA256, secret),
            sha384: hmac::Key::new(hmac::HMAC_SHA384, secret),
            sha512: hmac::Key::new(hmac::HMAC_SHA512, secret),
        }))))
    }

    /// A public key in PEM: RSA (RS256, PS256), P-256 (ES256) or Ed25519 (EdDSA).
    pub fn from_pem(text: &str) -> Result<Self, BadKey> {
        let der = pem::public_key_der(text)?;
        if let Ok(key) = ParsedPublicKey::new(&ED25519, &der) {
            return Ok(Self::new(Material::Ed25519(key)));
        }
        if let Ok(key) = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &der) {
            return Ok(Self::new(Material::P256(key)));
        }
        let pkcs1 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der);
        let pss = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &der);
        Self::rsa(pkcs1.map_err(|_| BadKey::Kind)?, pss.map_err(|_| BadKey::Kind)?)
    }

    /// An RSA public key from its numbers, big-endian.
    pub(crate) fn from_rsa_components(n: &[u8], e: &[u8]) -> Result<Self, BadKey> {
        let components = PublicKeyComponents { n, e };
        let pkcs1 = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        let pss = components.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256);
        Self::rsa(pkcs1.map_err(|_| BadKey::Kind)?, pss.map_err(|_| BadKey::Kind)?)
    }

    /// A point on P-256 from its coordinates, 32 bytes each.
    pub(crate) fn from_p256_point(x: &[u8], y: &[u8]) -> Result<Self, BadKey> {
        let point = [&[0x04], x, y].concat();
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        Ok(Self::new(Material::P256(key.map_err(|_| BadKey::Kind)?)))
    }

    /// An Ed25519 public key, 32 bytes.
    pub(crate) fn from_ed25519_bytes(x: &[u8]) -> Result<Self, BadKey> {
        let key = ParsedPublicKey::new(&ED25519, x);
        Ok(Self::new(Material::Ed25519(key.map_err(|_| BadKey::Kind)?)))
    }

    /// The same key under a name.
    #[must_use]
    pub fn called(mut self, kid: Kid) -> Self {
        self.kid = Some(kid);
        self
    }

    /// The same key for these algorithms only, which must all be of its family.
    pub fn only(mut self, algorithms: &[Algorithm]) -> Result<Self, BadKey> {
        let is_ours = |it: &Algorithm| it.family() == self.family();
        if algorithms.is_empty() || !algorithms.iter().all(is_ours) {
            return Err(BadKey::Algorithm);
        }
        self.algorithms = algorithms.to_vec();
        Ok(self)
    }

    /// Its name, where it has one.
    pub fn kid(&self) -> Option<&Kid> {
        self.kid.as_ref()
    }

    /// What kind of key it is.
    pub fn family(&self) -> Family {
        match self.material {
            Material::Hmac(_) => Family::Hmac,
            Material::Rsa { .. } => Family::Rsa,
            Material::P256(_) => Family::P256,
            Material::Ed25519(_) => Family::Ed25519,
        }
    }

    /// How many bytes the secret has; `None` if it is a public key.
    pub fn secret_bytes(&self) -> Option<usize> {
        match &self.material {
            Material::Hmac(secret) => Some(secret.bytes),
            Material::Rsa { .. } | Material::P256(_) | Material::Ed25519(_) => None,
        }
    }

    /// Whether it is a secret short enough to be guessed.
    pub fn is_weak(&self) -> bool {
        self.secret_bytes().is_some_and(|bytes| bytes < Self::SECRET_BYTES_MIN)
    }

    /// Whether tokens signed with `algorithm` may be verified with it.
    pub fn permits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether `signature` over `message` was made with its other half.
    pub(crate) fn has_signed(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        if !self.permits(algorithm) {
            return false;
        }
        match (&self.material, algorithm) {
            (Material::Hmac(it), Algorithm::Hs256) => mac(&it.sha256, message, signature),
            (Material::Hmac(it), Algorithm::Hs384) => mac(&it.sha384, message, signature),
            (Material::Hmac(it), Algorithm::Hs512) => mac(&it.sha512, message, signature),
            (Material::Rsa { pkcs1: key, .. }, Algorithm::Rs256)
            | (Material::Rsa { pss: key, .. }, Algorithm::Ps256)
            | (Material::P256(key), Algorithm::Es256)
            | (Material::Ed25519(key), Algorithm::EdDsa) => {
                key.verify_sig(message, signature).is_ok()
            }
            _ => false,
        }
    }

    /// The HS256 signature of `message`.
    pub(crate) fn sign_hs256(&self, message: &[u8]) -> Result<hmac::Tag, BadKey> {
        let Material::Hmac(secret) = &self.material else { return Err(BadKey::CannotSign) };
        if !self.permits(Algorithm::Hs256) {
            return Err(BadKey::CannotSign);
        }
        Ok(hmac::sign(&secret.sha256, message))
    }

    fn new(material: Material) -> Self {
        let mut key = Self { kid: None, algorithms: Vec::new(), material };
        let family = key.family();
        key.algorithms = Algorithm::ALL.into_iter().filter(|it| it.family() == family).collect();
        key
    }

    /// The parser lets any RSA key through and would only fail at the first token; better to say so
    /// at boot.
    fn rsa(pkcs1: ParsedPublicKey, pss: ParsedPublicKey) -> Result<Self, BadKey> {
        let der: PublicKeyX509Der<'_> = pkcs1.as_der().map_err(|_| BadKey::Kind)?;
        PublicEncryptingKey::from_der(der.as_ref()).map_err(|_| BadKey::RsaBits)?;
        Ok(Self::new(Material::Rsa { pkcs1, pss }))
    }
}

/// In constant time, as all comparisons of secrets.
fn mac(key: &hmac::Key, message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(key, message, tag).is_ok()
}

/// Says what it is and never what is in it.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}
