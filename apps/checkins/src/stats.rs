//! How full the house is.

use rusqlite::Connection;
use serde::Serialize;

use crate::moment::Moment;

/// The three numbers on every dashboard, in the client's spelling (R80).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// Members in the house, whenever they came.
    pub(crate) currently_in: i64,
    /// Check-ins since midnight UTC.
    pub(crate) today_total: i64,
    /// Over the stays of today that have ended, rounded; 0 if there are none.
    pub(crate) average_stay_minutes: i64,
    pub(crate) timestamp: Moment,
}

pub(crate) fn read(db: &Connection, now: Moment) -> rusqlite::Result<Stats> {
    db.prepare_cached(
        "SELECT (SELECT count(*) FROM check_ins WHERE check_out_time IS NULL),
                count(*),
                CAST(coalesce(round(avg(check_out_time - check_in_time) / 60000), 0) AS INTEGER)
         FROM check_ins WHERE ?1 <= check_in_time",
    )?
    .query_row([now.midnight()], |row| {
        Ok(Stats {
            currently_in: row.get(0)?,
            today_total: row.get(1)?,
            average_stay_minutes: row.get(2)?,
            timestamp: now,
        })
    })
}
