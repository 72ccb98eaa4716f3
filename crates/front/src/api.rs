//! What a backend asks over HTTP.
//!
//! - `POST /api/publish` `{channel, data, idempotency_key?}` → `{epoch, offset}`
//! - `POST /api/broadcast` `{channels, data, idempotency_key?}` → `{results: [{channel, result |
//! error}]}`
//! - `GET /api/channels/{name}` → `{channel, members, epoch, offset}`
//! - `GET /api/channels/{name}/history` → `{epoch, first, head, items}`
//! - `GET /api/channels/{name}/presence` → `{users, count, connections}`
//! - `GET /api/channels/{name}/cursors/{user}` → `{delivered, read, unread}`
//! - `DELETE /api/channels/{name}`
//! - `POST /api/disconnect` `{user | connection, code?, reason?}` → `{disconnected}`
//!
//! Sessions, revocations and newer tokens have files of their own.
//!
//! `data` is any JSON and passes through as it was written.

mod broadcast;
mod channels;
pub(crate) mod exchanging; // Newer tokens.
mod publish;
pub(crate) mod revoking;
pub(crate) mod sessions;

use std::sync::Arc;

use app::{
    Post, Selection,
    rest::{Given, Refused},
};
use axum::{Json, extract::State};
use proto::{Act, ChannelName, Code, Placed, Refusal, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) use self::{
    broadcast::broadcast,
    channels::{erase, read},
    publish::publish,
};
use crate::{
    json_depth::{DEPTH_MAX, depth},
    shared::Shared,
};

/// A reason goes into the close frame, which has 123 bytes (RFC 6455 section 5.5).
const REASON_BYTES_MAX: usize = 123;

/// A message's place, as clients see it: the epoch as hexadecimal text.
#[derive(Serialize)]
pub(crate) struct Place {
    epoch: String,
    offset: u64,
}

impl From<Placed> for Place {
    fn from(placed: Placed) -> Self {
        Self { epoch: placed.epoch.to_string(), offset: placed.offset.0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disconnect {
    user: Option<String>,
    connection: Option<String>,
    /// A code's name; `DISCONNECTED` if none is given.
    code: Option<String>,
    /// A sentence for the client; the code's own if none is given.
    reason: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Disconnected {
    disconnected: usize,
}

/// `POST /api/disconnect`.
pub(crate) async fn disconnect(
    State(shared): State<Arc<Shared>>,
    Given(asked): Given<Disconnect>,
) -> Result<Json<Disconnected>, Refused> {
    let Disconnect { user, connection, code, reason } = asked;
    let whom = match (user, connection) {
        (Some(user), None) => {
            let user = UserId::parse(&user).ok_or_else(|| bad("That is not a user's id."))?;
            Selection::User(user)
        }
        (None, Some(connection)) => Selection::Connection(connection),
        _ => return Err(bad("Give either \"user\" or \"connection\".").into()),
    };
    let code = code.map_or(Some(Code::Disconnected), |it| Code::named(&it));
    let code = code.filter(|it| it.act() == Act::Close);
    let mut why = Refusal::new(code.ok_or_else(|| bad("No code of that name closes."))?);
    if let Some(reason) = reason {
        if REASON_BYTES_MAX < reason.len() {
            return Err(bad("A reason has at most 123 bytes.").into());
        }
        why = why.saying(reason);
    }
    Ok(Json(Disconnected { disconnected: shared.gateway.disconnect(whom, why).await? }))
}

fn channel_named(name: &str) -> Result<ChannelName, Refusal> {
    ChannelName::parse(name).map_err(|fault| {
        Refusal::new(Code::BadChannel).saying(format!("That is no channel's name: {fault}."))
    })
}

/// The text of `data`, once it is known to be shallow enough for every client.
fn payload(data: &RawValue) -> Result<Arc<str>, Refusal> {
    let text = data.get();
    if DEPTH_MAX < depth(text) {
        return Err(Refusal::new(Code::BadCommand).saying("\"data\" is nested too deeply."));
    }
    Ok(text.into())
}

fn post(channel: ChannelName, payload: &Arc<str>, key: Option<&Arc<str>>) -> Post {
    let (from, except, event) = (None, None, None);
    Post { channel, payload: Arc::clone(payload), from, except, event, key: key.cloned() }
}

fn bad(message: &'static str) -> Refusal {
    Refusal::new(Code::BadCommand).saying(message)
}
