//! Who may connect from where: H1, H2.

use super::*;
use crate::fixtures::{head, route};

/// Same origin, with the request for `gate.test`, by TLS and without.
fn same_origin(origins: &[&str], host: &str, is_tls: bool) -> Result<(), OriginFault> {
    judged(&route("/ws/"), origins, host, is_tls)
}

fn judged(route: &Route, origins: &[&str], host: &str, tls: bool) -> Result<(), OriginFault> {
    let mut text = format!("GET /ws/ HTTP/1.1\r\nHost: {host}\r\n");
    origins.iter().for_each(|it| text.push_str(&format!("Origin: {it}\r\n")));
    text.push_str("\r\n");
    head(&text, |head| judge(route, head, tls))
}

const FOREIGN: Result<(), OriginFault> = Err(OriginFault::Foreign);
const MALFORMED: Result<(), OriginFault> = Err(OriginFault::Malformed);

#[test]
fn a_page_of_another_origin_may_not_connect() {
    let listed =
        ["https://good.com", "http://localhost:3000", "https://[2001:db8::1]:8443", "app://x"];
    let mut route = route("/ws/");
    route.origins = OriginRule::Listed(listed.map(str::to_owned).to_vec());
    for (origin, expected) in [
        ("https://good.com", Ok(())),
        ("https://good.com:443", Ok(())),
        ("HTTPS://GOOD.COM", Ok(())),
        ("https://Good.com", Ok(())),
        ("http://localhost:3000", Ok(())),
        ("https://[2001:db8::1]:8443", Ok(())),
        ("https://[2001:DB8::1]:8443", Ok(())),
        ("app://x", Ok(())),
        ("https://evil.com", FOREIGN),
        ("http://good.com", FOREIGN),
        ("wss://good.com", FOREIGN),
        ("https://good.com:444", FOREIGN),
        ("https://good.com:80", FOREIGN),
        ("https://good.com.evil.com", FOREIGN),
        ("https://evilgood.com", FOREIGN),
        ("https://a.good.com", FOREIGN),
        ("https://good.co", FOREIGN),
        ("https://xn--god-sna.com", FOREIGN),
        ("http://localhost", FOREIGN),
        ("http://localhost:3001", FOREIGN),
        ("https://localhost:3000", FOREIGN),
        ("http://127.0.0.1:3000", FOREIGN),
        ("http://[::1]:3000", FOREIGN),
        ("https://[2001:db8::1]", FOREIGN),
        ("app://x:1", FOREIGN),
        ("null", FOREIGN),
        ("NULL", MALFORMED),
        ("", MALFORMED),
        ("good.com", MALFORMED),
        ("//good.com", MALFORMED),
        ("https:good.com", MALFORMED),
        ("https:///good.com", MALFORMED),
        ("https://", MALFORMED),
        ("https://good.com/", MALFORMED),
        ("https://good.com/path", MALFORMED),
        ("https://good.com?x", MALFORMED),
        ("https://good.com#x", MALFORMED),
        ("https://good.com.", MALFORMED),
        ("https://good.com@evil", MALFORMED),
        ("https://user:pass@good.com", MALFORMED),
        ("https://good.com\\@evil", MALFORMED),
        ("https://good.com:", MALFORMED),
        ("https://good.com:0443", MALFORMED),
        ("https://good.com:+443", MALFORMED),
        ("https://good.com:443:443", MALFORMED),
        ("https://good.com:65979", MALFORMED),
        ("https://*.good.com", MALFORMED),
        ("https://good.com, https://evil.com", MALFORMED),
        ("https://good.com https://evil.com", MALFORMED),
        ("https://g\u{f6}\u{f6}d.com", MALFORMED),
        ("https://good\u{3002}com", MALFORMED),
        ("https://%67ood.com", MALFORMED),
        ("https://[good.com]", MALFORMED),
        ("https://[::1", MALFORMED),
        ("*", MALFORMED),
        ("file://", MALFORMED),
    ] {
        assert_eq!(judged(&route, &[origin], "gate.test", true), expected, "{origin:?}");
    }
}

#[test]
fn several_origins_are_none() {
    let mut any = route("/ws/");
    any.origins = OriginRule::Any;
    let twice = ["https://gate.test", "https://gate.test"];
    assert_eq!(same_origin(&twice, "gate.test", true), Err(OriginFault::Several));
    assert_eq!(judged(&any, &twice, "gate.test", true), Err(OriginFault::Several));
    assert_eq!(judged(&any, &["https://evil.com"], "gate.test", true), Ok(()));
    assert_eq!(judged(&any, &["null"], "gate.test", true), Ok(()));
}

