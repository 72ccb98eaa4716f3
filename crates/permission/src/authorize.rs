//! The one question.

use proto::{ChannelName, Code, Identity, Refusal};
use thiserror::Error;

use crate::{
    grants,
    rules::{Action, Rule, Rules},
    subject::Subject,
};

/// Why not. For tests and counters; a client is only ever told `DENIED`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Denied {
    #[error("channels that begin with $ or @ are the gateway's own")]
    Reserved,
    #[error("the token's tidegate claim is not understood")]
    Grants,
    #[error("a rule denies it")]
    ByRule,
    #[error("the token denies it")]
    ByToken,
    #[error("nothing allows it")]
    Default,
}

/// May `who` do this on `channel`? Every dialect, the HTTP API and every recovery asks here (C3).
///
/// What is denied, by a rule or by the token, is denied; else what is allowed by either is allowed;
/// else it is denied. Channels that begin with `$` or `@` are nobody's, whatever a rule says. Reads
/// the claims once, whatever the number of rules.
pub fn authorize(
    rules: &Rules,
    who: Option<&Identity>,
    action: Action,
    channel: &ChannelName,
) -> Result<(), Denied> {
    if channel.as_str().starts_with(['$', '@']) {
        return Err(Denied::Reserved);
    }
    let who = Subject::new(who);
    let token = grants::of(&who).ok_or(Denied::Grants)?;
    let any = |rules: &[Rule]| rules.iter().any(|it| it.applies(&who, action, channel));
    if any(&rules.deny) {
        return Err(Denied::ByRule);
    }
    if any(&token.deny) {
        return Err(Denied::ByToken);
    }
    if any(&rules.allow) || any(&token.allow) { Ok(()) } else { Err(Denied::Default) }
}

impl From<Denied> for Refusal {
    fn from(_: Denied) -> Self {
        Self::new(Code::Denied)
    }
}

#[cfg(test)]
mod tests;
