//! What members hear, one after another: next, once, and nothing left out that was owed.

use proto::{ChannelName, Kind, Placed, Publication};

use crate::{
    model::Model,
    people::Session,
    rules::{self, APP, NATIVE},
};

pub(super) fn published(
    session: &mut Session,
    model: &Model,
    (user, route): (&str, u16),
    publication: &Publication,
) -> Result<(), String> {
    let channel = &publication.channel;
    if publication.except.as_ref().is_some_and(|it| it.as_str() == user) {
        return Err(format!("{user} was excepted from {publication:?}"));
    }
    // Whoever begins may hear of others before they are told where they stand.
    if matches!(publication.kind, Kind::Notice(_)) && route == NATIVE {
        return Ok(());
    }
    if rules::is_loose(channel) && route == APP {
        return Ok(());
    }
    if !rules::may(user, &session.role, channel) {
        return Err(format!("{user} as {} may not hear {channel}", session.role));
    }
    let Some(stand) = session.stands.get_mut(channel) else {
        return Err(format!("a publication in {channel}, where they are not"));
    };
    let Kind::Message(at) = publication.kind else {
        return match route {
            NATIVE => Ok(()),
            _ if matches!(publication.kind, Kind::Signal) => Ok(()),
            _ => Err(format!("{publication:?} is nothing they can read")),
        };
    };
    let Some(before) = *stand else {
        *stand = Some(at);
        return match route {
            NATIVE => Err("a native client has been told where it stands".to_owned()),
            _ => begins_with(session, model, user, channel, at),
        };
    };
    if rules::is_mailbox(channel) && before.epoch == at.epoch && at.offset <= before.offset {
        return comes_again(session, model, user, channel, at);
    }
    *stand = Some(at);
    session.again.remove(channel);
    follows(model, publication, user, before, at)
}

/// The first that somebody hears who was not told where they stand. Mail begins behind what was
/// acknowledged.
fn begins_with(
    session: &Session,
    model: &Model,
    user: &str,
    channel: &ChannelName,
    at: Placed,
) -> Result<(), String> {
    let Some(reader) = rules::reader(channel, user, None).filter(|_| rules::is_mailbox(channel))
    else {
        return Ok(());
    };
    let floor = session.floors.get(channel).filter(|it| it.0 == at.epoch).map(|it| it.1.delivered);
    if floor.is_some_and(|it| at.offset <= it) {
        return Err(format!("{channel} begins with {at:?}, and {floor:?} was acknowledged"));
    }
    let asked = model.marks.asked(channel, &reader).0.max(model.first(channel).0.saturating_sub(1));
    match model.owed(channel, at.epoch, (asked, at.offset.0), user) {
        Some(missed) => Err(format!("{channel} begins with {at:?}; {missed} is nowhere")),
        None => Ok(()),
    }
}

/// Mail comes again in order, from some place on.
fn comes_again(
    session: &mut Session,
    model: &Model,
    user: &str,
    channel: &ChannelName,
    at: Placed,
) -> Result<(), String> {
    let before = session.again.insert(channel.clone(), at.offset);
    let Some(before) = before.filter(|it| *it < at.offset) else { return Ok(()) };
    match model.owed(channel, at.epoch, (before.0, at.offset.0), user) {
        Some(missed) => Err(format!("{channel} comes again without {missed}")),
        None => Ok(()),
    }
}

/// Next, once, and nothing left out that was owed.
fn follows(
    model: &Model,
    publication: &Publication,
    user: &str,
    before: Placed,
    at: Placed,
) -> Result<(), String> {
    let channel = &publication.channel;
    if before.epoch != at.epoch {
        return Err(format!("{channel} goes from {before:?} to {at:?} within a session"));
    }
    if at.offset <= before.offset {
        return Err(format!("{channel} {} again after {}", at.offset.0, before.offset.0));
    }
    match model.owed(channel, at.epoch, (before.offset.0, at.offset.0), user) {
        Some(missed) => Err(format!("{user} missed {channel} {missed}")),
        None => Ok(()),
    }
}
