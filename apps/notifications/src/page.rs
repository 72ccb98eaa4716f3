//! The page on which to watch it work: three files, built in.

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Redirect},
    routing::get,
};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/notifications", get(|| async { Redirect::permanent("/notifications/") }))
        .route("/notifications/", get(|| file(include_str!("page/page.html"), "text/html")))
        .route(
            "/notifications/page.js",
            get(|| file(include_str!("page/page.js"), "text/javascript")),
        )
        .route("/notifications/page.css", get(|| file(include_str!("page/page.css"), "text/css")))
}

/// Never kept without asking: a page of one version with the script of another would puzzle.
async fn file(text: &'static str, kind: &'static str) -> impl IntoResponse {
    let kind = format!("{kind}; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache".to_owned())], text)
}
