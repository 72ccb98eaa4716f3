//! `{user}`, `{claims.role}`, `{room}`: what is filled in later.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Placeholder {
    /// `{user}`: whom the token names.
    User,
    /// `{claims.role}`: a claim of the token, by its name at the top level.
    Claim(Arc<str>),
    /// `{room}`: what the route's path captured. Only in templates.
    Capture(Arc<str>),
}

/// Why a text between braces is no placeholder.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadPlaceholder {
    #[error("{{{0}}}: a claim's name is letters, digits, _ and -")]
    ClaimName(String),
    #[error("{{{0}}}: write {{user}}, {{claims.NAME}} or the name of a capture in the path")]
    Unknown(String),
}

impl Placeholder {
    /// `name` is what stands between the braces.
    pub(crate) fn parse(name: &str) -> Result<Self, BadPlaceholder> {
        if name == "user" {
            return Ok(Self::User);
        }
        if let Some(claim) = name.strip_prefix("claims.") {
            return match is_claim_name(claim) {
                true => Ok(Self::Claim(claim.into())),
                false => Err(BadPlaceholder::ClaimName(name.to_owned())),
            };
        }
        match is_capture_name(name) {
            true => Ok(Self::Capture(name.into())),
            false => Err(BadPlaceholder::Unknown(name.to_owned())),
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("{user}"),
            Self::Claim(name) => write!(f, "{{claims.{name}}}"),
            Self::Capture(name) => write!(f, "{{{name}}}"),
        }
    }
}

/// Whether a `:`-separated part is written as a placeholder, and the text between its braces.
pub(crate) fn between_braces(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// Words that mean something of ours, so that `user:{user}` can never come to mean a user whom the
/// address names.
pub(crate) fn is_taken(name: &str) -> bool {
    matches!(name, "user" | "claims")
}

pub(crate) fn is_capture_name(name: &str) -> bool {
    !is_taken(name)
        && name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
}

/// Whether a part may stand in a name as it is.
pub(crate) fn is_literal(part: &str) -> bool {
    part.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-./@$#".contains(&it))
}

fn is_claim_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it))
}
