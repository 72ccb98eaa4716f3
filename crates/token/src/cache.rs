//! Tokens that were verified before.
//!
//! A client that reconnects shows the same token again. To hash it costs 0.3 µs where to verify it
//! costs 2 (HS256), 23 (RS256) or 46 (EdDSA); measured by `bench/benches/admission.rs`.

use std::{collections::HashMap, mem, sync::Arc};

use aws_lc_rs::digest;
use proto::{Identity, UnixTime};

use crate::rules::Rules;

/// Which keys and rules a token was verified with. Chosen by whoever owns the cache: one for each
/// place in the configuration that has rules of its own.
type Scope = u32;

/// A bounded memory of verified tokens, kept by their SHA-256, so that the tokens themselves are
/// not lying about. Only what was verified is ever remembered: nobody can fill it with rubbish.
///
/// Two generations: new entries and those that are asked for go into the young one; when that is
/// half of the bound, the old one is dropped whole. Nothing is ever searched for what to evict.
///
/// A hit says that the token was good when it was verified and has not expired. Revocation is
/// asked beside it, and [`VerifiedCache::flush`] is due whenever keys or rules change.
#[derive(Debug)]
pub struct VerifiedCache {
    young: HashMap<Entry, Known>,
    old: HashMap<Entry, Known>,
    generation_max: usize,
}

type Entry = (Scope, [u8; digest::SHA256_OUTPUT_LEN]);

#[derive(Clone, Debug)]
struct Known {
    identity: Arc<Identity>,
    /// From when on it is no longer accepted: its expiry, and the leeway of its rules.
    refused_from: UnixTime,
}

impl VerifiedCache {
    /// As many as a full server has connections, by default.
    pub const TOKENS_MAX: usize = 10_000;

    /// A cache of at most `tokens_max` tokens (at least two).
    pub fn new(tokens_max: usize) -> Self {
        let generation_max = (tokens_max / 2).max(1);
        Self { young: HashMap::new(), old: HashMap::new(), generation_max }
    }

    /// Whom `token` was found to name in this scope, if that is still known and not over at `now`.
    pub fn find(&mut self, scope: Scope, token: &str, now: UnixTime) -> Option<Arc<Identity>> {
        let entry = (scope, hash(token));
        let known = match self.young.get(&entry) {
            Some(known) => known.clone(),
            None => self.old.remove(&entry)?,
        };
        if known.refused_from <= now {
            self.young.remove(&entry);
            return None;
        }
        let identity = Arc::clone(&known.identity);
        self.insert(entry, known);
        Some(identity)
    }

    /// Remembers a token that has just been verified with `rules`.
    pub fn remember(&mut self, scope: Scope, token: &str, identity: Arc<Identity>, rules: &Rules) {
        let refused_from = UnixTime(identity.expires_at.0.saturating_add(rules.leeway_secs()));
        self.insert((scope, hash(token)), Known { identity, refused_from });
    }

    /// Forgets everything: keys were rotated, rules changed, or someone was revoked.
    pub fn flush(&mut self) {
        self.young = HashMap::new();
        self.old = HashMap::new();
    }

    /// How many tokens are remembered.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(&mut self, entry: Entry, known: Known) {
        let is_new = self.young.insert(entry, known).is_none();
        if is_new && self.generation_max < self.young.len() + 1 {
            self.old = mem::take(&mut self.young);
        }
    }
}

impl Default for VerifiedCache {
    fn default() -> Self {
        Self::new(Self::TOKENS_MAX)
    }
}

fn hash(token: &str) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
