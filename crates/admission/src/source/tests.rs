//! Where the token is: R2, R3, R11.

use super::*;
use crate::fixtures::head;

const QUERY_THEN_BEARER: &[&str] = &["query", "bearer"];

fn source(name: &str) -> TokenSource {
    match name {
        "query" => TokenSource::Query("token".to_owned()),
        "bearer" => TokenSource::Bearer,
        "protocol" => TokenSource::Protocol,
        "cookie" => TokenSource::Cookie("sid".to_owned()),
        _ => TokenSource::FirstMessage,
    }
}

/// `expected` is the token, or `-nothing`, `-blank`, `-garbled`, `-later`.
fn check(sources: &[&str], target: &str, lines: &str, expected: &str) {
    let sources: Vec<TokenSource> = sources.iter().map(|it| source(it)).collect();
    let text = format!("GET {target} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    let found = match head(&text, |it| find(&sources, it)) {
        Found::Nothing => "-nothing".to_owned(),
        Found::Blank => "-blank".to_owned(),
        Found::Garbled => "-garbled".to_owned(),
        Found::Later => "-later".to_owned(),
        Found::Token(token) => token.expose().to_owned(),
    };
    assert_eq!(found, expected, "{target} {lines:?} {sources:?}");
}

#[test]
fn the_first_source_present_decides() {
    let good = "Authorization: Bearer h.h.h\r\n";
    for (target, lines, expected) in [
        ("/", "", "-nothing"),
        ("/?token=q.q.q", "", "q.q.q"),
        ("/", good, "h.h.h"),
        ("/?token=q.q.q", good, "q.q.q"),
        // Even if it is empty or garbage.
        ("/?token=", good, "-blank"),
        ("/?token", good, "-blank"),
        ("/?token=+%20%09", good, "-blank"),
        ("/?token=%zz", good, "-garbled"),
        ("/?token=%ff", good, "-garbled"),
        ("/?token=a%20b", good, "-garbled"),
        ("/?token=a%00b", good, "-garbled"),
        ("/?x=1", good, "h.h.h"),
        ("/?", good, "h.h.h"),
    ] {
        check(QUERY_THEN_BEARER, target, lines, expected);
    }
    check(&["bearer", "query"], "/?token=q.q.q", good, "h.h.h");
    check(&["bearer", "query"], "/?token=q.q.q", "Authorization: x\r\n", "-garbled");
    check(&[], "/?token=q.q.q", good, "-nothing");
}

#[test]
fn a_query_is_read_as_forms_write_it() {
    for (target, expected) in [
        ("/?a=1&token=q.q.q&b=2", "q.q.q"),
        ("/?token=one&token=two", "one"),
        ("/?token=&token=two", "-blank"),
        ("/?%74oken=q.q.q", "q.q.q"),
        ("/?token=q%2Eq%2eq", "q.q.q"),
        ("/?token=a=b", "a=b"),
        ("/?Token=q.q.q", "-nothing"),
        ("/?xtoken=q.q.q", "-nothing"),
        ("/?token2=q.q.q", "-nothing"),
        ("/?a;token=q.q.q", "-nothing"),
        ("/?a?token=q.q.q", "-nothing"),
        ("/token=q.q.q", "-nothing"),
    ] {
        check(&["query"], target, "", expected);
    }
}

#[test]
fn an_authorization_has_one_scheme_that_is_ours() {
    for (lines, expected) in [
        ("Authorization: Bearer t.t.t\r\n", "t.t.t"),
        ("authorization: bearer t.t.t\r\n", "t.t.t"),
        ("Authorization: BEARER   t.t.t\r\n", "t.t.t"),
        ("Authorization: Bearer\r\n", "-blank"),
        ("Authorization: Bearer \r\n", "-blank"),
        ("Authorization: \r\n", "-blank"),
        ("Authorization: t.t.t\r\n", "-garbled"),
        ("Authorization: Basic dDp0\r\n", "-garbled"),
        ("Authorization: Bearert.t.t\r\n", "-garbled"),
        ("Authorization: Bearer a b\r\n", "-garbled"),
        ("Authorization: Bearer t\u{e9}\r\n", "-garbled"),
        ("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "-garbled"),
    ] {
        check(&["bearer"], "/", lines, expected);
    }
}

#[test]
fn a_token_may_stand_among_the_subprotocols() {
    for (lines, expected) in [
        ("Sec-WebSocket-Protocol: tidegate.v1, bearer.t.t.t\r\n", "t.t.t"),
        ("Sec-WebSocket-Protocol: bearer.t.t.t\r\n", "t.t.t"),
        ("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: bearer.t.t.t\r\n", "t.t.t"),
        ("Sec-WebSocket-Protocol: bearer.\r\n", "-blank"),
        ("Sec-WebSocket-Protocol: bearer.a, bearer.b\r\n", "-garbled"),
        ("Sec-WebSocket-Protocol: tidegate.v1\r\n", "-nothing"),
        ("Sec-WebSocket-Protocol: Bearer.t.t.t\r\n", "-nothing"),
        ("", "-nothing"),
    ] {
        check(&["protocol"], "/", lines, expected);
    }
}

#[test]
fn two_cookies_of_a_name_must_agree() {
    for (lines, expected) in [
        ("Cookie: a=1; sid=t.t.t; b=2\r\n", "t.t.t"),
        ("Cookie: sid=\"t.t.t\"\r\n", "t.t.t"),
        ("Cookie: a=1\r\nCookie: sid=t.t.t\r\n", "t.t.t"),
        ("Cookie: sid=t.t.t; sid=t.t.t\r\n", "t.t.t"),
        ("Cookie: sid=t.t.t; sid=u.u.u\r\n", "-garbled"),
        ("Cookie: sid=t.t.t\r\nCookie: sid=\r\n", "-garbled"),
        ("Cookie: sid=\r\n", "-blank"),
        ("Cookie: SID=t.t.t\r\n", "-nothing"),
        ("Cookie: xsid=t.t.t\r\n", "-nothing"),
        ("Cookie: a=sid=t.t.t\r\n", "-nothing"),
        ("Cookie: sid\r\n", "-nothing"),
    ] {
        check(&["cookie"], "/", lines, expected);
    }
}

/// It is not there yet, so the others are looked at first wherever it stands.
#[test]
fn the_first_message_is_the_last_source() {
    let good = "Authorization: Bearer h.h.h\r\n";
    check(&["first", "bearer"], "/", "", "-later");
    check(&["first", "bearer"], "/", good, "h.h.h");
    check(&["bearer", "first"], "/", "Authorization: Bearer\r\n", "-blank");
}

#[test]
fn a_token_does_not_print() {
    let token = Found::of("SECRETCANARY");
    assert_eq!(format!("{token:?}"), "Token(…)");
}
