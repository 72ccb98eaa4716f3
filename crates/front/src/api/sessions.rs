//! Who is here, who may come back, and who shall not.
//!
//! - `GET /api/sessions?user=U&device=D` → `{sessions: [...]}`
//! - `GET /api/sessions/{id}` → one of them
//! - `DELETE /api/sessions?user=U&device=D`, `DELETE /api/sessions/{id}` → `{ended}`

use std::{net::IpAddr, sync::Arc};

use app::{SessionView, Which, rest::Refused};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use proto::{Code, SessionId, UserId};
use serde::{Deserialize, Serialize};

use super::bad;
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    user: String,
    device: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Listed {
    sessions: Vec<Shown>,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    id: String,
    user: String,
    device: Option<String>,
    agent: Option<String>,
    address: IpAddr,
    route: String,
    created: u64,
    last_active: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Ended {
    ended: usize,
}

/// `GET /api/sessions`.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Listed>, Refused> {
    let sessions = shared.register.sessions(whose(of)?).await;
    Ok(Json(Listed { sessions: sessions.into_iter().map(Shown::from).collect() }))
}

/// `GET /api/sessions/{id}`.
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Refused> {
    let found = shared.register.sessions(Which::One(named(&id)?)).await;
    let session = found.into_iter().next().ok_or(Code::SessionUnknown)?;
    Ok(Json(session.into()))
}

/// `DELETE /api/sessions`.
pub(crate) async fn end_all(
    State(shared): State<Arc<Shared>>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Ended>, Refused> {
    Ok(Json(Ended { ended: shared.register.end_sessions(whose(of)?).await? }))
}

/// `DELETE /api/sessions/{id}`.
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<Ended>, Refused> {
    match shared.register.end_sessions(Which::One(named(&id)?)).await? {
        0 => Err(Code::SessionUnknown.into()),
        ended => Ok(Json(Ended { ended })),
    }
}

fn whose(of: Result<Query<Of>, QueryRejection>) -> Result<Which, Refused> {
    let Query(Of { user, device }) =
        of.map_err(|_| bad("Say whose: ?user=…, and device=… where only that is meant."))?;
    let user = UserId::parse(&user).ok_or_else(|| bad("That is not a user's id."))?;
    Ok(Which::Of { user, device })
}

/// What is no id names no session.
fn named(id: &str) -> Result<SessionId, Refused> {
    SessionId::parse(id).ok_or_else(|| Code::SessionUnknown.into())
}

impl From<SessionView> for Shown {
    fn from(view: SessionView) -> Self {
        Self {
            id: view.id.to_string(),
            user: view.user.as_str().to_owned(),
            device: view.device,
            agent: view.agent,
            address: view.address,
            route: view.route,
            created: view.created_at.0,
            last_active: view.last_active.0,
            state: if view.is_live { "live" } else { "away" },
            until: view.until.map(|it| it.0),
        }
    }
}
