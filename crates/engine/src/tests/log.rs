//! The transcript: effects in words.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use proto::{
    ChannelName, ConnId, Cursor, Event, Kind, LogHead, Message, Notice, Page, Placed, Publication,
    Refusal, RequestId, Roll, Stand, Status, UnixMillis, UserId,
};

use super::play::Person;
use crate::{Ask, Effect, Envelope, Outcome, Seats, Task, Wish};

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
        let Publication { channel, kind, from, payload, time, .. } = publication;
        let place = match kind {
            Kind::Message(at) => at.offset.0.to_string(),
            Kind::Signal => "signal".to_owned(),
            Kind::Notice(it) => notice(it),
        };
        let from = from.as_ref().map_or(String::new(), |it| format!(" from {it}"));
        let to = if to.is_empty() { "nobody".to_owned() } else { to.join(" ") };
        // Before the clock has said anything, there is nothing to say of it.
        let at = if time.0 == 0 { String::new() } else { format!(" at {}", time.0) };
        let said = format!("{channel} {place} {payload}");
        self.write(&format!("{}{from}{at} -> {to}", said.trim_end()));
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
            Effect::Acknowledge { conn, reply, values } => {
                format!("{} <- acknowledge {} {}", who(conn), reply.0, values.json)
            }
            Effect::Deliver { .. } | Effect::Reached { .. } | Effect::CaughtUp { .. } => {
                return None;
            }
            Effect::Seated { conn, channel, at } => format!("{} {}", who(conn), sits(channel, *at)),
            Effect::Unseated { conn, channel } => format!("{} sits not in {channel}", who(conn)),
            Effect::Recovered { conn, places } => format!("{} {}", who(conn), goes_on(places)),
            Effect::Replay { conn, messages } => {
                let channel = &messages[0].channel;
                format!("{} <- replay {channel} {}", who(conn), said(messages))
            }
            Effect::Store(Task::Load { channel }) => format!("disk <- load {channel}"),
            Effect::Store(Task::Append { publication, .. }) => {
                format!(
                    "disk <- append {} {}",
                    publication.channel,
                    said(&[Arc::clone(publication)])
                )
            }
            Effect::Store(Task::Move { channel, moved }) => {
                let Cursor { delivered, read } = moved.cursor;
                let user = &moved.reader.user;
                format!("disk <- move {user} in {channel} to {}/{}", delivered.0, read.0)
            }
            Effect::Store(Task::Erase { channel, .. }) => format!("disk <- erase {channel}"),
            Effect::Store(Task::Find { channel, span, messages_max, .. }) => {
                format!("disk <- find {channel} {span:?} at most {messages_max}")
            }
            Effect::Store(Task::Locate { channel, row, .. }) => {
                format!("disk <- where was {channel} at row {row}")
            }
            Effect::TakeUp { conn, session } => format!("{} takes up {session:?}", who(conn)),
            Effect::Hold { conn } => format!("{} held", who(conn)),
            Effect::Release { conn } => format!("{} released", who(conn)),
            Effect::Close { conn, refusal } => format!("{} closed {}", who(conn), no(refusal)),
            Effect::Ping { conn, .. } => format!("{} <- ping frame", who(conn)),
            Effect::Pause { conn } => format!("{} paused", who(conn)),
            Effect::Resume { conn } => format!("{} resumed", who(conn)),
            Effect::Authenticate { conn, token, refresh: false } => {
                format!("verify {token} of {}", who(conn))
            }
            Effect::Authenticate { conn, token, refresh: true } => {
                format!("verify newer {token} of {}", who(conn))
            }
            Effect::Ask { conn, ask: it } => format!("app <- {} {}", who(conn), ask(it)),
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

fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Returned { rooms } => {
            let names: Vec<&str> = rooms.iter().map(|it| it.as_str()).collect();
            format!("returns to {}", names.join(" "))
        }
        Ask::Connected { recovered: false } => "connected".to_owned(),
        Ask::Connected { recovered: true } => "connected recovered".to_owned(),
        Ask::Said(it) => format!("said {}", say(it)),
        Ask::Disconnected => "disconnected".to_owned(),
    }
}

fn sits(channel: &ChannelName, at: Option<Placed>) -> String {
    format!("sits in {channel} from {}", at.map_or("somewhere".to_owned(), place))
}

