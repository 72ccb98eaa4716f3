//! The algorithms we verify, and which kind of key each belongs to.

use std::fmt;

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// The kind of key an algorithm needs. A key is of one family, so that a public key can never be
/// taken for a secret (A2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// A shared secret.
    Hmac,
    /// An RSA public key of 2048 to 8192 bits.
    Rsa,
    /// A public key on the curve P-256.
    P256,
    /// An Ed25519 public key.
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Hs256, Self::Hs384, Self::Hs512, Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The algorithm of this name, spelt exactly so.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The name, as in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The kind of key it needs.
    pub const fn family(self) -> Family {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Rs256 | Self::Ps256 => Family::Rsa,
            Self::Es256 => Family::P256,
            Self::EdDsa => Family::Ed25519,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
