//! Compares what people hear with what should be true.

use std::time::Duration;

use proto::{Act, ChannelName, Code, Event, Mark, Message, Offset, Placed, RequestId, Start};

use self::{beginning::Ear, reading::Wanted};
use crate::{
    application::GREETING,
    model::Model,
    network::Frame,
    people::{Asked, Person, Session},
    rules::{self, APP},
};

mod beginning; // Where members begin.
mod following; // What they hear, one after another.
mod reading; // Parts of logs.

/// Someone reads a frame. The error says what is wrong with it; `Ok(true)` ends the session.
pub(crate) fn hear(person: &mut Person, model: &mut Model, frame: &Frame) -> Result<bool, String> {
    let (user, route) = (person.user, person.route);
    let device = person.device.clone();
    let ear = Ear { user, device: device.as_ref(), has: &person.has };
    let Some(session) = &mut person.session else { return Err("read without a socket".to_owned()) };
    let heard = match frame {
        Frame::Told(event) => told(session, model, ear, event).map(|()| false),
        Frame::Published(publication) => {
            if route == APP && !session.has_heard_application {
                return Err("a publication before the application spoke".to_owned());
            }
            following::published(session, model, (user, route), publication).map(|()| false)
        }
        Frame::Replied(Message::Text(text)) => {
            if (**text == *GREETING) == session.has_heard_application {
                return Err(format!("{text} out of turn"));
            }
            session.has_heard_application = true;
            Ok(false)
        }
        Frame::Replied(Message::Binary(_) | Message::Event { .. } | Message::Answer { .. }) => {
            Err("nobody replied bytes or events".to_owned())
        }
        Frame::Pinged(_) => Ok(false),
        Frame::Closed(refusal)
            if refusal.code.act() == Act::Close || is_about_the_disk(refusal.code) =>
        {
            Ok(true)
        }
        Frame::Closed(refusal) => Err(format!("closed for {refusal:?}, which is only told")),
    }?;
    let stands = session.stands.iter().filter_map(|it| Some((it.0.clone(), (*it.1)?)));
    person.has.extend(stands);
    Ok(heard)
}

/// Members who cannot be told where they stand are parted with.
const fn is_about_the_disk(code: Code) -> bool {
    matches!(code, Code::StoreUnavailable | Code::Busy)
}

fn told(
    session: &mut Session,
    model: &mut Model,
    ear: Ear<'_>,
    event: &Event,
) -> Result<(), String> {
    match event {
        Event::Connected { id, .. } => {
            if session.is_connected {
                return Err("connected twice".to_owned());
            }
            session.is_connected = true;
            id.map_or(Ok(()), |id| answered(session, id).map(drop))
        }
        Event::Subscribed { .. } => subscribed(session, model, ear, event),
        Event::Resumed { id, channels, .. } => {
            let Asked::Resume(named) = answered(session, *id)? else { return other(event) };
            session.taken_up = channels.iter().cloned().collect();
            session.named = named.into_iter().collect();
            Ok(())
        }
        Event::History { id, channel, page } => {
            let Asked::History { channel: name, span, epoch, limit, head } =
                answered(session, *id)?
            else {
                return other(event);
            };
            if name != *channel {
                return other(event);
            }
            let wanted = Wanted { span, epoch, limit, head };
            reading::is_part(model, ear.user, channel, &wanted, page)
        }
        Event::Marked { .. } => marked(session, model, ear, event),
        Event::Unsubscribed { id, channel } => {
            answered(session, *id)?;
            // It may have had a seat without having been told yet.
            let was_in = session.stands.remove(channel).is_some();
            let was_going = session.left.remove(channel) || session.taken_up.remove(channel);
            if was_in || was_going { Ok(()) } else { Err(format!("was not in {channel}")) }
        }
        Event::Refreshed { id, .. } => {
            let Asked::Refresh { role } = answered(session, *id)? else { return other(event) };
            session.role = role;
            Ok(())
        }
        Event::Published { id, channel, .. } => {
            let Asked::Publish(name, ..) = answered(session, *id)? else { return other(event) };
            if name == *channel { Ok(()) } else { other(event) }
        }
        Event::Signalled { id, .. } | Event::Pong { id } => answered(session, *id).map(drop),
        Event::Gap { channel, from, to } => gap((session, model, ear.user), channel, *from, *to),
        Event::Expiring { .. } | Event::Closing { .. } => Ok(()),
        Event::Typing { .. } | Event::Presence { .. } | Event::Status { .. } => {
            Err(format!("nobody asked for {event:?}"))
        }
        Event::Refused { id, refusal } => refused(session, *id, refusal),
    }
}

fn other(event: &Event) -> Result<(), String> {
    Err(format!("{event:?} answers something else"))
}

