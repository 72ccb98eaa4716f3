//! A member of the gym, and how one is found at the desk.

use proto::UserId;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::Serialize;

use crate::moment::uuid;

/// As every frame and answer shows them.
///
/// All four are always text: the client drops a message in which one is missing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) full_name: String,
    pub(crate) email: String,
    /// Empty if unknown.
    pub(crate) membership_type: String,
}

/// What [`Member::read`] reads, in its order.
pub(crate) const COLUMNS: &str = "members.id, full_name, email, membership_type";

impl Member {
    /// Reads [`COLUMNS`], which begin at column `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(first)?,
            full_name: row.get(first + 1)?,
            email: row.get(first + 2)?,
            membership_type: row.get(first + 3)?,
        })
    }
}

/// The member whose id, membership number or barcode this is; the first that fits, in that order.
pub(crate) fn find(db: &Connection, key: &str) -> rusqlite::Result<Option<Member>> {
    for (column, key) in [
        ("id", key.to_lowercase()),
        ("membership_number", key.to_uppercase()),
        ("barcode", key.to_owned()),
    ] {
        let query = format!("SELECT {COLUMNS} FROM members WHERE {column} = ?1");
        let found =
            db.prepare_cached(&query)?.query_row([key], |row| Member::read(row, 0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A member as the desk's list shows them.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    member: Member,
    membership_number: String,
    barcode: String,
    /// Who they are when they sign in, if they do.
    user_id: Option<String>,
    /// The check-in that is open, if they are in.
    check_in_id: Option<String>,
}

/// Someone to become a member.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) full_name: String,
    pub(crate) email: String,
    pub(crate) membership_type: String,
    /// The next one that is free, if they bring none.
    pub(crate) membership_number: Option<String>,
    /// Their number, if they bring none.
    pub(crate) barcode: Option<String>,
    /// Whose token is theirs. They need not have shown it yet.
    pub(crate) user: Option<UserId>,
}

/// Adds a member; `None` if somebody has their number, barcode or user.
pub(crate) fn add(db: &mut Connection, new: &New) -> rusqlite::Result<Option<Listed>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = match &new.membership_number {
        // As it is looked for.
        Some(number) => number.to_uppercase(),
        None => free_number(&tx)?,
    };
    let barcode = new.barcode.clone().unwrap_or_else(|| number.clone());
    let id = uuid();
    let New { full_name, email, membership_type, user, .. } = new;
    let user = user.as_ref().map(UserId::as_str);
    let written = tx.execute(
        "INSERT INTO members
         (id, full_name, email, membership_type, membership_number, barcode, user_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![id, full_name, email, membership_type, number, barcode, user],
    )?;
    if written == 0 {
        return Ok(None);
    }
    let listed = search(&tx, "", Some(&id), Page { number: 1, size: 1 })?.1.pop();
    tx.commit()?;
    Ok(listed)
}

fn free_number(db: &Connection) -> rusqlite::Result<String> {
    let count: i64 = db.query_row("SELECT count(*) FROM members", [], |row| row.get(0))?;
    let mut is_taken =
        db.prepare_cached("SELECT 1 FROM members WHERE membership_number = ?1 OR barcode = ?1")?;
    for next in count + 1.. {
        let number = format!("M-{next:05}");
        if !is_taken.exists([&number])? {
            return Ok(number);
        }
    }
    Err(rusqlite::Error::QueryReturnedNoRows)
}

/// Members with `text` somewhere in their name, email or numbers, by name; and how many there are.
///
/// `only` leaves that one member, whatever the text.
pub(crate) fn search(
    db: &Connection,
    text: &str,
    only: Option<&str>,
    page: Page,
) -> rusqlite::Result<(i64, Vec<Listed>)> {
    const MATCHING: &str = "(?2 IS NULL OR members.id = ?2) AND (
        instr(lower(full_name), lower(?1)) OR instr(lower(email), lower(?1))
        OR instr(membership_number, upper(?1)) OR instr(barcode, ?1))";

    let count = format!("SELECT count(*) FROM members WHERE {MATCHING}");
    let count = db.query_row(&count, params![text, only], |row| row.get(0))?;
    let query = format!(
        "SELECT {COLUMNS}, membership_number, barcode, user_id, check_ins.id
         FROM members
         LEFT JOIN check_ins ON member_id = members.id AND check_out_time IS NULL
         WHERE {MATCHING} ORDER BY full_name, members.id LIMIT ?3 OFFSET ?4"
    );
    let listed = db
        .prepare_cached(&query)?
        .query_map(params![text, only, page.size, page.skipped()], |row| {
            Ok(Listed {
                member: Member::read(row, 0)?,
                membership_number: row.get(4)?,
                barcode: row.get(5)?,
                user_id: row.get(6)?,
                check_in_id: row.get(7)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok((count, listed))
}

/// Which part of a long list: `number` counts from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) number: u32,
    pub(crate) size: u32,
}

impl Page {
    pub(crate) fn skipped(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.size)
    }
}
