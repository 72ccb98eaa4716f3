//! What the gateway knows of sessions and revocations, for the HTTP API.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use proto::{Refusal, SessionId, UnixTime, UserId};

/// Sessions, revocations and newer tokens, as seen from the asynchronous side.
#[async_trait]
pub trait Register: Send + Sync + 'static {
    /// Sessions, oldest first.
    async fn sessions(&self, which: Which) -> Vec<SessionView>;

    /// Ends sessions and closes their connections; answers how many there were.
    async fn end_sessions(&self, which: Which) -> Result<usize, Refusal>;

    /// Revokes: kept safely before it answers, asked for on every way in, and live connections are
    /// closed.
    async fn revoke(&self, revoke: Revoke) -> Result<Revoked, Refusal>;

    /// What is revoked now: at most `most` of it, newest first, and how much it is in all.
    async fn revocations(&self, most: usize) -> (Vec<RevocationView>, usize);

    /// A newer token for one that is still good, which is revoked. `Ok(None)`: the token is good,
    /// and the gateway has no key to sign its like with.
    async fn exchange(&self, token: &str) -> Result<Option<Exchanged>, Refusal>;
}

/// Which sessions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Which {
    One(SessionId),
    /// A user's; with a label only those of that device.
    Of {
        user: UserId,
        device: Option<String>,
    },
}

/// One session, as an operator is shown it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionView {
    pub id: SessionId,
    pub user: UserId,
    pub device: Option<String>,
    pub agent: Option<String>,
    pub address: IpAddr,
    pub route: String,
    pub created_at: UnixTime,
    pub last_active: UnixTime,
    pub is_live: bool,
    /// When it ends unless its client comes back, or brings a good token.
    pub until: Option<UnixTime>,
}

/// Whose word is not to count any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    Token(Arc<str>),
    User { user: UserId, issued_before: Option<UnixTime> },
    Session(SessionId),
    Everyone { issued_before: UnixTime },
}

/// A revocation that is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revoke {
    pub subject: Subject,
    pub reason: Option<String>,
    /// `None`: thirty days from now.
    pub expires_at: Option<UnixTime>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// Connections that were closed for it.
    pub closed: usize,
    pub expires_at: UnixTime,
}

/// A revocation in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationView {
    pub subject: Subject,
    pub reason: Option<String>,
    pub revoked_at: UnixTime,
    pub expires_at: UnixTime,
}

/// A token, newly made. Nobody may print it (A7).
#[derive(Clone, Eq, PartialEq)]
pub struct Exchanged {
    pub token: String,
    pub expires_in: Duration,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
