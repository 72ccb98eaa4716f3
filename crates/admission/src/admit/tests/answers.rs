//! What a client reads: R13, R55, R56.

use serde_json::{Value, json};

use proto::Dialect;

use crate::{
    Answer, Compression, RefusalStyle, Route, TokenSource, Verdict,
    fixtures::{HOME, Request, WALL, World, get, query_then_bearer, route, token, token_route},
};

fn response(route: Route, request: &Request) -> String {
    let mut world = World::new(vec![route]);
    let bytes = match world.verdict(request, HOME) {
        Verdict::Admit(admitted) | Verdict::AwaitToken(admitted) => admitted.response,
        Verdict::Refuse(refused) => match refused.answer {
            Answer::Status(bytes) | Answer::Upgrade(bytes) => bytes,
        },
        other @ (Verdict::NeedKeys(_) | Verdict::PassOn) => panic!("{other:?}"),
    };
    String::from_utf8(bytes).unwrap()
}

fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = response.split("\r\n").filter_map(|it| it.split_once(": "));
    lines.find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1)
}

#[test]
fn a_refusal_is_json_that_says_when_to_come_back() {
    let mut full = route("/ws/");
    full.limits.connections_per_address = Some(0);
    let answer = response(full, &get("/ws/"));
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    assert_eq!(header(&answer, "connection"), Some("close"));
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["code"], "TOO_MANY_CONNECTIONS");
    assert_eq!(body["details"]["retry_after"], 5.0);
    assert!(body["message"].as_str().unwrap().ends_with('.'));
}

#[test]
fn a_401_says_how_and_a_426_to_what() {
    let answer = response(token_route("/ws/", query_then_bearer()), &get("/ws/"));
    assert_eq!(header(&answer, "www-authenticate"), Some("Bearer"));
    assert_eq!(header(&answer, "retry-after"), None);
    let mut old = get("/ws/");
    old.version = 8;
    let answer = response(route("/ws/"), &old);
    assert_eq!(header(&answer, "sec-websocket-version"), Some("13"));
    let stripped = Request { is_upgrade: false, ..get("/ws/") };
    let stripped = stripped.with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    assert!(response(route("/ws/"), &stripped).starts_with("HTTP/1.1 426 "));
}

/// R13, clients C2: only "who are you" is told after the upgrade.
#[test]
fn a_route_may_say_after_the_upgrade_who_may_not_come_in() {
    let mut strict = token_route("/ws/checkins/", query_then_bearer());
    strict.refusal = RefusalStyle::Close;
    strict.require.insert("role".to_owned(), vec!["staff".to_owned()]);
    strict.limits.connections_per_user = Some(1);
    strict.limits.connections_per_address = Some(3);
    let mut world = World::new(vec![strict]);
    let of = |claims| get(&format!("/ws/checkins/?token={}", token(claims)));
    let mut foreign = of(json!({"user_id": 42, "role": "staff"}));
    foreign.origin = Some("https://evil.test");
    for (request, expected) in [
        (get("/ws/checkins/"), "close 4001 AUTH_REQUIRED"),
        (get("/ws/checkins/?token=bad"), "close 4001 INVALID_TOKEN"),
        (of(json!({"user_id": 42, "exp": WALL})), "close 4001 TOKEN_EXPIRED"),
        (of(json!({"user_id": 42, "role": "member"})), "403 FORBIDDEN"),
        (foreign, "403 ORIGIN_REFUSED"),
        (of(json!({"user_id": 42, "role": "staff"})), "42 joins user:42"),
        (of(json!({"user_id": 42, "role": "staff"})), "429 TOO_MANY_FOR_USER"),
        (of(json!({"user_id": 43, "role": "staff"})), "43 joins user:43"),
        (of(json!({"user_id": 44, "role": "staff"})), "44 joins user:44"),
        (get("/ws/checkins/"), "429 TOO_MANY_CONNECTIONS"),
    ] {
        assert_eq!(world.knock(&request, HOME), expected, "{request:?}");
    }
    world.close();
}

#[test]
fn the_answer_selects_a_protocol_and_never_a_token() {
    let token = token(json!({"user_id": 42}));
    let bearer = format!("bearer.{token}");
    for (dialect, offered, expected) in [
        (Dialect::Native, vec!["tidegate.v1", &bearer], Some("tidegate.v1")),
        (Dialect::Native, vec![&bearer, "tidegate.v1"], Some("tidegate.v1")),
        (Dialect::Native, vec![&bearer, "other"], None),
        (Dialect::Native, vec![&bearer], None),
        (Dialect::Plain, vec![&bearer, "json", "other"], Some("json")),
        (Dialect::Plain, vec![&bearer], None),
        (Dialect::Plain, vec!["tidegate.v1", &bearer, "json"], Some("json")),
    ] {
        let route = Route { dialect, ..token_route("/ws/", vec![TokenSource::Protocol]) };
        let line = format!("Sec-WebSocket-Protocol: {}", offered.join(", "));
        let answer = response(route, &get("/ws/").with(line));
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert_eq!(header(&answer, "sec-websocket-protocol"), expected, "{dialect:?} {offered:?}");
        assert!(!answer.contains(&token));
    }
}

#[test]
fn compression_is_agreed_where_the_route_has_it() {
    let offer = get("/ws/").with("Sec-WebSocket-Extensions: permessage-deflate");
    for (compression, is_agreed) in [(Compression::Off, false), (Compression::Messages, true)] {
        let answer = response(Route { compression, ..route("/ws/") }, &offer);
        assert_eq!(header(&answer, "sec-websocket-extensions").is_some(), is_agreed);
        assert_eq!(header(&answer, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }
}
