//! What a route's path captured.

use std::sync::Arc;

/// Names and values in the order of the path. Cheap to clone.
///
/// A value is 1 to 128 bytes of channel-name characters, because [`PathPattern`] matches nothing
/// else.
///
/// [`PathPattern`]: crate::PathPattern
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Captures(Arc<[(Arc<str>, Arc<str>)]>);

impl Captures {
    /// What was captured under `name`.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|it| &*it.0 == name).map(|it| &*it.1)
    }

    /// Whether the path captured nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|it| (&*it.0, &*it.1))
    }

    /// The same as applications are given them.
    pub fn shared(&self) -> Arc<[(Arc<str>, Arc<str>)]> {
        Arc::clone(&self.0)
    }
}

impl FromIterator<(Arc<str>, Arc<str>)> for Captures {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Arc<str>)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
