//! Who uses the system, and as what.

use proto::{ChannelName, UserId};
use rusqlite::{Connection, OptionalExtension};

/// A user as the database remembers them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// No two users have the same.
    pub(crate) username: String,
    pub(crate) role: Role,
    /// When the token was issued that said so, in seconds since 1970; 0 if none did.
    pub(crate) role_stated_at: i64,
    /// Not removed.
    pub(crate) is_active: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Admin,
    DepartmentAdmin,
    Advisor,
    Student,
}

impl User {
    /// The user with this id, removed or not.
    pub(crate) fn find(db: &Connection, id: &UserId) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached(
            "SELECT username, role, role_stated_at, is_active FROM users WHERE id = ?1",
        )?
        .query_row([id.as_str()], |row| {
            Ok(Self {
                id: id.clone(),
                username: row.get(0)?,
                role: role_in(row, 1)?,
                role_stated_at: row.get(2)?,
                is_active: row.get(3)?,
            })
        })
        .optional()
    }

    /// Removes a user, or takes them back. `false` if there is none with this id.
    pub(crate) fn set_active(
        db: &Connection,
        id: &UserId,
        is_active: bool,
    ) -> rusqlite::Result<bool> {
        let found = db
            .prepare_cached("UPDATE users SET is_active = ?2 WHERE id = ?1")?
            .execute((id.as_str(), is_active))?;
        Ok(found == 1)
    }

    /// Where everything for this user alone is published.
    pub(crate) fn channel(&self) -> ChannelName {
        user_channel(&self.id)
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

/// What the routes' `notifications:user:{user}` comes to. `id` comes from
/// [`app::claimed::id_in`].
pub(crate) fn user_channel(id: &UserId) -> ChannelName {
    ChannelName::parse(&format!("notifications:user:{id}"))
        .expect("an id is 128 characters of a channel's at most")
}

fn role_in(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Role> {
    let text: String = row.get(index)?;
    Role::parse(&text).ok_or(rusqlite::Error::IntegralValueOutOfRange(index, 0))
}

#[cfg(test)]
mod tests {
    use app::claimed::id_in;

    use super::*;

    #[test]
    fn an_id_is_what_fits_into_a_channels_name() {
        for text in ["7", "-7", "uma", "uma@harbour.example", "018f-4c_x.Y", &"x".repeat(128)] {
            let id = id_in(text).unwrap();
            assert_eq!(user_channel(&id).as_str(), format!("notifications:user:{text}"));
        }
        for text in ["", " 7", "a:b", "a/b", "*", "a{b}", "\u{ff19}", &"x".repeat(129)] {
            assert_eq!(id_in(text), None, "{text:?}");
        }
    }
}
