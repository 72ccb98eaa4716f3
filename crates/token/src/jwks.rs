//! Key sets that are published elsewhere: when to fetch them, and what to do meanwhile.
//!
//! A machine: it says when a fetch is due, is told what came of it, and does no fetching. The
//! address comes from the configuration and from nowhere else, each source has its own keys, one
//! fetch is under way at most, and however many tokens name keys that do not exist, they cause one
//! fetch in thirty seconds (A4).
//!
//! ```text
//!           wants: Wait { fetch: true }            fetched: Ok
//!   Empty ───────────────────────────► Fetching ───────────────► Fresh ── after a while ──► Due
//!     ▲                                   │ fetched: Err           ▲                         │
//!     └───────────────────────────────────┘                        └──── fetched: Ok ────────┤
//!          nothing known yet: Unavailable                            fetched: Err: keep what │
//!                                                                    is known, for a day     ▼
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use thiserror::Error;

use crate::{
    keyring::{BadJwks, Keyring},
    kid::Kid,
};

/// Where the keys of one issuer are published. From the configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Source {
    /// As in the `iss` of its tokens.
    pub issuer: String,
    /// The address of its key set.
    pub url: String,
}

/// How often to fetch, and how long to live on what was fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JwksRules {
    /// At least this long between two fetches, whatever anyone asks for.
    pub pause: Duration,
    /// After this long the keys are fetched again, while those at hand are used.
    pub refresh: Duration,
    /// When fetching fails, the last good keys are used for this long (stale-if-error).
    pub stale_max: Duration,
    /// For this long a key that was not in a set just fetched causes no further fetch.
    pub absent: Duration,
}

/// What to do with a token.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Verify it with these keys.
    Ready {
        /// The keys of this source and no other.
        keys: Arc<Keyring>,
        /// Also begin a fetch, which nobody waits for.
        fetch: bool,
    },
    /// The keys are on their way; ask again when they were fetched.
    Wait {
        /// Begin the fetch. Said to one caller only, until [`Jwks::fetched`].
        fetch: bool,
    },
    /// No such key: refuse it.
    Unknown,
    /// There are no keys, and it is too early to try again.
    Unavailable,
}

/// Whether a fetch changed anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// The same set as before.
    Same,
    /// Other keys: what was verified with the old ones has to be forgotten.
    Rotated,
}

/// Why there was no body to read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum FetchFault {
    /// No answer in time, or no connection.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// An answer that is not a key set.
    #[error("answered with status {0}")]
    Status(u16),
    /// More than [`Keyring::JWKS_BYTES_MAX`], so the rest was not read.
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
    /// It led elsewhere, and we do not follow.
    #[error("answered with a redirect to another host")]
    Redirected,
}

