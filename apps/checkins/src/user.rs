//! Someone who signs in, and what they may do.

use std::str::FromStr;

use app::claimed::id_in;
use proto::{Identity, UserId};
use rusqlite::{
    Connection, OptionalExtension, Row,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};

/// A user as the database remembers them.
///
/// Many tokens of this system carry only `user_id`; their user's role is the one remembered, from a
/// token that named it or from the seeds.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// No two users have the same.
    pub(crate) username: String,
    pub(crate) full_name: String,
    pub(crate) role: Role,
    /// When the token was issued that said so, in seconds since 1970; 0 if none did.
    pub(crate) role_stated_at: i64,
    /// Who they are among the members, if they are one.
    pub(crate) member: Option<String>,
    /// Not removed (R6).
    pub(crate) is_active: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Admin,
    Staff,
    Trainer,
    Member,
}

impl User {
    /// May check this member in and out?
    pub(crate) fn may_move(&self, member: &str) -> bool {
        self.may_move_all() || self.member.as_deref() == Some(member)
    }

    pub(crate) const fn may_move_all(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Staff)
    }

    /// The one member of whom they may read; `None` if they may read of all.
    pub(crate) fn sees_only(&self) -> Option<&str> {
        match self.role {
            Role::Admin | Role::Staff | Role::Trainer => None,
            // No member has the empty id, so who is no member sees nobody.
            Role::Member => Some(self.member.as_deref().unwrap_or("")),
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: id_in(&row.get::<_, String>(0)?).ok_or(rusqlite::Error::InvalidQuery)?,
            username: row.get(1)?,
            full_name: row.get(2)?,
            role: row.get(3)?,
            role_stated_at: row.get(4)?,
            member: row.get(5)?,
            is_active: row.get(6)?,
        })
    }
}

/// Whom a token named, as we keep them. `None` if nobody here can be called that.
pub(crate) fn id(identity: Option<&Identity>) -> Option<UserId> {
    id_in(identity?.user.as_str())
}

/// The user of this id, removed or not.
pub(crate) fn find(db: &Connection, id: &UserId) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?
        .query_row([id.as_str()], User::read)
        .optional()
}

/// The user of this id, unless they were removed.
pub(crate) fn active(db: &Connection, id: &UserId) -> rusqlite::Result<Option<User>> {
    Ok(find(db, id)?.filter(|it| it.is_active))
}

pub(crate) fn all_active(db: &Connection) -> rusqlite::Result<Vec<User>> {
    db.prepare(&format!("{SELECT} WHERE active"))?.query_map([], User::read)?.collect()
}

/// Removes a user, or takes them back. `false` if there is none with this id.
pub(crate) fn set_active(db: &Connection, id: &UserId, active: bool) -> rusqlite::Result<bool> {
    let found = db.execute("UPDATE users SET active = ?2 WHERE id = ?1", (id.as_str(), active))?;
    Ok(found == 1)
}

const SELECT: &str = "SELECT id, username, full_name, role, role_stated_at,
            (SELECT members.id FROM members WHERE user_id = users.id), active FROM users";

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Staff => "staff",
            Self::Trainer => "trainer",
            Self::Member => "member",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Admin, Self::Staff, Self::Trainer, Self::Member]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or(())
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|()| FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_fits_into_a_channels_name() {
        for text in ["7", "-7", "ann", "ann@gym.example", "018f-4c_x.Y", &"x".repeat(128)] {
            assert_eq!(id_in(text).unwrap().as_str(), text);
        }
        for text in ["", " 7", "a:b", "a/b", "*", "a{b}", "\u{ff19}", &"x".repeat(129)] {
            assert_eq!(id_in(text), None, "{text:?}");
        }
    }
}
