//! How a request is told no.
//!
//! Most reasons are of the gateway's table of codes. A few exist in HTTP only; they are here, in
//! one table, and have the same form: `{code, message, details?, detail}` (R56).

use app::rest::Refused;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use proto::{Code, Refusal};
use serde_json::json;

/// A no to an HTTP request.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    Refused(Refusal),
    Http(HttpOnly),
}

/// Reasons that only HTTP has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HttpOnly {
    MethodNotAllowed,
    IdempotencyConflict,
    NotMintedHere,
    Internal,
    AnswerLate,
}

impl HttpOnly {
    #[cfg(test)]
    const ALL: [Self; 5] = [
        Self::MethodNotAllowed,
        Self::IdempotencyConflict,
        Self::NotMintedHere,
        Self::Internal,
        Self::AnswerLate,
    ];

    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::MethodNotAllowed => (
                "METHOD_NOT_ALLOWED",
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not take that method.",
            ),
            Self::IdempotencyConflict => (
                "IDEMPOTENCY_CONFLICT",
                StatusCode::CONFLICT,
                "This idempotency key came with a different request before.",
            ),
            Self::NotMintedHere => (
                "NOT_MINTED_HERE",
                StatusCode::CONFLICT,
                "The gateway has no key to sign such tokens with. Ask their issuer.",
            ),
            Self::Internal => (
                "INTERNAL",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The request failed. This is a bug.",
            ),
            Self::AnswerLate => {
                ("ANSWER_LATE", StatusCode::GATEWAY_TIMEOUT, "The answer did not come in time.")
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::Refused(code.into())
    }
}

impl From<HttpOnly> for Problem {
    fn from(problem: HttpOnly) -> Self {
        Self::Http(problem)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => Refused(refusal).into_response(),
            Self::Http(problem) => {
                let (code, status, message) = problem.row();
                let body = json!({ "code": code, "message": message, "detail": message });
                (status, Json(body)).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_http_are_described() {
        let page = include_str!("../../../docs/http.md");
        for problem in HttpOnly::ALL {
            let (code, status, _) = problem.row();
            assert_eq!(Code::named(code), None, "{code} is of the other table");
            assert!(page.contains(&format!("| `{code}` | {} |", status.as_u16())), "{code}");
        }
    }
}
