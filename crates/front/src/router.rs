//! Every address that is answered over HTTP.

use std::sync::Arc;

use app::{App, Gateway, Logs, Register};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{MethodFilter, MethodRouter, on},
};
use limits::BackoffRules;
use monitor::Monitor;
use proto::Code;

use crate::{
    access::{ApiKeys, Scope},
    api, body,
    bounds::Bounds,
    gate::{self, Access, AdminRule, MetricsAccess},
    health, index,
    index::PageLink,
    monitoring, outer,
    problem::{HttpOnly, Problem},
    shared::Shared,
};

/// What the HTTP side is made of.
pub struct Parts {
    pub gateway: Arc<dyn Gateway>,
    pub logs: Arc<dyn Logs>,
    pub register: Arc<dyn Register>,
    pub monitor: Arc<Monitor>,
    pub keys: ApiKeys,
    /// Whose tokens may read what administrators may. `None`: only keys with the scope `admin`.
    pub admin: Option<AdminRule>,
    pub metrics: MetricsAccess,
    /// Their endpoints and pages are merged in. They check their callers themselves.
    pub apps: Vec<Arc<dyn App>>,
    /// Requests of Socket.IO clients that poll. Their bodies are theirs to read, within bounds.
    pub lines: Option<Router>,
    /// The development login, with `--dev` only.
    pub dev: Option<Router>,
    /// Listed on the page at `/`.
    pub pages: Vec<PageLink>,
    /// The hosts this server answers for, with or without port. `None`: any (H3).
    pub hosts: Option<Vec<String>>,
    /// Origins whose pages may call `/api`, as `scheme://host[:port]`.
    pub origins: Vec<String>,
    /// Where pages may connect besides their own host, as `scheme://host[:port]`.
    pub connect_also: Vec<String>,
    /// When an address that shows wrong keys has to wait (A12).
    pub key_failures: BackoffRules,
    pub bounds: Bounds,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

/// A route of the gateway's own. There is no way to add one without saying who may use it (D1).
pub(crate) struct Row {
    pub(crate) method: MethodFilter,
    /// Found with a slash at its end too.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    answer: fn(MethodFilter) -> MethodRouter<Arc<Shared>>,
}

macro_rules! rows {
    ($($method:ident $path:literal $access:expr => $answer:path;)*) => {
        pub(crate) const ROWS: &[Row] = &[$(Row {
            method: MethodFilter::$method,
            path: $path,
            access: $access,
            answer: |method| on(method, $answer),
        }),*];
    };
}

rows! {
    GET "/" Access::Public => index::page;
    GET "/index.css" Access::Public => index::style;
    GET "/health" Access::Public => health::live;
    GET "/health/live" Access::Public => health::live;
    GET "/health/ready" Access::Public => health::ready;
    GET "/metrics" Access::Metrics => monitoring::metrics;
    GET "/api/monitoring/websocket/metrics" Access::Admin => monitoring::websocket_metrics;
    GET "/api/monitoring/websocket/active-connections" Access::Admin
        => monitoring::active_connections;
    GET "/api/revocations" Access::Key(Scope::Admin) => api::revoking::list;
    POST "/api/revoke" Access::Key(Scope::Admin) => api::revoking::revoke;
    GET "/api/sessions" Access::Key(Scope::Read) => api::sessions::list;
    GET "/api/sessions/{id}" Access::Key(Scope::Read) => api::sessions::show;
    DELETE "/api/sessions" Access::Key(Scope::Disconnect) => api::sessions::end_all;
    DELETE "/api/sessions/{id}" Access::Key(Scope::Disconnect) => api::sessions::end;
    POST "/api/tokens/refresh" Access::Public => api::exchanging::refresh;
    POST "/api/publish" Access::Key(Scope::Publish) => api::publish;
    POST "/api/broadcast" Access::Key(Scope::Publish) => api::broadcast;
    POST "/api/disconnect" Access::Key(Scope::Disconnect) => api::disconnect;
    GET "/api/channels/{*name}" Access::Key(Scope::Read) => api::read;
    DELETE "/api/channels/{*name}" Access::Key(Scope::Admin) => api::erase;
}

/// Everything that is answered over HTTP.
///
/// # Panics
///
/// At boot, if two applications, or one and the gateway, want the same address.
pub fn router(mut parts: Parts) -> Router {
    let mut theirs = Router::new();
    let mut merged: Vec<Arc<dyn App>> = Vec::new();
    for app in std::mem::take(&mut parts.apps) {
        // One application on several routes has one set of endpoints.
        if !merged.iter().any(|it| Arc::ptr_eq(it, &app)) {
            theirs = theirs.merge(Arc::clone(&app).routes());
            merged.push(app);
        }
    }
    if let Some(dev) = parts.dev.take() {
        theirs = theirs.merge(dev);
    }
    let lines = parts.lines.take().unwrap_or_default();
    let shared = Arc::new(Shared::new(parts));
    let bodies = from_fn_with_state(Arc::clone(&shared), body::take);

    let mut ours = Router::new();
    for row in ROWS {
        let gate = from_fn_with_state((Arc::clone(&shared), row.access), gate::gate);
        // The last layer is the outermost: nobody's body is read before they are known.
        let answer = (row.answer)(row.method).layer(bodies.clone()).layer(gate);
        let is_whole = row.path != "/" && !row.path.contains('*');
        if is_whole {
            ours = ours.route(&format!("{}/", row.path), answer.clone());
        }
        ours = ours.route(row.path, answer);
    }
    ours.with_state(Arc::clone(&shared))
        .merge(theirs.layer(bodies))
        .merge(lines)
        .fallback(nothing_here)
        .method_not_allowed_fallback(|| async { Problem::from(HttpOnly::MethodNotAllowed) })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(shared, outer::outer))
}

async fn nothing_here() -> Problem {
    Code::NoSuchRoute.into()
}
