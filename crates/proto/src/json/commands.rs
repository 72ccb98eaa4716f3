//! Commands, read from the JSON of the native dialect.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{COMMANDS_MAX, DEPTH_MAX, HISTORY_DEFAULT, HISTORY_MAX, KEY_BYTES_MAX, is_shallow};
use crate::{
    channel_name::ChannelName,
    code::Code,
    command::{Command, Mark, Request, Start},
    ids::{Epoch, Offset, RequestId, SessionId, UserId},
    log::Span,
    notice::{Notice, Status, Who},
    publication::Placed,
    refusal::Refusal,
    unix_time::UnixMillis,
};

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
    #[serde(borrow)]
    resume: Option<RawResume<'a>>,
    #[serde(borrow)]
    subscribe: Option<RawSubscribe<'a>>,
    unsubscribe: Option<RawChannel<'a>>,
    #[serde(borrow)]
    publish: Option<RawPublish<'a>>,
    #[serde(borrow)]
    signal: Option<RawSignal<'a>>,
    #[serde(borrow)]
    history: Option<RawHistory<'a>>,
    ack: Option<RawMark<'a>>,
    read: Option<RawMark<'a>>,
    typing: Option<RawTyping<'a>>,
    #[serde(borrow)]
    presence: Option<RawPresence<'a>>,
    status: Option<RawStatus<'a>>,
    ping: Option<RawPing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResume<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow, default)]
    since: BTreeMap<Cow<'a, str>, RawPlace<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlace<'a> {
    #[serde(borrow)]
    epoch: Cow<'a, str>,
    offset: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubscribe<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    since: Option<RawPlace<'a>>,
    rewind: Option<RawRewind>,
    #[serde(default)]
    presence: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRewind {
    last: Option<u16>,
    time: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublish<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignal<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHistory<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    epoch: Option<Cow<'a, str>>,
    after: Option<u64>,
    before: Option<u64>,
    time: Option<f64>,
    limit: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMark<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    offset: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTyping<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPresence<'a> {
    #[serde(borrow)]
    channel: Cow<'a, str>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    after: Option<Cow<'a, str>>,
    limit: Option<u16>,
    #[serde(default)]
    watch: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatus<'a> {
    #[serde(borrow)]
    presence: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPing {}

impl RawRequest<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let mut found = Vec::with_capacity(1);
        found.extend(self.connect.map(|it| Ok(Command::Connect { token: it.token.into() })));
        found.extend(self.refresh.map(|it| Ok(Command::Refresh { token: it.token.into() })));
        found.extend(self.resume.map(RawResume::command));
        found.extend(self.subscribe.map(RawSubscribe::command));
        found.extend(
            self.unsubscribe
                .map(|it| channel(&it.channel).map(|channel| Command::Unsubscribe { channel })),
        );
        found.extend(self.publish.map(RawPublish::command));
        found.extend(self.signal.map(|it| {
            channel(&it.channel)
                .map(|channel| Command::Signal { channel, payload: it.data.get().into() })
        }));
        found.extend(self.history.map(RawHistory::command));
        found.extend(self.ack.map(|it| it.command(Mark::Delivered)));
        found.extend(self.read.map(|it| it.command(Mark::Read)));
        found.extend(self.typing.map(|it| {
            let active = it.active;
            channel(&it.channel).map(|channel| Command::Typing { channel, active })
        }));
        found.extend(self.presence.map(RawPresence::command));
        found.extend(self.status.map(RawStatus::command));
        found.extend(self.ping.map(|_| Ok(Command::Ping)));
        match (found.pop(), found.is_empty()) {
            (Some(command), true) => command,
            (Some(_), false) => Err(bad("One command at a time, please.")),
            (None, _) => Err(bad("The message names no command.")),
        }
    }
}

