//! Reactions: one of each kind from each user.

use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use crate::{messages::seen_by, stop::Stop, timestamp::iso, turn::Turn, users::User};

/// Kinds of reaction to one message. People's imagination ends at a dozen; each is told with the
/// message for ever.
const KINDS_MAX: i64 = 50;

pub(crate) fn add(turn: &mut Turn<'_>, message: i64, kind: &str) -> Result<Value, Stop> {
    let channel = seen_by(turn, message)?.channel;
    let sql = "SELECT COUNT(*) FROM (SELECT DISTINCT kind FROM reactions
               WHERE message = ?1 AND kind != ?2)";
    let others: i64 = turn.db.query_row(sql, (message, kind), |row| row.get(0))?;
    if KINDS_MAX <= others {
        return Err(Stop::Refused("Too many kinds of reaction"));
    }
    turn.db.execute(
        "INSERT INTO reactions (message, user, kind, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        (message, &turn.user.id, kind, turn.now),
    )?;
    // Also if it was there: a client may have done the same over HTTP, and now announces it.
    let payload = told(turn, message, kind);
    turn.tell_channel(channel, "reaction:added", payload.clone());
    turn.tell_channel(channel, "message:reaction:added", payload.clone());
    Ok(payload)
}

pub(crate) fn remove(turn: &mut Turn<'_>, message: i64, kind: &str) -> Result<Value, Stop> {
    let channel = seen_by(turn, message)?.channel;
    turn.db.execute(
        "DELETE FROM reactions WHERE message = ?1 AND user = ?2 AND kind = ?3",
        (message, &turn.user.id, kind),
    )?;
    let payload = told(turn, message, kind);
    turn.tell_channel(channel, "reaction:removed", payload.clone());
    turn.tell_channel(channel, "message:reaction:removed", payload.clone());
    Ok(payload)
}

/// Flat for one half of the client, wrapped for the other.
fn told(turn: &Turn<'_>, message: i64, kind: &str) -> Value {
    let reaction = shown(message, kind, turn.user, turn.now);
    let mut payload = reaction.clone();
    payload["emoji"] = kind.into();
    payload["reaction"] = reaction;
    payload["reaction"]["timestamp"] = iso(turn.now).into();
    payload["processed"] = true.into();
    payload
}

fn shown(message: i64, kind: &str, user: &User, created_at: i64) -> Value {
    json!({
        "id": format!("{message}-{}-{kind}", user.id),
        "type": kind,
        "messageId": message.to_string(),
        "userId": user.id,
        "user": user.to_json(),
        "createdAt": iso(created_at),
    })
}

/// All there are to a message, the earliest first.
pub(crate) fn all(db: &Connection, message: i64) -> rusqlite::Result<Vec<Value>> {
    let mut found = db.prepare_cached(
        "SELECT u.id, u.name, u.image_url, r.kind, r.created_at
         FROM reactions AS r JOIN users AS u ON u.id = r.user
         WHERE r.message = ?1 ORDER BY r.created_at, u.id, r.kind",
    )?;
    let read = |row: &Row<'_>| {
        let (kind, created_at): (String, i64) = (row.get(3)?, row.get(4)?);
        Ok(shown(message, &kind, &User::read(row, 0)?, created_at))
    };
    found.query_map([message], read)?.collect()
}
