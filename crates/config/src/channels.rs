//! `[namespaces.NAME]` and `[[permissions]]`: how channels behave, and who may do what on them.

use engine::{Namespace, Namespaces};
use permission::{Action, Pattern, Rule, Rules};

use crate::{
    fault::Wrong,
    namespace,
    table::Table,
    value::{Choice, Claims, Raw, Value, text},
};

impl Choice for Action {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Subscribe.as_str(), Self::Subscribe),
        (Self::Publish.as_str(), Self::Publish),
        (Self::Signal.as_str(), Self::Signal),
        (Self::Presence.as_str(), Self::Presence),
        (Self::History.as_str(), Self::History),
    ];
}

impl Value for Pattern {
    fn kind() -> String {
        "channel pattern".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy =
            "Write a pattern such as \"news:*\", \"user:{user}\" or \"role:{claims.role}\".";
        let text = text(raw, "a channel pattern", remedy)?;
        Self::parse(text).map_err(|bad| vec![Wrong::new(format!("{text:?}: {bad}"), remedy)])
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// `[namespaces."*"]` is the default for channels whose namespace is not named.
pub(crate) fn namespaces(root: &mut Table<'_>) -> Namespaces {
    let mut default = Namespace::default();
    let says = "Options of channels by the part of their name before the first `:`. `\"*\"` is all \
                others.";
    let mut named = root.named("namespaces", says, |name, table| {
        if name.contains(':') {
            let remedy = "Write the part before the first colon, or \"*\".";
            table.fault("", Wrong::new("a namespace has no colon", remedy));
        }
        Some((name.to_owned(), namespace::read(table)))
    });
    if let Some(index) = named.iter().position(|it| it.0 == "*") {
        default = named.remove(index).1;
    }
    Namespaces { named, default }
}

pub(crate) fn permissions(root: &mut Table<'_>) -> Rules {
    let says = "Who may do what on which channels, for clients that ask: subscribe, publish, \
                signal, history, presence. What nothing allows is denied, and what anything denies is denied. \
                Channels that a route joins by itself need no rule.";
    let mut rules = Rules::default();
    root.each("permissions", says, |table| {
        let allow: Option<Vec<Action>> = table.maybe("allow", "What this rule allows.");
        let deny: Option<Vec<Action>> =
            table.maybe("deny", "What this rule denies, whatever else allows it.");
        let channels: Option<Vec<Pattern>> = table.need(
            "channels",
            "On which channels: `*` stands for one part, as the last part for one or more.",
        );
        let require = table.or(
            "require",
            Claims::default(),
            "Claims the user must have, each with one of the values. None: anyone.",
        );
        allow_or_deny(table);
        for pattern in channels? {
            let rule =
                |actions| Rule { actions, pattern: pattern.clone(), require: require.0.clone() };
            rules.allow.extend(allow.clone().map(rule));
            rules.deny.extend(deny.clone().map(rule));
        }
        Some(())
    });
    rules
}

fn allow_or_deny(table: &Table<'_>) {
    if table.has("allow") == table.has("deny") {
        let remedy = "Write either allow = [\"subscribe\"] or deny = [\"publish\"].";
        table.fault("", Wrong::new("a rule either allows or denies", remedy));
    }
}
