//! A notification: to whom it goes, how it is stored, who has read it.

use proto::{ChannelName, UserId};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use serde::Serialize;

use crate::{
    draft::Draft,
    timestamp,
    user::{self, Role, User},
};

/// A notification as one user sees it: every field that the shipped client reads, including the two
/// about the recipient, without which its "mark all as read" misses some.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) message: String,
    /// One of [`KINDS`].
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// One of [`PRIORITIES`].
    pub(crate) priority: String,
    /// ISO 8601, UTC.
    pub(crate) timestamp: String,
    pub(crate) read: bool,
    pub(crate) action_url: Option<String>,
    pub(crate) action_text: Option<String>,
    /// `user`, `role` or `all`.
    pub(crate) recipient_type: String,
    /// A user's id, a role, or nothing for everyone.
    pub(crate) recipient_id: Option<String>,
}

pub(crate) const KINDS: [&str; 5] = ["info", "success", "warning", "error", "system"];
pub(crate) const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];

/// Unread notifications in a list frame, as the client has always been sent.
const LISTED_MAX: usize = 10;

/// Notifications of one user in an HTTP answer: what a page can show, at most about 300 kB.
const PAGE_MAX: usize = 100;

/// Notifications kept in all; the oldest go first. A hundred thousand are about 50 MB on disk, and
/// for this system's thousands of users more than anyone scrolls back.
const KEPT_MAX: i64 = 100_000;

/// To whom a notification goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Recipient {
    User(UserId),
    Role(Role),
    Everyone,
}

impl Recipient {
    pub(crate) fn channel(&self) -> ChannelName {
        match self {
            Self::User(id) => user::user_channel(id),
            Self::Role(role) => role.channel(),
            Self::Everyone => ChannelName::parse("notifications:all").expect("letters and a colon"),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Role(_) => "role",
            Self::Everyone => "all",
        }
    }

    fn id(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Role(role) => role.as_str().to_owned(),
            Self::Everyone => String::new(),
        }
    }
}

/// What marking came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Marked {
    /// Notifications of the user among those named.
    pub(crate) found: usize,
    /// Those of them that were not yet as asked.
    pub(crate) changed: usize,
}

/// What `:user` may see; whoever asks, and whatever they name (C5, A10).
const VISIBLE: &str = "((recipient_type = 'user' AND recipient_id = :user)
    OR (recipient_type = 'role' AND recipient_id = :role)
    OR (recipient_type = 'all' AND recipient_id = ''))";
const READ: &str = "EXISTS (SELECT 1 FROM reads WHERE user = :user AND notification_id = id)";

/// The newest unread, newest first.
pub(crate) fn unread(db: &Connection, user: &User) -> rusqlite::Result<Vec<Notice>> {
    select(db, user, &format!("NOT {READ}"), LISTED_MAX)
}

/// The newest, read or not, newest first.
pub(crate) fn newest(db: &Connection, user: &User) -> rusqlite::Result<Vec<Notice>> {
    select(db, user, "TRUE", PAGE_MAX)
}

/// One by its id, if this user may see it.
pub(crate) fn find(db: &Connection, user: &User, id: i64) -> rusqlite::Result<Option<Notice>> {
    Ok(select(db, user, &format!("id = {id}"), 1)?.pop())
}

/// Makes notifications read, or unread again. Those that are not the user's are passed over.
pub(crate) fn mark(
    db: &mut Connection,
    user: &User,
    ids: &[i64],
    read: bool,
) -> rusqlite::Result<Marked> {
    let mut marked = Marked::default();
    let transaction = db.transaction()?;
    for id in ids {
        if !is_visible(&transaction, user, *id)? {
            continue;
        }
        let change = match read {
            true => "INSERT OR IGNORE INTO reads (user, notification_id) VALUES (?1, ?2)",
            false => "DELETE FROM reads WHERE user = ?1 AND notification_id = ?2",
        };
        marked.found += 1;
        marked.changed += transaction.prepare_cached(change)?.execute((user.id.as_str(), id))?;
    }
    transaction.commit()?;
    Ok(marked)
}

/// Stores a notification, and lets the oldest go when there are too many.
pub(crate) fn add(db: &mut Connection, draft: &Draft) -> rusqlite::Result<Notice> {
    let (created_at, recipient_id) = (timestamp::iso(), draft.recipient.id());
    let transaction = db.transaction()?;
    transaction
        .prepare_cached(
            "INSERT INTO notifications (title, message, kind, priority, created_at, action_url,
                 action_text, recipient_type, recipient_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            &draft.title,
            &draft.message,
            draft.kind,
            draft.priority,
            &created_at,
            &draft.action_url,
            &draft.action_text,
            draft.recipient.kind(),
            &recipient_id,
        ))?;
    let id = transaction.last_insert_rowid();
    transaction
        .prepare_cached("DELETE FROM notifications WHERE id <= ?1")?
        .execute([id - KEPT_MAX])?;
    transaction.commit()?;
    Ok(Notice {
        id: id.to_string(),
        title: draft.title.clone(),
        message: draft.message.clone(),
        kind: draft.kind.to_owned(),
        priority: draft.priority.to_owned(),
        timestamp: created_at,
        read: false,
        action_url: draft.action_url.clone(),
        action_text: draft.action_text.clone(),
        recipient_type: draft.recipient.kind().to_owned(),
        recipient_id: Some(recipient_id).filter(|it| !it.is_empty()),
    })
}

fn is_visible(db: &Connection, user: &User, id: i64) -> rusqlite::Result<bool> {
    let sql = format!("SELECT 1 FROM notifications WHERE id = :id AND {VISIBLE}");
    let found = db
        .prepare_cached(&sql)?
        .query_row(
            named_params! {
                ":id": id, ":user": user.id.as_str(), ":role": user.role.as_str(),
            },
            |_| Ok(()),
        )
        .optional()?;
    Ok(found.is_some())
}

fn select(db: &Connection, user: &User, which: &str, most: usize) -> rusqlite::Result<Vec<Notice>> {
    let sql = format!(
        "SELECT id, title, message, kind, priority, created_at, {READ}, action_url, action_text,
             recipient_type, recipient_id
         FROM notifications WHERE {VISIBLE} AND {which} ORDER BY id DESC LIMIT {most}"
    );
    let seen_by: &[(&str, &dyn ToSql)] = named_params! {
        ":user": user.id.as_str(), ":role": user.role.as_str(),
    };
    db.prepare_cached(&sql)?.query_map(seen_by, from_row)?.collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Notice> {
    let recipient_id: String = row.get(10)?;
    Ok(Notice {
        id: row.get::<_, i64>(0)?.to_string(),
        title: row.get(1)?,
        message: row.get(2)?,
        kind: row.get(3)?,
        priority: row.get(4)?,
        timestamp: row.get(5)?,
        read: row.get(6)?,
        action_url: row.get(7)?,
        action_text: row.get(8)?,
        recipient_type: row.get(9)?,
        recipient_id: Some(recipient_id).filter(|it| !it.is_empty()),
    })
}
