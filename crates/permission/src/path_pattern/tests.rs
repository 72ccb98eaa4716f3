//! Which paths belong to a route.

use proptest::prelude::*;

use super::*;
use crate::fixtures::hostile_names;

fn pattern(text: &str) -> PathPattern {
    PathPattern::parse(text).unwrap()
}

/// What is captured, as `name=value` in order.
fn check(text: &str, path: &str, expected: Option<&str>) {
    let found = pattern(text).matches(path).map(|it| {
        let pairs: Vec<String> = it.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
        pairs.join(" ")
    });
    assert_eq!(found.as_deref(), expected, "{path} of {text}");
}

#[test]
fn a_slash_at_the_end_does_not_matter() {
    for (text, path, expected) in [
        ("/", "/", Some("")),
        ("/", "", None),
        ("/", "//", None),
        ("/", "/ws", None),
        ("/ws/checkins/", "/ws/checkins/", Some("")),
        ("/ws/checkins/", "/ws/checkins", Some("")),
        ("/ws/checkins", "/ws/checkins/", Some("")),
        ("/ws/checkins/", "/ws/checkins//", None),
        ("/ws/checkins/", "/ws//checkins/", None),
        ("/ws/checkins/", "//ws/checkins/", None),
        ("/ws/checkins/", "ws/checkins/", None),
        ("/ws/checkins/", "/ws/checkins/x", None),
        ("/ws/checkins/", "/ws/", None),
        ("/ws/checkins/", "/WS/checkins/", None),
        ("/ws/checkins/", "/ws/check%69ns/", None),
        ("/ws/checkins/{room}/", "/ws/checkins/a", Some("room=a")),
        ("/ws/checkins/{room}", "/ws/checkins/a/", Some("room=a")),
        ("/ws/checkins/{room}/", "/ws/checkins/", None),
        ("/ws/checkins/{room}/", "/ws/checkins//", None),
        ("/ws/checkins/{room}/", "/ws/checkins/a/b", None),
        ("/{a}/x/{b}", "/1/x/2", Some("a=1 b=2")),
        ("/{a}/x/{b}", "/1/y/2", None),
        ("/ws/bench/{channel}", "/ws/bench/bench:1", Some("channel=bench:1")),
    ] {
        check(text, path, expected);
    }
}

/// Threat C1: nothing decoded, nothing that a template could read as more than text.
#[test]
fn a_capture_takes_one_plain_segment() {
    let route = pattern("/ws/{room}/");
    for name in hostile_names() {
        let is_plain = (1..=128).contains(&name.len())
            && name != "."
            && name != ".."
            && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.:@$#".contains(&it));
        let captured = route.matches(&format!("/ws/{name}/"));
        assert_eq!(captured.is_some(), is_plain, "{name:?}");
        if let Some(captured) = captured {
            assert_eq!(captured.named("room"), Some(&*name));
        }
    }
    let (longest, longer) = ("x".repeat(128), "x".repeat(129));
    assert!(route.matches(&format!("/ws/{longest}")).is_some());
    assert!(route.matches(&format!("/ws/{longer}")).is_none());
}

#[test]
fn what_is_no_path_is_refused() {
    let character = |it: &str| BadPath::Character(it.to_owned());
    let name = |it: &str| BadPath::CaptureName(it.to_owned());
    for (text, expected) in [
        ("", BadPath::NoSlash),
        ("ws", BadPath::NoSlash),
        ("//", BadPath::Segment),
        ("/a//b", BadPath::Segment),
        ("/a/../b", BadPath::Segment),
        ("/./a", BadPath::Segment),
        ("/a?b", character("a?b")),
        ("/a b", character("a b")),
        ("/a%20b", character("a%20b")),
        ("/*", character("*")),
        ("/x{id}", character("x{id}")),
        ("/{id}x", character("{id}x")),
        ("/{id", character("{id")),
        ("/caf\u{e9}", character("caf\u{e9}")),
        ("/{}", name("")),
        ("/{Id}", name("Id")),
        ("/{1}", name("1")),
        ("/{a.b}", name("a.b")),
        ("/{user}", BadPath::CaptureTaken("user".to_owned())),
        ("/{claims}", BadPath::CaptureTaken("claims".to_owned())),
        ("/{id}/{id}", BadPath::CaptureTwice("id".to_owned())),
    ] {
        assert_eq!(PathPattern::parse(text), Err(expected), "{text}");
    }
    assert_eq!(PathPattern::parse(&format!("/{}", "x".repeat(512))), Err(BadPath::TooLong));
}

#[test]
fn literal_segments_are_tried_before_captures() {
    for (one, two, overlaps, order, conflicts) in [
        ("/a", "/a/", true, Ordering::Equal, true),
        ("/a", "/b", false, Ordering::Equal, false),
        ("/a", "/{x}", true, Ordering::Less, false),
        ("/{x}", "/{y}", true, Ordering::Equal, true),
        ("/a/{x}", "/{y}/b", true, Ordering::Less, false),
        ("/{x}/b", "/{y}/c", false, Ordering::Equal, false),
        ("/{x}/b", "/{y}/b", true, Ordering::Equal, true),
        ("/a", "/a/{x}", false, Ordering::Less, false),
        ("/", "/{x}", false, Ordering::Less, false),
        ("/~a", "/{x}", false, Ordering::Less, false),
    ] {
        let (one, two) = (pattern(one), pattern(two));
        assert_eq!(one.overlaps(&two), overlaps, "{one} {two}");
        assert_eq!(two.overlaps(&one), overlaps, "{two} {one}");
        assert_eq!(one.precedence(&two), order, "{one} {two}");
        assert_eq!(two.precedence(&one), order.reverse(), "{two} {one}");
        assert_eq!(one.conflicts(&two), conflicts, "{one} {two}");
    }
}

fn any_pattern() -> impl Strategy<Value = String> {
    let segment = prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("{}".to_owned())];
    prop::collection::vec(segment, 0..4).prop_map(|segments| {
        let named = segments.iter().enumerate();
        let named = named.map(|(place, it)| it.replace("{}", &format!("{{c{place}}}")));
        format!("/{}", named.collect::<Vec<_>>().join("/"))
    })
}

proptest! {
    /// Over all paths of up to four segments of three kinds.
    #[test]
    fn patterns_overlap_where_a_path_belongs_to_both(
        one in any_pattern(),
        two in any_pattern(),
        paths in Just(all_paths()),
    ) {
        let (one, two) = (pattern(&one), pattern(&two));
        let both = |it: &String| one.matches(it).is_some() && two.matches(it).is_some();
        prop_assert_eq!(one.overlaps(&two), paths.iter().any(both), "{} {}", one, two);
    }

    #[test]
    fn no_path_stops_us(text in "\\PC{0,40}", path in "/?[a/{}%.:*]{0,40}") {
        if let Ok(pattern) = PathPattern::parse(&text) {
            let _ = pattern.matches(&path);
        }
        let _ = pattern("/ws/{id}/x").matches(&path);
    }
}

fn all_paths() -> Vec<String> {
    let mut paths = vec![String::from("/")];
    let mut level = vec![String::new()];
    for _ in 0..4 {
        level =
            level.iter().flat_map(|it| ["a", "b", "c"].map(|end| format!("{it}/{end}"))).collect();
        paths.extend(level.iter().cloned());
    }
    paths
}
