//! Arrivals and departures in the order of their commits: what a dashboard may have missed.
//!
//! The order is a number the database gives, not a time: a clock that jumps moves nothing (L10).

use rusqlite::{Connection, params};

use crate::check_in::{CheckIn, Direction};

/// Someone came or went, and it is on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its place among all changes, from 1.
    pub(crate) seq: i64,
    pub(crate) direction: Direction,
    /// As it was right after.
    pub(crate) check_in: CheckIn,
}

/// Changes kept, and so the most that are told again: more than a busy hour at one desk, and at
/// 1.5 kB for its two frames 150 kB. What is older is in the history over HTTP.
pub(crate) const KEPT_MAX: i64 = 100;

/// Writes down that this happened. To be committed with what happened.
pub(crate) fn record(
    tx: &Connection,
    direction: Direction,
    check_in: CheckIn,
) -> rusqlite::Result<Change> {
    tx.prepare_cached("INSERT INTO changes (check_in, is_arrival) VALUES (?1, ?2)")?
        .execute(params![check_in.id, direction == Direction::In])?;
    let seq = tx.last_insert_rowid();
    tx.prepare_cached("DELETE FROM changes WHERE seq <= ?1")?.execute([seq - KEPT_MAX])?;
    Ok(Change { seq, direction, check_in })
}

/// The number of the newest; 0 if there was none.
pub(crate) fn newest(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(seq), 0) FROM changes", [], |row| row.get(0))
}

/// What came after `seq`, oldest first; of more than [`KEPT_MAX`] the newest.
pub(crate) fn after(db: &Connection, seq: i64) -> rusqlite::Result<Vec<Change>> {
    let select = CheckIn::SELECT;
    let query = format!(
        "SELECT it.*, seq, is_arrival FROM changes
         JOIN ({select}) AS it ON it.id = check_in WHERE ?1 < seq ORDER BY seq"
    );
    let mut statement = db.prepare_cached(&query)?;
    let found = statement.query_map([seq], |row| {
        let mut check_in = CheckIn::read(row)?;
        let direction = if row.get(10)? { Direction::In } else { Direction::Out };
        if direction == Direction::In {
            check_in.check_out_time = None;
        }
        Ok(Change { seq: row.get(9)?, direction, check_in })
    })?;
    found.collect()
}
