//! Who asks, with the claims read at most once.

use std::cell::OnceCell;

use proto::Identity;
use serde_json::Value;

use crate::placeholder::Placeholder;

/// The one who asks, for the length of one question.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    identity: Option<&'a Identity>,
    claims: OnceCell<Value>,
}

impl<'a> Subject<'a> {
    pub(crate) const fn new(identity: Option<&'a Identity>) -> Self {
        Self { identity, claims: OnceCell::new() }
    }

    /// A claim by name. Claims that cannot be read are none; admission lets none such in.
    pub(crate) fn claim(&self, name: &str) -> Option<&Value> {
        let identity = self.identity?;
        let read = || serde_json::from_str(&identity.claims).unwrap_or_default();
        self.claims.get_or_init(read).get(name)
    }

    /// Whether a claim has the value; a claim that is a list has each of its values.
    pub(crate) fn has(&self, claim: &str, value: &str) -> bool {
        match self.claim(claim) {
            Some(Value::Array(list)) => list.iter().any(|it| is_text(it, value)),
            Some(single) => is_text(single, value),
            None => false,
        }
    }

    /// Whether a placeholder stands for exactly `value`, which is never empty.
    pub(crate) fn is_named(&self, placeholder: &Placeholder, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        match placeholder {
            Placeholder::User => self.identity.is_some_and(|it| it.user.as_str() == value),
            Placeholder::Claim(name) => self.has(name, value),
            Placeholder::Capture(_) => false,
        }
    }
}

/// Compares as `Identity::claim` words a claim: text as it is, integers and booleans as JSON.
fn is_text(claim: &Value, text: &str) -> bool {
    match claim {
        Value::String(it) => it == text,
        Value::Number(it) => !it.is_f64() && it.to_string() == text,
        Value::Bool(it) => it.to_string() == text,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}
