//! Receipts, typing and presence, printed as the JSON of the native dialect.

use serde::Serialize;

use crate::{
    channel_name::ChannelName,
    ids::UserId,
    log::Cursor,
    notice::{Notice, Person, Presence, Roll, Status},
    unix_time::UnixMillis,
};

/// What members are told in passing.
pub(super) fn notice(channel: &ChannelName, notice: &Notice) -> String {
    let channel = channel.as_str();
    let out = match notice {
        Notice::Typing { user, active } => {
            let user = Some(user.as_str());
            NoticeOut::Typing(TypingOut { channel, user, active: *active })
        }
        Notice::Receipts(receipts) => {
            let receipts = receipts.iter().map(ReceiptOut::of).collect();
            NoticeOut::Receipts(ReceiptsOut { channel, receipts })
        }
        Notice::Presence(Presence { joined, left, changed, users }) => {
            NoticeOut::Presence(PresenceOut {
                channel,
                joined: joined.iter().map(SeenOut::of).collect(),
                left: left.iter().map(UserId::as_str).collect(),
                changed: changed.iter().map(SeenOut::of).collect(),
                users: *users,
            })
        }
    };
    serde_json::to_string(&out).expect("text and numbers always serialise")
}

/// Who is in a channel, as the HTTP API prints it too.
pub fn roll(roll: &Roll) -> String {
    serde_json::to_string(&RollOut::of(None, roll)).expect("text and numbers always serialise")
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum NoticeOut<'a> {
    Typing(TypingOut<'a>),
    Receipts(ReceiptsOut<'a>),
    Presence(PresenceOut<'a>),
}

#[derive(Serialize)]
pub(super) struct TypingOut<'a> {
    pub(super) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    pub(super) active: bool,
}

#[derive(Serialize)]
struct ReceiptsOut<'a> {
    channel: &'a str,
    receipts: Vec<ReceiptOut<'a>>,
}

#[derive(Serialize)]
struct ReceiptOut<'a> {
    user: &'a str,
    delivered: u64,
    read: u64,
}

impl<'a> ReceiptOut<'a> {
    fn of((user, cursor): &'a (UserId, Cursor)) -> Self {
        Self { user: user.as_str(), delivered: cursor.delivered.0, read: cursor.read.0 }
    }
}

#[derive(Serialize)]
struct PresenceOut<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    joined: Vec<SeenOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<SeenOut<'a>>,
    users: u64,
}

#[derive(Serialize)]
struct SeenOut<'a> {
    user: &'a str,
    status: &'a str,
}

impl<'a> SeenOut<'a> {
    fn of((user, status): &'a (UserId, Status)) -> Self {
        Self { user: user.as_str(), status: status.as_str() }
    }
}

#[derive(Serialize)]
pub(super) struct StatusOut<'a> {
    pub(super) presence: &'a str,
}

#[derive(Serialize)]
pub(super) struct RollOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    users: Vec<PersonOut<'a>>,
    count: u64,
    connections: u64,
}

impl<'a> RollOut<'a> {
    pub(super) fn of(channel: Option<&'a ChannelName>, roll: &'a Roll) -> Self {
        Self {
            channel: channel.map(ChannelName::as_str),
            users: roll.users.iter().map(PersonOut::of).collect(),
            count: roll.count,
            connections: roll.connections,
        }
    }
}

#[derive(Serialize)]
struct PersonOut<'a> {
    user: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<u32>,
}

impl<'a> PersonOut<'a> {
    fn of(person: &'a Person) -> Self {
        let seconds = |it: UnixMillis| it.0 as f64 / 1000.0;
        Self {
            user: person.user.as_str(),
            status: person.status.as_str(),
            since: person.since.map(seconds),
            last_seen: person.last_seen.map(seconds),
            connections: person.since.map(|_| person.connections),
        }
    }
}
