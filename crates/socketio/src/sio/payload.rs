//! The array of an event or an acknowledgement, for which it is not said yet whom it goes to.

use std::{fmt, sync::Arc};

use super::EventName;
use crate::{Json, JsonFault};

/// What is said, without the type, namespace and number that come before it.
#[derive(Clone, Eq, PartialEq)]
pub struct Payload {
    pub(crate) text: Box<str>,
    pub(crate) attachments: Arc<[Arc<[u8]>]>,
}

impl Payload {
    /// An event.
    #[must_use]
    pub fn event<'a>(name: EventName<'_>, args: impl IntoIterator<Item = Json<'a>>) -> Self {
        let mut text = String::new();
        event_into(&mut text, name, args, None);
        Self { text: text.into(), attachments: Arc::default() }
    }

    /// The answer to an event.
    #[must_use]
    pub fn answer<'a>(args: impl IntoIterator<Item = Json<'a>>) -> Self {
        let mut text = String::from("[");
        for (index, value) in args.into_iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(value.as_str());
        }
        text.push(']');
        Self { text: text.into(), attachments: Arc::default() }
    }

    /// An event whose values are one JSON array, which is looked over.
    pub fn event_of(name: EventName<'_>, values: &str) -> Result<Self, JsonFault> {
        let inner = inside(values)?;
        let mut text = String::from("[");
        string_into(&mut text, name.as_str());
        text.push_str(if inner.is_empty() { "" } else { "," });
        text.push_str(inner);
        text.push(']');
        Ok(Self { text: text.into(), attachments: Arc::default() })
    }

    /// The same, with its offset behind the last value
    /// ([`event_at`](super::encode::event_at)).
    pub fn event_at(name: EventName<'_>, values: &str, offset: &str) -> Result<Self, JsonFault> {
        let mut event = String::from(&*Self::event_of(name, values)?.text);
        event.truncate(event.len() - 1);
        event.push(',');
        string_into(&mut event, offset);
        event.push(']');
        Ok(Self { text: event.into(), attachments: Arc::default() })
    }

    /// An answer whose values are one JSON array, which is looked over.
    pub fn answer_of(values: &str) -> Result<Self, JsonFault> {
        inside(values)?;
        Ok(Self { text: values.into(), attachments: Arc::default() })
    }

    /// With attachments, for each of which there is a
    /// [`placeholder`](super::encode::placeholder) in the values.
    #[must_use]
    pub fn with_attachments(self, attachments: Arc<[Arc<[u8]>]>) -> Self {
        Self { attachments, ..self }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes, {} attachments)", self.text.len(), self.attachments.len())
    }
}

/// What is between the brackets of a JSON array.
fn inside(array: &str) -> Result<&str, JsonFault> {
    Json::parse(array)?;
    let inner = array.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.map(str::trim).ok_or(JsonFault::NotJson)
}

pub(crate) fn event_into<'a>(
    out: &mut String,
    name: EventName<'_>,
    args: impl IntoIterator<Item = Json<'a>>,
    offset: Option<&str>,
) {
    out.push('[');
    string_into(out, name.as_str());
    for value in args {
        out.push(',');
        out.push_str(value.as_str());
    }
    if let Some(offset) = offset {
        out.push(',');
        string_into(out, offset);
    }
    out.push(']');
}

/// A text as JSON writes it, control characters escaped.
pub(crate) fn string_into(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).expect("a text is always JSON"));
}
