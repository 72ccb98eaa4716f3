//! The native dialect: JSON in, commands; events, JSON out. `PROTOCOL.md` quotes what this prints.

use std::{fmt::Write as _, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    action::Message,
    channel_name::ChannelName,
    code::Code,
    command::{Command, Request},
    event::Event,
    ids::RequestId,
    publication::{Kind, Placed, Publication},
    refusal::Refusal,
};

/// Commands in one frame, sent as an array. Bounds what one message of the limit can ask (F11).
pub const COMMANDS_MAX: usize = 64;

/// How deep arrays and objects may nest, in commands and in what is published (F11). Deeper than
/// any message seen in the field, and shallow enough for every reader's stack.
pub const DEPTH_MAX: usize = 64;

/// Whether the text nests no deeper than [`DEPTH_MAX`]. Looks at brackets only, in one pass, so
/// that it can be asked before anything parses the text.
pub fn is_shallow(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if DEPTH_MAX < depth {
            return false;
        }
    }
    true
}

/// A command that could not be read: by which number its sender waits, and why.
pub type Garbled = (Option<RequestId>, Refusal);

/// Reads a frame: one command, or an array of up to [`COMMANDS_MAX`].
///
/// Calls `each` in order; a command that cannot be read does not spoil its neighbours.
pub fn requests(text: &str, mut each: impl FnMut(Result<Request, Garbled>)) {
    if !is_shallow(text) {
        let sentence = format!("Nothing may nest deeper than {DEPTH_MAX}.");
        each(Err((None, Refusal::new(Code::BadCommand).saying(sentence))));
        return;
    }
    if !text.trim_start().starts_with('[') {
        each(request(text));
        return;
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(all) if all.len() <= COMMANDS_MAX => all.iter().for_each(|it| each(request(it.get()))),
        Ok(_) => {
            let sentence = format!("A frame holds at most {COMMANDS_MAX} commands.");
            each(Err((None, Refusal::new(Code::BadCommand).saying(sentence))));
        }
        Err(_) => each(Err((None, Code::InvalidJson.into()))),
    }
}

/// Reads one command.
fn request(text: &str) -> Result<Request, Garbled> {
    let raw: RawRequest<'_> = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => return Err((id_of(text), garbled(&error))),
    };
    let id = raw.id.map(RequestId);
    let command = raw.command().map_err(|it| (id, it))?;
    Ok(Request { id, command })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest<'a> {
    id: Option<u64>,
    connect: Option<RawToken<'a>>,
    refresh: Option<RawToken<'a>>,
    subscribe: Option<RawChannel<'a>>,
    unsubscribe: Option<RawChannel<'a>>,
    #[serde(borrow)]
    publish: Option<RawPublish<'a>>,
    #[serde(borrow)]
    signal: Option<RawPublish<'a>>,
    ping: Option<RawPing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken<'a> {
    #[serde(borrow)]
    token: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel<'a> {
    #[serde(borrow)]
    channel: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublish<'a> {
    #[serde(borrow)]
    channel: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPing {}

impl RawRequest<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let mut found = Vec::with_capacity(1);
        found.extend(self.connect.map(|it| Ok(Command::Connect { token: it.token.into() })));
        found.extend(self.refresh.map(|it| Ok(Command::Refresh { token: it.token.into() })));
        found.extend(
            self.subscribe
                .map(|it| channel(&it.channel).map(|channel| Command::Subscribe { channel })),
        );
        found.extend(
            self.unsubscribe
                .map(|it| channel(&it.channel).map(|channel| Command::Unsubscribe { channel })),
        );
        found.extend(self.publish.map(|it| {
            channel(&it.channel)
                .map(|channel| Command::Publish { channel, payload: it.data.get().into() })
        }));
        found.extend(self.signal.map(|it| {
            channel(&it.channel)
                .map(|channel| Command::Signal { channel, payload: it.data.get().into() })
        }));
        found.extend(self.ping.map(|_| Ok(Command::Ping)));
        match (found.pop(), found.is_empty()) {
            (Some(command), true) => command,
            (Some(_), false) => {
                Err(Refusal::new(Code::BadCommand).saying("One command at a time, please."))
            }
            (None, _) => {
                Err(Refusal::new(Code::BadCommand).saying("The message names no command."))
            }
        }
    }
}

fn channel(text: &str) -> Result<ChannelName, Refusal> {
    let sentence = |it| format!("That is not a channel name: {it}.");
    ChannelName::parse(text).map_err(|it| Refusal::new(Code::BadChannel).saying(sentence(it)))
}

fn garbled(error: &serde_json::Error) -> Refusal {
    match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with("unknown field") => {
            Code::UnknownCommand.into()
        }
        serde_json::error::Category::Data => Code::BadCommand.into(),
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => Code::InvalidJson.into(),
    }
}

/// The number of a command that is otherwise unreadable, so that its sender need not wait in vain.
fn id_of(text: &str) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Option<u64>,
    }
    serde_json::from_str::<OnlyId>(text).ok()?.id.map(RequestId)
}

/// The token in a plain client's first message: `token`, at the top or one level down in `data` or
/// `payload`.
pub fn first_token(message: &Message) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct First {
        token: Option<String>,
        data: Option<Inner>,
        payload: Option<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        token: Option<String>,
    }
    let Message::Text(text) = message else { return None };
    let first: First = serde_json::from_str(text).ok()?;
    let inner = first.data.and_then(|it| it.token).or(first.payload.and_then(|it| it.token));
    first.token.or(inner).map(Into::into)
}

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
        Event::Subscribed { id, channel, at } => {
            Out { subscribed: Some(InChannel::at(channel, *at)), ..Out::replying(*id) }
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
    let Publication { channel, kind, from, payload, .. } = publication;
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
    }
    if let Some(user) = from {
        out.push_str(r#","user":"#);
        out.push_str(&serde_json::to_string(user.as_str()).expect("text always serialises"));
    }
    out.push_str(r#","data":"#);
    out.push_str(payload);
    out.push_str("}}");
    out
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
    subscribed: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribed: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<InChannel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signalled: Option<InChannel<'a>>,
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

#[cfg(test)]
mod tests;
