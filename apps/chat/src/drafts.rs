//! What somebody has begun to write, on all of their devices.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use crate::{outcome::Audience, stop::Stop, timestamp::iso, turn::Turn};

/// The later draft stays, by the time at which it was written. A device with a clock of its own
/// century is brought back to now, or nobody could write a later one.
pub(crate) fn sync(
    turn: &mut Turn<'_>,
    channel: i64,
    content: &str,
    device: &str,
    written_at: Option<i64>,
) -> Result<Value, Stop> {
    turn.member(channel)?;
    let written_at = written_at.unwrap_or(turn.now).min(turn.now);
    let is_later = turn.db.execute(
        "INSERT INTO drafts (user, channel, content, device, written_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET content = ?3, device = ?4, written_at = ?5
         WHERE written_at <= ?5",
        (&turn.user.id, channel, content, device, written_at),
    )? == 1;
    let stands = of(turn, channel)?;
    if is_later {
        turn.tell(Audience::Elsewhere, "draft:sync", stands.clone());
    }
    Ok(stands)
}

fn of(turn: &Turn<'_>, channel: i64) -> rusqlite::Result<Value> {
    let sql = "SELECT content, device, written_at FROM drafts WHERE user = ?1 AND channel = ?2";
    let found = turn.db.query_row(sql, (&turn.user.id, channel), |row| {
        let (content, device, written_at): (String, String, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(json!({
            "channelId": channel.to_string(), "content": content, "deviceId": device,
            "timestamp": written_at, "writtenAt": iso(written_at),
        }))
    });
    Ok(found.optional()?.unwrap_or(Value::Null))
}

/// Where somebody is in a list, told to their other devices and forgotten.
pub(crate) fn scroll(turn: &mut Turn<'_>, position: &Value) -> Value {
    turn.tell(Audience::Elsewhere, "scroll:sync", position.clone());
    Value::Null
}