impl RawResume<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let session = SessionId::parse(&self.session).ok_or(Code::SessionUnknown)?;
        let place = |(name, at): (Cow<'_, str>, RawPlace<'_>)| Ok((channel(&name)?, at.placed()?));
        let since = self.since.into_iter().map(place).collect::<Result<_, Refusal>>()?;
        Ok(Command::Resume { session, since })
    }
}

impl RawPlace<'_> {
    fn placed(&self) -> Result<Placed, Refusal> {
        Ok(Placed { epoch: epoch(&self.epoch)?, offset: Offset(self.offset) })
    }
}

impl RawSubscribe<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let start = match (self.since, self.rewind) {
            (None, None) => Start::Unsaid,
            (Some(place), None) => Start::After(place.placed()?),
            (None, Some(RawRewind { last: Some(last), time: None })) => Start::Last(last),
            (None, Some(RawRewind { last: None, time: Some(time) })) => {
                Start::Since(UnixMillis::from_seconds(time))
            }
            (None, Some(_)) => return Err(bad("A rewind names either last or time.")),
            (Some(_), Some(_)) => return Err(bad("Either since or rewind, not both.")),
        };
        let channel = channel(&self.channel)?;
        Ok(Command::Subscribe { channel, start, presence: self.presence })
    }
}

impl RawPublish<'_> {
    fn command(self) -> Result<Command, Refusal> {
        if self.key.as_ref().is_some_and(|it| it.is_empty() || KEY_BYTES_MAX < it.len()) {
            return Err(bad("A key has 1 to 128 bytes."));
        }
        let (channel, payload) = (channel(&self.channel)?, self.data.get().into());
        Ok(Command::Publish { channel, payload, key: self.key.map(Into::into) })
    }
}

impl RawHistory<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let span = match (self.after, self.before, self.time) {
            (None, None, None) => Span::Last,
            (Some(after), None, None) => Span::After(Offset(after)),
            (None, Some(before), None) => Span::Before(Offset(before)),
            (None, None, Some(time)) => Span::Since(UnixMillis::from_seconds(time)),
            _ => return Err(bad("History is wanted after, before, or from a time on.")),
        };
        let epoch = self.epoch.as_deref().map(epoch).transpose()?;
        let limit = self.limit.unwrap_or(HISTORY_DEFAULT);
        if !(1..=HISTORY_MAX).contains(&limit) {
            return Err(bad("The limit is from 1 to 1000."));
        }
        Ok(Command::History { channel: channel(&self.channel)?, span, epoch, limit })
    }
}

impl RawMark<'_> {
    fn command(self, mark: Mark) -> Result<Command, Refusal> {
        let offset = Offset(self.offset);
        Ok(Command::Mark { channel: channel(&self.channel)?, mark, offset })
    }
}

impl RawPresence<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let user = |text: Cow<'_, str>| UserId::parse(&text).ok_or(Code::BadCommand);
        let who = match (self.user, self.after, self.limit) {
            (Some(name), None, None) => Who::User(user(name)?),
            (Some(_), _, _) => return Err(bad("Either user, or after and limit.")),
            (None, after, limit) => {
                let limit = limit.unwrap_or(Notice::NAMES_MAX);
                Who::All { after: after.map(user).transpose()?, limit }
            }
        };
        if matches!(who, Who::All { limit, .. } if Notice::NAMES_MAX < limit) {
            return Err(bad("The limit is from 0 to 100."));
        }
        Ok(Command::Presence { channel: channel(&self.channel)?, who, watch: self.watch })
    }
}

impl RawStatus<'_> {
    fn command(self) -> Result<Command, Refusal> {
        let wrong = || bad("A status is online, away, offline, or a text of 1 to 64 bytes.");
        Ok(Command::Status { status: Status::parse(&self.presence).ok_or_else(wrong)? })
    }
}

fn bad(sentence: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(sentence)
}

fn epoch(text: &str) -> Result<Epoch, Refusal> {
    let wrong = |_| bad("An epoch is the text that subscribed or published told.");
    u64::from_str_radix(text, 16).map(Epoch).map_err(wrong)
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
