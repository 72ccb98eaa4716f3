//! Packets as a server writes them. Values pass through as the text they are.
//!
//! A namespace is written as [`Packet::namespace`](super::Packet::namespace) reads it: from a slash
//! on, without commas and control characters.

use std::{fmt::Write as _, sync::Arc};

use super::{
    AckId, EventName, Payload,
    payload::{event_into, string_into},
};
use crate::{Encoded, Json, Sid};

/// An event for everyone in a namespace, encoded once.
#[must_use]
pub fn event<'a>(
    namespace: &str,
    name: EventName<'_>,
    args: impl IntoIterator<Item = Json<'a>>,
) -> Encoded {
    let mut text = head('2', 0, namespace, None);
    event_into(&mut text, name, args, None);
    plain(&text)
}

/// An event with its offset behind the last value, from which a client that recovers goes on.
///
/// A client that was told a `pid` takes the last value of *every* event for an offset, if it is a
/// text. So who gets a `pid` gets an offset with each event, or at least no text in that place.
#[must_use]
pub fn event_at<'a>(
    namespace: &str,
    name: EventName<'_>,
    args: impl IntoIterator<Item = Json<'a>>,
    offset: &str,
) -> Encoded {
    let mut text = head('2', 0, namespace, None);
    event_into(&mut text, name, args, Some(offset));
    plain(&text)
}

/// An event of which the payload is there: with attachments, or one that is to be answered.
#[must_use]
pub fn event_of(namespace: &str, id: Option<AckId>, payload: &Payload) -> Encoded {
    let kind = if payload.attachments.is_empty() { '2' } else { '5' };
    with_payload(kind, namespace, id, payload)
}

/// The answer to an event.
#[must_use]
pub fn ack(namespace: &str, id: AckId, payload: &Payload) -> Encoded {
    let kind = if payload.attachments.is_empty() { '3' } else { '6' };
    with_payload(kind, namespace, Some(id), payload)
}

/// You are in. With a `pid` if the connection's state will be kept for a while.
#[must_use]
pub fn connected(namespace: &str, sid: &Sid, pid: Option<&Sid>) -> Encoded {
    let mut text = head('0', 0, namespace, None);
    text.push_str("{\"sid\":\"");
    text.push_str(sid.as_str());
    if let Some(pid) = pid {
        text.push_str("\",\"pid\":\"");
        text.push_str(pid.as_str());
    }
    text.push_str("\"}");
    plain(&text)
}

/// Why somebody is not let in. What `error.message` and `error.data` are in a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectError<'a> {
    /// In words. Clients look for "Authentication" in it.
    pub message: &'a str,
    /// For programs: a name from a table. Without one there is no `data`.
    pub code: Option<&'a str>,
    /// What else there is to say.
    pub details: Option<Json<'a>>,
}

/// You are not in.
#[must_use]
pub fn connect_error(namespace: &str, error: &ConnectError<'_>) -> Encoded {
    let mut text = head('4', 0, namespace, None);
    text.push_str("{\"message\":");
    string_into(&mut text, error.message);
    if let Some(code) = error.code {
        text.push_str(",\"data\":{\"code\":");
        string_into(&mut text, code);
        text.push_str(",\"message\":");
        string_into(&mut text, error.message);
        text.push_str(",\"details\":");
        text.push_str(error.details.unwrap_or(Json::NULL).as_str());
        text.push('}');
    }
    text.push('}');
    plain(&text)
}

/// You are no longer in.
#[must_use]
pub fn disconnect(namespace: &str) -> Encoded {
    plain(&head('1', 0, namespace, None))
}

/// What stands in the values for an attachment.
#[must_use]
pub fn placeholder(index: u8) -> String {
    format!(r#"{{"_placeholder":true,"num":{index}}}"#)
}

fn with_payload(kind: char, namespace: &str, id: Option<AckId>, payload: &Payload) -> Encoded {
    let mut text = head(kind, payload.attachments.len(), namespace, id);
    text.push_str(&payload.text);
    Encoded { text: text.into(), attachments: payload.attachments.clone() }
}

fn head(kind: char, attachments: usize, namespace: &str, id: Option<AckId>) -> String {
    let mut text = String::with_capacity(64);
    text.push('4');
    text.push(kind);
    if 0 < attachments {
        write!(text, "{attachments}-").expect("a string takes all");
    }
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(AckId(id)) = id {
        write!(text, "{id}").expect("a string takes all");
    }
    text
}

fn plain(text: &str) -> Encoded {
    Encoded { text: text.into(), attachments: Arc::default() }
}

#[cfg(test)]
mod tests;
