//! One message to one channel, once.

use std::{sync::Arc, time::Instant};

use app::{Post, rest::Given};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
};
use proto::{Code, Placed, Refusal};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::{Place, bad, channel_named, payload, post};
use crate::{
    access::sha256,
    gate::Caller,
    idempotency::{Known, Places},
    problem::{HttpOnly, Problem},
    shared::Shared,
};

/// As long as any UUID with a prefix.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// Names of events are written into source code by people.
const EVENT_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    channel: String,
    data: Box<RawValue>,
    event: Option<String>,
    idempotency_key: Option<String>,
}

/// `POST /api/publish`.
pub(crate) async fn publish(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Place>, Problem> {
    let (asked, print) = given::<Publish>(request).await?;
    let channel = channel_named(&asked.channel)?;
    let key = key_of(&shared, caller, asked.idempotency_key.as_deref());
    let event = asked.event.as_deref().map(event_named).transpose()?;
    let post = Post { event, ..post(channel, &payload(&asked.data)?, key.as_ref()) };
    let places = places(&shared, caller, asked.idempotency_key.as_deref(), &print, 1)?;
    let placed = match places {
        None => ask(&shared, post).await?,
        Some(places) => once(&shared, post, places, 0).await?,
    };
    Ok(Json(placed.into()))
}

/// A name for members who hear events.
fn event_named(name: &str) -> Result<Arc<str>, Problem> {
    if name.is_empty() || EVENT_BYTES_MAX < name.len() || name.chars().any(char::is_control) {
        return Err(
            bad("An event has a name of 1 to 128 bytes, without control characters.").into()
        );
    }
    Ok(name.into())
}

/// A body as what it says, and what tells it from others.
pub(super) async fn given<T: DeserializeOwned>(request: Request) -> Result<(T, Print), Problem> {
    let (head, body) = request.into_parts();
    // In memory already: the layer before this one has read it within its bounds.
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| Code::BadCommand)?;
    let print = Print { path: head.uri.path().to_owned(), body: body.clone() };
    let request = Request::from_parts(head, body.into());
    let Given(asked) = Given::from_request(request, &()).await.map_err(|it| it.0)?;
    Ok((asked, print))
}

/// A request, to be known again by. Digested only where somebody asks for that.
pub(super) struct Print {
    path: String,
    body: Bytes,
}

impl Print {
    /// The same body on another route is another request.
    fn digest(&self) -> [u8; 32] {
        let route = self.path.trim_end_matches('/').as_bytes();
        sha256(&[&sha256(route)[..], &sha256(&self.body)[..]].concat())
    }
}

/// Where the publications of this request are remembered; `None` if it asks for no such thing.
pub(super) fn places(
    shared: &Shared,
    caller: Caller,
    key: Option<&str>,
    print: &Print,
    channels: usize,
) -> Result<Option<Places>, Problem> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || IDEMPOTENCY_KEY_BYTES_MAX < key.len() {
        return Err(bad("An idempotency key has 1 to 128 bytes.").into());
    }
    match shared.idempotency.look_up(Instant::now(), caller.0, key, print.digest(), channels) {
        Known::New(places) => Ok(Some(places)),
        Known::Same(places) => {
            shared.monitor.front().replayed();
            Ok(Some(places))
        }
        Known::Different => Err(HttpOnly::IdempotencyConflict.into()),
    }
}

/// The key as the channel's log keeps it: nobody's can be taken for another's.
pub(super) fn key_of(shared: &Shared, caller: Caller, key: Option<&str>) -> Option<Arc<str>> {
    key.map(|it| format!("api:{}:{it}", shared.keys.name(caller.0)).into())
}

/// Publishes unless that has succeeded before; waits if it is under way.
///
/// In a task of its own: a caller that hangs up in between must find the answer when it asks again.
/// A publication that was refused is tried anew by the next who asks.
pub(super) async fn once(
    shared: &Arc<Shared>,
    post: Post,
    places: Places,
    index: usize,
) -> Result<Placed, Refusal> {
    if let Some(placed) = places.get(index).and_then(OnceCell::get) {
        return Ok(*placed);
    }
    let shared = Arc::clone(shared);
    let work = async move {
        let place = places[index].get_or_try_init(|| ask(&shared, post)).await;
        place.copied()
    };
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Code::AppFailed.into()))
}

pub(super) async fn ask(shared: &Shared, post: Post) -> Result<Placed, Refusal> {
    let asked_at = Instant::now();
    let placed = shared.gateway.publish(post).await?;
    shared.monitor.front().publish_took(asked_at.elapsed());
    Ok(placed)
}
