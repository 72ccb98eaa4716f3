//! Every combination of what matters, and some of what should not.

use super::*;
use crate::eio::Refusal as No;

const SID: &str = "abcdefghijklmnopqrstuv";

fn read(method: &str, query: &str) -> Result<Request, Refusal> {
    Request::read(method, query, query.contains("transport=websocket"))
}

fn sid() -> Sid {
    Sid::parse(SID).unwrap()
}

#[test]
fn a_request_without_a_name_opens_a_session() {
    for (transport, word) in [(Transport::Polling, "polling"), (Transport::WebSocket, "websocket")]
    {
        for query in [
            format!("EIO=4&transport={word}"),
            format!("transport={word}&EIO=4&t=abc"),
            format!("token=%zz%00&transport={word}&EIO=4&&x&=&b64=1"),
        ] {
            assert_eq!(read("GET", &query), Ok(Request::Open(transport)), "{query}");
        }
    }
}

#[test]
fn a_request_with_a_name_is_for_that_session() {
    let polling = format!("EIO=4&transport=polling&sid={SID}");
    assert_eq!(read("GET", &polling), Ok(Request::Poll(sid())));
    assert_eq!(read("POST", &polling), Ok(Request::Post(sid())));
    let websocket = format!("EIO=4&transport=websocket&sid={SID}");
    assert_eq!(read("GET", &websocket), Ok(Request::Attach(sid())));
}

#[test]
fn each_refusal_has_its_number() {
    for (method, query, refusal) in [
        ("GET", "", No::TransportUnknown),
        ("GET", "EIO=4", No::TransportUnknown),
        ("GET", "EIO=4&transport=abc", No::TransportUnknown),
        ("GET", "EIO=4&transport=constructor", No::TransportUnknown),
        ("GET", "EIO=4&transport=__proto__", No::TransportUnknown),
        ("GET", "EIO=4&transport=Polling", No::TransportUnknown),
        ("GET", "EIO=4&transport=webtransport", No::TransportUnknown),
        ("GET", "EIO=4&transport=polling&transport=websocket", No::TransportUnknown),
        ("GET", "EIO=4&transport=polling&sid=test", No::SessionUnknown),
        ("GET", "EIO=4&transport=polling&sid=", No::SessionUnknown),
        ("POST", "EIO=4&transport=polling&sid=__proto__", No::SessionUnknown),
        ("POST", "EIO=4&transport=polling", No::BadHandshakeMethod),
        ("PUT", "EIO=4&transport=polling", No::BadHandshakeMethod),
        ("OPTIONS", "EIO=4&transport=polling", No::BadHandshakeMethod),
        ("get", "EIO=4&transport=polling", No::BadHandshakeMethod),
        ("GET", "EIO=4&transport=polling&j=0", No::BadRequest),
        ("GET", "transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=abc&transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=3&transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=5&transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=04&transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=4&EIO=3&transport=polling", No::UnsupportedVersion),
        ("GET", "EIO=3&transport=websocket", No::UnsupportedVersion),
    ] {
        assert_eq!(read(method, query), Err(refusal), "{method} {query}");
    }
    for method in ["PUT", "DELETE", "HEAD", "PATCH", ""] {
        let query = format!("EIO=4&transport=polling&sid={SID}");
        assert_eq!(read(method, &query), Err(No::BadRequest), "{method}");
    }
    let twice = format!("EIO=4&transport=polling&sid={SID}&sid={SID}");
    assert_eq!(read("GET", &twice), Err(No::BadRequest));
}

/// H6, CVE-2022-21676: an upgrade is one or it is not.
#[test]
fn a_websocket_comes_by_an_upgrade_and_nothing_else_does() {
    for sid in ["", "&sid=abcdefghijklmnopqrstuv"] {
        let websocket = format!("EIO=4&transport=websocket{sid}");
        assert_eq!(Request::read("GET", &websocket, false), Err(No::BadRequest));
        let polling = format!("EIO=4&transport=polling{sid}");
        assert_eq!(Request::read("GET", &polling, true), Err(No::BadRequest));
    }
}

#[test]
fn refusals_are_told_in_words_that_clients_know() {
    let told = [
        (No::TransportUnknown, r#"{"code":0,"message":"Transport unknown"}"#),
        (No::SessionUnknown, r#"{"code":1,"message":"Session ID unknown"}"#),
        (No::BadHandshakeMethod, r#"{"code":2,"message":"Bad handshake method"}"#),
        (No::BadRequest, r#"{"code":3,"message":"Bad request"}"#),
        (No::Forbidden, r#"{"code":4,"message":"Forbidden"}"#),
        (No::UnsupportedVersion, r#"{"code":5,"message":"Unsupported protocol version"}"#),
    ];
    for (refusal, json) in told {
        assert_eq!(refusal.to_json(), json);
        assert_eq!(refusal.status(), if refusal == No::Forbidden { 403 } else { 400 });
    }
}
