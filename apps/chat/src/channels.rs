//! Channels: who is in them, in which role, and who makes and changes them.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde_json::{Value, json};

use crate::{
    command::{Kind, NewChannel, Role},
    outcome::{Audience, Move, Room},
    stop::{NO_ACCESS, NOT_ALLOWED, Stop},
    timestamp::iso,
    turn::Turn,
    users,
};

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) members: i64,
}

impl Channel {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.id.to_string(), "name": self.name, "description": self.description,
            "type": self.kind.as_str(), "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at), "memberCount": self.members,
        })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            description: row.get(2)?,
            kind: Kind::parse(&kind).expect("the schema checks it"),
            created_at: row.get(4)?,
            updated_at: row.get(5)?,
            members: row.get(6)?,
        })
    }
}

/// Channels that one user looks after. More than anybody can; their members are told of each at
/// every connection.
const OWNED_MAX: i64 = 200;

const COLUMNS: &str = "c.id, c.name, c.description, c.kind, c.created_at, c.updated_at,
     (SELECT COUNT(*) FROM members AS n WHERE n.channel = c.id)";

pub(crate) fn find(db: &Connection, id: i64) -> rusqlite::Result<Option<Channel>> {
    let sql = format!("SELECT {COLUMNS} FROM channels AS c WHERE c.id = ?1");
    db.query_row(&sql, [id], Channel::read).optional()
}

/// A channel that is there, for somebody who is in it.
fn known(turn: &Turn<'_>, id: i64) -> Result<Channel, Stop> {
    find(turn.db, id)?.ok_or(NO_ACCESS)
}

/// The channels of a user, the oldest first.
pub(crate) fn of_user(db: &Connection, user: &str) -> rusqlite::Result<Vec<Channel>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM channels AS c JOIN members AS m ON m.channel = c.id
         WHERE m.user = ?1 ORDER BY c.id"
    );
    db.prepare_cached(&sql)?.query_map([user], Channel::read)?.collect()
}

pub(crate) fn list(turn: &Turn<'_>) -> Result<Value, Stop> {
    let mut channels = Vec::new();
    for channel in of_user(turn.db, &turn.user.id)? {
        let mut told = channel.to_json();
        told["role"] = turn.member(channel.id)?.as_str().into();
        channels.push(told);
    }
    Ok(json!({ "channels": channels }))
}

pub(crate) fn members(db: &Connection, channel: i64) -> rusqlite::Result<Vec<String>> {
    let mut found = db.prepare_cached("SELECT user FROM members WHERE channel = ?1")?;
    found.query_map([channel], |row| row.get(0))?.collect()
}

/// Whoever enters a public channel is a member from then on. The others are for members.
pub(crate) fn enter(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    let channel = known(turn, id)?;
    match (turn.role_of(id, &turn.user.id)?, channel.kind) {
        (Some(_), _) => Ok(listen(turn, id)),
        (None, Kind::Public) => welcome(turn, id),
        (None, Kind::Private | Kind::Direct) => Err(NO_ACCESS),
    }
}

/// The sender's socket hears the channel from now on. Whether they are a member is for the caller
/// to know.
pub(crate) fn listen(turn: &mut Turn<'_>, id: i64) -> Value {
    turn.moves.push(Move::Join(Room::Channel(id)));
    tell_entered(turn, id)
}

/// Makes the sender a member. Whether they may be one is for the caller to know.
pub(crate) fn welcome(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    let user = turn.user.id.clone();
    add_member(turn, id, &user, Role::Member)?;
    let told = tell_entered(turn, id);
    turn.tell_channel(id, "channel:member_joined", told.clone());
    let count = json!({
        "channelId": id.to_string(), "count": known(turn, id)?.members,
        "timestamp": iso(turn.now),
    });
    turn.tell_channel(id, "channel:member_count", count);
    Ok(told)
}

fn tell_entered(turn: &mut Turn<'_>, id: i64) -> Value {
    let told = here(turn, id);
    turn.tell(Audience::Sender, "channel:joined", told.clone());
    let others = Audience::Others(Room::Channel(id));
    turn.tell(others.clone(), "channel:user_joined", told.clone());
    turn.tell(others, "room:member:joined", told.clone());
    told
}

/// Stops listening on this socket. Membership stays: the next connection listens again.
pub(crate) fn exit(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    turn.member(id)?;
    turn.moves.push(Move::Leave(Room::Channel(id)));
    let told = here(turn, id);
    turn.tell(Audience::Sender, "channel:left", told.clone());
    let others = Audience::Others(Room::Channel(id));
    turn.tell(others.clone(), "channel:user_left", told.clone());
    turn.tell(others, "room:member:left", told.clone());
    Ok(told)
}

fn here(turn: &Turn<'_>, channel: i64) -> Value {
    json!({
        "channelId": channel.to_string(), "userId": turn.user.id, "userName": turn.user.name,
        "user": turn.user.to_json(), "timestamp": iso(turn.now),
    })
}