/// Why a fetch did not bring keys, for the operator. The old ones stay.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum JwksFault {
    /// Nothing came.
    #[error("fetch keys")]
    Fetch(#[source] FetchFault),
    /// Something else came.
    #[error("read keys")]
    Read(#[source] BadJwks),
}

/// The key set of one source.
#[derive(Debug)]
pub struct Jwks {
    rules: JwksRules,
    known: Option<KeySet>,
    /// When the last fetch began.
    begun_at: Option<Instant>,
    is_fetching: bool,
    /// Names that were asked for and not in the last set. Bounded, the oldest forgotten first; a
    /// name that is forgotten costs one fetch in `pause` at most.
    absent: VecDeque<(Kid, Instant)>,
}

#[derive(Debug)]
struct KeySet {
    keys: Arc<Keyring>,
    fetched_at: Instant,
    digest: [u8; digest::SHA256_OUTPUT_LEN],
}

impl Jwks {
    /// How many absent names are remembered.
    const ABSENT_MAX: usize = 64;

    /// A source of which nothing is known yet.
    pub fn new(rules: JwksRules) -> Self {
        let absent = VecDeque::new();
        Self { rules, known: None, begun_at: None, is_fetching: false, absent }
    }

    /// What to do with a token that names `kid`.
    pub fn wants(&mut self, now: Instant, kid: Option<&Kid>) -> Lookup {
        let age = |known: &KeySet| now.saturating_duration_since(known.fetched_at);
        if self.known.as_ref().is_some_and(|known| self.rules.stale_max <= age(known)) {
            self.known = None;
        }
        let Some(known) = &self.known else {
            return self.wait_or(now, Lookup::Unavailable);
        };
        let keys = Arc::clone(&known.keys);
        if keys.knows(kid) {
            let is_due = self.rules.refresh <= age(known);
            return Lookup::Ready { keys, fetch: is_due && self.begin(now) };
        }
        match kid {
            Some(kid) if !self.is_absent(now, kid) => self.wait_or_absent(now, kid),
            _ => Lookup::Unknown,
        }
    }

    /// What came of the fetch that [`Lookup`] asked for.
    pub fn fetched(
        &mut self,
        now: Instant,
        body: Result<&[u8], FetchFault>,
    ) -> Result<Turn, JwksFault> {
        self.is_fetching = false;
        let body = body.map_err(JwksFault::Fetch)?;
        let keys = Arc::new(Keyring::from_jwks(body).map_err(JwksFault::Read)?);
        let digest = digest::digest(&digest::SHA256, body);
        let digest = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let is_same = self.known.as_ref().is_some_and(|known| known.digest == digest);
        self.known = Some(KeySet { keys, fetched_at: now, digest });
        Ok(if is_same { Turn::Same } else { Turn::Rotated })
    }

    /// Whether a fetch may begin now; if so, it has.
    fn begin(&mut self, now: Instant) -> bool {
        let since = self.begun_at.map(|begun| now.saturating_duration_since(begun));
        // A fetch of which nothing was heard for as long as the pause is lost, not under way.
        if since.is_some_and(|it| it < self.rules.pause) {
            return false;
        }
        self.begun_at = Some(now);
        self.is_fetching = true;
        true
    }

    fn wait_or(&mut self, now: Instant, otherwise: Lookup) -> Lookup {
        if self.begin(now) {
            Lookup::Wait { fetch: true }
        } else if self.is_fetching {
            Lookup::Wait { fetch: false }
        } else {
            otherwise
        }
    }

    /// A key may have been added since, so one fetch may ask for it.
    fn wait_or_absent(&mut self, now: Instant, kid: &Kid) -> Lookup {
        let lookup = self.wait_or(now, Lookup::Unknown);
        if matches!(lookup, Lookup::Unknown) && self.was_fetched_since_begun() {
            if self.absent.len() == Self::ABSENT_MAX {
                self.absent.pop_front();
            }
            self.absent.push_back((kid.clone(), now));
        }
        lookup
    }

    /// Whether the last fetch brought a set, so that what is not in it does not exist.
    fn was_fetched_since_begun(&self) -> bool {
        let fetched_at = self.known.as_ref().map(|known| known.fetched_at);
        fetched_at >= self.begun_at
    }

    fn is_absent(&self, now: Instant, kid: &Kid) -> bool {
        let lasts = |since: &Instant| now.saturating_duration_since(*since) < self.rules.absent;
        self.absent.iter().any(|(it, since)| it == kid && lasts(since))
    }
}

impl Default for JwksRules {
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(30),
            refresh: Duration::from_secs(10 * 60),
            stale_max: Duration::from_secs(24 * 60 * 60),
            absent: Duration::from_secs(60),
        }
    }
}

/// All sources, each by issuer and address together: two that share one of these still share
/// nothing (CVE-2026-49998).
#[derive(Debug)]
pub struct KeySets {
    sets: BTreeMap<Source, Jwks>,
}

impl KeySets {
    /// The sources of the configuration.
    pub fn new(sources: impl IntoIterator<Item = Source>, rules: JwksRules) -> Self {
        let sets = sources.into_iter().map(|source| (source, Jwks::new(rules))).collect();
        Self { sets }
    }

    /// The key set of a source; `None` if the configuration does not name it.
    pub fn of(&mut self, source: &Source) -> Option<&mut Jwks> {
        self.sets.get_mut(source)
    }

    /// The source of an issuer, to choose where to look for the keys of a token that claims it.
    pub fn source_of(&self, issuer: &str) -> Option<&Source> {
        self.sets.keys().find(|source| source.issuer == issuer)
    }

    /// All sources.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sets.keys()
    }
}
