//! The same over HTTP, for scripts and for clients whose socket is down.
//!
//! - `GET /api/checkins/stats/`, also `GET /checkins/stats/`: polled while disconnected
//! - `GET /api/checkins/?page=&page_size=`: the history, newest first
//! - `POST /api/checkins/` with the fields of a `check_in`: 201 and the check-in
//! - `POST /api/checkins/{id}/check-out/` with `{notes?}` or nothing, or `POST
//!   /api/checkins/check-out/` with the fields of a `check_out`: 200 and the check-in
//! - `GET /api/members/?search=&page=&page_size=`
//! - `POST /api/members/` with `{full_name, email, membership_type?, membership_number?,
//!   barcode?, user_id?}`: 201 and the member; for staff and admins
//! - `DELETE /api/checkins/users/{id}/` and `POST /api/checkins/users/{id}/restore/`: 204;
//!   for admins
//!
//! All with `Authorization: Bearer <access token>`, checked by the rules of the WebSocket route;
//! 401 without (R54). A member sees only themself. Lists are `{count, next, previous, results}`.

use std::{num::NonZeroU32, sync::Arc};

use app::rest::{self, Given, Refused};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use proto::{Code, Refusal};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{error, warn};

use crate::{
    changes::Change,
    check_in::{self, CheckIn, Direction},
    checkins::{Checkins, no_answer},
    enrolment, frames,
    heard::{Arrival, Departure},
    member::{self, Page},
    not_done::NotDone,
    page,
    stats::{self, Stats},
    user::User,
    users,
};

pub(crate) fn routes(checkins: Arc<Checkins>) -> Router {
    let mut router = Router::new();
    router = rest::route(router, "/api/checkins/stats", get(stats));
    router = rest::route(router, "/checkins/stats", get(stats));
    router = rest::route(router, "/api/checkins", get(history).post(arrive));
    router = rest::route(router, "/api/checkins/check-out", post(leave));
    router = rest::route(router, "/api/checkins/{id}/check-out", post(leave_by_path));
    router = rest::route(router, "/api/members", get(members).post(enrolment::add));
    router = rest::route(router, "/api/checkins/users/{id}", delete(users::remove));
    router = rest::route(router, "/api/checkins/users/{id}/restore", post(users::restore));
    router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(checkins).merge(page::routes())
}

/// The longest notes, however escaped, fit.
const BODY_BYTES_MAX: usize = 16 * 1024;
const PAGE_SIZE: u32 = 20;
const PAGE_SIZE_MAX: u32 = 100;
const SEARCH_CHARS_MAX: usize = 100;

pub(crate) type Desk = State<Arc<Checkins>>;
type Asked = Result<Query<Part>, QueryRejection>;

async fn stats(State(desk): Desk, headers: HeaderMap) -> Result<Json<Stats>, No> {
    desk.caller(&headers).await?;
    let now = (desk.clock)();
    Ok(Json(desk.read(move |db| stats::read(db, now)).await?))
}

