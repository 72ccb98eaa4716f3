//! The path of a route: `/ws/projects/{id}/`.

use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

use thiserror::Error;

use crate::{captures::Captures, placeholder};

/// Which request paths belong to a route.
///
/// Literal segments are compared byte for byte, without percent-decoding. A capture takes exactly
/// one segment, which must be 1 to 128 bytes of channel-name characters and not `.` or `..`; any
/// other segment, an encoded one in particular, is no match. A trailing slash may be missing or
/// extra on either side (clients C8). Empty segments in the middle never match.
#[derive(Clone, Eq, PartialEq)]
pub struct PathPattern {
    text: Arc<str>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Literal(Arc<str>),
    Capture(Arc<str>),
}

/// Why a text is no path of a route.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BadPath {
    #[error("a path begins with /")]
    NoSlash,
    #[error("a path has at most {} bytes", PathPattern::BYTES_MAX)]
    TooLong,
    #[error("a path has no empty segment, and none that is . or ..")]
    Segment,
    #[error("{0:?}: a segment is letters, digits and - . _ ~ + @ : or one {{name}}, not a mixture")]
    Character(String),
    #[error(
        "{{{0}}}: a capture's name is lower-case letters, digits and _, beginning with a letter"
    )]
    CaptureName(String),
    #[error("{{{0}}} means something else in templates; name the capture differently")]
    CaptureTaken(String),
    #[error("{{{0}}} is captured twice")]
    CaptureTwice(String),
}

impl PathPattern {
    /// Far beyond any path in the field; keeps matching cheap.
    pub const BYTES_MAX: usize = 512;

    /// The longest value a capture takes, as long as the longest user id.
    pub const CAPTURE_BYTES_MAX: usize = 128;

    pub fn parse(text: &str) -> Result<Self, BadPath> {
        if Self::BYTES_MAX < text.len() {
            return Err(BadPath::TooLong);
        }
        let segments = segments_of(text).ok_or(BadPath::NoSlash)?;
        let segments = segments.map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        for (index, segment) in segments.iter().enumerate() {
            let Segment::Capture(name) = segment else { continue };
            if segments.iter().take(index).any(|it| it == segment) {
                return Err(BadPath::CaptureTwice(name.to_string()));
            }
        }
        Ok(Self { text: text.into(), segments })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of what it captures, in order.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|it| match it {
            Segment::Capture(name) => Some(&**name),
            Segment::Literal(_) => None,
        })
    }

    /// What the path of a request captures; `None` if it does not belong here. Without the query.
    pub fn matches(&self, path: &str) -> Option<Captures> {
        let mut found = Vec::new();
        let mut rest = segments_of(path)?;
        for segment in &self.segments {
            let here = rest.next()?;
            match segment {
                Segment::Literal(text) if **text == *here => (),
                Segment::Literal(_) => return None,
                Segment::Capture(name) if is_capturable(here) => {
                    found.push((Arc::clone(name), here.into()));
                }
                Segment::Capture(_) => return None,
            }
        }
        rest.next().is_none().then(|| found.into_iter().collect())
    }

    /// The order in which routes are tried: at the first difference, literal before capture.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let shape = |it: &Self| {
            it.segments.iter().map(|it| matches!(it, Segment::Capture(_))).collect::<Vec<_>>()
        };
        shape(self).cmp(&shape(other))
    }

    /// Whether some path belongs to both; then [`Self::precedence`] decides.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Literal(one), Segment::Literal(two)) => one == two,
                (Segment::Literal(text), Segment::Capture(_))
                | (Segment::Capture(_), Segment::Literal(text)) => is_capturable(text),
                (Segment::Capture(_), Segment::Capture(_)) => true,
            })
    }

    /// Whether the two claim the same paths with the same right: a mistake in the configuration.
    pub fn conflicts(&self, other: &Self) -> bool {
        self.overlaps(other) && self.precedence(other) == Ordering::Equal
    }
}

impl FromStr for PathPattern {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::parse(text)
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, BadPath> {
        if text.is_empty() || is_dots(text) {
            return Err(BadPath::Segment);
        }
        let Some(name) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else {
            return match text.bytes().all(is_literal) {
                true => Ok(Self::Literal(text.into())),
                false => Err(BadPath::Character(text.to_owned())),
            };
        };
        if placeholder::is_taken(name) {
            return Err(BadPath::CaptureTaken(name.to_owned()));
        }
        if !placeholder::is_capture_name(name) {
            return Err(BadPath::CaptureName(name.to_owned()));
        }
        Ok(Self::Capture(name.into()))
    }
}

/// The segments of a path, whether or not it ends with a slash. `/` has none.
fn segments_of(path: &str) -> Option<impl Iterator<Item = &str>> {
    let rest = path.strip_prefix('/')?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    // `//` is one empty segment, and `/` is none.
    Some(rest.split('/').take(if path == "/" { 0 } else { usize::MAX }))
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+@:".contains(&byte)
}

fn is_capturable(segment: &str) -> bool {
    (1..=PathPattern::CAPTURE_BYTES_MAX).contains(&segment.len())
        && !is_dots(segment)
        && segment.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.:@$#".contains(&it))
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

#[cfg(test)]
mod tests;
