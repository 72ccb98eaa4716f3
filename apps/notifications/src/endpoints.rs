//! The HTTP endpoints, as this system's client calls them. All need a token (R54).

use std::sync::Arc;

use app::rest::{self, Given, Refused};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    routing::{delete, get, patch, post},
};
use proto::{Code, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    draft::{Draft, Raw},
    frame::frame,
    notice::{self, Marked, Notice},
    notifications::Notifications,
    page, projects, said,
    user::User,
    users,
};

/// A full notification is 11 kB at four bytes a character; a bulk update of 500 ids is 10 kB.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Ids in one bulk request: far more than any page shows.
const IDS_MAX: usize = 500;

pub(crate) fn router(app: Arc<Notifications>) -> Router {
    let mut router = Router::new();
    router = rest::route(router, "/api/notifications", get(list).post(send));
    router = rest::route(router, "/api/notifications/bulk-update", post(update_many));
    router = rest::route(router, "/api/notifications/mark-read", post(mark_read));
    router = rest::route(router, "/api/notifications/user/{id}", get(of_user));
    router = rest::route(router, "/api/notifications/{id}", patch(update_one));
    router = rest::route(router, "/api/notifications/users/{id}", delete(users::remove));
    router = rest::route(router, "/api/notifications/users/{id}/restore", post(users::restore));
    router = rest::route(router, "/api/projects", post(projects::create));
    router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(app).merge(page::router())
}

/// Whoever's token came with the request.
pub(crate) struct Caller(pub(crate) User);

impl FromRequestParts<Arc<Notifications>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<Notifications>,
    ) -> Result<Self, Refused> {
        let token = rest::bearer(&parts.headers)?;
        let identity = app.gateway().identify("notifications", token).await?;
        Ok(Self(app.user_of(Some(&identity)).await?))
    }
}

type Answer = Result<Json<Value>, Refused>;

/// A notification with the names its stored form has in that client.
#[derive(Serialize)]
struct Stored {
    is_read: bool,
    created_at: String,
    #[serde(flatten)]
    notice: Notice,
}

impl From<Notice> for Stored {
    fn from(notice: Notice) -> Self {
        Self { is_read: notice.read, created_at: notice.timestamp.clone(), notice }
    }
}

/// One's own newest hundred, read or not.
async fn list(State(app): State<Arc<Notifications>>, Caller(user): Caller) -> Answer {
    let results = newest(&app, user).await?;
    let count = results.len();
    let page = json!({ "count": count, "next": null, "previous": null, "results": results });
    Ok(Json(page))
}

/// Stores, then publishes: whoever misses the push finds it in their list (R73, R74).
async fn send(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Given(raw): Given<Raw>,
) -> Result<(StatusCode, Json<Stored>), Refused> {
    let draft = Draft::parse(raw)?;
    draft.may_send(&user)?;
    let sent = to_the_end(async move {
        let channel = draft.recipient.channel();
        let _turn = app.turn().await;
        let added = app.store().ask(move |db| match draft.may_arrive(db)? {
            true => notice::add(db, &draft).map(Some),
            false => Ok(None),
        });
        let notice = added.await?.ok_or_else(|| said::bad("recipient_id: this user was removed."));
        let notice = notice?;
        app.publish(channel, frame("notification", &notice), &user).await;
        Ok(notice)
    });
    Ok((StatusCode::CREATED, Json(sent.await?.into())))
}

/// Goes on when whoever asked hangs up: what is stored is told, too.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Code::AppFailed.into()))
}

/// `{is_read}`
#[derive(Deserialize)]
struct Change {
    #[serde(alias = "read")]
    is_read: bool,
}

async fn update_one(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Path(id): Path<String>,
    Given(change): Given<Change>,
) -> Result<Json<Stored>, Refused> {
    let id = said::number_in(&id).ok_or_else(nowhere)?;
    mark(&app, &user, vec![id], change.is_read).await?;
    let found = app.store().ask(move |db| notice::find(db, &user, id)).await?;
    Ok(Json(found.ok_or_else(nowhere)?.into()))
}

/// `{notification_ids, updates: {is_read}}`
#[derive(Deserialize)]
struct Changes {
    notification_ids: Vec<Value>,
    updates: Change,
}

async fn update_many(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Given(changes): Given<Changes>,
) -> Answer {
    mark_all(&app, &user, &changes.notification_ids, changes.updates.is_read).await
}

/// `{notification_ids, recipient_id}`
#[derive(Deserialize)]
struct Reading {
    notification_ids: Vec<Value>,
    #[serde(default)]
    recipient_id: Value,
}

/// The client groups by recipient, so `recipient_id` is what the notification had: the user, their
/// role, or nothing. It only ever marks for the caller.
async fn mark_read(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Given(reading): Given<Reading>,
) -> Answer {
    let recipient = &reading.recipient_id;
    let is_own = match recipient.as_str() {
        Some(text) => ["", "all", user.role.as_str(), user.id.as_str()].contains(&text),
        None => recipient.is_null() || said::user_of(recipient).as_ref() == Some(&user.id),
    };
    if !is_own {
        return Err(others().into());
    }
    mark_all(&app, &user, &reading.notification_ids, true).await
}

/// `{user_id, notifications, count}`, for oneself or for those who administer.
async fn of_user(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Path(id): Path<String>,
) -> Answer {
    let asked = app::claimed::id_in(&id).filter(|it| *it == user.id || user.role.administers());
    let asked = asked.ok_or_else(others)?;
    let reader = match asked == user.id {
        true => user,
        false => {
            let found = app.store().ask(move |db| User::find(db, &asked)).await?;
            found.filter(|it| it.is_active).ok_or_else(nowhere)?
        }
    };
    let notifications = newest(&app, reader).await?;
    let count = notifications.len();
    Ok(Json(json!({ "user_id": id, "notifications": notifications, "count": count })))
}

async fn newest(app: &Notifications, user: User) -> Result<Vec<Stored>, Refusal> {
    let newest = app.store().ask(move |db| notice::newest(db, &user)).await?;
    Ok(newest.into_iter().map(Stored::from).collect())
}

/// Marks, and shows it to the user's tabs.
async fn mark(
    app: &Arc<Notifications>,
    user: &User,
    ids: Vec<i64>,
    read: bool,
) -> Result<Marked, Refusal> {
    let (app, user) = (app.clone(), user.clone());
    let marked = to_the_end(async move {
        let marked = app.mark(&user, ids, read).await?;
        if 0 < marked.changed {
            app.tell_tabs(&user).await;
        }
        Ok(marked)
    });
    marked.await
}

async fn mark_all(app: &Arc<Notifications>, user: &User, ids: &[Value], read: bool) -> Answer {
    if IDS_MAX < ids.len() {
        return Err(said::bad("notification_ids: at most 500 at once.").into());
    }
    let ids: Option<Vec<i64>> = ids.iter().map(said::number_of).collect();
    let ids = ids.ok_or_else(|| said::bad("notification_ids: give the ids of notifications."))?;
    let marked = mark(app, user, ids, read).await?;
    let message = format!("{} notifications updated", marked.found);
    Ok(Json(json!({ "updated_count": marked.found, "message": message })))
}

fn nowhere() -> Refusal {
    Refusal::new(Code::NoSuchRoute).saying("There is no such notification of yours.")
}

fn others() -> Refusal {
    Refusal::new(Code::Denied).saying("These are somebody else's notifications.")
}