/// A pattern in the list is a mistake and matches nothing; a page without origin only if listed.
#[test]
fn a_list_means_what_it_says() {
    for (listed, origin, expected) in [
        ("null", "null", Ok(())),
        ("https://*.good.com", "https://a.good.com", FOREIGN),
        ("https://*.good.com", "https://good.com", FOREIGN),
        ("*", "https://good.com", FOREIGN),
        ("https://good.com:443", "https://good.com", Ok(())),
        ("https://GOOD.com", "https://good.com", Ok(())),
        ("https://good.com/", "https://good.com", FOREIGN),
    ] {
        let mut route = route("/ws/");
        route.origins = OriginRule::Listed(vec![listed.to_owned()]);
        let found = judged(&route, &[origin], "gate.test", true);
        assert_eq!(found, expected, "{origin} of {listed}");
    }
}

#[test]
fn by_default_only_our_own_pages_connect() {
    for (origin, host, is_tls, expected) in [
        ("https://gate.test", "gate.test", true, Ok(())),
        ("https://gate.test", "GATE.test", true, Ok(())),
        ("https://gate.test", "gate.test:443", true, Ok(())),
        ("https://gate.test:8443", "gate.test:8443", true, Ok(())),
        ("https://[::1]:8443", "[::1]:8443", true, Ok(())),
        // A proxy took the TLS off.
        ("https://gate.test", "gate.test", false, Ok(())),
        ("http://gate.test", "gate.test", false, Ok(())),
        ("http://gate.test:8080", "gate.test:8080", false, Ok(())),
        ("http://localhost:8080", "localhost:8080", false, Ok(())),
        // A page that anyone on the way can write.
        ("http://gate.test", "gate.test", true, FOREIGN),
        ("http://gate.test:443", "gate.test:443", true, FOREIGN),
        ("https://gate.test", "gate.test:8443", true, FOREIGN),
        ("https://gate.test:8443", "gate.test", true, FOREIGN),
        ("http://gate.test:80", "gate.test:8080", false, FOREIGN),
        ("https://gate.test", "gate.test:80", false, FOREIGN),
        ("https://www.gate.test", "gate.test", true, FOREIGN),
        ("https://gate.test.evil.com", "gate.test", true, FOREIGN),
        ("http://localhost:3000", "localhost:8080", false, FOREIGN),
        ("http://localhost:8080", "127.0.0.1:8080", false, FOREIGN),
        ("chrome-extension://gate.test", "gate.test", false, FOREIGN),
        ("ws://gate.test", "gate.test", false, FOREIGN),
        ("null", "gate.test", true, FOREIGN),
        ("https://gate.test.", "gate.test.", true, MALFORMED),
        ("https://gate.test", "gate.test.", true, FOREIGN),
        ("https://gate.test", "gate.test:x", true, FOREIGN),
    ] {
        assert_eq!(same_origin(&[origin], host, is_tls), expected, "{origin} at {host}");
    }
}

/// Threat H2.
#[test]
fn a_request_without_an_origin_is_let_in_only_where_that_is_said_and_no_cookie_counts() {
    for (is_allowed, sources, expected) in [
        (false, vec![TokenSource::Bearer], Err(OriginFault::Missing)),
        (true, vec![TokenSource::Bearer], Ok(())),
        (
            true,
            vec![TokenSource::Bearer, TokenSource::Cookie("sid".into())],
            Err(OriginFault::Missing),
        ),
        (false, vec![TokenSource::Cookie("sid".into())], Err(OriginFault::Missing)),
    ] {
        let mut route = crate::fixtures::token_route("/ws/", sources);
        route.allow_missing_origin = is_allowed;
        assert_eq!(judged(&route, &[], "gate.test", true), expected, "{route:?}");
    }
}

#[test]
fn an_origin_is_listed_in_one_way() {
    for (text, expected) in [
        ("https://Good.COM:443", Some("https://good.com")),
        ("HTTP://good.com:80", Some("http://good.com")),
        ("http://good.com:443", Some("http://good.com:443")),
        ("app://x", Some("app://x")),
        ("null", Some("null")),
        ("https://*.good.com", None),
        ("https://good.com/", None),
        ("good.com", None),
        ("*", None),
    ] {
        assert_eq!(normalised(text).as_deref(), expected, "{text}");
    }
}
