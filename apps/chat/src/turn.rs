//! One event while it is decided.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::{
    command::Role,
    outcome::{Audience, Emit, Move, Room},
    presence::Here,
    stop::{NO_ACCESS, NOT_ALLOWED, Stop},
    typing::Typing,
    users::User,
};

/// What happens so far. Becomes an [`Outcome`](crate::Outcome) if nothing stops it.
pub(crate) struct Turn<'a> {
    pub(crate) db: &'a Connection,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) user: &'a User,
    pub(crate) here: &'a mut Here,
    pub(crate) typing: &'a mut Typing,
    pub(crate) moves: Vec<Move>,
    pub(crate) emits: Vec<Emit>,
}

impl Turn<'_> {
    pub(crate) fn tell(&mut self, to: Audience, event: &'static str, payload: Value) {
        self.emits.push(Emit { to, event, payload });
    }

    pub(crate) fn tell_channel(&mut self, channel: i64, event: &'static str, payload: Value) {
        self.tell(Audience::Room(Room::Channel(channel)), event, payload);
    }

    /// The role in a channel of whoever this is. None if they are no member.
    pub(crate) fn role_of(&self, channel: i64, user: &str) -> rusqlite::Result<Option<Role>> {
        let role: Option<String> = self
            .db
            .query_row(
                "SELECT role FROM members WHERE channel = ?1 AND user = ?2",
                (channel, user),
                |row| row.get(0),
            )
            .optional()?;
        Ok(role.and_then(|it| Role::parse(&it)))
    }

    /// A channel that is not there is one that the sender may not see: neither tells more.
    pub(crate) fn member(&self, channel: i64) -> Result<Role, Stop> {
        self.role_of(channel, &self.user.id)?.ok_or(NO_ACCESS)
    }

    pub(crate) fn at_least(&self, role: Role, channel: i64) -> Result<(), Stop> {
        if self.member(channel)? < role { Err(NOT_ALLOWED) } else { Ok(()) }
    }
}
