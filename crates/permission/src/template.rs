//! The channels a route joins at once: `user:{user}`, `role:{claims.role}`, `{channel}`.

use std::{fmt, str::FromStr, sync::Arc};

use proto::{BadName, ChannelName, Identity};
use thiserror::Error;

use crate::{
    captures::Captures,
    placeholder::{self, BadPlaceholder, Placeholder},
};

/// A channel's name with places left open.
///
/// Parts are separated by `:`; a part is literal text or exactly one placeholder. What is filled in
/// is literal text and never contains `:`, so a filled name has the shape of its template and no
/// other: the user `1:admin` is refused by `user:{user}` and does not get into `user:{user}:admin`
/// of user `1` (C1). One exception: a template that is a single capture, `{channel}`, says "any
/// channel", and takes a name of several parts.
#[derive(Clone, Eq, PartialEq)]
pub struct Template {
    text: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Literal(Arc<str>),
    Open(Placeholder),
}

/// Why a text is no template.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadTemplate {
    #[error("a template names a channel: {0}")]
    Name(#[from] BadName),
    #[error("{0:?}: a part between colons is text or one {{placeholder}}, not a mixture")]
    Mixture(String),
    #[error(transparent)]
    Placeholder(#[from] BadPlaceholder),
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.starts_with(['$', '@']) {
            return Err(BadName::Reserved.into());
        }
        if ChannelName::BYTES_MAX < text.len() {
            return Err(BadName::TooLong.into());
        }
        let parts = text.split(':').map(Part::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it leaves open, in order. A configuration checks captures against the route's path.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|it| match it {
            Part::Open(placeholder) => Some(placeholder),
            Part::Literal(_) => None,
        })
    }

    /// The channel's name; `None` if there is no user, claim or capture of that name, or it is
    /// empty. A claim that is a list, an object or a fraction counts as missing.
    ///
    /// [`BadName::Character`] also means a value that contains `:`.
    pub fn fill(
        &self,
        who: Option<&Identity>,
        captures: &Captures,
    ) -> Result<Option<ChannelName>, BadName> {
        if let [Part::Open(Placeholder::Capture(name))] = self.parts.as_slice() {
            return captures.named(name).map(ChannelName::parse).transpose();
        }
        let mut filled = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            if 0 < index {
                filled.push(':');
            }
            let Some(text) = part.text(who, captures) else { return Ok(None) };
            if !placeholder::is_literal(&text) {
                return Err(BadName::Character);
            }
            filled.push_str(&text);
        }
        ChannelName::parse(&filled).map(Some)
    }
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        Self::parse(text)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.is_empty() {
            return Err(BadName::Empty.into());
        }
        if let Some(name) = placeholder::between_braces(text) {
            return Ok(Self::Open(Placeholder::parse(name)?));
        }
        match placeholder::is_literal(text) {
            true => Ok(Self::Literal(text.into())),
            false if text.contains(['{', '}']) => Err(BadTemplate::Mixture(text.to_owned())),
            false => Err(BadName::Character.into()),
        }
    }

    fn text(&self, who: Option<&Identity>, captures: &Captures) -> Option<String> {
        let text = match self {
            Self::Literal(text) => text.to_string(),
            Self::Open(Placeholder::User) => who?.user.as_str().to_owned(),
            Self::Open(Placeholder::Claim(name)) => who?.claim(name)?,
            Self::Open(Placeholder::Capture(name)) => captures.named(name)?.to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests;
