//! People, projects and notifications to try things with. Development only.

use app::Person;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use crate::{
    draft::Draft,
    notice::{self, Recipient},
    user::Role,
};

/// Everyone's; see [`app::login`] for why that is no secret.
const PASSWORD: &str = "demo";

/// id, username, first name, last name, role, academic year
type Planted = (i64, &'static str, &'static str, &'static str, Role, &'static str);

const PEOPLE: [Planted; 8] = [
    (1, "ada", "Ada", "Byron", Role::Admin, ""),
    (2, "dora", "Dora", "Marsden", Role::DepartmentAdmin, ""),
    (3, "alan", "Alan", "Mathison", Role::Advisor, ""),
    (4, "grace", "Grace", "Murray", Role::Advisor, ""),
    (5, "sam", "Sam", "Okafor", Role::Student, "2025-2026"),
    (6, "tess", "Tess", "Lindqvist", Role::Student, "2025-2026"),
    (7, "uma", "Uma", "Iyer", Role::Student, "2024-2025"),
    (8, "viktor", "Viktor", "Hálek", Role::Student, "2024-2025"),
];

const PROJECTS: &str = "
    INSERT INTO projects (id, title, status, advisor) VALUES
        (1, 'Tide tables from old logbooks', 'active', '3'),
        (2, 'A quieter harbour crane', 'pending', '4'),
        (3, 'Counting gulls from above', 'pending', '3');
    INSERT INTO project_students (project, student) VALUES
        (1, '5'), (1, '6'), (2, '7'), (3, '6'), (3, '8');
    INSERT INTO milestones (id, project, name, status, due_date) VALUES
        (1, 1, 'Proposal', 'completed', '2026-02-02'),
        (2, 1, 'Logbooks read', 'in_progress', '2026-05-29'),
        (3, 1, 'Final report', 'pending', NULL),
        (4, 2, 'Proposal', 'pending', '2026-04-17'),
        (5, 3, 'Proposal', 'in_progress', NULL),
        (6, 3, 'First flight', 'pending', '2026-06-05');
";

/// Fills an empty database; leaves any other as it is.
pub(crate) fn plant(db: &mut Connection) -> rusqlite::Result<()> {
    let is_inhabited: bool =
        db.query_row("SELECT EXISTS (SELECT 1 FROM users)", (), |row| row.get(0))?;
    if is_inhabited {
        return Ok(());
    }
    let transaction = db.transaction()?;
    for (id, username, first_name, last_name, role, academic_year) in PEOPLE {
        transaction.execute(
            "INSERT INTO users (id, username, email, first_name, last_name, role, academic_year)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                id.to_string(),
                username,
                email(username),
                first_name,
                last_name,
                role.as_str(),
                academic_year,
            ),
        )?;
    }
    transaction.execute_batch(PROJECTS)?;
    transaction.commit()?;
    drafts().iter().try_for_each(|it| notice::add(db, it).map(drop))
}

/// Those who were planted and are still as they were; nobody else has a known password.
pub(crate) fn people(db: &Connection) -> rusqlite::Result<Vec<Person>> {
    let mut people = Vec::new();
    let mut is_there = db.prepare(
        "SELECT 1 FROM users WHERE id = ?1 AND username = ?2 AND role = ?3 AND is_active",
    )?;
    for planted in PEOPLE {
        let (id, username, _, _, role, _) = planted;
        let found =
            is_there.query_row((id.to_string(), username, role.as_str()), |_| Ok(())).optional()?;
        people.extend(found.map(|()| person(planted)));
    }
    Ok(people)
}

fn person((id, username, first_name, last_name, role, academic_year): Planted) -> Person {
    let claims = [
        ("user_id", json!(id)),
        ("username", json!(username)),
        ("email", json!(email(username))),
        ("role", json!(role.as_str())),
        ("academic_year", json!(academic_year)),
    ];
    let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let profile = json!({
        "id": id, "username": username, "email": email(username), "first_name": first_name,
        "last_name": last_name, "role": role.as_str(), "academic_year": academic_year,
        "is_active": true,
    });
    Person { username: username.to_owned(), password: PASSWORD.to_owned(), claims, profile }
}

fn email(username: &str) -> String {
    format!("{username}@harbour.example")
}

fn drafts() -> [Draft; 5] {
    let everyone = ("Welcome aboard", "Open this page in two windows and write to each other.");
    let students = ("Proposals are due", "Hand yours in by Friday.");
    let admins = ("Two projects wait", "They have no decision yet.");
    let sam = ("Logbook 14 is legible", "Somebody scanned it again.");
    let tess = ("You are on two projects", "Gulls and tides: mind the overlap.");
    [
        draft(everyone, "system", "low", None, Recipient::Everyone),
        draft(students, "warning", "high", None, Recipient::Role(Role::Student)),
        draft(admins, "info", "medium", None, Recipient::Role(Role::Admin)),
        draft(sam, "success", "medium", Some("/projects/1/"), user("5")),
        draft(tess, "info", "low", Some("/projects/3/"), user("6")),
    ]
}

fn user(id: &str) -> Recipient {
    Recipient::User(app::claimed::id_in(id).expect("digits"))
}

fn draft(
    (title, message): (&str, &str),
    kind: &'static str,
    priority: &'static str,
    action_url: Option<&str>,
    recipient: Recipient,
) -> Draft {
    Draft {
        title: title.to_owned(),
        message: message.to_owned(),
        kind,
        priority,
        action_url: action_url.map(str::to_owned),
        action_text: action_url.map(|_| "Open the project".to_owned()),
        recipient,
    }
}
