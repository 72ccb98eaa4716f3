//! Whose word no longer counts.
//!
//! - `POST /api/revoke` `{user | session | jti | issued_before, reason?, expires?}` → `{revoked,
//! closed, expires}`
//! - `GET /api/revocations` → `{revocations: [...], total}`

use std::sync::Arc;

use app::{
    RevocationView, Revoke, Subject,
    rest::{Given, Refused},
};
use axum::{Json, extract::State};
use proto::{Code, Refusal, SessionId, UnixTime, UserId};
use serde::{Deserialize, Serialize};

use super::{REASON_BYTES_MAX, bad};
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    user: Option<String>,
    session: Option<String>,
    jti: Option<String>,
    /// Unix seconds.
    issued_before: Option<u64>,
    reason: Option<String>,
    /// Unix seconds; thirty days from now if none are given.
    expires: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    revoked: Named,
    /// Connections that were closed for it.
    closed: usize,
    expires: u64,
}

/// A subject, by the names it has in a request.
#[derive(Default, Serialize)]
struct Named {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_before: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Listed {
    revocations: Vec<Row>,
    total: usize,
}

/// Revocations in one answer, the newest: some 200 kB.
const LISTED_MAX: usize = 1000;

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    subject: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    created: u64,
    expires: u64,
}

/// `POST /api/revoke`.
pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Given(asked): Given<Asked>,
) -> Result<Json<Answer>, Refused> {
    let (reason, expires_at) = (asked.reason.clone(), asked.expires.map(UnixTime));
    if reason.as_ref().is_some_and(|it| REASON_BYTES_MAX < it.len()) {
        return Err(bad("A reason has at most 123 bytes.").into());
    }
    let subject = asked.subject()?;
    let revoked = Named::from(&subject);
    // Goes on when whoever asked hangs up: what is kept is also carried out.
    let work = async move { shared.register.revoke(Revoke { subject, reason, expires_at }).await };
    let done = tokio::spawn(work).await.unwrap_or_else(|_| Err(Code::AppFailed.into()))?;
    Ok(Json(Answer { revoked, closed: done.closed, expires: done.expires_at.0 }))
}

/// `GET /api/revocations`.
pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Json<Listed> {
    let (newest, total) = shared.register.revocations(LISTED_MAX).await;
    Json(Listed { revocations: newest.into_iter().map(Row::from).collect(), total })
}

impl Asked {
    /// Exactly one; only a user may have a time beside it.
    fn subject(self) -> Result<Subject, Refusal> {
        let before = self.issued_before.map(UnixTime);
        match (self.user, self.session, self.jti, before) {
            (Some(user), None, None, issued_before) => {
                let user = UserId::parse(&user).ok_or_else(|| bad("That is not a user's id."))?;
                Ok(Subject::User { user, issued_before })
            }
            (None, Some(id), None, None) => {
                let id = SessionId::parse(&id);
                id.map(Subject::Session).ok_or_else(|| bad("That is not a session's id."))
            }
            (None, None, Some(jti), None) => Ok(Subject::Token(jti.into())),
            (None, None, None, Some(issued_before)) => Ok(Subject::Everyone { issued_before }),
            _ => Err(bad(
                "Give one of \"user\", \"session\", \"jti\" and \"issued_before\"; a user may have \
                 an \"issued_before\" too.",
            )),
        }
    }
}

impl From<&Subject> for Named {
    fn from(subject: &Subject) -> Self {
        let none = Self::default();
        match subject {
            Subject::Token(id) => Self { jti: Some(id.to_string()), ..none },
            Subject::User { user, issued_before } => Self {
                user: Some(user.as_str().to_owned()),
                issued_before: issued_before.map(|it| it.0),
                ..none
            },
            Subject::Session(id) => Self { session: Some(id.to_string()), ..none },
            Subject::Everyone { issued_before } => {
                Self { issued_before: Some(issued_before.0), ..none }
            }
        }
    }
}

impl From<RevocationView> for Row {
    fn from(view: RevocationView) -> Self {
        Self {
            subject: Named::from(&view.subject),
            reason: view.reason,
            created: view.revoked_at.0,
            expires: view.expires_at.0,
        }
    }
}
