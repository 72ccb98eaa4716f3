//! Whose word no longer counts, whatever its signature says (R8, A9).

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use proto::{Identity, SessionId, UnixTime, UserId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rows::{self, BadRow, Change};

/// What is revoked. In this order, so that all of a user's stand together.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// The token of this `jti`.
    Token(Arc<str>),
    /// All tokens of a user; with a time only those issued before it. Tokens that do not say when
    /// they were issued count as older.
    User { user: UserId, issued_before: Option<UnixTime> },
    /// One session: nobody goes on with it, nor with what it stood for.
    Session(SessionId),
    /// All tokens issued before a time, whoever's they are.
    Everyone { issued_before: UnixTime },
}

/// Something that is not believed until it expires.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    pub subject: Subject,
    /// Told to whoever it meets, in place of the code's own sentence.
    pub reason: Option<Arc<str>>,
    pub revoked_at: UnixTime,
    pub expires_at: UnixTime,
}

/// All revocations in force. A shared list of what is forbidden, so it is bounded and loud: what
/// does not fit is refused, never forgotten.
#[derive(Debug)]
pub struct Revocations {
    all: BTreeMap<Subject, Revocation>,
    max: usize,
    added: u64,
}

/// Why something cannot be revoked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadRevocation {
    #[error("there are as many revocations as may be")]
    Full,
    #[error("a revocation lasts at least a minute from now")]
    Short,
    #[error("a revocation lasts ten years at most")]
    Long,
    #[error("a reason has at most {REASON_BYTES_MAX} bytes")]
    Reason,
    #[error("a token's id has 1 to {TOKEN_ID_BYTES_MAX} bytes")]
    TokenId,
}

/// Some 250 bytes each, 25 MB.
pub const REVOCATIONS_MAX: usize = 100_000;
/// A reason goes into the close frame, which has 123 bytes (RFC 6455 section 5.5).
pub const REASON_BYTES_MAX: usize = 123;
/// Twice what anybody makes of it.
pub const TOKEN_ID_BYTES_MAX: usize = 256;
/// Longer than tokens live anywhere in the field.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Anything shorter is a clock that is wrong, or milliseconds by mistake.
const LIFETIME_MIN: Duration = Duration::from_secs(60);
const LIFETIME_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
/// An expired one is forgotten this much later. Clocks that jump by an hour and back must not
/// leave a token good that is revoked (L10).
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2 * 3600);

impl Default for Revocations {
    fn default() -> Self {
        Self::new(REVOCATIONS_MAX)
    }
}

impl Revocations {
    pub fn new(max: usize) -> Self {
        Self { all: BTreeMap::new(), max, added: 0 }
    }

    /// Revokes from now on. What is revoked already stays so for as long as either says; answers
    /// what is in force now.
    pub fn add(
        &mut self,
        subject: Subject,
        reason: Option<Arc<str>>,
        expires_at: Option<UnixTime>,
        wall: UnixTime,
    ) -> Result<Revocation, BadRevocation> {
        let expires_at =
            expires_at.unwrap_or(UnixTime(wall.0.saturating_add(DEFAULT_LIFETIME.as_secs())));
        if wall.until(expires_at) < LIFETIME_MIN {
            return Err(BadRevocation::Short);
        }
        if LIFETIME_MAX < wall.until(expires_at) {
            return Err(BadRevocation::Long);
        }
        if reason.as_ref().is_some_and(|it| REASON_BYTES_MAX < it.len()) {
            return Err(BadRevocation::Reason);
        }
        if let Subject::Token(id) = &subject
            && !(1..=TOKEN_ID_BYTES_MAX).contains(&id.len())
        {
            return Err(BadRevocation::TokenId);
        }
        let before = self.all.get(&subject);
        if before.is_none() && self.max <= self.all.len() {
            return Err(BadRevocation::Full);
        }
        let expires_at = before.map_or(expires_at, |it| it.expires_at.max(expires_at));
        let revocation =
            Revocation { subject: subject.clone(), reason, revoked_at: wall, expires_at };
        self.all.insert(subject, revocation.clone());
        self.added += 1;
        Ok(revocation)
    }

    /// Puts back what was there before something that could not be kept.
    pub fn undo(&mut self, revocation: &Revocation, before: Option<Revocation>) {
        match before {
            Some(before) => self.all.insert(revocation.subject.clone(), before),
            None => self.all.remove(&revocation.subject),
        };
    }

    /// What is in force for this subject itself.
    pub fn of(&self, subject: &Subject) -> Option<&Revocation> {
        self.all.get(subject)
    }

    /// Why an identity, coming with this session, is not believed; `None` if it is. Asked after the
    /// signature, so nobody learns from it what is revoked.
    pub fn check(
        &self,
        identity: &Identity,
        session: Option<SessionId>,
        wall: UnixTime,
    ) -> Option<&Revocation> {
        if self.all.is_empty() {
            return None;
        }
        let token = identity.token_id.clone().map(Subject::Token);
        let session = session.map(Subject::Session);
        let alone = [token, session].into_iter().flatten();
        let user = |issued_before| Subject::User { user: identity.user.clone(), issued_before };
        let of_user = user(None)..=user(Some(UnixTime(u64::MAX)));
        let earliest = Subject::Everyone { issued_before: UnixTime(0) };
        alone
            .filter_map(|it| self.all.get(&it))
            .chain(self.all.range(of_user).map(|it| it.1))
            .chain(self.all.range(earliest..).map(|it| it.1))
            .filter(|it| wall < it.expires_at)
            .find(|it| it.subject.is_met_by(identity))
    }

