//! A member's visit: begun by a check-in, ended by a check-out.

use proto::UserId;
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior::Immediate, params,
};
use serde::Serialize;

use crate::{
    changes::{self, Change},
    heard::{Arrival, Departure},
    member::{self, Member, Page},
    moment::{Moment, uuid},
    not_done::NotDone,
    user,
};

/// A check-in as frames show it. With a `check_out_time` once the visit has ended, without before.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckIn {
    pub(crate) id: String,
    pub(crate) member: Member,
    pub(crate) location: String,
    pub(crate) check_in_time: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) check_out_time: Option<Moment>,
    pub(crate) notes: String,
}

/// Which way someone went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// Checks a member in, for the user `by`. Committed when this returns.
///
/// Of several at once for one member exactly one succeeds: the index `one_open` is the judge, not a
/// look beforehand.
pub(crate) fn check_in(
    db: &mut Connection,
    by: &UserId,
    arrival: &Arrival,
    now: Moment,
) -> rusqlite::Result<Result<Change, NotDone>> {
    let tx = db.transaction_with_behavior(Immediate)?;
    let Some(user) = user::active(&tx, by)? else { return Ok(Err(NotDone::UserGone)) };
    let Some(member) = member::find(&tx, &arrival.member)? else {
        // Only those who may see all members learn which ones there are.
        let why = if user.may_move_all() { NotDone::NoMember } else { NotDone::Denied };
        return Ok(Err(why));
    };
    if !user.may_move(&member.id) {
        return Ok(Err(NotDone::Denied));
    }

    let begun = CheckIn {
        id: uuid(),
        member,
        location: arrival.location.clone(),
        check_in_time: now,
        check_out_time: None,
        notes: arrival.notes.clone(),
    };
    if !begin(&tx, &begun, Some(by))? {
        return Ok(Err(NotDone::AlreadyIn { name: begun.member.full_name }));
    }
    let change = changes::record(&tx, Direction::In, begun)?;
    tx.commit()?;
    Ok(Ok(change))
}

/// Writes a check-in. `false` if the member is in already.
pub(crate) fn begin(
    tx: &Transaction<'_>,
    begun: &CheckIn,
    by: Option<&UserId>,
) -> rusqlite::Result<bool> {
    let CheckIn { id, member, location, check_in_time, check_out_time, notes } = begun;
    let written = tx.execute(
        "INSERT INTO check_ins
         (id, member_id, location, notes, check_in_time, check_out_time, checked_in_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (member_id) WHERE check_out_time IS NULL DO NOTHING",
        params![
            id,
            member.id,
            location,
            notes,
            check_in_time,
            check_out_time,
            by.map(UserId::as_str)
        ],
    )?;
    Ok(written == 1)
}

/// Ends a visit, for the user `by`. Committed when this returns.
pub(crate) fn check_out(
    db: &mut Connection,
    by: &UserId,
    departure: &Departure,
    now: Moment,
) -> rusqlite::Result<Result<Change, NotDone>> {
    let tx = db.transaction_with_behavior(Immediate)?;
    let Some(user) = user::active(&tx, by)? else { return Ok(Err(NotDone::UserGone)) };
    let query = format!("{} WHERE check_ins.id = ?1 AND check_out_time IS NULL", CheckIn::SELECT);
    let open = tx
        .prepare_cached(&query)?
        .query_row([departure.check_in.to_lowercase()], CheckIn::read)
        .optional()?;
    let Some(mut ended) = open else { return Ok(Err(NotDone::NotIn)) };
    if !user.may_move(&ended.member.id) {
        return Ok(Err(NotDone::Denied));
    }

    // A clock that was set back must not make a stay negative.
    ended.check_out_time = Some(now.max(ended.check_in_time));
    if let Some(notes) = &departure.notes {
        ended.notes.clone_from(notes);
    }
    tx.execute(
        "UPDATE check_ins SET check_out_time = ?2, notes = ?3 WHERE id = ?1",
        params![ended.id, ended.check_out_time, ended.notes],
    )?;
    let change = changes::record(&tx, Direction::Out, ended)?;
    tx.commit()?;
    Ok(Ok(change))
}

/// Check-ins, newest first, and how many there are. `only` leaves those of one member.
pub(crate) fn history(
    db: &Connection,
    only: Option<&str>,
    page: Page,
) -> rusqlite::Result<(i64, Vec<CheckIn>)> {
    let count = db.query_row(
        "SELECT count(*) FROM check_ins WHERE ?1 IS NULL OR member_id = ?1",
        [only],
        |row| row.get(0),
    )?;
    let query = format!(
        "{} WHERE ?1 IS NULL OR members.id = ?1
         ORDER BY check_in_time DESC, check_ins.id LIMIT ?2 OFFSET ?3",
        CheckIn::SELECT
    );
    let listed = db
        .prepare_cached(&query)?
        .query_map(params![only, page.size, page.skipped()], CheckIn::read)?
        .collect::<Result<_, _>>()?;
    Ok((count, listed))
}

impl CheckIn {
    /// What [`CheckIn::read`] reads, in its order.
    pub(crate) const SELECT: &str = "
        SELECT check_ins.id AS id, location, check_in_time, check_out_time, notes,
               members.id AS member_id, full_name, email, membership_type
        FROM check_ins JOIN members ON members.id = member_id";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            location: row.get(1)?,
            check_in_time: row.get(2)?,
            check_out_time: row.get(3)?,
            notes: row.get(4)?,
            member: Member::read(row, 5)?,
        })
    }

    /// `checked_in` or `checked_out`, in the client's words.
    pub(crate) const fn status(&self) -> &'static str {
        if self.check_out_time.is_some() { "checked_out" } else { "checked_in" }
    }
}

impl Direction {
    /// As clients ask for it, and as activity is called.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::In => "check_in",
            Self::Out => "check_out",
        }
    }

    /// In a sentence.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::In => "check-in",
            Self::Out => "check-out",
        }
    }
}
