//! Making projects, where no other system writes them.

use std::sync::Arc;

use app::rest::{Given, Refused};
use axum::{Json, extract::State, http::StatusCode};
use proto::{Code, Refusal, UserId};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    endpoints::Caller,
    notifications::Notifications,
    project::{self, Status},
    said,
};

/// `{id?, title, advisor?, students?: […], milestones?: [{name, due_date?}]}`
#[derive(Debug, Deserialize)]
pub(crate) struct Raw {
    id: Option<Value>,
    title: String,
    advisor: Option<Value>,
    #[serde(default)]
    students: Vec<Value>,
    #[serde(default)]
    milestones: Vec<RawMilestone>,
}

#[derive(Debug, Deserialize)]
struct RawMilestone {
    name: String,
    due_date: Option<String>,
}

/// A class of students and a term of milestones fit many times over.
const PARTS_MAX: usize = 200;
/// In characters.
const TEXT_MAX: usize = 200;

/// `POST /api/projects/`, for those who administer: 201 and the project's status.
pub(crate) async fn create(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Given(raw): Given<Raw>,
) -> Result<(StatusCode, Json<Status>), Refused> {
    if !user.role.administers() {
        return Err(Refusal::new(Code::Denied).saying("Only administrators make projects.").into());
    }
    let project = Project::parse(raw)?;
    let made = app.store().ask(move |db| project.write(db)).await?;
    let made = made.ok_or_else(|| said::bad("id: there is a project with this id already."))?;
    Ok((StatusCode::CREATED, Json(made)))
}

struct Project {
    id: Option<i64>,
    title: String,
    advisor: Option<UserId>,
    students: Vec<UserId>,
    milestones: Vec<RawMilestone>,
}

impl Project {
    fn parse(raw: Raw) -> Result<Self, Refusal> {
        let Raw { id, title, advisor, students, milestones } = raw;
        let is_text = |it: &str| !it.trim().is_empty() && it.chars().nth(TEXT_MAX).is_none();
        let is_date =
            |it: &String| it.len() == 10 && it.bytes().all(|b| b"-0123456789".contains(&b));
        if PARTS_MAX < students.len().max(milestones.len()) {
            return Err(said::bad("students, milestones: at most 200."));
        }
        if !is_text(&title) || !milestones.iter().all(|it| is_text(&it.name)) {
            return Err(said::bad("title, name: 1 to 200 characters."));
        }
        if !milestones.iter().filter_map(|it| it.due_date.as_ref()).all(is_date) {
            return Err(said::bad("due_date: a date such as 2026-05-29."));
        }
        let id = id.map(|it| said::number_of(&it).ok_or_else(|| said::bad("id: a whole number.")));
        let user = |it: Value| said::user_of(&it).ok_or_else(|| said::bad("Give ids of users."));
        Ok(Self {
            id: id.transpose()?,
            title,
            advisor: advisor.map(user).transpose()?,
            students: students.into_iter().map(user).collect::<Result<_, _>>()?,
            milestones,
        })
    }

    /// `None` if the id is taken.
    fn write(&self, db: &mut Connection) -> rusqlite::Result<Option<Status>> {
        let transaction = db.transaction()?;
        let advisor = self.advisor.as_ref().map(UserId::as_str);
        let written = transaction.execute(
            "INSERT INTO projects (id, title, status, advisor) VALUES (?1, ?2, 'pending', ?3)
             ON CONFLICT DO NOTHING",
            (self.id, &self.title, advisor),
        )?;
        if written == 0 {
            return Ok(None);
        }
        let id = transaction.last_insert_rowid();
        for student in &self.students {
            transaction.execute(
                "INSERT OR IGNORE INTO project_students (project, student) VALUES (?1, ?2)",
                (id, student.as_str()),
            )?;
        }
        for RawMilestone { name, due_date } in &self.milestones {
            transaction.execute(
                "INSERT INTO milestones (project, name, status, due_date)
                 VALUES (?1, ?2, 'pending', ?3)",
                (id, name, due_date),
            )?;
        }
        transaction.commit()?;
        project::status(db, Some(id))
    }
}
