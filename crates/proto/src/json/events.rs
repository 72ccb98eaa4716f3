//! Events and publications, printed as the JSON of the native dialect.

use std::fmt::Write as _;

use serde::Serialize;

use super::notices::{RollOut, StatusOut, TypingOut, notice};
use crate::{
    channel_name::ChannelName,
    event::{Event, Stand},
    ids::RequestId,
    log::Page,
    publication::{Kind, Placed, Publication},
    refusal::Refusal,
};

/// An event as JSON.
pub fn event(event: &Event) -> String {
    let out = match event {
        Event::Connected { id, user, expires_at, ping, session, resumed } => Out {
            id: id.map(|it| it.0),
            connected: Some(Connected {
                user: user.as_ref().map(|it| it.as_str()),
                expires_at: expires_at.map(|it| it.0),
                ping: ping.as_secs_f64(),
                session: session.map(|it| it.to_string()),
                resumed: resumed.then_some(true),
            }),
            ..Out::default()
        },
        Event::Refreshed { id, expires_at } => {
            Out { refreshed: Some(Refreshed { expires_at: expires_at.0 }), ..Out::replying(*id) }
        }
        Event::Subscribed { id, channel, stand } => {
            let id = id.map(|it| it.0);
            Out { id, subscribed: Some(StandOut::of(channel, stand)), ..Out::default() }
        }
        Event::Resumed { id, session, channels } => {
            let session = session.to_string();
            let channels = channels.iter().map(ChannelName::as_str).collect();
            Out { resumed: Some(Resumed { session, channels }), ..Out::replying(*id) }
        }
        Event::History { id, channel, page } => return history(*id, channel, page),
        Event::Marked { id, channel, cursor, unread } => {
            let channel = channel.as_str();
            let (delivered, read) = (cursor.delivered.0, cursor.read.0);
            let marked = Marked { channel, delivered, read, unread: *unread };
            Out { marked: Some(marked), ..Out::replying(*id) }
        }
        Event::Unsubscribed { id, channel } => {
            Out { unsubscribed: Some(InChannel::of(channel)), ..Out::replying(*id) }
        }
        Event::Published { id, channel, at } => {
            Out { published: Some(InChannel::at(channel, *at)), ..Out::replying(*id) }
        }
        Event::Signalled { id, channel } => {
            Out { signalled: Some(InChannel::of(channel)), ..Out::replying(*id) }
        }
        Event::Typing { id, channel, active } => {
            let typing = TypingOut { channel: channel.as_str(), user: None, active: *active };
            Out { typing: Some(typing), ..Out::replying(*id) }
        }
        Event::Presence { id, channel, roll } => {
            Out { presence: Some(RollOut::of(Some(channel), roll)), ..Out::replying(*id) }
        }
        Event::Status { id, status } => {
            let status = StatusOut { presence: status.as_str() };
            Out { status: Some(status), ..Out::replying(*id) }
        }
        Event::Pong { id } => Out { pong: Some(Empty {}), ..Out::replying(*id) },
        Event::Gap { channel, from, to } => {
            let gap = GapOut { channel: channel.as_str(), from: from.0, to: to.0 };
            Out { gap: Some(gap), ..Out::default() }
        }
        Event::Expiring { expires_at, within } => {
            let expiring = Expiring { expires_at: expires_at.0, within: within.as_secs_f64() };
            Out { expiring: Some(expiring), ..Out::default() }
        }
        Event::Refused { id, refusal } => return refused("error", *id, refusal),
        Event::Closing { refusal } => return refused("closing", None, refusal),
    };
    serde_json::to_string(&out).expect("text and numbers always serialise")
}

