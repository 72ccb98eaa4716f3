//! The page at `/`: what is here.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
};

use crate::shared::Shared;

/// A page of an application, to be listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PageLink {
    /// Its path, from `/`.
    pub path: String,
    pub title: String,
}

const HEAD: &str = include_str!("index/head.html");
const FOOT: &str = include_str!("index/foot.html");
const STYLE: &str = include_str!("index/index.css");

/// `GET /`.
pub(crate) async fn page(State(shared): State<Arc<Shared>>) -> Response {
    let mut page = String::from(HEAD);
    for link in &shared.pages {
        let (path, title) = (escaped(&link.path), escaped(&link.title));
        writeln!(page, "      <li><a href=\"{path}\">{title}</a> <code>{path}</code></li>")
            .expect("a string takes all");
    }
    if shared.pages.is_empty() {
        page.push_str("      <li>No application of this server has a page.</li>\n");
    }
    page.push_str(FOOT);
    ([(header::CACHE_CONTROL, "no-cache")], Html(page)).into_response()
}

/// `GET /index.css`.
pub(crate) async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, [(header::CACHE_CONTROL, "no-cache")], STYLE).into_response()
}

/// Titles come from the configuration, but a page is no place to rely on that.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // So that no placeholder can be written into the page either.
            '{' => safe.push_str("&#123;"),
            _ => safe.push(letter),
        }
    }
    safe
}
