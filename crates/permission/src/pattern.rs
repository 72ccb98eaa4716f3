//! The channels a rule is about: `chat:*`, `project:{claims.project}:*`, `user:{user}`, `*`.

use std::{fmt, str::FromStr, sync::Arc};

use proto::{BadName, ChannelName, Identity};
use thiserror::Error;

use crate::{
    placeholder::{self, BadPlaceholder, Placeholder},
    subject::Subject,
};

/// A set of channel names.
///
/// Parts are separated by `:`. A part is literal text, one placeholder, or `*`. A `*` stands for
/// one part, whatever it is; as the last part it stands for one or more. A placeholder stands for
/// exactly the value it names: the value is compared, never read, so a user called `*` is only
/// that user (C1); a claim that is a list stands for each of its values. Where the user or the
/// claim is missing, the pattern has no channels.
#[derive(Clone, Eq, PartialEq)]
pub struct Pattern {
    text: Arc<str>,
    parts: Vec<Part>,
    /// The last part was `*` and stands for all that follows.
    is_open: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Literal(Arc<str>),
    Value(Placeholder),
    Any,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadPattern {
    #[error("a pattern is like a channel's name: {0}")]
    Name(#[from] BadName),
    #[error("{0:?}: a part between colons is text, one {{placeholder}} or *, not a mixture")]
    Mixture(String),
    #[error("{0}: a rule knows {{user}} and {{claims.NAME}}, but no path")]
    Capture(Placeholder),
    #[error(transparent)]
    Placeholder(#[from] BadPlaceholder),
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.starts_with(['$', '@']) {
            return Err(BadName::Reserved.into());
        }
        if ChannelName::BYTES_MAX < text.len() {
            return Err(BadName::TooLong.into());
        }
        let mut parts = text.split(':').map(Part::parse).collect::<Result<Vec<_>, _>>()?;
        let is_open = parts.last() == Some(&Part::Any);
        if is_open {
            parts.pop();
        }
        Ok(Self { text: text.into(), parts, is_open })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the channel is among those meant, when `who` asks.
    pub fn matches(&self, who: Option<&Identity>, channel: &ChannelName) -> bool {
        self.is_about(&Subject::new(who), channel)
    }

    pub(crate) fn is_about(&self, who: &Subject<'_>, channel: &ChannelName) -> bool {
        let mut rest = channel.as_str().split(':');
        for part in &self.parts {
            let Some(here) = rest.next() else { return false };
            let fits = match part {
                Part::Literal(text) => **text == *here,
                Part::Value(placeholder) => who.is_named(placeholder, here),
                Part::Any => true,
            };
            if !fits {
                return false;
            }
        }
        rest.next().is_some() == self.is_open
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        Self::parse(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() {
            return Err(BadName::Empty.into());
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(name) = placeholder::between_braces(text) {
            let placeholder = Placeholder::parse(name)?;
            return match placeholder {
                Placeholder::Capture(_) => Err(BadPattern::Capture(placeholder)),
                Placeholder::User | Placeholder::Claim(_) => Ok(Self::Value(placeholder)),
            };
        }
        match placeholder::is_literal(text) {
            true => Ok(Self::Literal(text.into())),
            false if text.contains(['{', '}', '*']) => Err(BadPattern::Mixture(text.to_owned())),
            false => Err(BadName::Character.into()),
        }
    }
}

#[cfg(test)]
mod tests;
