//! What a client said: an action and its fields, at one level.

use app::Message;
use proto::{Code, Refusal};
use serde_json::{Map, Value};

use crate::user;

/// `{"action": …, fields…}`, parsed at the door.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) action: String,
    fields: Map<String, Value>,
}

impl Said {
    /// Takes `type` for `action` as well, which is how the other systems' clients put it (C6).
    ///
    /// serde_json stops at 128 levels, so nesting costs no stack (threat F11).
    pub(crate) fn parse(message: &Message) -> Result<Self, Refusal> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(bad("Send JSON as text, not as a binary message.")),
        };
        let value: Value = serde_json::from_str(text).map_err(|_| Code::InvalidJson)?;
        let Value::Object(mut fields) = value else {
            return Err(bad("A message is a JSON object with an action."));
        };
        let action = fields.remove("action").or_else(|| fields.remove("type"));
        let Some(Value::String(action)) = action else {
            return Err(bad("A message needs an action, as text."));
        };
        Ok(Self { action, fields })
    }

    /// A field under the first of these names that is there and not null.
    pub(crate) fn field(&self, names: &[&str]) -> Option<&Value> {
        names.iter().filter_map(|it| self.fields.get(*it)).find(|it| !it.is_null())
    }

    pub(crate) fn unknown(&self) -> Refusal {
        Refusal::new(Code::UnknownCommand).saying("There is no such action here.")
    }
}

/// An id given as text or as a number.
pub(crate) fn id_of(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => user::id_in(text),
        Value::Number(number) => number.as_i64().filter(|it| 0 < *it),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(crate) fn bad(message: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(message)
}