fn goes_on(places: &[(ChannelName, Placed)]) -> String {
    let one = |it: &(ChannelName, Placed)| format!("{} after {}", it.0, place(it.1));
    format!("goes on in {}", places.iter().map(one).collect::<Vec<_>>().join(", "))
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
        Event::Subscribed { id, channel, stand } => {
            format!("{}subscribed {channel} after {}", number(*id), stands(stand))
        }
        Event::Resumed { id, channels, .. } => {
            let names: Vec<&str> = channels.iter().map(|it| it.as_str()).collect();
            format!("#{} resumed {}", id.0, names.join(" "))
        }
        Event::History { id, channel, page } => {
            format!("#{} history {channel} {}", id.0, part(page))
        }
        Event::Marked { id, channel, cursor, unread } => {
            format!("#{} marked {channel} {}", id.0, marks(*cursor, *unread))
        }
        Event::Unsubscribed { id, channel } => format!("#{} unsubscribed {channel}", id.0),
        Event::Published { id, channel, at } => {
            format!("#{} published {channel} {}", id.0, place(*at))
        }
        Event::Signalled { id, channel } => format!("#{} signalled {channel}", id.0),
        Event::Typing { id, channel, active: true } => format!("#{} types {channel}", id.0),
        Event::Typing { id, channel, active: false } => format!("#{} types not {channel}", id.0),
        Event::Presence { id, channel, roll } => format!("#{} in {channel} {}", id.0, list(roll)),
        Event::Status { id, status } => format!("#{} shown {}", id.0, status.as_str()),
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
        Envelope::FollowAll { channels, present, .. } => {
            let names: Vec<&str> = channels.iter().map(|it| it.0.as_str()).collect();
            let present = present.iter().flat_map(|(channel, all)| {
                all.iter().map(move |it| format!(", in {channel} {}", seats(it)))
            });
            format!("follow only {}{}", names.join(" "), present.collect::<String>())
        }
        Envelope::FollowedAll { places, .. } => {
            let text = |it: &(_, _, _)| format!("{} after {}", it.0, place(it.2));
            format!("followed {}", places.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Envelope::Published { publication, .. } => match publication.kind {
            Kind::Message(at) => format!("published {} {}", publication.channel, place(at)),
            Kind::Signal => format!("signalled {}", publication.channel),
            Kind::Notice(ref it) => format!("told {} {}", publication.channel, notice(it)),
        },
        Envelope::Typing { channel, user, active: true, .. } => format!("{user} types {channel}"),
        Envelope::Typing { channel, user, active: false, .. } => {
            format!("{user} types not {channel}")
        }
        Envelope::Present { channel, seats: it, .. } => format!("in {channel} {}", seats(it)),
        Envelope::Inquire { channel, .. } => format!("who is in {channel}"),
        Envelope::Informed { channel, roll, .. } => format!("in {channel} {}", list(roll)),
        Envelope::Placed { channel, at: Ok(at), .. } => {
            format!("placed {channel} {}", at.map_or("nowhere".to_owned(), place))
        }
        Envelope::Placed { channel, at: Err(refusal), .. } => {
            format!("not placed {channel} {}", no(refusal))
        }
        Envelope::NotFollowed { channel, refusal, .. } => {
            format!("not followed {channel} {}", no(refusal))
        }
        Envelope::Missed { channel } => format!("missed {channel}"),
        Envelope::Fetch { channel, wish, .. } => format!("fetch {channel} {}", wanted(wish)),
        Envelope::Fetched { channel, fetched: Ok(it), .. } => {
            format!("fetched {channel} {} after {}", said(&it.messages), it.from.0)
        }
        Envelope::Fetched { channel, fetched: Err(refusal), .. } => {
            format!("not fetched {channel} {}", no(refusal))
        }
        Envelope::Mark { channel, mark, .. } => {
            format!("mark {channel} {:?} {} of {}", mark.mark, mark.offset.0, mark.reader.user)
        }
        Envelope::Marked { channel, marked: Ok(it), .. } => {
            format!("marked {channel} {}", marks(it.cursor, it.unread))
        }
        Envelope::Marked { channel, marked: Err(refusal), .. } => {
            format!("not marked {channel} {}", no(refusal))
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
        Outcome::Read(page) => format!("read {}", part(page)),
        Outcome::Cursor(it) => marks(it.cursor, it.unread),
        Outcome::Present(roll) => list(roll),
        Outcome::Erased => "erased".to_owned(),
        Outcome::Refused(refusal) => format!("refused {}", no(refusal)),
    }
}

fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Typing { user, active: true } => format!("{user} types"),
        Notice::Typing { user, active: false } => format!("{user} types not"),
        Notice::Receipts(all) => {
            let one =
                |it: &(UserId, Cursor)| format!("{} {}/{}", it.0, it.1.delivered.0, it.1.read.0);
            format!("receipts {}", all.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        Notice::Presence(it) => {
            let mut words = vec!["presence".to_owned()];
            let word = |sign: &str, user: &UserId, status: &Status| match status {
                Status::Online => format!("{sign}{user}"),
                Status::Away | Status::Offline | Status::Custom(_) => {
                    format!("{sign}{user}({})", status.as_str())
                }
            };
            words.extend(it.joined.iter().map(|it| word("+", &it.0, &it.1)));
            words.extend(it.left.iter().map(|it| word("-", it, &Status::Online)));
            words.extend(it.changed.iter().map(|it| word("~", &it.0, &it.1)));
            words.push(format!("of {}", it.users));
            words.join(" ")
        }
    }
}

fn seats(seats: &Seats) -> String {
    let user = seats.user.as_ref().map_or("nobody", |it| it.as_str());
    let mut text = format!("{user} {}..{}", seats.was, seats.count);
    if seats.status != Status::Online {
        write!(text, " {}", seats.status.as_str()).unwrap();
    }
    if !seats.grace.is_zero() {
        write!(text, " for {}", seconds(seats.grace)).unwrap();
    }
    text
}

fn list(roll: &Roll) -> String {
    let millis = |it: Option<UnixMillis>| it.map_or("ever".to_owned(), |it| it.0.to_string());
    let one = |it: &proto::Person| match it.since {
        Some(since) => {
            let (user, status) = (&it.user, it.status.as_str());
            format!("{user} {status} since {} on {}, ", since.0, it.connections)
        }
        None => format!("{} {} since {}, ", it.user, it.status.as_str(), millis(it.last_seen)),
    };
    let users: String = roll.users.iter().map(one).collect();
    format!("{users}{} users, {} connections", roll.count, roll.connections)
}

fn wanted(wish: &Wish) -> String {
    match wish {
        Wish::Begin { start, .. } => format!("from {start:?}"),
        Wish::GoOn { after } => format!("on after {}", after.offset.0),
        Wish::Locate { position, .. } => format!("place at {position}"),
        Wish::Read { span, limit, .. } => format!("{span:?} at most {limit}"),
    }
}

fn stands(stand: &Stand) -> String {
    let mut text = place(stand.at);
    match (stand.recovered, stand.first) {
        (Some(true), _) => text.push_str(", recovered"),
        (Some(false), first) => {
            let first = first.map_or(0, |it| it.0);
            write!(text, ", not recovered, kept from {first}").unwrap();
        }
        (None, _) => {}
    }
    if let Some((cursor, unread)) = stand.cursor {
        write!(text, ", {}", marks(cursor, unread)).unwrap();
    }
    text
}

fn marks(cursor: Cursor, unread: u64) -> String {
    format!("delivered {} read {} unread {unread}", cursor.delivered.0, cursor.read.0)
}

fn part(page: &Page) -> String {
    let LogHead { at, first } = page.head;
    format!("{} of {}..={}", said(&page.messages), first.0, place(at))
}

fn said(messages: &[Arc<Publication>]) -> String {
    let one = |it: &Arc<Publication>| match it.kind {
        Kind::Message(at) => format!("{} {}", at.offset.0, it.payload),
        Kind::Signal | Kind::Notice(_) => format!("signal {}", it.payload),
    };
    let all: Vec<String> = messages.iter().map(one).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
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
        Message::Event { name, .. } => name,
        Message::Answer { .. } => "an answer",
    }
}

fn number(id: Option<RequestId>) -> String {
    id.map_or(String::new(), |it| format!("#{} ", it.0))
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_millis() as f64 / 1000.0)
}
