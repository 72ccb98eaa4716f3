//! Removing users, whatever their tokens say, and taking them back. For admins.

use app::Selection;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use proto::{Code, Refusal, UserId};

use crate::{
    api::{Desk, No},
    checkins::{Checkins, REMOVED, failed},
    user::{self, Role},
};

/// Ends their connections too. To do it again does no harm, and ends what came in between.
pub(crate) async fn remove(
    State(desk): Desk,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, No> {
    let id = mark(&desk, &headers, &id, false).await?;
    desk.gateway.disconnect(Selection::User(id), failed(REMOVED)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn restore(
    State(desk): Desk,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, No> {
    mark(&desk, &headers, &id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mark(
    desk: &Checkins,
    headers: &HeaderMap,
    id: &str,
    active: bool,
) -> Result<UserId, Refusal> {
    if desk.caller(headers).await?.role != Role::Admin {
        return Err(Refusal::new(Code::Denied).saying("Only admins remove and restore users."));
    }
    let nobody = || Refusal::new(Code::NoSuchRoute).saying("There is no such user.");
    let id = app::claimed::id_in(id).ok_or_else(nobody)?;
    let sought = id.clone();
    let is_there = desk.read(move |db| user::set_active(db, &sought, active)).await?;
    if is_there { Ok(id) } else { Err(nobody()) }
}
