//! What becomes of a verified token's word here: who is known, as what, and who was removed.

use app::claimed::{Claimed, Word};
use proto::Identity;
use rusqlite::Connection;

use crate::user::{self, Role, User};

/// A token's claims about its user, with a role of ours.
#[derive(Clone, Debug)]
pub(crate) struct Stated {
    claimed: Claimed,
    /// `None` if the token names no role that there is here.
    role: Option<Role>,
}

/// How a token and what is remembered go together.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    Known(User),
    /// A newer token has said another role (an old one must not bring it back).
    Outdated,
    Removed,
}

impl Stated {
    /// `None` if the user's id cannot be part of a channel's name.
    pub(crate) fn parse(identity: &Identity) -> Option<Self> {
        let claimed = Claimed::parse(identity)?;
        let role = claimed.role.as_deref().and_then(|it| it.parse().ok());
        Some(Self { claimed, role })
    }

    /// Writes what is new, and answers where that leaves the user.
    pub(crate) fn settle(&self, db: &Connection) -> rusqlite::Result<Standing> {
        let Some(mut user) = user::find(db, &self.claimed.id)? else {
            return Ok(Standing::Known(self.remember(db)?));
        };
        let Some(role) = self.role else { return Ok(standing(user)) };
        if !user.is_active {
            return Ok(Standing::Removed);
        }
        let has_changed = role != user.role;
        match self.claimed.weigh(user.role_stated_at, !has_changed) {
            Word::Same => return Ok(Standing::Known(user)),
            Word::Outdated => return Ok(Standing::Outdated),
            Word::Newer => {}
        }
        let (id, issued_at) = (self.claimed.id.as_str(), self.claimed.issued_at);
        let write = || {
            db.prepare_cached("UPDATE users SET role = ?2, role_stated_at = ?3 WHERE id = ?1")?
                .execute((id, role.as_str(), issued_at))
        };
        if has_changed {
            write()?
        } else {
            unsynced(db, write)?
        };
        (user.role, user.role_stated_at) = (role, issued_at);
        Ok(Standing::Known(user))
    }

    /// Makes the row of a user who is here for the first time. Who says no role gets the one that
    /// may do least.
    fn remember(&self, db: &Connection) -> rusqlite::Result<User> {
        let claimed = &self.claimed;
        let (id, role) = (claimed.id.as_str(), self.role.unwrap_or(Role::Member));
        let stated_at = self.role.map_or(0, |_| claimed.issued_at);
        let mut names = claimed.usernames();
        loop {
            let name = names.next().expect("there is always another name");
            let full_name = claimed.full_name.as_ref().unwrap_or(&name);
            unsynced(db, || {
                db.prepare_cached(
                    "INSERT INTO users (id, username, full_name, email, role, role_stated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )?
                .execute((
                    id,
                    &name,
                    full_name,
                    &claimed.email,
                    role.as_str(),
                    stated_at,
                ))
            })?;
            if let Some(user) = user::find(db, &claimed.id)? {
                return Ok(user);
            }
        }
    }
}

/// Does not wait until the disk has it: 0.07 instead of 3 ms, when thousands come at once with new
/// tokens. What the power takes with it the next token says again, and whatever is written
/// otherwise brings to the disk all that was written before.
pub(crate) fn unsynced<T>(
    db: &Connection,
    write: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute_batch("PRAGMA synchronous = NORMAL")?;
    let written = write();
    db.execute_batch("PRAGMA synchronous = FULL")?;
    written
}

fn standing(user: User) -> Standing {
    if user.is_active { Standing::Known(user) } else { Standing::Removed }
}
