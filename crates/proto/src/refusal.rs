//! A no, with what its reader needs to do better.

use std::{borrow::Cow, time::Duration};

use serde::Serialize;

use crate::code::Code;

/// Why a client is told no: the code, and where they help, a sentence of its own and a wait.
///
/// Shown to clients as `{code, message, details?}` (R56). Never logged above debug.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    pub code: Code,
    /// More exact than the code's own sentence, when set. Never contains what a client must not
    /// see.
    pub message: Option<Cow<'static, str>>,
    /// How long to wait before the same thing can succeed.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub const fn new(code: Code) -> Self {
        Self { code, message: None, retry_after: None }
    }

    #[must_use]
    pub fn saying(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    #[must_use]
    pub const fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.code.sentence())
    }

    /// `{"code":…,"message":…,"details":{"retry_after":seconds}?}`, the one form errors have.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.body()).expect("text and numbers always serialise")
    }

    /// The same as a value to embed in a larger message.
    pub fn body(&self) -> impl Serialize + '_ {
        Body {
            code: self.code.as_str(),
            message: self.message(),
            details: self.retry_after.map(|it| Details { retry_after: seconds(it) }),
        }
    }

    /// The `Retry-After` header's value: whole seconds, rounded up (RFC 9110 section 10.2.3).
    pub fn retry_after_header(&self) -> Option<String> {
        self.retry_after.map(|it| it.as_millis().div_ceil(1000).max(1).to_string())
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    retry_after: f64,
}

/// Seconds to the millisecond, rounded up: a client that waits what it was told is not refused
/// again.
fn seconds(wait: Duration) -> f64 {
    let millis = u32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
    f64::from(millis) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_code_message_and_details() {
        assert_eq!(
            Refusal::new(Code::AuthRequired).to_json(),
            r#"{"code":"AUTH_REQUIRED","message":"A token is required to connect."}"#
        );
        let wait = Duration::from_micros(1_500_001);
        let refusal = Refusal::new(Code::TooFast).saying("60 a minute are enough.").after(wait);
        assert_eq!(
            refusal.to_json(),
            r#"{"code":"TOO_FAST","message":"60 a minute are enough.","details":{"retry_after":1.501}}"#
        );
        assert_eq!(refusal.retry_after_header().unwrap(), "2");
    }
}
