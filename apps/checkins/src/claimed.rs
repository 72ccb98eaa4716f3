//! What a verified token says of its user, and what becomes of it here.
//!
//! The issuer of the tokens says who exists and what they are. The database remembers it, and knows
//! who was removed.

use proto::{Identity, UserId};
use rusqlite::Connection;
use serde_json::{Map, Value};

use crate::user::{self, Role, User};

/// A token's claims about its user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claimed {
    id: UserId,
    username: Option<String>,
    full_name: Option<String>,
    email: String,
    /// `None` if the token names no role of ours.
    role: Option<Role>,
    /// `iat`, in seconds since 1970; 0 if the token does not say.
    issued_at: i64,
}

/// How a token and what is remembered go together.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    Known(User),
    /// A newer token has said another role (an old one must not bring it back).
    Outdated,
    Removed,
}

/// Of names and addresses, in characters, as Django has it.
const TEXT_MAX: usize = 254;

impl Claimed {
    /// `None` if the user's id cannot be part of a channel's name.
    pub(crate) fn parse(identity: &Identity) -> Option<Self> {
        let claims: Map<String, Value> = serde_json::from_str(&identity.claims).unwrap_or_default();
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let short = |name: &str| text(name).filter(|it| is_short(it)).map(str::to_owned);
        Some(Self {
            id: user::id_in(identity.user.as_str())?,
            username: short("username"),
            full_name: short("full_name").or_else(|| short("name")),
            email: short("email").unwrap_or_default(),
            role: text("role").and_then(|it| it.parse().ok()),
            issued_at: identity.issued_at.map_or(0, |it| i64::try_from(it.0).unwrap_or(i64::MAX)),
        })
    }

    /// Writes what is new, and answers where that leaves the user.
    pub(crate) fn settle(&self, db: &Connection) -> rusqlite::Result<Standing> {
        let Some(mut user) = user::find(db, &self.id)? else {
            return Ok(Standing::Known(self.remember(db)?));
        };
        let Some(role) = self.role else { return Ok(standing(user)) };
        if !user.is_active {
            return Ok(Standing::Removed);
        }
        if self.issued_at < user.role_stated_at {
            let agrees = role == user.role;
            return Ok(if agrees { Standing::Known(user) } else { Standing::Outdated });
        }
        if self.issued_at == user.role_stated_at && role == user.role {
            return Ok(Standing::Known(user));
        }
        let has_changed = role != user.role;
        let write = || {
            db.prepare_cached("UPDATE users SET role = ?2, role_stated_at = ?3 WHERE id = ?1")?
                .execute((self.id.as_str(), role.as_str(), self.issued_at))
        };
        // A newer token that agrees is remembered too: any before it is stale.
        if has_changed {
            write()?
        } else {
            unsynced(db, write)?
        };
        (user.role, user.role_stated_at) = (role, self.issued_at);
        Ok(Standing::Known(user))
    }

    /// Makes the row of a user who is here for the first time. Whose username is taken gets another
    /// one: nobody may look like somebody else.
    fn remember(&self, db: &Connection) -> rusqlite::Result<User> {
        let id = self.id.as_str();
        let stated_at = self.role.map_or(0, |_| self.issued_at);
        let mut names = self.username.iter().map(ToOwned::to_owned).chain(fallbacks(id));
        loop {
            let name = names.next().expect("fallbacks never end");
            let full_name = self.full_name.as_ref().unwrap_or(&name);
            unsynced(db, || {
                db.prepare_cached(
                    "INSERT INTO users (id, username, full_name, email, role, role_stated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )?
                .execute((
                    id,
                    &name,
                    full_name,
                    &self.email,
                    self.role().as_str(),
                    stated_at,
                ))
            })?;
            if let Some(user) = user::find(db, &self.id)? {
                return Ok(user);
            }
        }
    }

    /// Who says nothing gets the role that may do least.
    fn role(&self) -> Role {
        self.role.unwrap_or(Role::Member)
    }
}

/// Does not wait until the disk has it: 0.07 instead of 3 ms, when thousands come at once with new
/// tokens. What the power takes with it the next token says again, and whatever is written
/// otherwise brings to the disk all that was written before.
fn unsynced<T>(
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

fn is_short(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= TEXT_MAX
        && !text.chars().any(char::is_control)
}

/// `user 7`, `user 7 (2)`, `user 7 (3)`…
fn fallbacks(id: &str) -> impl Iterator<Item = String> {
    let first = format!("user {id}");
    let more = first.clone();
    std::iter::once(first).chain((2_u64..).map(move |it| format!("{more} ({it})")))
}
