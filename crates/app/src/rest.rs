//! What the HTTP endpoints of applications share: how a body is read and how a no is worded.
//!
//! Errors are `{code, message, details?}` (R56) with the message again as `detail`, which is where
//! clients written for Django REST Framework look.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use proto::{Code, Refusal};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A refusal as an HTTP answer: the code's status, and the wait where one helps.
#[derive(Debug)]
pub struct Refused(pub Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self(code.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut body = serde_json::to_value(self.0.body()).unwrap_or_else(|_| json!({}));
        body["detail"] = Value::from(self.0.message());
        let status = StatusCode::from_u16(self.0.code.http())
            .expect("the statuses of the table are all three digits");

        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = self.0.retry_after_header().and_then(|it| it.parse().ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// A request's body, read as JSON.
///
/// Anything but `application/json` is refused, so that no form on a foreign page can post here
/// (threat D3). Larger than the router's body limit (axum's is 2 MB) is `MESSAGE_TOO_BIG`; nested
/// deeper than serde_json's 128 levels is `INVALID_JSON`.
#[derive(Debug)]
pub struct Given<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        if !is_json(request.headers()) {
            let refusal = Refusal::new(Code::UnsupportedData);
            return Err(refusal.saying("Send JSON, with Content-Type: application/json.").into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|it| match it.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::new(Code::MessageTooBig).saying("The body is too large.")
            }
            _ => Refusal::new(Code::BadCommand).saying("The body could not be read."),
        })?;
        Ok(Self(parsed(&bytes)?))
    }
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.strip_prefix("Bearer "))
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .ok_or_else(|| {
            Refusal::new(Code::AuthRequired).saying("Send a token: Authorization: Bearer <token>.")
        })
}

/// Adds a route that is found with and without the slash at its end. `path` is given without.
pub fn route<S>(router: Router<S>, path: &str, methods: MethodRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.route(&format!("{path}/"), methods.clone()).route(path, methods)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split(';').next())
        .is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|fault| {
        let code = if fault.is_data() { Code::BadCommand } else { Code::InvalidJson };
        Refusal::new(code).saying(format!("The body does not fit: {fault}."))
    })
}
