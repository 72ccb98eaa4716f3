//! Compares what people hear with what should be true.

use proto::{Act, Code, Event, Kind, Message, Offset, Placed, Publication, RequestId};

use crate::{
    application::GREETING,
    model::Model,
    network::Frame,
    people::{Asked, Person, Session},
    rules::{self, APP, NATIVE},
};

/// Someone reads a frame. The error says what is wrong with it; `Ok(true)` ends the session.
pub(crate) fn hear(person: &mut Person, model: &Model, frame: &Frame) -> Result<bool, String> {
    let (user, route) = (person.user, person.route);
    let Some(session) = &mut person.session else { return Err("read without a socket".to_owned()) };
    match frame {
        Frame::Told(event) => told(session, model, user, event).map(|()| false),
        Frame::Published(publication) => {
            if route == APP && !session.has_heard_application {
                return Err("a publication before the application spoke".to_owned());
            }
            published(session, model, (user, route), publication).map(|()| false)
        }
        Frame::Replied(Message::Text(text)) => {
            if (**text == *GREETING) == session.has_heard_application {
                return Err(format!("{text} out of turn"));
            }
            session.has_heard_application = true;
            Ok(false)
        }
        Frame::Replied(Message::Binary(_)) => Err("nobody replied bytes".to_owned()),
        Frame::Pinged => Ok(false),
        Frame::Closed(refusal) if refusal.code.act() == Act::Close => Ok(true),
        Frame::Closed(refusal) => Err(format!("closed for {refusal:?}, which is only told")),
    }
}

fn told(session: &mut Session, model: &Model, user: &str, event: &Event) -> Result<(), String> {
    match event {
        Event::Connected { id, .. } => {
            if session.is_connected {
                return Err("connected twice".to_owned());
            }
            session.is_connected = true;
            id.map_or(Ok(()), |id| answered(session, id).map(|_| ()))
        }
        Event::Subscribed { id, channel, at } => {
            is_answer(event, &answered(session, *id)?, &Asked::Subscribe(channel.clone()))?;
            if !rules::may(user, &session.role, channel) {
                return Err(format!("{user} as {} subscribed {channel}", session.role));
            }
            match session.stands.insert(channel.clone(), Some(*at)) {
                None => Ok(()),
                Some(_) => Err(format!("{channel} subscribed twice")),
            }
        }
        Event::Unsubscribed { id, channel } => {
            answered(session, *id)?;
            // It may have had a seat without having been told yet.
            let was_in = session.stands.remove(channel).is_some();
            let was_going = session.left.remove(channel);
            if was_in || was_going { Ok(()) } else { Err(format!("was not in {channel}")) }
        }
        Event::Refreshed { id, .. } => {
            let asked = answered(session, *id)?;
            let Asked::Refresh { role } = asked else {
                return Err(format!("{event:?} answers {asked:?}"));
            };
            session.role = role;
            Ok(())
        }
        Event::Published { id, channel, .. } => {
            is_answer(event, &answered(session, *id)?, &Asked::Publish(channel.clone()))
        }
        Event::Signalled { id, .. } | Event::Pong { id } => answered(session, *id).map(|_| ()),
        Event::Gap { channel, from, to } => gap((session, model, user), channel, *from, *to),
        Event::Expiring { .. } | Event::Closing { .. } => Ok(()),
        Event::Refused { id: Some(id), refusal } => {
            if let Asked::Subscribe(channel) = answered(session, *id)?
                && refusal.code == Code::NotSubscribed
            {
                session.left.insert(channel);
            }
            Ok(())
        }
        Event::Refused { id: None, refusal } => {
            // An application that fails has spoken too.
            session.has_heard_application |= refusal.code == Code::AppFailed;
            let lost = refusal.message().strip_prefix("Your token no longer covers ");
            if let Some((channel, _)) = lost.and_then(|it| it.split_once(';')) {
                session.stands.remove(&rules::channel(channel));
            }
            Ok(())
        }
    }
}

fn is_answer(event: &Event, asked: &Asked, expected: &Asked) -> Result<(), String> {
    if asked == expected { Ok(()) } else { Err(format!("{event:?} answers {asked:?}")) }
}

fn answered(session: &mut Session, id: RequestId) -> Result<Asked, String> {
    session.asked.remove(&id.0).ok_or(format!("an answer to {} that nobody asked for", id.0))
}

fn gap(
    (session, model, user): (&mut Session, &Model, &str),
    channel: &proto::ChannelName,
    from: Offset,
    to: Offset,
) -> Result<(), String> {
    let Some(Some(at)) = session.stands.get_mut(channel) else {
        return Err(format!("a gap in {channel}, where they are not"));
    };
    if let Some(missed) = model.owed(channel, at.epoch, (at.offset.0, from.0), user) {
        return Err(format!("a gap in {channel} from {} does not tell of {missed}", from.0));
    }
    at.offset = at.offset.max(to);
    Ok(())
}

fn published(
    session: &mut Session,
    model: &Model,
    (user, route): (&str, u16),
    publication: &Publication,
) -> Result<(), String> {
    let channel = &publication.channel;
    if publication.except.as_ref().is_some_and(|it| it.as_str() == user) {
        return Err(format!("{user} was excepted from {publication:?}"));
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
    let Kind::Message(at) = publication.kind else { return Ok(()) };
    let before = stand.replace(at);
    match before {
        None if route == NATIVE => Err("a native client has been told where it stands".to_owned()),
        None => Ok(()),
        Some(before) => follows(model, publication, user, before, at),
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

/// At rest, after a last message in every channel: whoever is still there has all of it.
pub(crate) fn is_complete(
    person: &Person,
    model: &Model,
    head: impl Fn(&proto::ChannelName) -> Option<Placed>,
    was_lossy: bool,
) -> Result<(), String> {
    let Some(session) = person.session.as_ref().filter(|it| it.is_connected) else { return Ok(()) };
    for (channel, stand) in &session.stands {
        let (Some(stand), Some(head)) = (*stand, head(channel)) else {
            return Err(format!("{} is in {channel} and has heard nothing", person.user));
        };
        // More may have been said since the head was asked for.
        let between = (stand.offset.0, head.offset.0 + 1);
        let missed = model.owed(channel, head.epoch, between, person.user);
        if stand.epoch != head.epoch || missed.is_some() {
            let user = person.user;
            return Err(format!("{user} is left at {stand:?} of {head:?} in {channel}"));
        }
    }
    // What was lost on the bus is answered by nobody: whoever published asks again.
    let lost = |it: &Asked| was_lossy && matches!(it, Asked::Publish(_) | Asked::Signal(_));
    match session.asked.values().find(|it| !lost(it)) {
        Some(asked) => Err(format!("{} was never answered {asked:?}", person.user)),
        None => Ok(()),
    }
}
