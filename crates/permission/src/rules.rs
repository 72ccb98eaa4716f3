//! Who may do what where, as the configuration says.

use std::{collections::BTreeMap, fmt};

use proto::{ChannelName, Identity};

use crate::{pattern::Pattern, subject::Subject};

/// What can be done on a channel.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    Subscribe,
    Publish,
    Signal,
    Presence,
    History,
}

/// Claims that must have one of the values. A claim that is a list has each of its values.
pub type Requirements = BTreeMap<String, Vec<String>>;

/// The rules of the configuration. What no rule allows is denied.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    pub allow: Vec<Rule>,
    /// Wins over everything that allows, grants in tokens included.
    pub deny: Vec<Rule>,
}

/// Some actions on some channels, for whoever has the claims.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    pub actions: Vec<Action>,
    pub pattern: Pattern,
    /// Empty: anyone, also without a token.
    pub require: Requirements,
}

impl Action {
    pub const ALL: &[Self] =
        &[Self::Subscribe, Self::Publish, Self::Signal, Self::Presence, Self::History];

    /// As it is written in the configuration and in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Signal => "signal",
            Self::Presence => "presence",
            Self::History => "history",
        }
    }

    /// The action of that name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Rule {
    pub(crate) fn applies(&self, who: &Subject<'_>, action: Action, channel: &ChannelName) -> bool {
        self.actions.contains(&action)
            && self.pattern.is_about(who, channel)
            && meets(who, &self.require)
    }
}

/// Whether the claims of `who` meet the requirements. Nobody meets only the empty ones.
pub fn holds(who: Option<&Identity>, require: &Requirements) -> bool {
    meets(&Subject::new(who), require)
}

fn meets(who: &Subject<'_>, require: &Requirements) -> bool {
    require.iter().all(|(claim, values)| values.iter().any(|it| who.has(claim, it)))
}
