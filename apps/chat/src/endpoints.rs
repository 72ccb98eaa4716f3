//! The HTTP endpoints. All but the health check need a token (R54).

use std::sync::Arc;

use app::{
    Selection,
    rest::{self, Given, Refused},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, Path, Query, State},
    http::{StatusCode, request::Parts},
    routing::{delete, get, post},
};
use proto::{Code, Identity, Refusal, UserId};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    access,
    chat::Chat,
    lists::{self, Span},
    page,
    presence::Here,
    users::User,
};

/// A channel with a hundred members of 128 bytes each is 14 kB.
const BODY_BYTES_MAX: usize = 32 * 1024;

/// In characters; longer than any name.
const SOUGHT_CHARS_MAX: usize = 100;

/// Messages that are answered where no limit is named: a screen.
const PAGE_DEFAULT: i64 = 50;

pub(crate) fn router(chat: Arc<Chat>) -> Router {
    let mut router = Router::new();
    router = rest::route(router, "/chat-test", get(health));
    router = rest::route(router, "/api/chat/channels", get(channels).post(create));
    router = rest::route(router, "/api/chat/channels/{id}", get(channel));
    router = rest::route(router, "/api/chat/channels/{id}/members", get(members));
    router = rest::route(router, "/api/chat/channels/{id}/messages", get(messages));
    router = rest::route(router, "/api/chat/messages/{id}/replies", get(replies));
    router = rest::route(router, "/api/chat/users", get(people));
    router = rest::route(router, "/api/chat/users/{id}", delete(remove));
    router = rest::route(router, "/api/chat/users/{id}/restore", post(restore));
    router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(chat).merge(page::router())
}

/// Whoever's token came with the request.
struct Caller {
    user: User,
    identity: Arc<Identity>,
}

impl FromRequestParts<Arc<Chat>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, chat: &Arc<Chat>) -> Result<Self, Refused> {
        let token = rest::bearer(&parts.headers)?;
        let identity = chat.gateway().identify("chat", token).await?;
        let user = chat.user_of(Some(&identity)).await?;
        Ok(Self { user, identity })
    }
}

type Answer = Result<Json<Value>, Refused>;

/// As the system's own monitoring asks it.
async fn health(State(chat): State<Arc<Chat>>) -> Answer {
    let connections = chat.desk().ask(|room| Ok(room.book.reading().1.count())).await?;
    Ok(Json(json!({
        "status": "success", "message": "WebSocket server is running", "connections": connections,
    })))
}

#[derive(Deserialize)]
struct Which {
    /// `public`: those one could join. Otherwise one's own.
    #[serde(default)]
    scope: String,
}

async fn channels(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Query(which): Query<Which>,
) -> Answer {
    let is_public = which.scope == "public";
    let list = move |db: &Connection, _: &Here| match is_public {
        true => lists::discover(db, &user.id),
        false => lists::channels_of(db, &user.id),
    };
    Ok(Json(read(&chat, list).await?))
}

/// The same as `channel:create`, and told as that is.
async fn create(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Given(draft): Given<Value>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    // Goes on when whoever asked hangs up: what is stored is told, too.
    let work = async move { chat.obey(&user, "channel:create", draft).await };
    let ack = tokio::spawn(work).await.unwrap_or_else(|_| Err(Code::AppFailed.into()))?;
    match ack["error"].as_str() {
        Some(error) => Err(Refusal::new(Code::BadCommand).saying(error.to_owned()).into()),
        None => Ok((StatusCode::CREATED, Json(ack))),
    }
}

async fn channel(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Path(id): Path<String>,
) -> Answer {
    let id = number(&id)?;
    seen(read(&chat, move |db, _| lists::channel(db, &user.id, id)).await?)
}

async fn members(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Path(id): Path<String>,
) -> Answer {
    let id = number(&id)?;
    seen(read(&chat, move |db, here| lists::members(db, here, &user.id, id)).await?)
}

/// `before` and `after` are ids of messages; `before` counts if both are given.
#[derive(Deserialize)]
struct Part {
    before: Option<i64>,
    after: Option<i64>,
    limit: Option<i64>,
}

impl Part {
    fn span(&self) -> Span {
        match (self.before, self.after) {
            (Some(id), _) => Span::Before(id),
            (None, Some(id)) => Span::After(id),
            (None, None) => Span::Before(i64::MAX),
        }
    }

    fn limit(&self) -> i64 {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, lists::PAGE_MAX)
    }
}

async fn messages(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Answer {
    let (id, span, limit) = (number(&id)?, part.span(), part.limit());
    seen(read(&chat, move |db, _| lists::messages(db, &user.id, id, span, limit)).await?)
}

async fn replies(
    State(chat): State<Arc<Chat>>,
    Caller { user, .. }: Caller,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Answer {
    let (id, span, limit) = (number(&id)?, part.span(), part.limit());
    seen(read(&chat, move |db, _| lists::replies(db, &user.id, id, span, limit)).await?)
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default, alias = "query", alias = "search")]
    q: String,
}

async fn people(
    State(chat): State<Arc<Chat>>,
    Caller { .. }: Caller,
    Query(Sought { q }): Query<Sought>,
) -> Answer {
    if SOUGHT_CHARS_MAX < q.chars().count() {
        return Err(Refusal::new(Code::BadCommand).saying("q: at most 100 characters.").into());
    }
    Ok(Json(read(&chat, move |db, here| lists::people(db, here, q.trim())).await?))
}

/// 204. Ends their connections; to do it again does no harm, and ends what came in between.
async fn remove(
    State(chat): State<Arc<Chat>>,
    Caller { identity, .. }: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    // Goes on when whoever asked hangs up: whoever was removed is disconnected, too.
    let work = async move {
        let id = mark(&chat, &identity, &id, false).await?;
        chat.gateway().disconnect(Selection::User(id), access::removed()).await
    };
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Code::AppFailed.into()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// 204. Their tokens are good again.
async fn restore(
    State(chat): State<Arc<Chat>>,
    Caller { identity, .. }: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    mark(&chat, &identity, &id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mark(
    chat: &Chat,
    caller: &Identity,
    id: &str,
    is_active: bool,
) -> Result<UserId, Refusal> {
    if !access::administers(caller) {
        return Err(Refusal::new(Code::Denied).saying("Only an admin removes and restores users."));
    }
    let nobody = || Refusal::new(Code::NoSuchRoute).saying("There is no such user.");
    let id = app::claimed::id_in(id).ok_or_else(nobody)?;
    let sought = id.clone();
    let mark = move |room: &mut crate::desk::Room| room.book.set_active(sought.as_str(), is_active);
    if chat.desk().ask(mark).await? { Ok(id) } else { Err(nobody()) }
}

async fn read<T: Send + 'static>(
    chat: &Chat,
    look: impl FnOnce(&Connection, &Here) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let look = move |room: &mut crate::desk::Room| {
        let (db, here) = room.book.reading();
        look(db, here)
    };
    chat.desk().ask(look).await
}

fn seen(found: Result<Value, Code>) -> Answer {
    Ok(Json(found.map_err(|code| Refusal::new(code).saying("Access denied to channel"))?))
}

fn number(id: &str) -> Result<i64, Refusal> {
    id.parse().map_err(|_| Refusal::new(Code::BadCommand).saying("An id is a number."))
}
