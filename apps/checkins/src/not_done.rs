//! Why a check-in or check-out was not done.

use axum::http::StatusCode;
use thiserror::Error;

/// Told to whoever asked. The texts are those the client was written against.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum NotDone {
    #[error("Member not found")]
    NoMember,
    #[error("{name} is already checked in")]
    AlreadyIn { name: String },
    #[error("Check-in not found or already checked out")]
    NotIn,
    #[error("Only staff may check other members in or out")]
    Denied,
    /// What was asked has the wrong form; the sentence says how.
    #[error("{0}")]
    Unclear(String),
    #[error("Internal server error during {during}")]
    Failed { during: &'static str },
    /// The user may no longer sign in. Ends the connection.
    #[error("Authentication required")]
    UserGone,
}

impl NotDone {
    /// For programs. Numbers of the gateway's own table where it has the same thing to say.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoMember => "MEMBER_NOT_FOUND",
            Self::AlreadyIn { .. } => "ALREADY_CHECKED_IN",
            Self::NotIn => "CHECK_IN_NOT_FOUND",
            Self::Denied => proto::Code::Denied.as_str(),
            Self::Unclear(_) => proto::Code::BadCommand.as_str(),
            Self::Failed { .. } => proto::Code::AppFailed.as_str(),
            Self::UserGone => proto::Code::AuthFailed.as_str(),
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NoMember | Self::NotIn => StatusCode::NOT_FOUND,
            Self::AlreadyIn { .. } => StatusCode::CONFLICT,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Unclear(_) => StatusCode::BAD_REQUEST,
            Self::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::UserGone => StatusCode::UNAUTHORIZED,
        }
    }
}
