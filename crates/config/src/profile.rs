//! Development and production: the same keys, other refusals.
//!
//! Development lets a newcomer start; production refuses what must not meet the internet. What only
//! production refuses, development warns about, so that nobody is surprised on the day.

use crate::{
    fault::Wrong,
    reader::{At, Reading},
    value::Choice,
};

/// What the gateway is run for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Profile {
    Development,
    Production,
}

impl Choice for Profile {
    const WORDS: &'static [(&'static str, Self)] =
        &[("development", Self::Development), ("production", Self::Production)];
}

impl Profile {
    /// A fault in production, a warning in development.
    pub(crate) fn object(self, reading: &Reading<'_>, at: &At, wrong: Wrong) {
        match self {
            Self::Production => reading.fault(at, wrong),
            Self::Development => reading.warn(at, wrong),
        }
    }

    /// A fault in production, nothing in development, where it is the rule.
    pub(crate) fn refuse(self, reading: &Reading<'_>, at: &At, wrong: Wrong) {
        if self == Self::Production {
            reading.fault(at, wrong);
        }
    }
}
