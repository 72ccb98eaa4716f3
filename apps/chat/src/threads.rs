//! Threads: replies to one message. As closed as the channel that the message is in.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};

use crate::{
    messages::{Message, keep, seen_by},
    outcome::{Audience, Move, Room},
    stop::Stop,
    timestamp::iso,
    turn::Turn,
    typing,
};

/// The message that a thread began with, whichever of its messages was named.
fn root(turn: &Turn<'_>, thread: i64) -> Result<Message, Stop> {
    let message = seen_by(turn, thread)?;
    match message.reply_to {
        Some(root) => seen_by(turn, root),
        None => Ok(message),
    }
}

pub(crate) fn enter(turn: &mut Turn<'_>, thread: i64) -> Result<Value, Stop> {
    let thread = root(turn, thread)?.id;
    turn.moves.push(Move::Join(Room::Thread(thread)));
    let payload = told(turn, thread);
    turn.tell(Audience::Room(Room::Thread(thread)), "thread:joined", payload.clone());
    Ok(payload)
}

/// The channel in which a thread is, if there is one.
pub(crate) fn channel_of(db: &Connection, thread: i64) -> rusqlite::Result<Option<i64>> {
    let mut found = db.prepare_cached("SELECT channel FROM messages WHERE id = ?1")?;
    found.query_row([thread], |row| row.get(0)).optional()
}

/// Leaving is always possible: the thread may have gone first.
pub(crate) fn exit(turn: &mut Turn<'_>, thread: i64) -> Result<Value, Stop> {
    let thread = root(turn, thread).map_or(thread, |it| it.id);
    turn.moves.push(Move::Leave(Room::Thread(thread)));
    let payload = told(turn, thread);
    turn.tell(Audience::Sender, "thread:left", payload.clone());
    Ok(payload)
}

fn told(turn: &Turn<'_>, thread: i64) -> Value {
    let time = iso(turn.now);
    json!({ "threadId": thread.to_string(), "userId": turn.user.id, "timestamp": time })
}

pub(crate) fn reply(
    turn: &mut Turn<'_>,
    thread: i64,
    content: &str,
    temp_id: Option<&str>,
) -> Result<Value, Stop> {
    let root = root(turn, thread)?;
    let (message, is_new) = keep(turn, root.channel, Some(root.id), content, temp_id)?;
    let told = message.to_json(turn.db)?;
    let thread = root.id.to_string();
    let delivered = json!({
        "messageId": message.id.to_string(), "threadId": thread, "tempId": temp_id,
        "status": "DELIVERED", "processed": true,
    });
    turn.tell(Audience::Sender, "thread:reply:delivered", delivered);
    if is_new {
        typing::stop(turn);
        let created =
            json!({ "message": told, "threadId": thread, "tempId": temp_id, "processed": true });
        turn.tell(Audience::Room(Room::Thread(root.id)), "thread:reply:created", created);
        let updated = json!({
            "threadId": thread, "channelId": root.channel.to_string(),
            "replyCount": root.replies + 1, "lastReply": told, "processed": true,
        });
        turn.tell_channel(root.channel, "thread:updated", updated);
    }
    Ok(told)
}
