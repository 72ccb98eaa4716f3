//! A project: who may look on, what its status is, and its milestones.

use app::{Action, Reach};
use proto::{ChannelName, Code, Refusal};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde_json::Value;

use crate::{
    frame::frame,
    said::{self, Said},
    timestamp,
    user::{Role, User},
};

/// A project's state as its clients know it.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    project_id: String,
    title: String,
    status: String,
    /// The advisor's username, or their id until they have been here.
    advisor: Option<String>,
    /// Ids of users.
    students: Vec<String>,
    milestones: Vec<Milestone>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Milestone {
    id: String,
    name: String,
    status: String,
    /// A date: `2026-05-29`.
    due_date: Option<String>,
    notes: String,
}

/// A change someone asks for, checked.
#[derive(Debug)]
pub(crate) struct Update {
    milestone: i64,
    status: Option<String>,
    notes: Option<String>,
}

/// In characters; a milestone's notes are a remark, not a report.
const NOTES_MAX: usize = 2000;

/// May this user look on? Those who administer see every project, an advisor their own, a student
/// where they take part. To the others a project that is not there looks like one they may not see.
pub(crate) fn is_open_to(db: &Connection, user: &User, id: Option<i64>) -> rusqlite::Result<bool> {
    let (sql, Some(id)) = (concerns(user.role), id) else { return Ok(user.role.administers()) };
    let Some(sql) = sql else { return Ok(true) };
    let found = db.prepare_cached(sql)?.query_row((id, user.id.as_str()), |_| Ok(())).optional()?;
    Ok(found.is_some())
}

fn concerns(role: Role) -> Option<&'static str> {
    match role {
        Role::Admin | Role::DepartmentAdmin => None,
        Role::Advisor => Some("SELECT 1 FROM projects WHERE id = ?1 AND advisor = ?2"),
        Role::Student => Some("SELECT 1 FROM project_students WHERE project = ?1 AND student = ?2"),
    }
}

/// `None` if there is no such project; clients are told `null` then.
pub(crate) fn status(db: &Connection, id: Option<i64>) -> rusqlite::Result<Option<Status>> {
    let Some(id) = id else { return Ok(None) };
    let found = db
        .prepare_cached(
            "SELECT title, status,
                 coalesce((SELECT username FROM users WHERE id = advisor), advisor)
             FROM projects WHERE id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((title, status, advisor)) = found else { return Ok(None) };

    let students = db
        .prepare_cached(
            "SELECT student FROM project_students WHERE project = ?1
             ORDER BY CAST(student AS INTEGER), student",
        )?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let milestones = db
        .prepare_cached(&format!("{MILESTONE} WHERE project = ?1 ORDER BY id"))?
        .query_map([id], milestone)?
        .collect::<rusqlite::Result<_>>()?;
    let project_id = id.to_string();
    Ok(Some(Status { project_id, title, status, advisor, students, milestones }))
}

/// Changes a milestone of this project; `None` if it has no such milestone.
pub(crate) fn update(
    db: &mut Connection,
    project: Option<i64>,
    update: &Update,
) -> rusqlite::Result<Option<Milestone>> {
    db.prepare_cached(
        "UPDATE milestones SET status = coalesce(?3, status), notes = coalesce(?4, notes)
         WHERE id = ?1 AND project = ?2",
    )?
    .execute((update.milestone, project, &update.status, &update.notes))?;
    db.prepare_cached(&format!("{MILESTONE} WHERE id = ?1 AND project = ?2"))?
        .query_row((update.milestone, project), milestone)
        .optional()
}

/// What everyone at the project is told of a change, its author included.
pub(crate) fn updated(channel: ChannelName, milestone: &Milestone, author: &User) -> Action {
    let told = Updated {
        milestone_updated: milestone,
        updated_by: &author.username,
        timestamp: timestamp::seconds(),
    };
    let (payload, reach) = (frame("project_update", told), Reach::Members);
    Action::Publish { channel, payload, except: None, event: None, reach }
}

impl Update {
    /// `{"milestone_data":{milestone_id, status?, notes?}}`
    pub(crate) fn parse(said: &Said) -> Result<Self, Refusal> {
        let fields = said
            .field(&["milestone_data", "milestoneData"])
            .and_then(Value::as_object)
            .ok_or_else(|| said::bad("update_milestone needs milestone_data."))?;
        let milestone = ["milestone_id", "milestoneId", "id"]
            .iter()
            .find_map(|it| said::number_of(fields.get(*it)?))
            .ok_or_else(|| said::bad("milestone_data needs the milestone_id of a milestone."))?;
        let status = text(fields.get("status"), is_status)
            .ok_or_else(|| said::bad("status: up to 32 of a to z and _."))?;
        let notes = text(fields.get("notes"), |it| it.chars().count() <= NOTES_MAX)
            .ok_or_else(|| said::bad("notes: text of at most 2000 characters."))?;
        Ok(Self { milestone, status, notes })
    }
}

/// Students take part; the advisor and those who administer decide.
pub(crate) fn may_update(user: &User) -> Result<(), Refusal> {
    match user.role {
        Role::Admin | Role::DepartmentAdmin | Role::Advisor => Ok(()),
        Role::Student => {
            Err(Refusal::new(Code::Denied).saying("Only the project's advisor updates milestones."))
        }
    }
}

/// Departments name their own stages, so any identifier is one.
fn is_status(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
}

/// `Some(None)`: not given. `None`: given, and not as it must be.
fn text(value: Option<&Value>, is_good: impl Fn(&str) -> bool) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().filter(|it| is_good(it)).map(|it| Some(it.to_owned())),
    }
}

const MILESTONE: &str = "SELECT id, name, status, due_date, notes FROM milestones";

fn milestone(row: &rusqlite::Row<'_>) -> rusqlite::Result<Milestone> {
    Ok(Milestone {
        id: row.get::<_, i64>(0)?.to_string(),
        name: row.get(1)?,
        status: row.get(2)?,
        due_date: row.get(3)?,
        notes: row.get(4)?,
    })
}

#[derive(Serialize)]
struct Updated<'a> {
    milestone_updated: &'a Milestone,
    updated_by: &'a str,
    timestamp: f64,
}
