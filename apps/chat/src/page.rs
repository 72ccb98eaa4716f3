//! A page to watch the chat in two browsers: three files, built in.
//!
//! No inline script or style, so that the strictest Content-Security-Policy fits them. The page
//! writes text only as text (threat D2).

use axum::{Router, http::header, response::IntoResponse, routing::get};

pub(crate) fn router() -> Router {
    let router = Router::new()
        .route("/chat/page.js", get(|| file("text/javascript", include_str!("page/page.js"))))
        .route("/chat/socket.js", get(|| file("text/javascript", include_str!("page/socket.js"))))
        .route("/chat/page.css", get(|| file("text/css", include_str!("page/page.css"))));
    let page = get(|| file("text/html", include_str!("page/page.html")));
    app::rest::route(router, "/chat", page)
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // The files change together, when the binary does.
    let fresh = (header::CACHE_CONTROL, "no-cache".to_owned());
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8")), fresh], text)
}
