//! What a token must say to be believed. Filled in by the configuration.

use std::time::Duration;

/// The rules of one issuer, or of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// `iss` must be one of these. `None` accepts any issuer, or none: the key says enough.
    pub issuer: Option<Vec<String>>,
    /// `aud` must contain one of these. `None` accepts only tokens without an audience: one that
    /// names an audience is not for whoever has not said that it is they (RFC 7519 §4.1.3).
    pub audience: Option<Vec<String>>,
    /// The first of these that the token has names the user: text, or an integer.
    pub user_claims: Vec<String>,
    /// Claims that must be there with one of these values; integers and booleans are compared in
    /// their JSON form. `("token_type", ["access"])` keeps refresh tokens out (A6).
    pub required: Vec<(String, Vec<String>)>,
    /// How far the issuer's clock may be from ours. Never more than [`Rules::LEEWAY_MAX`].
    pub leeway: Duration,
    /// The longest token. Beyond this nothing is even decoded.
    pub token_bytes_max: usize,
}

impl Rules {
    /// More would be a second lifetime (A5).
    pub const LEEWAY_MAX: Duration = Duration::from_secs(60);
    /// The default of [`Rules::token_bytes_max`]: half of what a request head may have.
    pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

    pub(crate) fn leeway_secs(&self) -> u64 {
        self.leeway.min(Self::LEEWAY_MAX).as_secs()
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            user_claims: vec!["sub".to_owned()],
            required: Vec::new(),
            leeway: Duration::ZERO,
            token_bytes_max: Self::TOKEN_BYTES_MAX,
        }
    }
}
