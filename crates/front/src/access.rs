//! API keys: who a backend is, and what it may do.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Publish and broadcast.
    Publish,
    /// Look at channels.
    Read,
    /// End connections.
    Disconnect,
    /// Metrics, and everything else.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Publish, Self::Read, Self::Disconnect, Self::Admin];

    /// As it is written in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Disconnect => "disconnect",
            Self::Admin => "admin",
        }
    }

    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A key as it is configured.
#[derive(Clone)]
pub struct KeyRow {
    /// For messages to the operator; never secret.
    pub name: String,
    pub secret: Vec<u8>,
    pub scopes: Vec<Scope>,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, scopes, .. } = self;
        f.debug_struct("KeyRow").field("name", name).field("scopes", scopes).finish_non_exhaustive()
    }
}

/// A set of keys that cannot be used as it is.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadKey {
    #[error("the API key \"{name}\" has {bytes} bytes; {} are the least", ApiKeys::BYTES_MIN)]
    Short { name: String, bytes: usize },
    #[error("the API keys \"{0}\" and \"{1}\" are the same")]
    Twice(String, String),
    #[error("{0} API keys are configured; {max} are the most", max = ApiKeys::KEYS_MAX)]
    TooMany(usize),
}

/// All API keys. Only their digests are kept.
#[derive(Default)]
pub struct ApiKeys(Vec<Key>);

struct Key {
    name: Arc<str>,
    digest: [u8; 32],
    scopes: Vec<Scope>,
}

/// The place of a key among all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct KeyIndex(pub(crate) u32);

impl ApiKeys {
    /// A key of 32 random letters and digits has 190 bits; nobody guesses that (A12).
    pub const BYTES_MIN: usize = 32;
    /// Each request is compared with all.
    pub const KEYS_MAX: usize = 1000;

    pub fn new(rows: Vec<KeyRow>) -> Result<Self, BadKey> {
        if Self::KEYS_MAX < rows.len() {
            return Err(BadKey::TooMany(rows.len()));
        }
        for (index, row) in rows.iter().enumerate() {
            if row.secret.len() < Self::BYTES_MIN {
                return Err(BadKey::Short { name: row.name.clone(), bytes: row.secret.len() });
            }
            if let Some(other) = rows[..index].iter().find(|it| it.secret == row.secret) {
                return Err(BadKey::Twice(other.name.clone(), row.name.clone()));
            }
        }
        let key = |row: KeyRow| Key {
            digest: sha256(&row.secret),
            name: row.name.into(),
            scopes: row.scopes,
        };
        Ok(Self(rows.into_iter().map(key).collect()))
    }

    /// What it is called in the configuration.
    pub(crate) fn name(&self, key: KeyIndex) -> &str {
        self.0.get(key.0 as usize).map_or("", |it| &it.name)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Which key this is. Takes the same time whichever it is, and if it is none: digests are
    /// compared whole, and all of them (A11).
    pub(crate) fn find(&self, shown: &[u8]) -> Option<KeyIndex> {
        let shown = sha256(shown);
        let (mut found, mut at) = (Choice::from(0), 0_u32);
        for (index, key) in (0..).zip(&self.0) {
            let is_it = key.digest.ct_eq(&shown);
            at.conditional_assign(&index, is_it);
            found |= is_it;
        }
        bool::from(found).then_some(KeyIndex(at))
    }

    /// `Admin` includes the others.
    pub(crate) fn may(&self, key: KeyIndex, scope: Scope) -> bool {
        let scopes = &self.0[key.0 as usize].scopes;
        scopes.contains(&scope) || scopes.contains(&Scope::Admin)
    }
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeys({})", self.len())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, secret: &str, scopes: &[Scope]) -> KeyRow {
        KeyRow { name: name.into(), secret: secret.into(), scopes: scopes.into() }
    }

    #[test]
    fn a_short_key_is_refused_at_once() {
        let short = "x".repeat(31);
        assert_eq!(
            ApiKeys::new(vec![row("backend", &short, &[])]).unwrap_err(),
            BadKey::Short { name: "backend".into(), bytes: 31 }
        );
    }

    #[test]
    fn the_same_key_twice_is_refused() {
        let key = "x".repeat(32);
        let rows = vec![row("a", &key, &[Scope::Admin]), row("b", &key, &[Scope::Read])];
        assert_eq!(ApiKeys::new(rows).unwrap_err(), BadKey::Twice("a".into(), "b".into()));
    }

    #[test]
    fn a_key_is_found_among_many_and_keeps_to_its_scopes() {
        let (one, two) = ("1".repeat(32), "2".repeat(64));
        let rows = vec![row("one", &one, &[Scope::Read]), row("two", &two, &[Scope::Admin])];
        let keys = ApiKeys::new(rows).unwrap();
        assert_eq!(keys.find(one.as_bytes()), Some(KeyIndex(0)));
        assert_eq!(keys.find(two.as_bytes()), Some(KeyIndex(1)));
        for wrong in ["", &one[1..], &"1".repeat(33), &"3".repeat(32)] {
            assert_eq!(keys.find(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert!(keys.may(KeyIndex(0), Scope::Read) && !keys.may(KeyIndex(0), Scope::Publish));
        assert!(Scope::ALL.into_iter().all(|it| keys.may(KeyIndex(1), it)));
    }

    #[test]
    fn no_key_at_all_lets_nobody_in() {
        assert_eq!(ApiKeys::default().find(b""), None);
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let secret = "SECRETCANARY".repeat(3);
        let row = row("a", &secret, &[Scope::Read]);
        let shown = format!("{row:?}{:?}", ApiKeys::new(vec![row.clone()]).unwrap());
        assert!(!shown.contains("SECRETCANARY"), "{shown}");
    }
}
