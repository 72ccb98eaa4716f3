//! The grammar of channel names, checked once.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// A channel's name, already checked. Cheap to clone.
///
/// Grammar: 1 to 255 of `A-Z a-z 0-9 _ - . : / @ $ #`, compared byte for byte, never normalised.
/// The part before the first `:` is the namespace. Names that begin with `$` or `@` are the
/// gateway's own: [`ChannelName::parse`] refuses them, whoever asks.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChannelName(Arc<str>);

#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadName {
    #[error("a channel name has at least one character")]
    Empty,
    #[error("a channel name has at most {} bytes", ChannelName::BYTES_MAX)]
    TooLong,
    #[error("a channel name consists of letters, digits and _ - . : / @ $ #")]
    Character,
    #[error("names that begin with $ or @ are reserved for the gateway")]
    Reserved,
}

impl ChannelName {
    /// Room for `tenant:app:room:uuid` with long ids; a name never costs more than a short message.
    pub const BYTES_MAX: usize = 255;

    pub fn parse(text: &str) -> Result<Self, BadName> {
        if text.starts_with(['$', '@']) {
            return Err(BadName::Reserved);
        }
        Self::reserved(text)
    }

    /// The same grammar for the gateway's own names, which may begin with `$` or `@`.
    pub fn reserved(text: &str) -> Result<Self, BadName> {
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if Self::BYTES_MAX < text.len() {
            return Err(BadName::TooLong);
        }
        if !text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.:/@$#".contains(&it)) {
            return Err(BadName::Character);
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `:`; the whole name if there is none.
    pub fn namespace(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat C1: nothing that a pattern, a log line, a key or a template could read as its own.
    #[test]
    fn names_are_taken_by_a_strict_grammar() {
        for good in ["a", "user:42", "a.b-c_d/e", "room:a:b", "x#1", "mail@home", "price$"] {
            assert_eq!(ChannelName::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(256);
        let bad = [
            ("", BadName::Empty),
            (long.as_str(), BadName::TooLong),
            ("$sys", BadName::Reserved),
            ("@me", BadName::Reserved),
            ("*", BadName::Character),
            ("a*", BadName::Character),
            ("a b", BadName::Character),
            ("a\r\nFLUSHALL", BadName::Character),
            ("a\0", BadName::Character),
            ("a{b}", BadName::Character),
            ("caf\u{e9}", BadName::Character),
            ("cafe\u{301}", BadName::Character),
            ("\u{ff41}", BadName::Character),
            ("a%2f", BadName::Character),
            ("a\\b", BadName::Character),
            ("a?b", BadName::Character),
            ("a[b]", BadName::Character),
            ("a'b", BadName::Character),
        ];
        for (text, fault) in bad {
            assert_eq!(ChannelName::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn the_namespace_ends_at_the_first_colon() {
        assert_eq!(ChannelName::parse("user:42:x").unwrap().namespace(), "user");
        assert_eq!(ChannelName::parse("lobby").unwrap().namespace(), "lobby");
    }
}
