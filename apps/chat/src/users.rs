//! Who people are, as their tokens said when they were last here.

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

pub(crate) fn remember(db: &Connection, user: &User, now: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO users (id, name, image_url, last_seen_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET name = ?2, image_url = ?3, last_seen_at = ?4",
        (&user.id, &user.name, &user.image_url, now),
    )?;
    Ok(())
}

pub(crate) fn is_known(db: &Connection, id: &str) -> rusqlite::Result<bool> {
    let found = db.query_row("SELECT 1 FROM users WHERE id = ?1", [id], |_| Ok(())).optional()?;
    Ok(found.is_some())
}