/// Adds a member, whose sockets hear the channel from now on.
pub(crate) fn add_member(
    turn: &mut Turn<'_>,
    channel: i64,
    user: &str,
    role: Role,
) -> Result<(), Stop> {
    turn.db.execute(
        "INSERT INTO members (channel, user, role, caught_up)
         VALUES (?1, ?2, ?3, (SELECT coalesce(MAX(id), 0) FROM messages WHERE channel = ?1))
         ON CONFLICT DO NOTHING",
        (channel, user, role.as_str()),
    )?;
    turn.moves.push(Move::Bring(user.to_owned(), Room::Channel(channel)));
    Ok(())
}

pub(crate) fn create(turn: &mut Turn<'_>, draft: &NewChannel) -> Result<Value, Stop> {
    for member in &draft.members {
        if !users::is_known(turn.db, member)? {
            return Err(Stop::Refused("User not found"));
        }
    }
    let pair = match draft.kind {
        Kind::Direct => Some(pair(turn, draft)?),
        Kind::Public | Kind::Private => None,
    };
    if let Some(channel) = found_pair(turn.db, pair.as_deref())? {
        return Ok(channel.to_json());
    }
    if OWNED_MAX <= owned(turn)? {
        return Err(Stop::Refused("Too many channels"));
    }
    turn.db.execute(
        "INSERT INTO channels (name, description, kind, pair, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        (&draft.name, &draft.description, draft.kind.as_str(), pair, turn.now),
    )?;
    let id = turn.db.last_insert_rowid();
    let owner = turn.user.id.clone();
    add_member(turn, id, &owner, Role::Owner)?;
    for member in draft.members.iter().filter(|it| **it != owner) {
        add_member(turn, id, member, Role::Member)?;
    }
    tell_all(turn, id, ["channel:created", "channel.created"])
}

fn owned(turn: &Turn<'_>) -> rusqlite::Result<i64> {
    let sql = "SELECT COUNT(*) FROM members WHERE user = ?1 AND role = 'OWNER'";
    turn.db.query_row(sql, [&turn.user.id], |row| row.get(0))
}

/// The two of a direct conversation, in an order of their own.
fn pair(turn: &Turn<'_>, draft: &NewChannel) -> Result<String, Stop> {
    let mut both = draft.members.clone();
    both.push(turn.user.id.clone());
    both.sort();
    both.dedup();
    match both.as_slice() {
        // As JSON, because an id may hold any separator.
        [first, second] => Ok(json!([first, second]).to_string()),
        _ => Err(Stop::Refused("A direct conversation is between two")),
    }
}

fn found_pair(db: &Connection, pair: Option<&str>) -> rusqlite::Result<Option<Channel>> {
    let sql = format!("SELECT {COLUMNS} FROM channels AS c WHERE c.pair = ?1");
    db.query_row(&sql, [pair], Channel::read).optional()
}

/// A channel that was made elsewhere: whoever looks after it says so, and its members hear of it.
pub(crate) fn announce(turn: &mut Turn<'_>, id: i64) -> Result<Value, Stop> {
    turn.at_least(Role::Admin, id)?;
    for member in members(turn.db, id)? {
        turn.moves.push(Move::Bring(member, Room::Channel(id)));
    }
    tell_all(turn, id, ["channel:created", "channel.created"])
}

pub(crate) fn update(
    turn: &mut Turn<'_>,
    id: i64,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<Value, Stop> {
    turn.at_least(Role::Admin, id)?;
    if name.is_some_and(|it| it.trim().is_empty()) {
        return Err(Stop::Refused("name is required"));
    }
    turn.db.execute(
        "UPDATE channels SET name = coalesce(?1, name), description = coalesce(?2, description),
                             updated_at = ?3 WHERE id = ?4",
        (name, description, turn.now, id),
    )?;
    tell_all(turn, id, ["channel:updated", "channel.updated"])
}

/// Tells a channel's members of it, under the names of two eras.
fn tell_all(turn: &mut Turn<'_>, id: i64, events: [&'static str; 2]) -> Result<Value, Stop> {
    let told = known(turn, id)?.to_json();
    let mut payload = told.clone();
    payload["channel"] = told.clone();
    for event in events {
        turn.tell_channel(id, event, payload.clone());
    }
    Ok(told)
}

/// Owners say who is what. There is always one left.
pub(crate) fn promote(turn: &mut Turn<'_>, id: i64, user: &str, role: Role) -> Result<Value, Stop> {
    turn.at_least(Role::Owner, id)?;
    if known(turn, id)?.kind == Kind::Direct {
        return Err(NOT_ALLOWED);
    }
    let was = turn.role_of(id, user)?.ok_or(Stop::Refused("User is not a member"))?;
    let sql = "SELECT COUNT(*) FROM members WHERE channel = ?1 AND role = 'OWNER'";
    let owners: i64 = turn.db.query_row(sql, [id], |row| row.get(0))?;
    if was == Role::Owner && role != Role::Owner && owners == 1 {
        return Err(Stop::Refused("A channel has an owner"));
    }
    turn.db.execute(
        "UPDATE members SET role = ?1 WHERE channel = ?2 AND user = ?3",
        (role.as_str(), id, user),
    )?;
    let told = json!({ "channelId": id.to_string(), "userId": user, "role": role.as_str() });
    turn.tell_channel(id, "channel:member:role", told.clone());
    tell_all(turn, id, ["channel:updated", "channel.updated"])?;
    Ok(told)
}
