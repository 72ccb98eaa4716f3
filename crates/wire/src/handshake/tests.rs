//! Requests for a WebSocket, granted and not (threats H4, H5, H6).

use expect_test::expect;

use super::*;
use crate::{HeadLimits, parse_head};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// A request that is granted, with one line replaced or, where `from` is empty, added.
fn request(from: &str, to: &str) -> String {
    let lines = [
        "GET /ws HTTP/1.1",
        "Host: a.test",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        KEY,
        "Sec-WebSocket-Version: 13",
    ];
    let mut lines: Vec<&str> = lines.map(|it| if it == from { to } else { it }).to_vec();
    lines.retain(|it| !it.is_empty());
    if from.is_empty() {
        lines.push(to);
    }
    lines.join("\r\n") + "\r\n\r\n"
}

/// Heads here are valid as heads, but some are longer than a gateway would read.
const LIMITS: HeadLimits = HeadLimits { bytes_max: 1 << 20, headers_max: 100 };

fn check(from: &str, to: &str, expected: Result<(), HandshakeFault>) {
    let bytes = request(from, to);
    let (head, _) = parse_head(bytes.as_bytes(), &LIMITS).unwrap().unwrap();
    assert!(is_upgrade(&head), "{bytes}");
    let granted = upgrade(&head, Some(&DeflatePolicy::default())).map(|_| ());
    assert_eq!(granted, expected, "{bytes}");
}

fn protocols_of(lines: &str) -> Result<Vec<String>, HandshakeFault> {
    let bytes = request("", lines);
    let (head, _) = parse_head(bytes.as_bytes(), &LIMITS).unwrap().unwrap();
    upgrade(&head, None).map(|it| it.protocols.iter().map(|it| (*it).to_owned()).collect())
}

