//! Who uses the system, and as what.

use proto::{ChannelName, UserId};
use rusqlite::{Connection, OptionalExtension};

/// A user who exists and is active.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Admin,
    DepartmentAdmin,
    Advisor,
    Student,
}

impl User {
    /// The user with this id, if there is one who may still sign in.
    pub(crate) fn active(db: &Connection, id: i64) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached("SELECT id, username, role FROM users WHERE id = ?1 AND is_active")?
            .query_row([id], |row| {
                Ok(Self { id: row.get(0)?, username: row.get(1)?, role: role_in(row, 2)? })
            })
            .optional()
    }

    /// Where everything for this user alone is published.
    pub(crate) fn channel(&self) -> ChannelName {
        user_channel(self.id)
    }

    /// As the gateway knows them.
    pub(crate) fn user_id(&self) -> UserId {
        UserId::parse(&self.id.to_string()).expect("digits are few and not none")
    }
}

impl Role {
    const ALL: [Self; 4] = [Self::Admin, Self::DepartmentAdmin, Self::Advisor, Self::Student];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::DepartmentAdmin => "DepartmentAdmin",
            Self::Advisor => "Advisor",
            Self::Student => "Student",
        }
    }

    /// Sees every project and the system's health, and writes to anyone.
    pub(crate) const fn administers(self) -> bool {
        match self {
            Self::Admin | Self::DepartmentAdmin => true,
            Self::Advisor | Self::Student => false,
        }
    }

    pub(crate) fn channel(self) -> ChannelName {
        ChannelName::parse(&format!("notifications:role:{}", self.as_str()))
            .expect("role names are letters")
    }
}

pub(crate) fn user_channel(id: i64) -> ChannelName {
    ChannelName::parse(&format!("notifications:user:{id}")).expect("ids are digits")
}

/// An id as it stands in paths, claims and messages: decimal, positive, without sign or leading
/// zero, so that one id has one spelling and therefore one channel.
pub(crate) fn id_in(text: &str) -> Option<i64> {
    text.parse().ok().filter(|it: &i64| 0 < *it && it.to_string() == text)
}

fn role_in(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Role> {
    let text: String = row.get(index)?;
    Role::parse(&text).ok_or(rusqlite::Error::IntegralValueOutOfRange(index, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!(id_in("7"), Some(7));
        for text in ["", "0", "-7", "+7", "07", " 7", "7.0", "seven", "９", "9223372036854775808"]
        {
            assert_eq!(id_in(text), None, "{text:?}");
        }
    }
}
