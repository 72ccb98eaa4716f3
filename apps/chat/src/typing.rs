//! Who is typing where. True for five seconds, and never written down.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    outcome::{Audience, Emit, Room},
    stop::Stop,
    timestamp::iso,
    turn::Turn,
    users::User,
};

/// How long somebody types who says nothing more. Clients say it again every half second.
const TYPING_MILLIS: i64 = 5000;

/// Where each user types: in one channel at most, so there are no more entries than users here.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    users: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    user: User,
    channel: i64,
    until: i64,
}

impl Typing {
    pub(crate) fn wakes_at(&self) -> Option<i64> {
        self.users.values().map(|it| it.until).min()
    }

    /// Ends what nobody has renewed.
    pub(crate) fn wake(&mut self, now: i64) -> Vec<Emit> {
        let over = self.users.extract_if(.., |_, it| it.until <= now);
        // Nobody sent this, so it is for everyone in the room; clients pass over themselves.
        over.flat_map(|(_, it)| told(&it, false, now, Audience::Room)).collect()
    }
}

pub(crate) fn set(turn: &mut Turn<'_>, channel: i64, is_typing: bool) -> Result<Value, Stop> {
    turn.member(channel)?;
    stop_elsewhere(turn, channel);
    let until = turn.now.saturating_add(TYPING_MILLIS);
    let entry = Entry { user: turn.user.clone(), channel, until };
    let was_typing = turn.typing.users.remove(&turn.user.id).is_some();
    if is_typing || was_typing {
        turn.emits.extend(told(&entry, is_typing, turn.now, Audience::Others));
    }
    if is_typing {
        turn.typing.users.insert(turn.user.id.clone(), entry);
    }
    Ok(json!({ "channelId": channel.to_string(), "isTyping": is_typing }))
}

/// Whoever types here does not type there.
fn stop_elsewhere(turn: &mut Turn<'_>, channel: i64) {
    let elsewhere = turn.typing.users.get(&turn.user.id).is_some_and(|it| it.channel != channel);
    if elsewhere {
        stop(turn);
    }
}

/// Whoever has said it, or has gone, types no more.
pub(crate) fn stop(turn: &mut Turn<'_>) {
    if let Some(entry) = turn.typing.users.remove(&turn.user.id) {
        turn.emits.extend(told(&entry, false, turn.now, Audience::Others));
    }
}

pub(crate) fn who(turn: &Turn<'_>, channel: i64) -> Result<Value, Stop> {
    turn.member(channel)?;
    let here = turn.typing.users.values().filter(|it| it.channel == channel);
    let users: Vec<_> = here.map(|it| it.user.to_json()).collect();
    Ok(json!({ "channelId": channel.to_string(), "users": users }))
}

/// One payload in which each version of the client finds what it looks for, under three names.
fn told(entry: &Entry, is_typing: bool, now: i64, to: fn(Room) -> Audience) -> [Emit; 3] {
    let (channel, time) = (entry.channel.to_string(), iso(now));
    let payload = json!({
        "userId": entry.user.id, "username": entry.user.name, "channelId": channel,
        "isTyping": is_typing, "timestamp": time,
        "typingUser": {
            "userId": entry.user.id, "username": entry.user.name, "channelId": channel,
            "timestamp": time,
        },
    });
    let events = if is_typing {
        ["user:typing", "typing:start", "message:typing:start"]
    } else {
        ["user:typing", "typing:stop", "message:typing:stop"]
    };
    events.map(|event| Emit {
        to: to(Room::Channel(entry.channel)),
        event,
        payload: payload.clone(),
    })
}
