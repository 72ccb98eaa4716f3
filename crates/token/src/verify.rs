//! From the text of a token to whom it names.
//!
//! ```text
//! text ── parse ──► Unverified ── kid, issuer choose among our keys ── verify ──► Identity
//!   length, dots, base64url,        (they choose; they never say            signature, then
//!   header: alg, kid, typ            where to look)                          every claim
//! ```

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::{Identity, UnixTime};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    algorithm::Algorithm, claims::Claims, fault::TokenFault, keyring::Keyring, kid::Kid,
    rules::Rules,
};

/// Whom `token` names, if one of `keys` signed it and it satisfies `rules` at `now`.
pub fn verify(
    token: &str,
    keys: &Keyring,
    rules: &Rules,
    now: UnixTime,
) -> Result<Identity, TokenFault> {
    Unverified::parse(token, rules)?.verify(keys, rules, now)
}

/// A token whose form is right, and of which nothing else is known.
#[derive(Clone)]
pub struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<Kid>,
    /// Header and payload with the dot between them: what is signed.
    message: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The header members we read. `jku`, `jwk`, `x5u` and `x5c`, by which a token would bring its own
/// key along, are not among them (A3).
#[derive(Deserialize)]
struct Header<'a> {
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(borrow)]
    crit: Option<&'a RawValue>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart (RFC 7515 §5.2), without believing any of it.
    pub fn parse(token: &'a str, rules: &Rules) -> Result<Self, TokenFault> {
        if token.is_empty() {
            return Err(TokenFault::Missing);
        }
        let bytes_max = rules.token_bytes_max;
        if bytes_max < token.len() {
            return Err(TokenFault::TooLong { bytes_max });
        }
        let parts = || TokenFault::Malformed("not three parts");
        let (message, signature) = token.rsplit_once('.').ok_or_else(parts)?;
        let (header, payload) = message.split_once('.').ok_or_else(parts)?;
        if payload.contains('.') {
            return Err(parts());
        }
        let header = decode(header).ok_or(TokenFault::Malformed("the header's base64url"))?;
        let (algorithm, kid) = read_header(&header)?;
        let signature = decode(signature);
        let signature = signature.ok_or(TokenFault::Malformed("the signature's base64url"))?;
        Ok(Self { algorithm, kid, message, payload, signature })
    }

    /// Which of our keys it names: only ever something to look up.
    pub fn kid(&self) -> Option<&Kid> {
        self.kid.as_ref()
    }

    /// The issuer it claims, to choose among those configured, whose rules then have to agree.
    pub fn issuer(&self) -> Option<String> {
        let payload = self.payload().ok()?;
        Claims::parse(&payload).ok()?.issuer().map(str::to_owned)
    }

    /// Whom it names, if one of `keys` signed it and it satisfies `rules` at `now`.
    pub fn verify(
        &self,
        keys: &Keyring,
        rules: &Rules,
        now: UnixTime,
    ) -> Result<Identity, TokenFault> {
        let message = self.message.as_bytes();
        keys.verify(self.kid.as_ref(), self.algorithm, message, &self.signature)?;
        let payload = self.payload()?;
        Claims::parse(&payload)?.check(rules, now)
    }

    /// Whom it named, if its time is over and everything else about it is as good as ever. For
    /// whoever has another reason to let its owner in.
    pub fn verify_expired(
        &self,
        keys: &Keyring,
        rules: &Rules,
        now: UnixTime,
    ) -> Result<Identity, TokenFault> {
        let message = self.message.as_bytes();
        keys.verify(self.kid.as_ref(), self.algorithm, message, &self.signature)?;
        let payload = self.payload()?;
        Claims::parse(&payload)?.check_but_expiry(rules, now)
    }

    fn payload(&self) -> Result<String, TokenFault> {
        let malformed = TokenFault::Malformed("the claims' base64url");
        let bytes = decode(self.payload).ok_or(malformed)?;
        String::from_utf8(bytes).map_err(|_| TokenFault::Malformed("the claims' UTF-8"))
    }
}

/// Says which key it names, and nothing of the token itself (A7).
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// One spelling for each sequence of bytes: no padding, no stray bits, no white space. Otherwise a
/// token could be respelt and pass for another.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn read_header(json: &[u8]) -> Result<(Algorithm, Option<Kid>), TokenFault> {
    // A list would be read as the members in order.
    if json.first() != Some(&b'{') {
        return Err(TokenFault::Malformed("the header"));
    }
    let header: Header<'_> =
        serde_json::from_slice(json).map_err(|_| TokenFault::Malformed("the header"))?;
    // Extensions that must be understood: we understand none (RFC 7515 §4.1.11).
    if header.crit.is_some() {
        return Err(TokenFault::Malformed("a critical extension"));
    }
    let kid = match header.kid {
        None => None,
        Some(kid) => Some(Kid::parse(&kid).ok_or(TokenFault::Malformed("the key id"))?),
    };
    if !header.typ.as_deref().is_none_or(is_access_type) {
        return Err(TokenFault::WrongType);
    }
    let algorithm = header.alg.as_deref().and_then(Algorithm::named);
    Ok((algorithm.ok_or(TokenFault::AlgorithmRefused)?, kid))
}

/// `JWT`, or an access token by its own name (RFC 9068 §2.1). Whoever makes tokens for other ends
/// (log-outs, proofs of possession, events) names them otherwise (RFC 8725 §3.11).
fn is_access_type(typ: &str) -> bool {
    let known = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];
    known.iter().any(|it| it.eq_ignore_ascii_case(typ))
}
