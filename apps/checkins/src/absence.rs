//! Dashboards in the file: who is there, who is away, and what each was shown.
//!
//! None of this waits for the disk. A process that is killed loses nothing it has written; if the
//! power fails, who was there is told a little more again, or only how things are now.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    changes::{self, Change},
    stated::unsynced,
};

/// Whose dashboard, and by what it is known again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) user: String,
    pub(crate) address: String,
    /// The token's own id, where it has one.
    pub(crate) token: Option<String>,
}

impl Place {
    /// May the other be the same dashboard?
    pub(crate) fn is_also(&self, other: &Self) -> bool {
        let has_its_token = self.token.is_some() && self.token == other.token;
        self.user == other.user && (self.address == other.address || has_its_token)
    }
}

/// Someone is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) row: i64,
    /// The last change that they have certainly been shown.
    pub(crate) shown: i64,
    /// The last that had happened when they left, and was on its way to them at least.
    pub(crate) told: i64,
    /// Who may be the same, and came before this was gone.
    pub(crate) successor: Option<i64>,
}

/// Someone came, perhaps back.
#[derive(Debug)]
pub(crate) struct Return {
    pub(crate) row: i64,
    /// The last change they had been shown before.
    pub(crate) began_at: i64,
    pub(crate) missed: Vec<Change>,
}

/// All that were there have been away since their process ended; answers everyone who is away.
pub(crate) fn all_begin(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    db.execute_batch(
        "DELETE FROM dashboards WHERE claimed_by IS NOT NULL;
         UPDATE dashboards SET is_away = 1, is_owed = 0,
             shown = iif(is_owed, shown, max(shown, (SELECT seq FROM shown)))
         WHERE NOT is_away;
         UPDATE dashboards SET told = shown WHERE told < shown;",
    )?;
    db.prepare("SELECT id FROM dashboards ORDER BY id")?.query_map([], |row| row.get(0))?.collect()
}

/// This one is away. What it had taken over is settled, and it may have been taken over itself.
pub(crate) fn begin(db: &Connection, left: Left, forgotten: &[i64]) -> rusqlite::Result<()> {
    let Left { row, shown, told, successor } = left;
    unsynced(db, || {
        let tx = db.unchecked_transaction()?;
        forget(&tx, forgotten)?;
        tx.prepare_cached("DELETE FROM dashboards WHERE claimed_by = ?1")?.execute([row])?;
        tx.prepare_cached(
            "UPDATE dashboards SET is_away = 1, is_owed = 0, shown = ?2, told = ?3, claimed_by =
                 (SELECT id FROM dashboards WHERE id = ?4 AND NOT is_away)
             WHERE id = ?1",
        )?
        .execute(params![row, shown, told, successor])?;
        tx.commit()
    })
}

/// Someone is at this place: whoever was there before has returned, or somebody new has come.
///
/// `quiet` is what was shown to those who are there but may have been cut off.
pub(crate) fn end(
    db: &Connection,
    place: &Place,
    forgotten: &[i64],
    quiet: Option<i64>,
) -> rusqlite::Result<Return> {
    unsynced(db, || {
        let tx = db.unchecked_transaction()?;
        forget(&tx, forgotten)?;
        let (newest, shown) = (changes::newest(&tx)?, shown_before(&tx, place)?);
        let began_at = [shown, quiet].into_iter().flatten().min().unwrap_or(newest);
        let missed = changes::after(&tx, began_at)?;
        tx.prepare_cached(
            "INSERT INTO dashboards (user_id, address, token_id, shown, told, is_owed)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        )?
        .execute(params![
            place.user,
            place.address,
            place.token,
            began_at,
            !missed.is_empty()
        ])?;
        let row = tx.last_insert_rowid();
        claim(&tx, place, row)?;
        tx.commit()?;
        Ok(Return { row, began_at, missed })
    })
}

/// What this one was told again when it came has been shown.
pub(crate) fn settle(db: &Connection, row: i64, settled: i64) -> rusqlite::Result<usize> {
    let sql = "UPDATE dashboards SET is_owed = 0, shown = max(shown, ?2)
               WHERE id = ?1 AND NOT is_away";
    unsynced(db, || db.prepare_cached(sql)?.execute([row, settled]))
}

/// Everyone who is there has been shown this.
pub(crate) fn settle_all(db: &Connection, settled: i64) -> rusqlite::Result<usize> {
    let sql = "UPDATE shown SET seq = max(seq, ?1)";
    unsynced(db, || db.prepare_cached(sql)?.execute([settled]))
}

/// Several may have left this place, at different times, and nobody can say which of them this is:
/// it is told from where the first of them left. Once all are back, one more may still be one
/// whose absence a newly opened page has taken; so it is told like that page.
fn shown_before(db: &Connection, place: &Place) -> rusqlite::Result<Option<i64>> {
    for claimed in ["IS NULL", "IS NOT NULL"] {
        let sql = format!(
            "SELECT min(iif(token_id IS ?3, shown, told)) FROM dashboards
             {AT} AND +claimed_by {claimed}"
        );
        let first: Option<i64> = db
            .prepare_cached(&sql)?
            .query_row(params![place.user, place.address, place.token], |row| row.get(0))?;
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

/// One absence is over with each return: the latest, so that whoever left first still finds theirs.
fn claim(db: &Connection, place: &Place, row: i64) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT id FROM dashboards {AT} AND +claimed_by IS NULL
         ORDER BY shown DESC, id DESC LIMIT 1"
    );
    let latest: Option<i64> = db
        .prepare_cached(&sql)?
        .query_row(params![place.user, place.address, place.token], |row| row.get(0))
        .optional()?;
    if let Some(latest) = latest {
        db.prepare_cached("UPDATE dashboards SET claimed_by = ?2 WHERE id = ?1")?
            .execute([latest, row])?;
    }
    Ok(())
}

fn forget(db: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM dashboards WHERE id = ?1")?;
    rows.iter().try_for_each(|it| delete.execute([it]).map(drop))
}

/// Found by the user, of whom there are few rows; a `+` keeps the other index out of it.
const AT: &str = "WHERE user_id = ?1 AND (address = ?2 OR token_id = ?3) AND is_away";
