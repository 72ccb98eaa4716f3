//! Invitations to channels. Accepted, they make a member; either way they are then forgotten.

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use crate::{
    channels,
    command::{Kind, Role},
    outcome::Audience,
    stop::{NO_ACCESS, NOT_ALLOWED, Stop},
    turn::Turn,
    users,
};

/// Anybody may show the way into a public channel; into a private one, whoever looks after it.
pub(crate) fn send(turn: &mut Turn<'_>, channel: i64, invitee: &str) -> Result<Value, Stop> {
    let role = turn.member(channel)?;
    let found = channels::find(turn.db, channel)?.ok_or(NO_ACCESS)?;
    let is_allowed = match found.kind {
        Kind::Public => true,
        Kind::Private => Role::Admin <= role,
        Kind::Direct => false,
    };
    if !is_allowed {
        return Err(NOT_ALLOWED);
    }
    if !users::is_known(turn.db, invitee)? {
        return Err(Stop::Refused("User not found"));
    }
    if turn.role_of(channel, invitee)?.is_some() {
        return Err(Stop::Refused("User is already a member"));
    }
    let id: i64 = turn.db.query_row(
        "INSERT INTO invitations (channel, inviter, invitee) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET inviter = ?2 RETURNING id",
        (channel, &turn.user.id, invitee),
        |row| row.get(0),
    )?;
    let told = json!({
        "invitationId": id.to_string(), "channelId": channel.to_string(),
        "channel": found.to_json(), "inviterId": turn.user.id, "inviter": turn.user.to_json(),
        "inviteeId": invitee,
    });
    turn.tell(Audience::User(invitee.to_owned()), "invitation:received", told.clone());
    Ok(told)
}

pub(crate) fn respond(turn: &mut Turn<'_>, id: i64, is_accepted: bool) -> Result<Value, Stop> {
    let sql = "DELETE FROM invitations WHERE id = ?1 AND invitee = ?2 RETURNING channel, inviter";
    let found: Option<(i64, String)> = turn
        .db
        .query_row(sql, (id, &turn.user.id), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (channel, inviter) = found.ok_or(Stop::Refused("Invitation not found"))?;
    if is_accepted {
        // Whoever has found the way by themselves meanwhile does not become a member again.
        match turn.role_of(channel, &turn.user.id)? {
            Some(_) => channels::listen(turn, channel),
            None => channels::welcome(turn, channel)?,
        };
    }
    let told = json!({
        "invitationId": id.to_string(), "channelId": channel.to_string(),
        "userId": turn.user.id, "accepted": is_accepted,
    });
    turn.tell(Audience::User(inviter), "invitation:responded", told.clone());
    Ok(told)
}
