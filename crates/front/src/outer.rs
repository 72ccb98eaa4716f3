//! What holds for every request and every answer, whoever makes it.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Instant,
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use proto::{Code, Refusal};
use tokio::time::timeout;
use tracing::{debug, error};

use crate::{
    csp::{self, NOT_A_PAGE, PLACEHOLDER},
    problem::{HttpOnly, Problem},
    shared::Shared,
};

/// Larger pages keep their placeholder, and their scripts do not run.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The outermost layer.
pub(crate) async fn outer(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let mut seen = Seen::of(&head, &shared);
    let request = Request::from_parts(head, body);

    let mut response = match seen.refusal.take() {
        Some(refusal) => {
            let close = [(header::CONNECTION, "close")];
            (close, Problem::from(refusal)).into_response()
        }
        None if seen.is_preflight => StatusCode::NO_CONTENT.into_response(),
        None => caught(&shared, next.run(request)).await,
    };
    secure(&mut response, &shared, seen.host.as_deref()).await;
    allow_origin(response.headers_mut(), &seen);

    let status = response.status().as_u16();
    shared.monitor.front().answered(status);
    // The path alone: a query may hold a token (A7).
    let (method, path, took) = (seen.method, seen.path, began.elapsed());
    debug!(%method, path, status, ?took, "front: answered");
    response
}

/// What is needed of a request after it has been used up.
struct Seen {
    method: Method,
    path: String,
    host: Option<String>,
    refusal: Option<Refusal>,
    /// The origin, if it is on the list and the address is one that other origins may use.
    origin: Option<HeaderValue>,
    /// Answers under `/api` differ by origin when some are allowed.
    varies: bool,
    is_preflight: bool,
}

impl Seen {
    fn of(head: &request::Parts, shared: &Shared) -> Self {
        let path = head.uri.path().to_owned();
        let host = host(head);
        let is_api = path.starts_with("/api/") || path == "/api";
        let varies = is_api && !shared.origins.is_empty();
        let origin = head.headers.get(header::ORIGIN).filter(|it| {
            varies && it.to_str().is_ok_and(|it| shared.origins.iter().any(|known| known == it))
        });
        let asks = head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Self {
            is_preflight: origin.is_some() && head.method == Method::OPTIONS && asks,
            method: head.method.clone(),
            refusal: refusal(head, &path, host.as_deref(), shared),
            origin: origin.cloned(),
            varies,
            path,
            host,
        }
    }
}

/// The one `Host`, or the target's where it is absolute (RFC 9112 section 3.2).
fn host(head: &request::Parts) -> Option<String> {
    if let Some(authority) = head.uri.authority() {
        return Some(authority.as_str().to_owned());
    }
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(one), None) => one.to_str().ok().map(ToOwned::to_owned),
        _ => None,
    }
}

fn refusal(
    head: &request::Parts,
    path: &str,
    host: Option<&str>,
    shared: &Shared,
) -> Option<Refusal> {
    let headers = &head.headers;
    if 1 < headers.get_all(header::HOST).iter().count() {
        return Some(Refusal::new(Code::BadRequest).saying("The request names several hosts."));
    }
    let upgrade = headers.get(header::UPGRADE).and_then(|it| it.to_str().ok());
    if upgrade.is_some_and(|it| it.to_ascii_lowercase().contains("websocket")) {
        let how = "A WebSocket needs a connection of its own.";
        return Some(Refusal::new(Code::BadRequest).saying(how));
    }
    // Probes come by address, and what they learn is no secret (H3).
    let is_probe = path == "/health" || path.starts_with("/health/");
    let hosts = shared.hosts.as_ref().filter(|_| !is_probe)?;
    let is_ours = host.is_some_and(|it| hosts.contain(it));
    (!is_ours).then(|| Code::HostRefused.into())
}

/// The hosts this server answers for.
#[derive(Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(hosts: Vec<String>) -> Self {
        Self(hosts.into_iter().map(|it| it.to_ascii_lowercase()).collect())
    }

    /// One that is listed without a port is meant with any.
    fn contain(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
            _ => &host,
        };
        self.0.iter().any(|it| *it == host || it == name)
    }
}

/// Runs the rest; what panics or hangs becomes an answer and ends nobody else's (F16).
async fn caught(shared: &Shared, answer: impl Future<Output = Response>) -> Response {
    let mut answer = Box::pin(answer);
    let guarded = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |it| it.map(Some))
    });
    // Bodies have a deadline of their own.
    let within = shared.bounds.answer_within + shared.bounds.body_read_within;
    match timeout(within, guarded).await {
        Ok(Some(response)) => response,
        Ok(None) => {
            shared.monitor.front().panicked();
            error!("front: a request panicked");
            Problem::from(HttpOnly::Internal).into_response()
        }
        Err(_) => Problem::from(HttpOnly::AnswerLate).into_response(),
    }
}

/// Enforced on every answer, whatever the application that gave it says (R48).
async fn secure(response: &mut Response, shared: &Shared, host: Option<&str>) {
    let mut policy = NOT_A_PAGE.to_owned();
    if is_page(response.headers()) {
        let nonce = fill_in(response).await;
        policy = shared.policy.page(host, nonce.as_deref());
    }
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_SECURITY_POLICY_REPORT_ONLY);
    let policy = HeaderValue::try_from(policy).expect("hosts and nonces are plain ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Puts a fresh nonce where the page has the placeholder.
async fn fill_in(response: &mut Response) -> Option<String> {
    let body = std::mem::replace(response.body_mut(), Body::empty());
    let Ok(bytes) = to_bytes(body, PAGE_BYTES_MAX).await else {
        *response = Problem::from(HttpOnly::Internal).into_response();
        return None;
    };
    let page = std::str::from_utf8(&bytes).ok().filter(|it| it.contains(PLACEHOLDER));
    let filled =
        page.and_then(|it| csp::nonce().map(|nonce| (it.replace(PLACEHOLDER, &nonce), nonce)));
    let Some((page, nonce)) = filled else {
        *response.body_mut() = Body::from(bytes);
        return None;
    };
    *response.body_mut() = Body::from(page);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    // A nonce that is kept is a nonce no more.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(nonce)
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    kind.is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Lets pages of listed origins read the answer. Never with cookies.
fn allow_origin(headers: &mut HeaderMap, seen: &Seen) {
    if seen.varies {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let Some(origin) = &seen.origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if seen.is_preflight {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-api-key"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
