//! Is it alive, and should it be sent anyone?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::shared::Shared;

/// A canary that is not back by then is as good as lost; probes themselves wait little longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// So long an answer stands. However many ask, one canary flies a second.
const STANDS: Duration = Duration::from_secs(1);

/// The latest answer of the canary. Whoever holds the lock asks, and the others wait for that
/// answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

/// `GET /health/live`: 200 while requests are answered.
pub(crate) async fn live() -> Response {
    fresh(StatusCode::OK, json!({ "status": "alive" }))
}

/// `GET /health/ready` (R147): 200 if a publication came back through every shard in time and the
/// process does not drain; else 503 with the reason.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let reason = if shared.monitor.is_draining() {
        json!({ "status": "draining", "reason": "The server is about to stop." })
    } else if !has_sung(&shared).await {
        let reason = "A test publication did not come back through every shard in time.";
        json!({ "status": "unready", "reason": reason })
    } else {
        return fresh(StatusCode::OK, json!({ "status": "ready" }));
    };
    fresh(StatusCode::SERVICE_UNAVAILABLE, reason)
}

async fn has_sung(shared: &Shared) -> bool {
    let mut latest = shared.readiness.0.lock().await;
    if let Some((at, was_heard)) = *latest
        && at.elapsed() < STANDS
    {
        return was_heard;
    }
    let is_heard = shared.gateway.canary(PATIENCE).await;
    *latest = Some((Instant::now(), is_heard));
    is_heard
}

fn fresh(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
