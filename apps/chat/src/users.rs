//! Who people are, as their tokens said when they were last here, and who was removed.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde_json::{Value, json};

/// Somebody with a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The token's subject.
    pub id: String,
    /// What others see.
    pub name: String,
    /// A picture, if there is one.
    pub image_url: Option<String>,
}

impl User {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "imageUrl": self.image_url })
    }

    /// From three columns, the first of which is given.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(first)?, name: row.get(first + 1)?, image_url: row.get(first + 2)? })
    }
}

/// Makes or renews a user's row. Writes nothing that is there already.
pub(crate) fn remember(db: &Connection, user: &User) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO users (id, name, image_url) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET name = ?2, image_url = ?3
         WHERE name != ?2 OR image_url IS NOT ?3",
    )?
    .execute((&user.id, &user.name, &user.image_url))?;
    Ok(())
}

/// Somebody came or went.
pub(crate) fn see(db: &Connection, user: &User, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE users SET last_seen_at = ?2 WHERE id = ?1")?
        .execute((&user.id, now))?;
    Ok(())
}

/// Whether there is such a user, and they were not removed.
pub(crate) fn is_known(db: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(is_active(db, id)? == Some(true))
}

/// `None` if nobody of this name has been here.
pub(crate) fn is_active(db: &Connection, id: &str) -> rusqlite::Result<Option<bool>> {
    let mut found = db.prepare_cached("SELECT is_active FROM users WHERE id = ?1")?;
    found.query_row([id], |row| row.get(0)).optional()
}

/// Removes a user, or takes them back. Answers whether there is one.
pub(crate) fn set_active(db: &Connection, id: &str, is_active: bool) -> rusqlite::Result<bool> {
    let sql = "UPDATE users SET is_active = ?2 WHERE id = ?1";
    Ok(db.execute(sql, (id, is_active))? == 1)
}
