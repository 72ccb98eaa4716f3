//! The people and visits of a small gym, so that a newcomer has something to see.

use app::Person;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use crate::{
    check_in::{self, CheckIn},
    member,
    moment::{Moment, uuid},
    user::{self, User},
};

/// For the development login; no secret, and no password of anyone's.
const PASSWORD: &str = "checkins";

/// Fills an empty database. One that holds anything is left as it is.
pub(crate) fn plant(db: &mut Connection, now: Moment) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    let used: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM members) OR EXISTS (SELECT 1 FROM users)",
        [],
        |row| row.get(0),
    )?;
    if used {
        return Ok(());
    }

    for (index, (name, kind)) in MEMBERS.iter().enumerate() {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        tx.execute(
            "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)",
            params![
                uuid(),
                name,
                email,
                kind,
                format!("GYM-{:04}", index + 1),
                format!("2000000{:05}", index + 1)
            ],
        )?;
    }
    for (id, username, name, role, number) in USERS {
        tx.execute(
            "INSERT INTO users (id, username, full_name, email, role)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id.to_string(), username, name, email(username), role],
        )?;
        tx.execute(
            "UPDATE members SET user_id = ?1 WHERE membership_number = ?2",
            params![id.to_string(), number],
        )?;
    }
    for (number, location, came, left) in VISITS {
        // Just after midnight, what was to be an hour ago is at midnight: a visit of today.
        let ago = |minutes| now.minutes_before(minutes).max(now.midnight());
        let visit = CheckIn {
            id: uuid(),
            member: member::find(&tx, number)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
            location: (*location).to_owned(),
            check_in_time: ago(*came),
            check_out_time: left.map(ago),
            notes: String::new(),
        };
        check_in::begin(&tx, &visit, None)?;
    }
    tx.commit()
}

/// Those who were planted and are still there; nobody else has a known password.
pub(crate) fn people(db: &Connection) -> rusqlite::Result<Vec<Person>> {
    let found = user::all_active(db)?.into_iter().filter_map(|user| {
        let planted = USERS.iter().find(|it| it.0.to_string() == user.id.as_str())?;
        (planted.1 == user.username).then(|| person(planted.0, user))
    });
    Ok(found.collect())
}

fn email(username: &str) -> String {
    format!("{username}@example.com")
}

/// A user as the development login knows them.
fn person(id: i64, user: User) -> Person {
    let User { username, full_name, role, member, .. } = user;
    let (first, last) = full_name.split_once(' ').unwrap_or((&full_name, ""));
    let claims = [("user_id", Value::from(id)), ("username", Value::from(&*username))];
    Person {
        claims: claims
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect::<Map<_, _>>(),
        profile: json!({
            "id": id,
            "username": username,
            "email": email(&username),
            "first_name": first,
            "last_name": last,
            "full_name": full_name,
            "role": role.as_str(),
            "member_id": member,
            "is_active": true,
            "app": "checkins",
        }),
        username,
        password: PASSWORD.to_owned(),
    }
}

/// Numbered from 1001, so that no user of another seeded application has the same.
const USERS: &[(i64, &str, &str, &str, Option<&str>)] = &[
    (1001, "gym-admin", "Alma Castro", "admin", None),
    (1002, "gym-staff", "Sol Okafor", "staff", None),
    (1003, "gym-trainer", "Tim Lindqvist", "trainer", None),
    (1004, "gym-member", "Mina Park", "member", Some("GYM-0001")),
];

const MEMBERS: &[(&str, &str)] = &[
    ("Mina Park", "premium"),
    ("Aaron Whitfield", "basic"),
    ("Beatriz Nunes", "premium"),
    ("Chidi Eze", "basic"),
    ("Dana Kowalska", "student"),
    ("Emre Aydin", "premium"),
    ("Freya Nielsen", "basic"),
    ("Gaurav Mehta", "vip"),
    ("Hana Sato", "student"),
    ("Ingrid Moe", "senior"),
    ("Jonas Weber", "basic"),
    ("Kamala Devi", "premium"),
    ("Liam O'Brien", "basic"),
    ("Maryam Hosseini", "vip"),
    ("Nikos Pappas", "senior"),
    ("Olena Shevchenko", "premium"),
    ("Pablo Herrera", "basic"),
    ("Qiao Lin", "student"),
    ("Rosa Bianchi", ""),
    // Whoever draws a name into a page is tested by the last of them.
    ("Sunny <b>Bold</b>", "basic"),
];

/// Number, place, and how many minutes ago they came and left.
const VISITS: &[(&str, &str, i64, Option<i64>)] = &[
    ("GYM-0002", "Front desk", 175, Some(100)),
    ("GYM-0003", "Front desk", 160, Some(95)),
    ("GYM-0006", "Pool", 130, Some(60)),
    ("GYM-0010", "Front desk", 90, Some(35)),
    ("GYM-0004", "Front desk", 55, None),
    ("GYM-0008", "Climbing hall", 40, None),
    ("GYM-0013", "Front desk", 12, None),
];
