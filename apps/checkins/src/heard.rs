//! What a client said, in every spelling it is known to use.
//!
//! The client sends `data` where its server read `payload`, and names ids in two ways; both are
//! taken (C6). After this file there is one form of each message.

use std::fmt;

use proto::{Code, Refusal};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, error::Category};

use crate::not_done::NotDone;

/// One thing said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    CheckIn(Result<Arrival, NotDone>),
    CheckOut(Result<Departure, NotDone>),
    Heartbeat,
    Ping,
    /// Asks for a fresh first frame.
    Reconnect,
    /// Offers a token in a message, which is not taken (R12).
    Authenticate,
    /// A type nobody knows, cut to a length fit for an answer.
    Unknown(String),
}

/// Who comes, as the desk typed or scanned it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Arrival {
    /// Id, membership number or barcode.
    pub(crate) member: String,
    pub(crate) location: String,
    pub(crate) notes: String,
}

/// Which visit ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Departure {
    pub(crate) check_in: String,
    /// Replaces the notes of the check-in.
    pub(crate) notes: Option<String>,
}

/// The client's own batches are at most this long.
const BATCH_MAX: usize = 50;
/// A UUID has 36; no barcode is longer.
const ID_CHARS_MAX: usize = 64;
const LOCATION_CHARS_MAX: usize = 100;
const NOTES_CHARS_MAX: usize = 500;
const TYPE_CHARS_MAX: usize = 40;

/// What one frame says, in order: one thing, or those of a batch.
pub(crate) fn parse(text: &str) -> Result<Vec<Heard>, Refusal> {
    let frame: Frame = serde_json::from_str(text).map_err(|fault| match fault.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            Refusal::new(Code::InvalidJson).saying("Invalid JSON format")
        }
        Category::Data => bad("A message is a JSON object with a \"type\"."),
    })?;
    if frame.kind != "batch" {
        let said = frame.data.filter(|it| !it.is_null()).or(frame.payload).unwrap_or_default();
        return Ok(vec![one(&frame.kind, &said)]);
    }

    let Some(Batches(batches)) = frame.batches else {
        return Err(bad("A batch has its items in \"batches\", grouped by type."));
    };
    if BATCH_MAX < batches.iter().map(|(_, items)| items.len()).sum() {
        return Err(bad("A batch has at most 50 items."));
    }
    let said = batches.iter().flat_map(|(kind, items)| items.iter().map(move |it| one(kind, it)));
    Ok(said.collect())
}

fn bad(sentence: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(sentence)
}

fn one(kind: &str, said: &Value) -> Heard {
    match kind {
        "check_in" => Heard::CheckIn(Arrival::read(said)),
        "check_out" => Heard::CheckOut(Departure::read(said)),
        "heartbeat" => Heard::Heartbeat,
        "ping" => Heard::Ping,
        "reconnect" => Heard::Reconnect,
        "authenticate" | "auth" => Heard::Authenticate,
        _ => Heard::Unknown(kind.chars().take(TYPE_CHARS_MAX).collect()),
    }
}

impl Arrival {
    pub(crate) fn read(said: &Value) -> Result<Self, NotDone> {
        Ok(Self {
            member: id(said, ["memberId", "member_id"], "a member's id, number or barcode")?,
            location: text(said, "location", LOCATION_CHARS_MAX)?.unwrap_or_default(),
            notes: text(said, "notes", NOTES_CHARS_MAX)?.unwrap_or_default(),
        })
    }
}

impl Departure {
    pub(crate) fn read(said: &Value) -> Result<Self, NotDone> {
        let check_in = id(said, ["checkInId", "check_in_id"], "the id of a check-in")?;
        Self::of(check_in, said)
    }

    /// For an id that came by another way.
    pub(crate) fn of(check_in: String, said: &Value) -> Result<Self, NotDone> {
        Ok(Self { check_in, notes: text(said, "notes", NOTES_CHARS_MAX)? })
    }
}

/// An id under one of its names. Scanners type numbers, and people type spaces.
fn id(said: &Value, names: [&str; 2], what: &str) -> Result<String, NotDone> {
    let found = names.iter().find_map(|name| match said.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|it| !it.is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    });
    let Some(found) = found else {
        return Err(NotDone::Unclear(format!("{} is missing: send {what}", names[0])));
    };
    short(found, names[0], ID_CHARS_MAX)
}

fn text(said: &Value, name: &str, chars_max: usize) -> Result<Option<String>, NotDone> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => short(text.clone(), name, chars_max).map(Some),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(NotDone::Unclear(format!("{name} is not text")))
        }
    }
}

fn short(text: String, name: &str, chars_max: usize) -> Result<String, NotDone> {
    if chars_max < text.chars().count() {
        return Err(NotDone::Unclear(format!("{name} is longer than {chars_max} characters")));
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    data: Option<Value>,
    payload: Option<Value>,
    batches: Option<Batches>,
}

/// Types with their items, in the order written.
///
/// A map would sort them by name and so let a check-in overtake the check-out that must come first.
struct Batches(Vec<(String, Vec<Value>)>);

impl<'de> Deserialize<'de> for Batches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Batches;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lists of items by type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Batches, A::Error> {
        let mut batches = Vec::new();
        while let Some(entry) = map.next_entry()? {
            batches.push(entry);
        }
        Ok(Batches(batches))
    }
}
