//! What the page must not contain, read from its text (threat D2).

use app::App;
use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use tower::ServiceExt;

use super::World;

const HTML: &str = include_str!("../page/index.html");
const SCRIPT: &str = include_str!("../page/page.js");

#[tokio::test(start_paused = true)]
async fn the_page_and_its_parts_are_served() {
    let world = World::new();
    for (path, kind) in [
        ("/checkins/", "text/html; charset=utf-8"),
        ("/checkins", "text/html; charset=utf-8"),
        ("/checkins/page.js", "text/javascript; charset=utf-8"),
        ("/checkins/page.css", "text/css; charset=utf-8"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = world.app.clone().routes().oneshot(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[header::CONTENT_TYPE]),
            (200, &kind.parse().unwrap())
        );
        assert!(!to_bytes(answer.into_body(), 1 << 20).await.unwrap().is_empty());
    }
}

#[test]
fn the_page_fits_the_strictest_policy() {
    assert!(!HTML.contains("<style") && !HTML.contains("style="));
    assert_eq!(HTML.matches("<script").count(), 1);
    assert!(HTML.contains(r#"<script type="module" src="/checkins/page.js"></script>"#));
    // Handlers in attributes are script too.
    let attributes = HTML.split_whitespace().filter(|it| it.starts_with("on") && it.contains('='));
    assert_eq!(attributes.count(), 0);
    assert!(!HTML.contains("://"), "everything comes from this server");
}

/// Names are chosen by people, and one of the seeded ones is a trap.
#[test]
fn the_page_writes_text_only_as_text() {
    for way in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
    {
        assert!(!SCRIPT.contains(way), "{way}");
    }
}