#[test]
fn the_example_of_the_rfc_is_granted() {
    let lines = "Sec-WebSocket-Protocol: chat, superchat\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let bytes = request("", lines);
    let (head, _) = parse_head(bytes.as_bytes(), &LIMITS).unwrap().unwrap();
    let upgrade = upgrade(&head, Some(&DeflatePolicy::default())).unwrap();
    assert_eq!(upgrade.protocols, ["chat", "superchat"]);
    let answer = response_101(&upgrade, Some("chat"), upgrade.deflate.as_ref());
    expect![[r#"
        HTTP/1.1 101 Switching Protocols
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
        Sec-WebSocket-Protocol: chat
        Sec-WebSocket-Extensions: permessage-deflate;
          server_no_context_takeover;
          client_no_context_takeover

    "#]]
    .assert_eq(&String::from_utf8(answer).unwrap().replace("\r\n", "\n").replace("; ", ";\n  "));
}

#[test]
fn headers_are_read_in_any_case_and_as_lists() {
    check("Upgrade: websocket", "UPGRADE: WebSocket", Ok(()));
    check("Upgrade: websocket", "Upgrade: h2c, websocket", Ok(()));
    let connection = "Connection: keep-alive, Upgrade";
    check(connection, "connection: UPGRADE", Ok(()));
    check(connection, "Connection: keep-alive\r\nConnection: upgrade", Ok(()));
    check("", "Content-Length: 0", Ok(()));
}

#[test]
fn what_an_upgrade_must_not_be_is_refused() {
    // H4.
    check("GET /ws HTTP/1.1", "POST /ws HTTP/1.1", Err(HandshakeFault::Method));
    check("GET /ws HTTP/1.1", "get /ws HTTP/1.1", Err(HandshakeFault::Method));
    check("GET /ws HTTP/1.1", "GET /ws HTTP/1.0", Err(HandshakeFault::HttpVersion));
    check("", "Content-Length: 1", Err(HandshakeFault::Body));
    check("", "Transfer-Encoding: chunked", Err(HandshakeFault::Body));
    let connection = "Connection: keep-alive, Upgrade";
    check(connection, "Connection: keep-alive", Err(HandshakeFault::NotAsked));
    check(connection, "Connection: upgraded", Err(HandshakeFault::NotAsked));
    check(connection, "", Err(HandshakeFault::NotAsked));
    check("Upgrade: websocket", "Upgrade: h2c", Err(HandshakeFault::NotAsked));
    check("Upgrade: websocket", "", Err(HandshakeFault::NotAsked));
}

#[test]
fn another_version_is_told_which_one_is_spoken() {
    let line = "Sec-WebSocket-Version: 13";
    for other in ["8", "0", "12", "14", "013", "+13", "13, 8", "abc", ""] {
        check(line, &format!("Sec-WebSocket-Version: {other}"), Err(HandshakeFault::Version));
    }
    check(line, "", Err(HandshakeFault::Version));
    check("", line, Err(HandshakeFault::Version));
    assert_eq!(HandshakeFault::Version.status(), 426);
    assert_eq!(HandshakeFault::Version.headers(), [("Sec-WebSocket-Version", "13")]);
}

#[test]
fn a_key_comes_once_and_is_sixteen_bytes() {
    check("", KEY, Err(HandshakeFault::Key));
    check("", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", Err(HandshakeFault::Key));
    check(KEY, "", Err(HandshakeFault::Key));
    for key in [
        "",
        "a",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZWE=",
        "dGhlIHNhbXBsZSBub25jZWFi",
        "SGVsbG8sIHdvcmxkIQ==",
        "dGhlIHNhbXBsZSBub25j*Q==",
        "dGhlIHNhbXBs ZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZ\u{e9}=",
        "\u{fffd}",
    ] {
        check(KEY, &format!("Sec-WebSocket-Key: {key}"), Err(HandshakeFault::Key));
    }
    check(KEY, &format!("Sec-WebSocket-Key: {}", "A".repeat(30_000)), Err(HandshakeFault::Key));
}

#[test]
fn subprotocols_are_names_each_once() {
    let jwt = "tidegate.v1, eyJhbGciOiJIUzI1NiJ9.e30.Et9HFtf9R3GEMA0IICOfFMVXY7kkTX1wr4qCyIf58U";
    let read = protocols_of(&format!("Sec-WebSocket-Protocol: {jwt}")).unwrap();
    assert_eq!(read.join(", "), jwt);
    let lines = "Sec-WebSocket-Protocol: b ,\ta\r\nSec-WebSocket-Protocol: c";
    assert_eq!(protocols_of(lines).unwrap(), ["b", "a", "c"]);
    assert_eq!(protocols_of("X: y").unwrap(), Vec::<String>::new());
    // H6.
    for list in ["", ",", "a,", "a,,b", "a b", "a;b", "a, a", "caf\u{e9}", "\u{fffd}", "\"a\""] {
        let refused = protocols_of(&format!("Sec-WebSocket-Protocol: {list}"));
        assert_eq!(refused, Err(HandshakeFault::Protocols), "{list:?}");
    }
}

#[test]
fn a_name_that_is_not_utf_8_is_refused() {
    // H6: this ended the worker of another server.
    let mut bytes = request("", "Sec-WebSocket-Protocol: ?").into_bytes();
    let place = bytes.iter().position(|it| *it == b'?').unwrap();
    bytes[place] = 0xff;
    let (head, _) = parse_head(&bytes, &LIMITS).unwrap().unwrap();
    assert_eq!(upgrade(&head, None), Err(HandshakeFault::Protocols));
}

#[test]
fn at_most_sixteen_subprotocols_are_read() {
    let list = |count: usize| {
        let names: Vec<String> = (0..count).map(|it| format!("p{it}")).collect();
        protocols_of(&format!("Sec-WebSocket-Protocol: {}", names.join(",")))
    };
    assert_eq!(list(16).map(|it| it.len()), Ok(16));
    // H5.
    assert_eq!(list(17), Err(HandshakeFault::TooManyProtocols));
    assert_eq!(list(50_000), Err(HandshakeFault::TooManyProtocols));
}

#[test]
fn a_name_with_32_000_blanks_costs_its_length() {
    // H5: this took another server minutes. A limit of 16 KiB would refuse it before.
    let list = format!("Sec-WebSocket-Protocol: b{}x", " ".repeat(32_000));
    assert_eq!(protocols_of(&list), Err(HandshakeFault::Protocols));
}

#[test]
fn strange_extensions_are_declined_and_the_connection_granted() {
    // H6.
    for offer in [
        "Object.prototype",
        "constructor; __proto__",
        "permessage-deflate; server_max_window_bits=abc",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=-1",
        "\u{fffd}",
    ] {
        let bytes = request("", &format!("Sec-WebSocket-Extensions: {offer}"));
        let (head, _) = parse_head(bytes.as_bytes(), &LIMITS).unwrap().unwrap();
        let granted = upgrade(&head, Some(&DeflatePolicy::default())).unwrap();
        assert_eq!(granted.deflate, None, "{offer}");
    }
}

#[test]
fn a_plain_request_wants_no_upgrade() {
    let bytes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    let (head, _) = parse_head(bytes.as_bytes(), &LIMITS).unwrap().unwrap();
    assert!(!is_upgrade(&head));
}

#[test]
fn a_refusal_closes_and_cannot_be_split() {
    let headers = [("Retry-After", "3"), ("X-A", "b\r\nSet-Cookie: c"), ("X B", "c")];
    let answer = response_refusal(429, &headers, r#"{"code":4129}"#);
    expect![[r#"
        HTTP/1.1 429 Too Many Requests
        Retry-After: 3
        Connection: close
        Content-Type: application/json
        Content-Length: 13
        X-Content-Type-Options: nosniff

        {"code":4129}"#]]
    .assert_eq(&String::from_utf8(answer).unwrap().replace("\r\n", "\n"));
}

#[test]
fn a_protocol_that_is_no_name_is_left_out_of_the_answer() {
    let upgrade = Upgrade { accept: accept("x"), protocols: Vec::new(), deflate: None };
    let answer = response_101(&upgrade, Some("a\r\nSet-Cookie: b"), None);
    assert!(!String::from_utf8(answer).unwrap().contains("Cookie"));
}
