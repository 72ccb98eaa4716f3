//! What a client said: an action and its fields, at one level.

use app::Message;
use proto::{Code, Refusal, UserId};
use serde_json::{Map, Value};

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
            Message::Event { .. } | Message::Answer { .. } => {
                return Err(bad("Send messages, not events."));
            }
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

/// The number of a notification, project or milestone, given as text or as a number.
pub(crate) fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => number_in(text),
        Value::Number(number) => number.as_i64().filter(|it| 0 < *it),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Decimal, positive, without sign or leading zero, so that one number has one spelling and a
/// project therefore one channel.
pub(crate) fn number_in(text: &str) -> Option<i64> {
    text.parse().ok().filter(|it: &i64| 0 < *it && it.to_string() == text)
}

/// A user's id, given as text or as a number.
pub(crate) fn user_of(value: &Value) -> Option<UserId> {
    match value {
        Value::String(text) => app::claimed::id_in(text),
        Value::Number(number) if !number.is_f64() => app::claimed::id_in(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

pub(crate) fn bad(message: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(number_in("7"), Some(7));
        for text in ["", "0", "-7", "+7", "07", " 7", "7.0", "seven", "９", "9223372036854775808"]
        {
            assert_eq!(number_in(text), None, "{text:?}");
        }
    }
}
