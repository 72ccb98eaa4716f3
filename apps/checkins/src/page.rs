//! A plain page to watch check-ins live, for development and first steps.
//!
//! Three files and no inline script or style, so that the strictest Content-Security-Policy fits
//! them. The page writes text only as text (threat D2).

use axum::{Router, http::header, response::IntoResponse, routing::get};

pub(crate) fn routes() -> Router {
    let router = Router::new()
        .route("/checkins/page.js", get(|| file("text/javascript", include_str!("page/page.js"))))
        .route("/checkins/page.css", get(|| file("text/css", include_str!("page/page.css"))));
    let page = get(|| file("text/html", include_str!("page/index.html")));
    app::rest::route(router, "/checkins", page)
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // The three change together, when the binary does.
    let fresh = (header::CACHE_CONTROL, "no-cache".to_owned());
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8")), fresh], text)
}
