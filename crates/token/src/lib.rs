//! JSON Web Tokens: bytes and a time in, an identity or a fault out.
//!
//! What this crate decides is who a token names and whether to believe it. It reads no clock and
//! fetches nothing. The cryptography is aws-lc's; everything around it, from the dots to the
//! claims, is checked here, in one order, with the time handed in (RFC 7515, RFC 7519, and the
//! advice of RFC 8725).

mod verify; // Start here.

mod algorithm;
mod cache;
mod claims;
mod fault;
mod jwk;
mod jwks;
mod key;
mod keyring;
mod kid;
mod mint;
mod pem;
mod rules;

#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
mod tests;

pub use crate::{
    algorithm::{Algorithm, Family},
    cache::VerifiedCache,
    fault::TokenFault,
    jwks::{FetchFault, Jwks, JwksFault, JwksRules, KeySets, Lookup, Source, Turn},
    key::{BadKey, Key},
    keyring::{BadJwks, Keyring},
    kid::Kid,
    mint::mint,
    rules::Rules,
    verify::{Unverified, verify},
};
