//! What a token itself allows and denies, in its claim `tidegate`.
//!
//! `{"grants": [{"actions": ["subscribe"], "channels": ["chat:*"]}], "deny": […]}`, both optional.

use serde_json::Value;

use crate::{
    pattern::Pattern,
    rules::{Action, Requirements, Rule, Rules},
    subject::Subject,
};

const CLAIM: &str = "tidegate";

/// The token's own rules; `None` if the claim is there and not understood.
///
/// A claim that is only half understood would be half obeyed, and the half that is lost may be the
/// denying one. So an unknown action, pattern or member makes the whole claim unreadable.
pub(crate) fn of(who: &Subject<'_>) -> Option<Rules> {
    let Some(claim) = who.claim(CLAIM) else { return Some(Rules::default()) };
    let claim = claim.as_object()?;
    if claim.keys().any(|it| !matches!(it.as_str(), "grants" | "deny")) {
        return None;
    }
    let list = |name| claim.get(name).map_or(Some(Vec::new()), rules);
    Some(Rules { allow: list("grants")?, deny: list("deny")? })
}

fn rules(list: &Value) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    for entry in list.as_array()? {
        let entry = entry.as_object()?;
        if entry.len() != 2 {
            return None;
        }
        let actions = texts(entry.get("actions")?, Action::named)?;
        for pattern in texts(entry.get("channels")?, |it| Pattern::parse(it).ok())? {
            let require = Requirements::new();
            rules.push(Rule { actions: actions.clone(), pattern, require });
        }
    }
    Some(rules)
}

fn texts<T>(list: &Value, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    list.as_array()?.iter().map(|it| parse(it.as_str()?)).collect()
}
