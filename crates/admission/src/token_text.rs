//! A token as a client showed it, which nobody may print.

use std::fmt;

/// Text that goes to the verifier and nowhere else: not into a log, a metric, a page or a refusal
/// (A7). Its `Debug` is `…`, and it has no `Display`.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenText(Box<str>);

impl TokenText {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// For the verifier.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