    /// All of them, those that are over but not forgotten included.
    pub fn iter(&self) -> impl Iterator<Item = &Revocation> {
        self.all.values()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many have been made since the start.
    pub const fn added(&self) -> u64 {
        self.added
    }

    /// Forgets what has long been over; answers which rows go.
    pub fn sweep(&mut self, wall: UnixTime) -> Vec<Change> {
        let mut changes = Vec::new();
        self.all.retain(|subject, it| {
            let is_kept = wall.0 < it.expires_at.0.saturating_add(FORGOTTEN_AFTER.as_secs());
            if !is_kept {
                changes.push(Change { key: subject.key(), value: None });
            }
            is_kept
        });
        changes
    }

    /// Takes back what was kept. Answers how many, and what could not be read: a revocation that
    /// is lost is somebody let in, so the caller has to say so.
    pub fn restore(
        &mut self,
        kept: impl IntoIterator<Item = (String, String)>,
    ) -> (usize, Vec<BadRow>) {
        let mut bad = Vec::new();
        for (_, value) in kept {
            match rows::read::<Row>(&value).and_then(Row::read) {
                // The bound is for whoever adds; what is in force stays so.
                Ok(it) => {
                    self.all.insert(it.subject.clone(), it);
                }
                Err(fault) => bad.push(fault),
            }
        }
        (self.all.len(), bad)
    }
}

impl Subject {
    /// Whether it is about this identity, or a connection of this session.
    pub fn covers(&self, identity: &Identity, session: Option<SessionId>) -> bool {
        match self {
            Self::Session(id) => session == Some(*id),
            Self::Token(id) => identity.token_id.as_ref() == Some(id),
            Self::User { user, .. } => *user == identity.user && self.is_met_by(identity),
            Self::Everyone { .. } => self.is_met_by(identity),
        }
    }

    /// Whether the time of issue is met; found by its key, all else fits.
    fn is_met_by(&self, identity: &Identity) -> bool {
        let before = match self {
            Self::User { issued_before: Some(before), .. } => before,
            Self::Everyone { issued_before } => issued_before,
            Self::Token(_) | Self::Session(_) | Self::User { issued_before: None, .. } => {
                return true;
            }
        };
        identity.issued_at.is_none_or(|it| it < *before)
    }

    /// The key of its row.
    fn key(&self) -> String {
        rows::write(&SubjectRow::of(self))
    }
}

impl Revocation {
    /// As it is kept.
    pub fn change(&self) -> Change {
        let row = Row {
            v: rows::VERSION,
            subject: SubjectRow::of(&self.subject),
            reason: self.reason.as_deref().map(str::to_owned),
            revoked_at: self.revoked_at.0,
            expires_at: self.expires_at.0,
        };
        Change { key: self.subject.key(), value: Some(rows::write(&row)) }
    }
}

impl fmt::Display for Subject {
    /// For a log: a session only by its beginning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("a token"),
            Self::User { issued_before: None, .. } => f.write_str("a user"),
            Self::User { .. } => f.write_str("a user's older tokens"),
            Self::Session(id) => write!(f, "session {id:?}"),
            Self::Everyone { issued_before } => write!(f, "everything before {issued_before}"),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct Row {
    v: u32,
    subject: SubjectRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    revoked_at: u64,
    expires_at: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SubjectRow {
    Jti(String),
    User(String),
    UserBefore(String, u64),
    Session(String),
    Before(u64),
}

impl SubjectRow {
    fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Token(id) => Self::Jti(id.to_string()),
            Subject::User { user, issued_before: None } => Self::User(user.as_str().to_owned()),
            Subject::User { user, issued_before: Some(before) } => {
                Self::UserBefore(user.as_str().to_owned(), before.0)
            }
            Subject::Session(id) => Self::Session(id.to_string()),
            Subject::Everyone { issued_before } => Self::Before(issued_before.0),
        }
    }
}

impl Row {
    fn read(self) -> Result<Revocation, BadRow> {
        let user = |text: &str| UserId::parse(text).ok_or(BadRow::Damaged);
        let subject = match self.subject {
            SubjectRow::Jti(id) => Subject::Token(id.into()),
            SubjectRow::User(name) => Subject::User { user: user(&name)?, issued_before: None },
            SubjectRow::UserBefore(name, before) => {
                Subject::User { user: user(&name)?, issued_before: Some(UnixTime(before)) }
            }
            SubjectRow::Session(id) => Subject::Session(rows::id_of(&id)?),
            SubjectRow::Before(before) => Subject::Everyone { issued_before: UnixTime(before) },
        };
        Ok(Revocation {
            subject,
            reason: self.reason.map(Into::into),
            revoked_at: UnixTime(self.revoked_at),
            expires_at: UnixTime(self.expires_at),
        })
    }
}
