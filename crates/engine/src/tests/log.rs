//! The transcript: effects in words.

use std::{fmt::Write as _, time::Duration};

use proto::{ChannelName, ConnId, Event, Kind, Message, Placed, Publication, Refusal, RequestId};

use super::play::Person;
use crate::{Ask, Effect, Envelope, Outcome};

#[derive(Default)]
pub(super) struct Log {
    pub(super) text: String,
    now: Duration,
    /// The time that was written last.
    shown: Duration,
}

impl Log {
    pub(super) fn at(&mut self, now: Duration) {
        self.now = now;
    }

    pub(super) fn write(&mut self, line: &str) {
        if self.shown != self.now {
            self.shown = self.now;
            writeln!(self.text, "at {}", seconds(self.now)).unwrap();
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn deliver(&mut self, publication: &Publication, to: &[&str]) {
        let Publication { channel, kind, from, payload, .. } = publication;
        let place = match kind {
            Kind::Message(at) => at.offset.0.to_string(),
            Kind::Signal => "signal".to_owned(),
        };
        let from = from.as_ref().map_or(String::new(), |it| format!(" from {it}"));
        let to = if to.is_empty() { "nobody".to_owned() } else { to.join(" ") };
        self.write(&format!("{channel} {place} {payload}{from} -> {to}"));
    }

    pub(super) fn name(people: &[Person], shard: u16, conn: ConnId) -> &str {
        let person = people.iter().find(|it| it.shard == shard && it.conn == conn);
        person.map_or("a stranger", |it| &it.name)
    }

    /// `None` for what is delivered at the end of the turn.
    pub(super) fn describe(effect: &Effect, shard: u16, people: &[Person]) -> Option<String> {
        let who = |conn: &ConnId| Self::name(people, shard, *conn).to_owned();
        Some(match effect {
            Effect::Tell { conn, event } => format!("{} <- {}", who(conn), tell(event)),
            Effect::Reply { conn, message } => format!("{} <- reply {}", who(conn), say(message)),
            Effect::Deliver { .. } => return None,
            Effect::Hold { conn } => format!("{} held", who(conn)),
            Effect::Release { conn } => format!("{} released", who(conn)),
            Effect::Close { conn, refusal } => format!("{} closed {}", who(conn), no(refusal)),
            Effect::Ping { conn } => format!("{} <- ping frame", who(conn)),
            Effect::Pause { conn } => format!("{} paused", who(conn)),
            Effect::Resume { conn } => format!("{} resumed", who(conn)),
            Effect::Authenticate { conn, token, refresh: false } => {
                format!("verify {token} of {}", who(conn))
            }
            Effect::Authenticate { conn, token, refresh: true } => {
                format!("verify newer {token} of {}", who(conn))
            }
            Effect::Ask { conn, ask: Ask::Connected } => format!("app <- {} connected", who(conn)),
            Effect::Ask { conn, ask: Ask::Said(it) } => {
                format!("app <- {} said {}", who(conn), say(it))
            }
            Effect::Ask { conn, ask: Ask::Disconnected } => {
                format!("app <- {} disconnected", who(conn))
            }
            Effect::Send { to, envelope } => format!("{shard} -> {} {}", to.0, send(envelope)),
            Effect::Conclude { ticket, outcome } => {
                format!("front {} <- {}", ticket.0, conclude(outcome))
            }
            Effect::Sing { text } => format!("{shard} sings {text}"),
            Effect::Ended { conn, lasted, left, .. } => {
                let stood = |it: &(ChannelName, Option<Placed>)| match it.1 {
                    Some(at) => format!(" {} {}", it.0, place(at)),
                    None => format!(" {}", it.0),
                };
                let is_it = |it: &&Person| it.shard == shard && it.conn == *conn;
                let has_session = people.iter().find(is_it).is_some_and(|it| it.has_session);
                let left: String = left.iter().map(stood).collect();
                let left = if has_session { format!(", leaving{left}") } else { String::new() };
                format!("{} ended after {}{left}", who(conn), seconds(*lasted))
            }
        })
    }
}

fn tell(event: &Event) -> String {
    match event {
        Event::Connected { id, user, session, resumed, .. } => {
            let user = user.as_ref().map_or("nobody", |it| it.as_str());
            let session = session.map_or(String::new(), |it| format!(", session {}", it.0));
            let resumed = if *resumed { " again" } else { "" };
            format!("{}connected as {user}{session}{resumed}", number(*id))
        }
        Event::Refreshed { id, expires_at } => format!("#{} refreshed until {expires_at}", id.0),
        Event::Subscribed { id, channel, at } => {
            format!("#{} subscribed {channel} after {}", id.0, place(*at))
        }
        Event::Unsubscribed { id, channel } => format!("#{} unsubscribed {channel}", id.0),
        Event::Published { id, channel, at } => {
            format!("#{} published {channel} {}", id.0, place(*at))
        }
        Event::Signalled { id, channel } => format!("#{} signalled {channel}", id.0),
        Event::Pong { id } => format!("#{} pong", id.0),
        Event::Gap { channel, from, to } => format!("gap {channel} {}..={}", from.0, to.0),
        Event::Expiring { expires_at, within } => {
            format!("expiring at {expires_at} in {}", seconds(*within))
        }
        Event::Refused { id, refusal } => format!("{}refused {}", number(*id), no(refusal)),
        Event::Closing { refusal } => format!("closing {}", no(refusal)),
    }
}

fn send(envelope: &Envelope) -> String {
    match envelope {
        Envelope::Publish { draft, .. } if draft.is_signal => {
            format!("signal {} {}", draft.channel, draft.payload)
        }
        Envelope::Publish { draft, .. } => format!("publish {} {}", draft.channel, draft.payload),
        Envelope::Follow { channel, .. } => format!("follow {channel}"),
        Envelope::Unfollow { channel, .. } => format!("unfollow {channel}"),
        Envelope::Followed { channel, at, .. } => {
            format!("followed {channel} after {}", place(*at))
        }
        Envelope::Forgot { .. } => "forgot".to_owned(),
        Envelope::FollowAll { channels, .. } => {
            let names: Vec<&str> = channels.iter().map(|it| it.0.as_str()).collect();
            format!("follow only {}", names.join(" "))
        }
        Envelope::FollowedAll { places } => {
            let text = |it: &(_, _, _)| format!("{} after {}", it.0, place(it.2));
            format!("followed {}", places.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Envelope::Published { publication } => match publication.kind {
            Kind::Message(at) => format!("published {} {}", publication.channel, place(at)),
            Kind::Signal => format!("signalled {}", publication.channel),
        },
        Envelope::Placed { channel, at, .. } => {
            format!("placed {channel} {}", at.map_or("nowhere".to_owned(), place))
        }
        Envelope::Canary { text } => format!("canary {text}"),
    }
}

fn conclude(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Placed(at) => format!("placed {}", at.map_or("nowhere".to_owned(), place)),
        Outcome::Described { members, head } => {
            format!("{members} members, head {}", head.map_or("unknown".to_owned(), place))
        }
        Outcome::Disconnected(count) => format!("disconnected {count}"),
    }
}

fn place(at: Placed) -> String {
    format!("{}/{}", at.epoch, at.offset.0)
}

fn no(refusal: &Refusal) -> String {
    let mut text = refusal.code.to_string();
    if let Some(wait) = refusal.retry_after {
        write!(text, " for {}", seconds(wait)).unwrap();
    }
    if let Some(message) = &refusal.message {
        write!(text, " ({message})").unwrap();
    }
    text
}

fn say(message: &Message) -> &str {
    match message {
        Message::Text(text) => text,
        Message::Binary(_) => "bytes",
    }
}

fn number(id: Option<RequestId>) -> String {
    id.map_or(String::new(), |it| format!("#{} ", it.0))
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_millis() as f64 / 1000.0)
}
