//! Someone who signs in, and what they may do.

use std::str::FromStr;

use proto::Identity;
use rusqlite::{
    Connection, OptionalExtension, Row,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};

/// A user as the database knows them.
///
/// Roles come from here alone. The tokens of this system carry only `user_id`, and a role that is
/// taken away here is gone at once, not when a token ends.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) full_name: String,
    pub(crate) role: Role,
    /// Who they are among the members, if they are one.
    pub(crate) member: Option<String>,
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
            id: row.get(0)?,
            username: row.get(1)?,
            full_name: row.get(2)?,
            role: row.get(3)?,
            member: row.get(4)?,
        })
    }
}

/// The number a token named. `None` if it is not one; then nobody here has it.
pub(crate) fn number(identity: Option<&Identity>) -> Option<i64> {
    identity?.user.as_str().parse().ok()
}

/// The user of this number, unless they may no longer sign in (R6).
pub(crate) fn find(db: &Connection, id: i64) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(
        "SELECT id, username, full_name, role, member_id FROM users WHERE id = ?1 AND active",
    )?
    .query_row([id], User::read)
    .optional()
}

pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<User>> {
    db.prepare("SELECT id, username, full_name, role, member_id FROM users WHERE active")?
        .query_map([], User::read)?
        .collect()
}

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
