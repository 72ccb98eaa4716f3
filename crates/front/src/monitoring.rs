//! What operators read.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::shared::Shared;

/// `GET /api/monitoring/websocket/metrics/`: exactly seven keys (R99).
pub(crate) async fn websocket_metrics(State(shared): State<Arc<Shared>>) -> Response {
    fresh(Json(shared.monitor.metrics_summary()))
}

/// `GET /api/monitoring/websocket/active-connections/` (R100).
pub(crate) async fn active_connections(State(shared): State<Arc<Shared>>) -> Response {
    fresh(Json(json!({ "active_connections": shared.monitor.active_connections() })))
}

/// `GET /metrics`: everything, as `docs/metrics.md` describes it.
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    fresh(([(header::CONTENT_TYPE, monitor::CONTENT_TYPE)], shared.monitor.render()))
}

fn fresh(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
