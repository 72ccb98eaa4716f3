//! New members, where no other system writes them.

use app::rest::Given;
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use proto::{Code, Refusal, UserId};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::{Desk, No},
    member::{self, Listed, New},
};

#[derive(Debug, Deserialize)]
pub(crate) struct Raw {
    full_name: String,
    email: String,
    membership_type: Option<String>,
    membership_number: Option<String>,
    barcode: Option<String>,
    #[serde(default)]
    user_id: Value,
}

const NAME_CHARS_MAX: usize = 100;
const EMAIL_CHARS_MAX: usize = 254;
/// A kind, a number, a barcode: what a desk can type.
const WORD_CHARS_MAX: usize = 64;

/// For staff and admins: 201 and the member, or `BAD_COMMAND`.
pub(crate) async fn add(
    State(desk): Desk,
    headers: HeaderMap,
    Given(said): Given<Value>,
) -> Result<(StatusCode, Json<Listed>), No> {
    if !desk.caller(&headers).await?.may_move_all() {
        return Err(Refusal::new(Code::Denied).saying("Only staff may add members.").into());
    }
    let raw =
        serde_json::from_value(said).map_err(|_| bad("A member has a full_name and an email."))?;
    let new = new(raw)?;
    let added = desk.read(move |db| member::add(db, &new)).await?;
    let added =
        added.ok_or_else(|| bad("membership_number, barcode, user_id: another member has it."))?;
    Ok((StatusCode::CREATED, Json(added)))
}

fn new(raw: Raw) -> Result<New, Refusal> {
    let word = |text: Option<String>| -> Result<Option<String>, Refusal> {
        let text = text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        match &text {
            Some(it) if !is_short(it, WORD_CHARS_MAX) => {
                Err(bad("membership_type, membership_number, barcode: at most 64 characters."))
            }
            Some(_) | None => Ok(text),
        }
    };
    let full_name = raw.full_name.trim();
    if full_name.is_empty() || !is_short(full_name, NAME_CHARS_MAX) {
        return Err(bad("full_name: 1 to 100 characters."));
    }
    if !is_short(&raw.email, EMAIL_CHARS_MAX) {
        return Err(bad("email: at most 254 characters."));
    }
    Ok(New {
        full_name: full_name.to_owned(),
        email: raw.email.trim().to_owned(),
        membership_type: word(raw.membership_type)?.unwrap_or_default(),
        membership_number: word(raw.membership_number)?,
        barcode: word(raw.barcode)?,
        user: user(&raw.user_id)?,
    })
}

/// Whose token it will be, as text or as a number. Nothing, or nothing typed, is nobody's.
fn user(said: &Value) -> Result<Option<UserId>, Refusal> {
    let id = match said {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => app::claimed::id_in(text.trim()),
        Value::Number(number) if !number.is_f64() => app::claimed::id_in(&number.to_string()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let bad = || bad("user_id: letters, digits and _ . @ -, at most 128 of them.");
    id.map(Some).ok_or_else(bad)
}

fn is_short(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

fn bad(sentence: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(sentence)
}
