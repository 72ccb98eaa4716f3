//! What a token claims, checked against the rules.
//!
//! Only called once the signature is known to be good. The times come last, so that "expired"
//! always means that everything else was right and a new token will do.

use std::sync::Arc;

use proto::{Identity, UnixTime, UserId};
use serde_json::{Map, Value};

use crate::{fault::TokenFault, rules::Rules};

/// The last second of the year 9999. A time beyond it is milliseconds by mistake, or an attempt to
/// overflow someone.
const TIME_MAX: u64 = 253_402_300_799;

/// The claims of one token.
pub(crate) struct Claims<'a> {
    json: &'a str,
    map: Map<String, Value>,
}

impl<'a> Claims<'a> {
    /// Parses the payload, which must be a JSON object.
    pub(crate) fn parse(json: &'a str) -> Result<Self, TokenFault> {
        let map = serde_json::from_str(json);
        Ok(Self { json, map: map.map_err(|_| TokenFault::Malformed("the claims"))? })
    }

    /// The issuer it claims to have.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.map.get("iss")?.as_str()
    }

    /// Whom it names, if the rules are satisfied at `now`.
    pub(crate) fn check(&self, rules: &Rules, now: UnixTime) -> Result<Identity, TokenFault> {
        let identity = self.check_but_expiry(rules, now)?;
        if identity.expires_at.0 + rules.leeway_secs() <= now.0 {
            return Err(TokenFault::Expired);
        }
        Ok(identity)
    }

    /// The same of a token that may be over.
    pub(crate) fn check_but_expiry(
        &self,
        rules: &Rules,
        now: UnixTime,
    ) -> Result<Identity, TokenFault> {
        self.check_issuer(rules)?;
        self.check_audience(rules)?;
        for (name, wanted) in &rules.required {
            self.check_required(name, wanted)?;
        }
        let user = self.user(rules)?;
        let token_id = self.token_id()?;
        let expires_at = self.time("exp")?.ok_or_else(|| missing("exp"))?.floor;
        let not_before = self.time("nbf")?.map_or(0, |it| it.ceil);
        let issued_at = self.time("iat")?.map(|it| UnixTime(it.floor));

        let leeway = rules.leeway_secs();
        if now.0.saturating_add(leeway) < not_before {
            return Err(TokenFault::NotYetValid);
        }
        let expires_at = UnixTime(expires_at);
        Ok(Identity { user, expires_at, issued_at, token_id, claims: self.json.into() })
    }

    fn check_issuer(&self, rules: &Rules) -> Result<(), TokenFault> {
        let Some(wanted) = &rules.issuer else { return Ok(()) };
        match self.map.get("iss") {
            None => Err(missing("iss")),
            Some(Value::String(found)) if wanted.contains(found) => Ok(()),
            Some(_) => Err(TokenFault::WrongIssuer),
        }
    }

    /// One text or a list of texts (RFC 7519 §4.1.3).
    fn check_audience(&self, rules: &Rules) -> Result<(), TokenFault> {
        let found = self.map.get("aud");
        let Some(wanted) = &rules.audience else {
            return found.map_or(Ok(()), |_| Err(TokenFault::WrongAudience));
        };
        let is_ours = |it: &Value| it.as_str().is_some_and(|it| wanted.iter().any(|w| w == it));
        match found {
            None => Err(missing("aud")),
            Some(Value::Array(list)) if !list.iter().all(Value::is_string) => Err(wrong("aud")),
            Some(Value::Array(list)) if list.iter().any(is_ours) => Ok(()),
            Some(one) if is_ours(one) => Ok(()),
            Some(Value::Array(_) | Value::String(_)) => Err(TokenFault::WrongAudience),
            Some(_) => Err(wrong("aud")),
        }
    }

    fn check_required(&self, name: &str, wanted: &[String]) -> Result<(), TokenFault> {
        let found = self.map.get(name).ok_or_else(|| missing(name))?;
        let text = plain(found).ok_or_else(|| wrong(name))?;
        if wanted.contains(&text) { Ok(()) } else { Err(wrong(name)) }
    }

    /// The first of the user claims that is there, even if it is no good: another one further down
    /// the list might be under someone else's control.
    fn user(&self, rules: &Rules) -> Result<UserId, TokenFault> {
        let mut present = rules.user_claims.iter().filter(|it| self.map.contains_key(*it));
        let Some(name) = present.next() else {
            return Err(missing(rules.user_claims.first().map_or("sub", String::as_str)));
        };
        let text = match self.map.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
            _ => return Err(wrong(name)),
        };
        UserId::parse(&text).ok_or_else(|| wrong(name))
    }

    fn token_id(&self) -> Result<Option<Arc<str>>, TokenFault> {
        match self.map.get("jti") {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str().into())),
            Some(_) => Err(wrong("jti")),
        }
    }

    /// A `NumericDate` (RFC 7519 §2), which is a number and only ever a number: text that looks
    /// like one is how CVE-2026-25537 skipped the check.
    fn time(&self, name: &str) -> Result<Option<Time>, TokenFault> {
        let Some(value) = self.map.get(name) else { return Ok(None) };
        let Value::Number(number) = value else { return Err(wrong(name)) };
        let time = match number.as_u64() {
            Some(secs) => Time { floor: secs, ceil: secs },
            None => Time::from_fraction(number.as_f64()).ok_or_else(|| wrong(name))?,
        };
        if time.ceil <= TIME_MAX { Ok(Some(time)) } else { Err(wrong(name)) }
    }
}

/// Whole seconds on either side of a time, so that each check can round against the token.
#[derive(Clone, Copy)]
struct Time {
    floor: u64,
    ceil: u64,
}

impl Time {
    fn from_fraction(secs: Option<f64>) -> Option<Self> {
        // Also false for what is not a number.
        let secs = secs.filter(|it| (0.0..=TIME_MAX as f64).contains(it))?;
        Some(Self { floor: secs.floor() as u64, ceil: secs.ceil() as u64 })
    }
}

/// A claim as text: text itself, integers and booleans in their JSON form.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn missing(name: &str) -> TokenFault {
    TokenFault::ClaimMissing(name.into())
}

fn wrong(name: &str) -> TokenFault {
    TokenFault::ClaimWrong(name.into())
}
