//! The keys of one issuer, and which of them to try.

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{algorithm::Algorithm, fault::TokenFault, jwk::Jwk, key::Key, kid::Kid};

/// The keys of one issuer. Two issuers never share a ring, so what they call their keys cannot
/// collide (A4).
#[derive(Clone, Default, Debug)]
pub struct Keyring {
    keys: Vec<Key>,
}

/// Why a key set was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadJwks {
    /// Beyond [`Keyring::JWKS_BYTES_MAX`].
    #[error("the key set is larger than 256 KiB")]
    TooLarge,
    /// Not `{"keys":[…]}`.
    #[error("not a JSON Web Key Set")]
    Shape,
    /// Beyond [`Keyring::KEYS_MAX`].
    #[error("the key set has more than 100 keys")]
    TooMany,
    /// Nothing in it that tokens can be verified with.
    #[error("the key set has no key to verify tokens with")]
    NoneUsable,
}

#[derive(Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl Keyring {
    /// The most keys of one issuer (A4).
    pub const KEYS_MAX: usize = 100;
    /// The largest key set that is read (A4).
    pub const JWKS_BYTES_MAX: usize = 256 * 1024;
    /// How many keys are tried for a token that does not name one. An issuer in the middle of a
    /// rotation has two or three; each try costs whoever sends rubbish nothing and us 30 µs.
    pub const TRIES_MAX: usize = 8;

    /// A ring of these keys.
    pub fn new(keys: Vec<Key>) -> Result<Self, BadJwks> {
        if keys.is_empty() {
            return Err(BadJwks::NoneUsable);
        }
        if Self::KEYS_MAX < keys.len() {
            return Err(BadJwks::TooMany);
        }
        Ok(Self { keys })
    }

    /// The usable keys of a published key set (RFC 7517 §5). Keys for encryption, of kinds or
    /// algorithms we do not verify, with names no token could give, and secrets are passed over.
    pub fn from_jwks(json: &[u8]) -> Result<Self, BadJwks> {
        if Self::JWKS_BYTES_MAX < json.len() {
            return Err(BadJwks::TooLarge);
        }
        let KeySet { keys } = serde_json::from_slice(json).map_err(|_| BadJwks::Shape)?;
        if Self::KEYS_MAX < keys.len() {
            return Err(BadJwks::TooMany);
        }
        let read = |key: &&RawValue| serde_json::from_str::<Jwk>(key.get()).ok();
        let usable = |jwk: Jwk| if jwk.is_secret() { None } else { jwk.to_key().ok() };
        Self::new(keys.iter().filter_map(read).filter_map(usable).collect())
    }

    /// The keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Whether a token that names `kid` can be looked up here: a key is called so, or one has no
    /// name and may be meant.
    pub fn knows(&self, kid: Option<&Kid>) -> bool {
        self.keys.iter().any(|key| kid.is_none() || key.kid().is_none() || key.kid() == kid)
    }

    /// Whether a key made this signature, and if not, why not.
    ///
    /// A token that names a key is verified with the keys of that name. Where none has it, those
    /// without a name are tried (a PEM file has no place to write one); a token that names none is
    /// tried with all.
    pub(crate) fn verify(
        &self,
        kid: Option<&Kid>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenFault> {
        let Some(named) = kid else {
            return attempt(self.keys.iter(), algorithm, message, signature);
        };
        // Keys of that name, or else those that have none.
        let is_called_so = self.keys.iter().any(|key| key.kid() == kid);
        let wanted = if is_called_so { kid } else { None };
        let mut keys = self.keys.iter().filter(|key| key.kid() == wanted).peekable();
        if keys.peek().is_none() {
            return Err(TokenFault::UnknownKey { kid: named.clone() });
        }
        attempt(keys, algorithm, message, signature)
    }
}

fn attempt<'a>(
    keys: impl Iterator<Item = &'a Key>,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), TokenFault> {
    let mut permitting = keys.filter(|key| key.permits(algorithm)).peekable();
    if permitting.peek().is_none() {
        return Err(TokenFault::AlgorithmRefused);
    }
    let mut tries = permitting.take(Keyring::TRIES_MAX);
    let has_signed = tries.any(|key| key.has_signed(algorithm, message, signature));
    has_signed.then_some(()).ok_or(TokenFault::BadSignature)
}
