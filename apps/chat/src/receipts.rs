//! Whom a message has reached, and who has read it.

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use crate::{
    messages::seen_by, offline, outcome::Audience, stop::Stop, timestamp::iso, turn::Turn,
};

/// How far a message has come: SENT until somebody else has it, READ once somebody has read it.
pub(crate) fn status(db: &Connection, message: i64) -> rusqlite::Result<&'static str> {
    let sql = "SELECT COUNT(*), COUNT(read_at) FROM receipts WHERE message = ?1";
    let (delivered, read): (i64, i64) =
        db.query_row(sql, [message], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(match (delivered, read) {
        (0, _) => "SENT",
        (_, 0) => "DELIVERED",
        (_, _) => "READ",
    })
}

/// The author hears of it, once for each reader. Authors have their own messages anyway.
pub(crate) fn receive(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    let message = seen_by(turn, id)?;
    let is_news = message.user.id != turn.user.id
        && turn.db.execute(
            "INSERT INTO receipts (message, user, delivered_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            (id, &turn.user.id, turn.now),
        )? == 1;
    if is_news {
        let payload = reached(turn, id, message.channel, "DELIVERED");
        turn.tell(Audience::User(message.user.id), "message:status", payload);
    }
    Ok(reached(turn, id, message.channel, status(turn.db, id)?))
}

/// The channel hears of it, once for each reader.
pub(crate) fn read(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    let message = seen_by(turn, id)?;
    let is_news = message.user.id != turn.user.id
        && turn.db.execute(
            "INSERT INTO receipts (message, user, delivered_at, read_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT DO UPDATE SET read_at = ?3 WHERE read_at IS NULL",
            (id, &turn.user.id, turn.now),
        )? == 1;
    if is_news {
        let payload = reached(turn, id, message.channel, "READ");
        turn.tell(Audience::User(message.user.id), "message:status", payload.clone());
        let mut receipt = payload;
        receipt["readReceipt"] = json!({
            "messageId": id.to_string(), "userId": turn.user.id,
            "channelId": message.channel.to_string(), "readAt": iso(turn.now),
            "user": turn.user.to_json(),
        });
        turn.tell_channel(message.channel, "message:read", receipt);
    }
    Ok(reached(turn, id, message.channel, status(turn.db, id)?))
}

fn reached(turn: &Turn<'_>, id: i64, channel: i64, status: &str) -> Value {
    json!({
        "messageId": id.to_string(), "channelId": channel.to_string(), "userId": turn.user.id,
        "status": status,
    })
}

pub(crate) fn of(turn: &Turn<'_>, id: i64) -> Result<Value, Stop> {
    seen_by(turn, id)?;
    let mut found = turn.db.prepare_cached(
        "SELECT user, delivered_at, read_at FROM receipts WHERE message = ?1 ORDER BY user",
    )?;
    let read = |row: &Row<'_>| {
        let (user, delivered_at): (String, i64) = (row.get(0)?, row.get(1)?);
        let read_at: Option<i64> = row.get(2)?;
        Ok(json!({
            "userId": user, "deliveredAt": iso(delivered_at), "readAt": read_at.map(iso),
        }))
    };
    let receipts: Vec<Value> = found.query_map([id], read)?.collect::<Result<_, _>>()?;
    let status = status(turn.db, id)?;
    Ok(json!({ "messageId": id.to_string(), "status": status, "receipts": receipts }))
}

/// How many messages of others have not reached this user.
pub(crate) fn offline_count(turn: &Turn<'_>) -> Result<Value, Stop> {
    Ok(json!({ "count": offline::missed(turn.db, &turn.user.id)?.len() }))
}
