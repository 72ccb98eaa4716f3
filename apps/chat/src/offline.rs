//! What somebody missed while they were away, told to the socket with which they return.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{messages, outcome::Audience, stop::Stop, turn::Turn};

/// Messages that are told to whoever returns, the oldest first. More than that is a history to
/// read, over HTTP.
const TOLD_MAX: usize = 100;

/// In bytes of JSON, so that they fit what may wait for a socket several times over.
const TOLD_BYTES_MAX: usize = 128 * 1024;

/// Messages of each channel that are looked through, the newest. A client that never says what it
/// received has all of them looked through each time it comes.
const LOOKED_MAX: i64 = 200;

/// Tells the returning socket how much it missed, and the messages themselves, as if they came now.
pub(crate) fn hand_over(turn: &mut Turn<'_>) -> Result<(), Stop> {
    let missed = missed(turn.db, &turn.user.id)?;
    if missed.is_empty() {
        return Ok(());
    }
    let count = json!({ "count": missed.len(), "processed": true });
    turn.tell(Audience::Sender, "message:offline", count);
    let mut bytes = 0;
    for id in missed.into_iter().take(TOLD_MAX) {
        let Some(message) = messages::find(turn.db, id)? else { continue };
        let told = message.to_json(turn.db)?;
        bytes += told.to_string().len();
        if TOLD_BYTES_MAX < bytes {
            break;
        }
        let (event, payload) = as_it_came(&told, message.reply_to);
        turn.tell(Audience::Sender, event, payload);
    }
    Ok(())
}

fn as_it_came(told: &Value, thread: Option<i64>) -> (&'static str, Value) {
    let mut payload = json!({ "message": told, "tempId": null, "processed": true });
    let Some(thread) = thread else { return ("message:created", payload) };
    payload["threadId"] = thread.to_string().into();
    ("thread:reply:created", payload)
}

/// Messages of others that have not reached a user, the oldest first.
pub(crate) fn missed(db: &Connection, user: &str) -> rusqlite::Result<Vec<i64>> {
    let mut channels =
        db.prepare_cached("SELECT channel, caught_up FROM members WHERE user = ?1")?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let channels: Vec<(i64, i64)> = channels.query_map([user], read)?.collect::<Result<_, _>>()?;
    let mut missed = Vec::new();
    for (channel, caught_up) in channels {
        missed.extend(missed_in(db, user, channel, caught_up)?);
    }
    missed.sort_unstable();
    Ok(missed)
}

/// Remembers how far a channel need not be looked through again.
fn missed_in(
    db: &Connection,
    user: &str,
    channel: i64,
    caught_up: i64,
) -> rusqlite::Result<Vec<i64>> {
    let mut found = db.prepare_cached(
        "SELECT id, user != ?2 AND NOT EXISTS
                    (SELECT 1 FROM receipts AS r WHERE r.message = m.id AND r.user = ?2)
         FROM messages AS m WHERE channel = ?1 AND ?3 < id ORDER BY id DESC LIMIT ?4",
    )?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let looked: Vec<(i64, bool)> =
        found.query_map((channel, user, caught_up, LOOKED_MAX), read)?.collect::<Result<_, _>>()?;
    let newest = looked.first().map_or(caught_up, |it| it.0);
    let missed: Vec<i64> = looked.into_iter().filter(|it| it.1).map(|it| it.0).collect();
    let caught_up_to = missed.last().map_or(newest, |it| it - 1);
    if caught_up < caught_up_to {
        db.prepare_cached("UPDATE members SET caught_up = ?3 WHERE channel = ?1 AND user = ?2")?
            .execute((channel, user, caught_up_to))?;
    }
    Ok(missed)
}
