//! People and a channel to try things with. Development only.

use std::path::Path;

use app::Person;
use serde_json::{Map, Value, json};

use crate::{book::Book, desk::now, store::OpenError, users::User};

/// Everyone's; see [`app::login`] for why that is no secret.
const PASSWORD: &str = "chat";

/// id, username, name, role
type Planted = (&'static str, &'static str, &'static str, &'static str);

const PEOPLE: [Planted; 4] = [
    ("user_ann", "ann", "Ann Lovelace", "admin"),
    ("user_bob", "bob", "Bob Brandt", "user"),
    ("user_cay", "cay", "Cay Ito", "user"),
    ("user_dee", "dee", "Dee Osei", "user"),
];

/// Fills an empty book, with events like any others; leaves every other as it is.
pub(crate) fn plant(data_dir: &Path) -> Result<(), OpenError> {
    let mut book = Book::open(data_dir)?;
    planted(&mut book)
        .map_err(|source| OpenError::Database { path: data_dir.join("chat.db"), source })
}

fn planted(book: &mut Book) -> rusqlite::Result<()> {
    if book.is_inhabited()? {
        return Ok(());
    }
    for planted in PEOPLE {
        book.meet(&user(planted))?;
    }
    let [ann, bob, ..] = PEOPLE.map(user);
    let quay = json!({
        "name": "quay", "type": "PUBLIC", "description": "For everyone. Come in.",
        "memberIds": ["user_bob"],
    });
    let den = json!({ "name": "den", "type": "PRIVATE", "memberIds": ["user_bob"] });
    let hello = json!({ "channelId": 1, "content": "Open this page in two windows." });
    let ahoy = json!({ "channelId": 1, "content": "And be two people in them." });
    for (user, event, value) in [
        (&ann, "channel:create", quay),
        (&ann, "channel:create", den),
        (&ann, "message:send", hello),
        (&bob, "message:send", ahoy),
    ] {
        book.handle(now(), user, event, &[value])?;
    }
    Ok(())
}

pub(crate) fn people() -> Vec<Person> {
    PEOPLE.map(person).into()
}

fn user((id, _, name, _): Planted) -> User {
    User { id: id.to_owned(), name: name.to_owned(), image_url: None }
}

fn person((id, username, name, role): Planted) -> Person {
    let claims = [
        ("sub", json!(id)),
        ("username", json!(username)),
        ("name", json!(name)),
        ("email", json!(format!("{username}@harbour.example"))),
        ("role", json!(role)),
    ];
    let claims: Map<String, Value> =
        claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let profile = json!({
        "id": id, "username": username, "name": name, "role": role, "app": "chat",
    });
    Person { username: username.to_owned(), password: PASSWORD.to_owned(), claims, profile }
}
