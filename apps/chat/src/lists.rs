//! What is read over HTTP: channels, their members and messages, and people.

use proto::Code;
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use crate::{
    channels,
    command::Kind,
    messages::{self, Message},
    presence::Here,
    timestamp::iso,
    users::User,
};

/// Of messages, at once. A few screens.
pub(crate) const PAGE_MAX: i64 = 100;

/// Of channels to discover and people found. Whoever is not among them is found by more letters.
const FOUND_MAX: i64 = 50;

/// Which part of a history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Span {
    /// The newest before this message; before none, the newest there are.
    Before(i64),
    /// The oldest after this message.
    After(i64),
}

/// Whoever may not see something is told what they would be told if it were not there.
type Seen = rusqlite::Result<Result<Value, Code>>;

pub(crate) fn channels_of(db: &Connection, user: &str) -> rusqlite::Result<Value> {
    let mut told = Vec::new();
    for channel in channels::of_user(db, user)? {
        let mut shown = channel.to_json();
        shown["role"] = role(db, channel.id, user)?.into();
        if channel.kind == Kind::Direct {
            shown["with"] = other(db, channel.id, user)?;
        }
        told.push(shown);
    }
    Ok(json!({ "channels": told }))
}

/// Public channels the user is not in, the newest first.
pub(crate) fn discover(db: &Connection, user: &str) -> rusqlite::Result<Value> {
    let mut found = db.prepare_cached(
        "SELECT id FROM channels AS c WHERE kind = 'PUBLIC'
           AND NOT EXISTS (SELECT 1 FROM members AS m WHERE m.channel = c.id AND m.user = ?1)
         ORDER BY id DESC LIMIT ?2",
    )?;
    let ids = found.query_map((user, FOUND_MAX), |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    let mut told = Vec::new();
    for id in ids {
        told.extend(channels::find(db, id)?.map(|it| it.to_json()));
    }
    Ok(json!({ "channels": told }))
}

pub(crate) fn channel(db: &Connection, user: &str, id: i64) -> Seen {
    let role = role(db, id, user)?;
    let Some(channel) = channels::find(db, id)?.filter(|_| role.is_some()) else {
        return Ok(Err(Code::Denied));
    };
    let mut shown = channel.to_json();
    shown["role"] = role.into();
    Ok(Ok(shown))
}

pub(crate) fn members(db: &Connection, here: &Here, user: &str, channel: i64) -> Seen {
    if role(db, channel, user)?.is_none() {
        return Ok(Err(Code::Denied));
    }
    let mut found = db.prepare_cached(
        "SELECT u.id, u.name, u.image_url, u.last_seen_at, m.role
         FROM members AS m JOIN users AS u ON u.id = m.user WHERE m.channel = ?1
         ORDER BY u.name, u.id",
    )?;
    let read = |row: &Row<'_>| {
        let mut shown = person(here, row)?;
        shown["role"] = row.get::<_, String>(4)?.into();
        shown["userId"] = shown["id"].clone();
        Ok(shown)
    };
    let members: Vec<Value> = found.query_map([channel], read)?.collect::<Result<_, _>>()?;
    Ok(Ok(json!({ "members": members })))
}

/// A channel's messages without those of threads, the oldest first.
pub(crate) fn messages(db: &Connection, user: &str, channel: i64, span: Span, limit: i64) -> Seen {
    if role(db, channel, user)?.is_none() {
        return Ok(Err(Code::Denied));
    }
    page(db, "channel = ?1 AND reply_to IS NULL", channel, span, limit).map(Ok)
}

/// The replies to a message, the oldest first.
pub(crate) fn replies(db: &Connection, user: &str, root: i64, span: Span, limit: i64) -> Seen {
    let channel = messages::find(db, root)?.map(|it: Message| it.channel);
    match channel {
        Some(channel) if role(db, channel, user)?.is_some() => {
            page(db, "reply_to = ?1", root, span, limit).map(Ok)
        }
        Some(_) | None => Ok(Err(Code::Denied)),
    }
}

fn page(db: &Connection, which: &str, of: i64, span: Span, limit: i64) -> rusqlite::Result<Value> {
    let (edge, from) = match span {
        Span::Before(id) => ("id < ?2 ORDER BY id DESC", id),
        Span::After(id) => ("?2 < id ORDER BY id", id),
    };
    let sql = format!("SELECT id FROM messages WHERE {which} AND {edge} LIMIT ?3");
    let mut found = db.prepare_cached(&sql)?;
    let ids = found.query_map((of, from, limit + 1), |row| row.get(0))?;
    let mut ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let has_more = limit < ids.len();
    ids.truncate(limit);
    ids.sort_unstable();
    let mut told = Vec::new();
    for id in ids {
        if let Some(message) = messages::find(db, id)? {
            told.push(message.to_json(db)?);
        }
    }
    Ok(json!({ "messages": told, "hasMore": has_more }))
}

/// People whose name holds the text, or whose id it is.
pub(crate) fn people(db: &Connection, here: &Here, text: &str) -> rusqlite::Result<Value> {
    let mut found = db.prepare_cached(
        r"SELECT id, name, image_url, last_seen_at FROM users
          WHERE is_active AND (name LIKE ?1 ESCAPE '\' OR id = ?2) ORDER BY name, id LIMIT ?3",
    )?;
    let pattern: String = text.chars().flat_map(escaped).collect();
    let pattern = format!("%{pattern}%");
    let read = |row: &Row<'_>| person(here, row);
    let found = found.query_map((pattern, text, FOUND_MAX), read)?;
    let users: Vec<Value> = found.collect::<Result<_, _>>()?;
    Ok(json!({ "users": users }))
}

/// A letter that LIKE takes for itself.
fn escaped(letter: char) -> impl Iterator<Item = char> {
    let mark = matches!(letter, '%' | '_' | '\\').then_some('\\');
    mark.into_iter().chain([letter])
}

fn person(here: &Here, row: &Row<'_>) -> rusqlite::Result<Value> {
    let user = User::read(row, 0)?;
    let last_seen_at: i64 = row.get(3)?;
    let mut shown = user.to_json();
    shown["isOnline"] = here.has(&user.id).into();
    shown["lastSeenAt"] = (0 < last_seen_at).then(|| iso(last_seen_at)).into();
    Ok(shown)
}

fn role(db: &Connection, channel: i64, user: &str) -> rusqlite::Result<Option<String>> {
    let mut found =
        db.prepare_cached("SELECT role FROM members WHERE channel = ?1 AND user = ?2")?;
    found.query_map((channel, user), |row| row.get(0))?.next().transpose()
}

/// Whom a direct conversation is with.
fn other(db: &Connection, channel: i64, user: &str) -> rusqlite::Result<Value> {
    let mut found = db.prepare_cached(
        "SELECT u.id, u.name, u.image_url FROM members AS m JOIN users AS u ON u.id = m.user
         WHERE m.channel = ?1 AND m.user != ?2",
    )?;
    let read = |row: &Row<'_>| User::read(row, 0).map(|it| it.to_json());
    Ok(found.query_map((channel, user), read)?.next().transpose()?.into())
}
