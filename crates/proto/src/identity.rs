//! Whom a verified token named.

use std::sync::Arc;

use crate::{ids::UserId, unix_time::UnixTime};

/// What is known of a user because a token that we verified said so, and from nowhere else (A10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    pub user: UserId,
    /// When the token ends (`exp`, which is required).
    pub expires_at: UnixTime,
    /// When it was issued (`iat`), where it says so.
    pub issued_at: Option<UnixTime>,
    /// Its own id (`jti`), where it has one.
    pub token_id: Option<Arc<str>>,
    /// All claims as the JSON object the token carried.
    pub claims: Arc<str>,
}

impl Identity {
    /// A claim by name: text as it is, integers and booleans in their JSON form.
    ///
    /// Parses the claims anew; meant for admission and permission, not for every message.
    pub fn claim(&self, name: &str) -> Option<String> {
        match self.claim_value(name)? {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            serde_json::Value::Null
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => None,
        }
    }

    /// A claim by name, as JSON.
    pub fn claim_value(&self, name: &str) -> Option<serde_json::Value> {
        let mut claims: serde_json::Value = serde_json::from_str(&self.claims).ok()?;
        claims.get_mut(name).map(serde_json::Value::take)
    }
}
