//! What a verdict is looked up in.

use std::sync::Arc;

use limits::AdmissionLimits;
use session::Register;
use token::{KeySets, Keyring, Rules, Source, VerifiedCache};

use crate::{address::Proxies, host::HostRule, routes::Routes, tallies::Tallies};

/// What the configuration says. Shared by all shards, replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Door {
    pub routes: Routes,
    pub hosts: HostRule,
    pub proxies: Proxies,
    /// One per `[tokens.NAME]`; a [`VerifierId`](crate::VerifierId) is a place in it.
    pub verifiers: Vec<Verifier>,
}

/// How tokens are verified.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub rules: Rules,
    pub keys: Keys,
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Given in the configuration.
    Ring(Arc<Keyring>),
    /// Published at an address of the configuration; an entry of [`Tables::key_sets`].
    Published(Source),
}

/// Everything admission reads and everything it changes. Borrowed for one call.
///
/// `limits` is one for all shards, because an address may come by any. So is `register`, because a
/// session may go on anywhere, and `key_sets`, because a key set is fetched once. The rest can be
/// each shard's own.
#[derive(Debug)]
pub struct Tables<'a> {
    pub door: &'a Door,
    pub limits: &'a mut AdmissionLimits,
    /// Sessions and revocations: one for all shards.
    pub register: &'a mut Register,
    /// To be flushed when keys or rules change.
    pub cache: &'a mut VerifiedCache,
    pub key_sets: &'a mut KeySets,
    pub tallies: &'a mut Tallies,
    /// Key sets to fetch now: drain it after every call. Each is asked for once, until
    /// [`token::Jwks::fetched`].
    pub fetches: &'a mut Vec<Source>,
}
