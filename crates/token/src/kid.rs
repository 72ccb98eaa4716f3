//! The name of a key: an opaque word to look up and nothing else (A3).

use std::fmt;

/// A key id. Never a path, a query or an address: the letters that those need are not in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid(Box<str>);

impl Kid {
    /// The longest. Thumbprints, the longest in the field, have 43 (RFC 7638).
    pub const CHARS_MAX: usize = 128;

    /// `None` unless it is 1 to 128 of `A-Z a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_fit = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let is_named = !text.is_empty() && text.len() <= Self::CHARS_MAX;
        (is_named && text.bytes().all(is_fit)).then(|| Self(text.into()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_is_a_word() {
        let longest = "k".repeat(Kid::CHARS_MAX);
        for text in [
            "a",
            "2026-11.prod_1",
            "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg",
            &longest,
        ] {
            assert_eq!(Kid::parse(text).unwrap().as_str(), text);
        }
        let too_long = "k".repeat(Kid::CHARS_MAX + 1);
        let huge = "k".repeat(10_000_000);
        for text in [
            "",
            "../../dev/null",
            "/dev/null",
            "' OR 1=1",
            "a\r\nSET b c",
            "a b",
            "http://evil.test/jwks",
            "a\0",
            "ä",
            "a=",
            "a+b",
            "a:b",
            "a*",
            "{user}",
            &too_long,
            &huge,
        ] {
            assert_eq!(Kid::parse(text), None, "{}", &text[..text.len().min(30)]);
        }
    }
}