async fn history(
    State(desk): Desk,
    uri: Uri,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Json<Value>, No> {
    let user = desk.caller(&headers).await?;
    let page = asked?.page();
    let (count, listed) =
        desk.read(move |db| check_in::history(db, user.sees_only(), page)).await?;
    let listed: Vec<_> = listed.iter().map(frames::listed).collect();
    Ok(Json(in_pages(&uri, "", page, count, &listed)))
}

async fn members(
    State(desk): Desk,
    uri: Uri,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Json<Value>, No> {
    let user = desk.caller(&headers).await?;
    let Query(asked) = asked?;
    let page = asked.page();
    let text: String = asked.search.trim().chars().take(SEARCH_CHARS_MAX).collect();
    let sought = text.clone();
    let (count, listed) =
        desk.read(move |db| member::search(db, &sought, user.sees_only(), page)).await?;
    Ok(Json(in_pages(&uri, &text, page, count, &listed)))
}

async fn arrive(State(desk): Desk, headers: HeaderMap, Given(said): Given<Value>) -> Changed {
    let user = desk.caller(&headers).await?;
    let done = to_the_end(Direction::In, async move {
        let change = desk.check_in(Some(user.id), Arrival::read(&said)).await?;
        Ok(desk.announced(change).await)
    });
    Ok((StatusCode::CREATED, Json(done.await?)))
}

async fn leave(State(desk): Desk, headers: HeaderMap, Given(said): Given<Value>) -> Changed {
    let user = desk.caller(&headers).await?;
    depart(desk, user, Departure::read(&said)).await
}

/// The body may be left out, as there is nothing it must say.
async fn leave_by_path(
    State(desk): Desk,
    Path(check_in): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Changed {
    let user = desk.caller(&headers).await?;
    let said = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let said = said.map_err(|_| Refusal::new(Code::InvalidJson))?;
    depart(desk, user, Departure::of(check_in, &said)).await
}

async fn depart(desk: Arc<Checkins>, user: User, departure: Result<Departure, NotDone>) -> Changed {
    let done = to_the_end(Direction::Out, async move {
        let change = desk.check_out(Some(user.id), departure).await?;
        Ok(desk.announced(change).await)
    });
    Ok((StatusCode::OK, Json(done.await?)))
}

/// Goes on when whoever asked hangs up: what is committed is told, too.
async fn to_the_end(
    direction: Direction,
    work: impl Future<Output = Result<CheckIn, NotDone>> + Send + 'static,
) -> Result<CheckIn, NotDone> {
    let failed = NotDone::Failed { during: direction.noun() };
    tokio::spawn(work).await.unwrap_or(Err(failed))
}

type Changed = Result<(StatusCode, Json<CheckIn>), No>;

impl Checkins {
    /// Whose token the request carries.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<User, Refusal> {
        let identity = self.gateway.identify("checkins", rest::bearer(headers)?).await?;
        self.user(Some(&identity)).await
    }

    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, Refusal>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.book.ask(work).await.map_err(|failure| {
            error!(error = &failure as &dyn std::error::Error, "no answer to a request");
            no_answer("The check-ins cannot be read at the moment.")
        })
    }

    /// Tells the sockets what was done here. It is done even if they cannot be told.
    async fn announced(&self, change: Change) -> CheckIn {
        let Change { direction, check_in, .. } = &change;
        if let Err(refusal) = self.news.publish(frames::announcement(*direction, check_in)).await {
            warn!(code = %refusal.code, "dashboards were not told of a {}", direction.noun());
        }
        let done = check_in.clone();
        self.news.tell(change);
        done
    }
}

/// Which part of a list is asked for, as it stands in the query.
#[derive(Deserialize)]
struct Part {
    #[serde(default = "first")]
    page: NonZeroU32,
    page_size: Option<u32>,
    #[serde(default)]
    search: String,
}

const fn first() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl Part {
    fn page(&self) -> Page {
        let size = self.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX);
        Page { number: self.page.get(), size }
    }
}

fn in_pages(uri: &Uri, search: &str, page: Page, count: i64, results: &impl Serialize) -> Value {
    let link = |number: u32| {
        let (path, size, search) = (uri.path(), page.size, escaped(search));
        format!("{path}?page={number}&page_size={size}&search={search}")
    };
    let shown = page.skipped() + i64::from(page.size);
    json!({
        "count": count,
        "next": (shown < count).then(|| link(page.number.saturating_add(1))),
        "previous": (1 < page.number).then(|| link(page.number - 1)),
        "results": results,
    })
}

/// As it may stand in a query (RFC 3986 section 2.1).
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Why a request was not answered with what it asked for.
pub(crate) enum No {
    Refused(Refusal),
    NotDone(NotDone),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<NotDone> for No {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::UserGone => Self::Refused(Code::AuthFailed.into()),
            NotDone::NoMember
            | NotDone::AlreadyIn { .. }
            | NotDone::NotIn
            | NotDone::Denied
            | NotDone::Unclear(_)
            | NotDone::Failed { .. } => Self::NotDone(why),
        }
    }
}

impl From<QueryRejection> for No {
    fn from(_: QueryRejection) -> Self {
        let sentence = "page and page_size are whole numbers from 1.";
        Self::Refused(Refusal::new(Code::BadCommand).saying(sentence))
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => Refused(refusal).into_response(),
            Self::NotDone(why) => (why.status(), Json(frames::fault(&why))).into_response(),
        }
    }
}
