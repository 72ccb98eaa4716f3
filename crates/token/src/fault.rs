//! What can be wrong with a token.
//!
//! The operator reads which of these it was; the client reads only its [`Code`]. All that could
//! help a forger looks the same from outside: whether the algorithm, the key or the signature was
//! wrong is none of their business (A1, A11).

use proto::Code;
use thiserror::Error;

use crate::kid::Kid;

/// Why a token is not believed. Never contains any part of a token but the checked key id.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TokenFault {
    /// There is none.
    #[error("no token")]
    Missing,
    /// Longer than the rules allow.
    #[error("the token is longer than the {bytes_max} bytes allowed")]
    TooLong {
        /// The most allowed.
        bytes_max: usize,
    },
    /// Not three parts of base64url that hold JSON objects as RFC 7515 and RFC 7519 want them.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// No key permits the algorithm that the token names.
    #[error("no key permits the token's algorithm")]
    AlgorithmRefused,
    /// The header's `typ` says that it was made for something else (RFC 8725 §3.11).
    #[error("the token's `typ` is not that of an access token")]
    WrongType,
    /// No key has the id that the token names.
    #[error("no key is called {kid}")]
    UnknownKey {
        /// The id it names.
        kid: Kid,
    },
    /// The keys could not be fetched, so nothing is known of the token.
    #[error("the keys are not to be had at the moment")]
    KeysUnavailable,
    /// Someone else signed it, or it was changed since.
    #[error("the signature is not by any of the keys")]
    BadSignature,
    /// Its time is over. Everything else about it is good.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Another issuer made it.
    #[error("the token's issuer is not one of ours")]
    WrongIssuer,
    /// It was made for someone else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// It lacks a claim that the rules want.
    #[error("the token has no claim `{0}`")]
    ClaimMissing(Box<str>),
    /// A claim has the wrong type or a value that the rules do not want.
    #[error("the token's claim `{0}` is not as required")]
    ClaimWrong(Box<str>),
}

impl TokenFault {
    /// What the client is told.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing => Code::AuthRequired,
            Self::Expired => Code::TokenExpired,
            Self::KeysUnavailable => Code::AuthUnavailable,
            Self::TooLong { .. }
            | Self::Malformed(_)
            | Self::AlgorithmRefused
            | Self::WrongType
            | Self::UnknownKey { .. }
            | Self::BadSignature
            | Self::NotYetValid
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::ClaimMissing(_)
            | Self::ClaimWrong(_) => Code::InvalidToken,
        }
    }

    /// Whether it looks like guessing, and should count towards the back-off of the address (A12).
    ///
    /// An expired token is a page left open overnight, a missing one a page not signed in, and
    /// unavailable keys are ours.
    pub fn is_suspicious(&self) -> bool {
        self.code() == Code::InvalidToken
    }
}
