//! Removing users, whatever their tokens say, and taking them back. For the Admin.

use std::sync::Arc;

use app::{Selection, rest::Refused};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use proto::{Code, Refusal, UserId};

use crate::{
    endpoints::Caller,
    notifications::Notifications,
    user::{Role, User},
};

/// `DELETE /api/notifications/users/{id}/`: 204. Ends their connections; to do it again does no
/// harm, and ends what came in between.
pub(crate) async fn remove(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let id = mark(&app, &user, &id, false).await?;
    let refusal = Refusal::new(Code::AuthFailed).saying("This user was removed.");
    app.gateway().disconnect(Selection::User(id), refusal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/notifications/users/{id}/restore/`: 204. Their tokens are good again.
pub(crate) async fn restore(
    State(app): State<Arc<Notifications>>,
    Caller(user): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    mark(&app, &user, &id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mark(
    app: &Notifications,
    user: &User,
    id: &str,
    is_active: bool,
) -> Result<UserId, Refusal> {
    if user.role != Role::Admin {
        return Err(Refusal::new(Code::Denied).saying("Only an Admin removes and restores users."));
    }
    let nobody = || Refusal::new(Code::NoSuchRoute).saying("There is no such user.");
    let id = app::claimed::id_in(id).ok_or_else(nobody)?;
    let sought = id.clone();
    let is_there = app.store().ask(move |db| User::set_active(db, &sought, is_active)).await?;
    if is_there { Ok(id) } else { Err(nobody()) }
}
