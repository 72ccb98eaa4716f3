//! What goes to the client: `{"type", "data"}`, and errors.

use std::sync::Arc;

use app::{Action, Message};
use proto::Refusal;
use serde::Serialize;

/// `{"type":…,"data":…}` as text.
pub(crate) fn frame(kind: &str, data: impl Serialize) -> Arc<str> {
    text(&Frame { kind, data })
}

/// Anything of ours as JSON text.
pub(crate) fn text(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value).expect("our frames have text for keys").into()
}

/// An error has `data` for clients that unpack every frame, and a flat `message` for those that
/// look there (C7, R56).
pub(crate) fn error(refusal: &Refusal) -> Arc<str> {
    let code = refusal.code.as_str();
    text(&Fault { kind: "error", code, message: refusal.message(), data: refusal.body() })
}

pub(crate) fn reply(text: Arc<str>) -> Action {
    Action::Reply(Message::Text(text))
}

#[derive(Serialize)]
struct Frame<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    data: T,
}

#[derive(Serialize)]
struct Fault<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    code: &'a str,
    message: &'a str,
    data: T,
}
