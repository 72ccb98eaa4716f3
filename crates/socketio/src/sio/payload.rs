//! The array of an event or an acknowledgement, for which it is not said yet whom it goes to.

use std::{fmt, sync::Arc};

use super::EventName;
use crate::Json;

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