/// A refusal for clients that speak an application's own JSON, where that application has no
/// wording of its own: flat, and once more under both keys such clients look under.
pub fn plain_refusal(refusal: &Refusal) -> String {
    let body = refusal.to_json();
    let flat = body.trim_start_matches('{');
    let flat = flat.strip_suffix('}').unwrap_or(flat);
    format!(r#"{{"type":"error",{flat},"payload":{body},"data":{body}}}"#)
}

fn refused(key: &str, id: Option<RequestId>, refusal: &Refusal) -> String {
    let body = refusal.to_json();
    match id {
        Some(id) => format!(r#"{{"id":{},"{key}":{body}}}"#, id.0),
        None => format!(r#"{{"{key}":{body}}}"#),
    }
}

/// A publication as JSON. The payload is copied as it stands.
pub fn publication(publication: &Publication) -> String {
    let Publication { channel, kind, from, payload, event, .. } = publication;
    // Channel names need no escaping: their grammar has no quote and no backslash.
    let mut out = String::with_capacity(payload.len() + channel.as_str().len() + 96);
    match kind {
        Kind::Message(at) => {
            let _ = write!(
                out,
                r#"{{"publication":{{"channel":"{channel}","epoch":"{}","offset":{}"#,
                at.epoch, at.offset.0
            );
        }
        Kind::Signal => {
            let _ = write!(out, r#"{{"signal":{{"channel":"{channel}""#);
        }
        Kind::Notice(it) => return notice(channel, it),
    }
    if let Some(user) = from {
        out.push_str(r#","user":"#);
        out.push_str(&quoted(user.as_str()));
    }
    if let Some(event) = event {
        out.push_str(r#","event":"#);
        out.push_str(&quoted(event));
    }
    out.push_str(r#","data":"#);
    out.push_str(payload);
    out.push_str("}}");
    out
}

/// A part of a log as JSON: `items` as the HTTP API prints them too.
pub fn items(page: &Page) -> String {
    let mut out = String::from("[");
    for (index, message) in page.messages.iter().enumerate() {
        let Kind::Message(at) = message.kind else { continue };
        let comma = if index == 0 { "" } else { "," };
        let time = message.time.0 as f64 / 1000.0;
        let _ = write!(out, r#"{comma}{{"offset":{},"time":{time}"#, at.offset.0);
        if let Some(user) = &message.from {
            let _ = write!(out, r#","user":{}"#, quoted(user.as_str()));
        }
        if let Some(event) = &message.event {
            let _ = write!(out, r#","event":{}"#, quoted(event));
        }
        let _ = write!(out, r#","data":{}}}"#, message.payload);
    }
    out.push(']');
    out
}

fn history(id: RequestId, channel: &ChannelName, page: &Page) -> String {
    let (at, first) = (page.head.at, page.head.first.0);
    format!(
        r#"{{"id":{},"history":{{"channel":"{channel}","epoch":"{}","first":{first},"head":{},"items":{}}}}}"#,
        id.0,
        at.epoch,
        at.offset.0,
        items(page)
    )
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text always serialises")
}

#[derive(Default, Serialize)]
struct Out<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<Connected<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed: Option<Refreshed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribed: Option<StandOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<Resumed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marked: Option<Marked<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribed: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signalled: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing: Option<TypingOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<RollOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pong: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiring: Option<Expiring>,
}

impl Out<'_> {
    fn replying(id: RequestId) -> Self {
        Self { id: Some(id.0), ..Self::default() }
    }
}

#[derive(Serialize)]
struct Connected<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    ping: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<bool>,
}

#[derive(Serialize)]
struct Refreshed {
    expires_at: u64,
}

#[derive(Serialize)]
struct InChannel<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

impl<'a> InChannel<'a> {
    fn of(channel: &'a ChannelName) -> Self {
        Self { channel: channel.as_str(), epoch: None, offset: None }
    }

    fn at(channel: &'a ChannelName, at: Placed) -> Self {
        let epoch = Some(at.epoch.to_string());
        Self { channel: channel.as_str(), epoch, offset: Some(at.offset.0) }
    }
}

#[derive(Serialize)]
struct StandOut<'a> {
    channel: &'a str,
    epoch: String,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
}

impl<'a> StandOut<'a> {
    fn of(channel: &'a ChannelName, stand: &Stand) -> Self {
        let Stand { at, recovered, first, cursor } = *stand;
        Self {
            channel: channel.as_str(),
            epoch: at.epoch.to_string(),
            offset: at.offset.0,
            recovered,
            first: first.map(|it| it.0),
            delivered: cursor.map(|it| it.0.delivered.0),
            read: cursor.map(|it| it.0.read.0),
            unread: cursor.map(|it| it.1),
        }
    }
}

#[derive(Serialize)]
struct Resumed<'a> {
    session: String,
    channels: Vec<&'a str>,
}

#[derive(Serialize)]
struct Marked<'a> {
    channel: &'a str,
    delivered: u64,
    read: u64,
    unread: u64,
}

#[derive(Serialize)]
struct GapOut<'a> {
    channel: &'a str,
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct Expiring {
    expires_at: u64,
    within: f64,
}

#[derive(Serialize)]
struct Empty {}
