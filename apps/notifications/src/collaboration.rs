//! A room in which people edit together: what one does, the others see. Nothing is kept.

use app::{Action, Reach};
use proto::{ChannelName, Refusal};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    frame,
    said::{self, Said},
    timestamp,
    user::User,
};

/// Actions that are passed on under their own name, and the field each carries.
const PASSED_ON: [(&str, &str); 3] =
    [("cursor_update", "position"), ("text_change", "changes"), ("selection_change", "selection")];

/// Told to everyone in the room, the joiner included.
pub(crate) fn joined(room: ChannelName, user: &str) -> Action {
    moved(room, user, "user_joined", "joined")
}

pub(crate) fn left(room: ChannelName, user: &str) -> Action {
    moved(room, user, "user_left", "left")
}

/// Told to everyone in the room but the user's own connections.
///
/// Only the one field the action is about travels on, so nobody can speak as another (threat C6).
pub(crate) fn passed_on(room: ChannelName, user: &User, said: &Said) -> Result<Action, Refusal> {
    let (kind, field) =
        *PASSED_ON.iter().find(|it| it.0 == said.action).ok_or_else(|| said.unknown())?;
    let value = said.field(&[field]).ok_or_else(|| missing(field))?;

    let mut told = Map::new();
    told.insert("type".into(), kind.into());
    told.insert("user".into(), user.username.as_str().into());
    told.insert(field.into(), value.clone());
    told.insert("timestamp".into(), timestamp::seconds().into());
    let payload = frame::text(&Value::from(told));
    let (except, reach) = (Some(user.id.clone()), Reach::Members);
    Ok(Action::Publish { channel: room, payload, except, event: None, reach })
}

fn moved(channel: ChannelName, user: &str, kind: &str, verb: &str) -> Action {
    let message = format!("{user} {verb} the collaboration");
    let payload = frame::text(&Moved { kind, user, message });
    Action::Publish { channel, payload, except: None, event: None, reach: Reach::Members }
}

fn missing(field: &'static str) -> Refusal {
    match field {
        "position" => said::bad("cursor_update needs a position."),
        "changes" => said::bad("text_change needs changes."),
        _ => said::bad("selection_change needs a selection."),
    }
}

#[derive(Serialize)]
struct Moved<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    user: &'a str,
    message: String,
}