fn subscribed(
    session: &mut Session,
    model: &Model,
    ear: Ear<'_>,
    event: &Event,
) -> Result<(), String> {
    let Event::Subscribed { id, channel, stand } = event else { return other(event) };
    let (start, floor) = match id {
        Some(id) => {
            let Asked::Subscribe(name, start, floor) = answered(session, *id)? else {
                return other(event);
            };
            if name != *channel {
                return other(event);
            }
            (start, floor)
        }
        None if session.taken_up.remove(channel) => {
            let named = session.named.get(channel);
            let start = named.map_or(Start::Unsaid, |it| Start::After(*it));
            (start, session.floors.get(channel).copied())
        }
        None => return Err(format!("{event:?} was asked for by nobody")),
    };
    if !rules::may(ear.user, &session.role, channel) {
        return Err(format!("{} as {} subscribed {channel}", ear.user, session.role));
    }
    // What was not named has been named by the server, for what was sent and may not have arrived.
    // The place tells.
    let is_guessed = id.is_none() && start == Start::Unsaid;
    if !is_guessed {
        beginning::begins(model, ear, channel, (start, floor), stand)?;
    }
    session.again.remove(channel);
    match session.stands.insert(channel.clone(), Some(stand.at)) {
        None => Ok(()),
        Some(_) => Err(format!("{channel} subscribed twice")),
    }
}

fn marked(
    session: &mut Session,
    model: &mut Model,
    ear: Ear<'_>,
    event: &Event,
) -> Result<(), String> {
    let Event::Marked { id, channel, cursor, .. } = event else { return other(event) };
    let Asked::Mark(name, mark, offset) = answered(session, *id)? else { return other(event) };
    let reader = rules::reader(channel, ear.user, ear.device);
    let Some(reader) = reader else { return Err(format!("{event:?} is nobody's")) };
    let is_far_enough = offset <= cursor.delivered && (mark != Mark::Read || offset <= cursor.read);
    if name != *channel || !is_far_enough {
        return Err(format!("{event:?} answers {mark:?} {offset:?} in {name}"));
    }
    if let Some(Some(at)) = session.stands.get(channel) {
        model.marks.tell(channel, &reader, at.epoch, *cursor);
    }
    Ok(())
}

fn refused(
    session: &mut Session,
    id: Option<RequestId>,
    refusal: &proto::Refusal,
) -> Result<(), String> {
    let Some(id) = id else {
        // An application that fails has spoken too.
        session.has_heard_application |= refusal.code == Code::AppFailed;
        let lost = refusal.message().strip_prefix("Your token no longer covers ");
        if let Some((channel, _)) = lost.and_then(|it| it.split_once(';')) {
            let channel = rules::channel(channel);
            session.stands.remove(&channel);
            session.taken_up.remove(&channel);
        }
        return Ok(());
    };
    let asked = answered(session, id)?;
    if let Asked::Subscribe(channel, ..) = &asked
        && refusal.code == Code::NotSubscribed
    {
        session.left.insert(channel.clone());
    }
    let is_kept = |it: &ChannelName| rules::kept(it) != rules::Kept::Nowhere;
    if let Asked::Publish(channel, ..) | Asked::Subscribe(channel, ..) = &asked
        && refusal.code == Code::StoreUnavailable
        && !is_kept(channel)
    {
        return Err(format!("{channel} is not kept, and {refusal:?}"));
    }
    if let Asked::History { channel, .. } = &asked
        && refusal.code == Code::NoLog
        && is_kept(channel)
    {
        return Err(format!("{channel} is kept, and {refusal:?}"));
    }
    Ok(())
}

fn answered(session: &mut Session, id: RequestId) -> Result<Asked, String> {
    session
        .asked
        .remove(&id.0)
        .map(|it| it.0)
        .ok_or(format!("an answer to {} that nobody asked for", id.0))
}

fn gap(
    (session, model, user): (&mut Session, &Model, &str),
    channel: &ChannelName,
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

/// At rest, after a last message in every channel: whoever is still there has all of it. What was
/// asked before the last loss may have been lost with it.
pub(crate) fn is_complete(
    person: &Person,
    model: &Model,
    head: impl Fn(&ChannelName) -> Option<Placed>,
    lost_at: Option<Duration>,
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
    if let Some(channel) = session.taken_up.first() {
        return Err(format!("{} took up {channel} and was not told where", person.user));
    }
    // What was lost on the bus is answered by nobody: whoever asked asks again.
    let is_lost = |(asked, at): &(Asked, Duration)| {
        let may_be = matches!(asked, Asked::Publish(..) | Asked::Signal(_) | Asked::Mark(..));
        may_be && lost_at.is_some_and(|it| *at <= it)
    };
    match session.asked.values().find(|it| !is_lost(it)) {
        Some(asked) => Err(format!("{} was never answered {asked:?}", person.user)),
        None => Ok(()),
    }
}
