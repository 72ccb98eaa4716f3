//! Messages: sent once, told to the room, changed by their authors.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};

use crate::{
    command::Role,
    outcome::Audience,
    reactions, receipts,
    stop::{NO_MESSAGE, NOT_ALLOWED, Stop},
    timestamp::iso,
    turn::Turn,
    typing,
    users::User,
};

/// A message as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) channel: i64,
    pub(crate) user: User,
    pub(crate) reply_to: Option<i64>,
    pub(crate) content: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) replies: i64,
}

impl Message {
    /// All that any version of the client reads of one.
    pub(crate) fn to_json(&self, db: &Connection) -> rusqlite::Result<Value> {
        let status = receipts::status(db, self.id)?;
        Ok(json!({
            "id": self.id.to_string(),
            "content": self.content,
            "channelId": self.channel.to_string(),
            "userId": self.user.id,
            "replyToId": self.reply_to.map(|it| it.to_string()),
            "deliveryStatus": status,
            "isDelivered": status != "SENT",
            "isRead": status == "READ",
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "user": self.user.to_json(),
            "reactions": reactions::all(db, self.id)?,
            "hasReplies": 0 < self.replies,
            "_count": { "replies": self.replies },
        }))
    }
}

pub(crate) fn find(db: &Connection, id: i64) -> rusqlite::Result<Option<Message>> {
    let sql = "SELECT m.id, m.channel, u.id, u.name, u.image_url, m.reply_to, m.content,
                      m.created_at, m.updated_at,
                      (SELECT COUNT(*) FROM messages AS r WHERE r.reply_to = m.id)
               FROM messages AS m JOIN users AS u ON u.id = m.user WHERE m.id = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Message {
            id: row.get(0)?,
            channel: row.get(1)?,
            user: User::read(row, 2)?,
            reply_to: row.get(5)?,
            content: row.get(6)?,
            created_at: row.get(7)?,
            updated_at: row.get(8)?,
            replies: row.get(9)?,
        })
    };
    db.query_row(sql, [id], read).optional()
}

/// A message in a channel of the sender's. What others have is not there.
pub(crate) fn seen_by(turn: &Turn<'_>, id: i64) -> Result<Message, Stop> {
    let message = find(turn.db, id)?.ok_or(NO_MESSAGE)?;
    if turn.role_of(message.channel, &turn.user.id)?.is_none() {
        return Err(NO_MESSAGE);
    }
    Ok(message)
}

pub(crate) fn send(
    turn: &mut Turn<'_>,
    channel: i64,
    content: &str,
    temp_id: Option<&str>,
) -> Result<Value, Stop> {
    turn.member(channel)?;
    let (message, is_new) = keep(turn, channel, None, content, temp_id)?;
    let told = message.to_json(turn.db)?;
    // Before the room hears of it: the sender replaces what it shows by what it is told.
    let delivered = json!({
        "messageId": message.id.to_string(), "tempId": temp_id, "status": "DELIVERED",
        "processed": true,
    });
    turn.tell(Audience::Sender, "message:delivered", delivered);
    turn.tell(Audience::Sender, "message:sent", told.clone());
    if is_new {
        typing::stop(turn);
        let created = json!({ "message": told, "tempId": temp_id, "processed": true });
        turn.tell_channel(channel, "message:created", created);
    }
    Ok(told)
}

/// The message, and whether it was not there before.
pub(crate) fn keep(
    turn: &Turn<'_>,
    channel: i64,
    reply_to: Option<i64>,
    content: &str,
    temp_id: Option<&str>,
) -> Result<(Message, bool), Stop> {
    let said = turn.db.execute(
        "INSERT INTO messages (channel, user, reply_to, content, temp_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (user, temp_id) DO NOTHING",
        (channel, &turn.user.id, reply_to, content, temp_id, turn.now),
    )?;
    let id = if said == 1 {
        turn.db.last_insert_rowid()
    } else {
        let sql = "SELECT id FROM messages WHERE user = ?1 AND temp_id = ?2";
        turn.db.query_row(sql, (&turn.user.id, temp_id), |row| row.get(0))?
    };
    let message = find(turn.db, id)?.ok_or(NO_MESSAGE)?;
    if message.channel != channel || message.reply_to != reply_to {
        return Err(Stop::Refused("This tempId was used for another message"));
    }
    Ok((message, said == 1))
}

pub(crate) fn edit(turn: &mut Turn<'_>, id: i64, content: &str) -> Result<Value, Stop> {
    let message = seen_by(turn, id)?;
    if message.user.id != turn.user.id {
        return Err(NOT_ALLOWED);
    }
    turn.db.execute(
        "UPDATE messages SET content = ?1, updated_at = ?2 WHERE id = ?3",
        (content, turn.now, id),
    )?;
    let told = Message { content: content.to_owned(), updated_at: turn.now, ..message.clone() }
        .to_json(turn.db)?;
    let payload = superset(&told);
    turn.tell_channel(message.channel, "message:updated", payload);
    Ok(told)
}

/// Authors delete their own; whoever looks after the channel deletes any. Its thread goes with it.
pub(crate) fn delete(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    let message = seen_by(turn, id)?;
    if message.user.id != turn.user.id {
        turn.at_least(Role::Admin, message.channel)?;
    }
    turn.db.execute("DELETE FROM messages WHERE id = ?1", [id])?;
    let gone = json!({ "messageId": id.to_string(), "channelId": message.channel.to_string() });
    turn.tell_channel(message.channel, "message:deleted", gone.clone());
    Ok(gone)
}

/// For those who look for the message's fields, and those who look for the message.
fn superset(message: &Value) -> Value {
    let mut payload = message.clone();
    payload["message"] = message.clone();
    payload["processed"] = true.into();
    payload
}
