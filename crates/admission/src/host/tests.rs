//! Which hosts are answered for: H3.

use super::*;
use crate::fixtures::head;

#[test]
fn a_host_that_is_not_listed_is_not_answered_for() {
    let listed = ["gate.test", "localhost:8080", "[::1]", "192.0.2.1:443"];
    let rule = HostRule::Listed(listed.map(str::to_owned).to_vec());
    for (host, expected) in [
        ("gate.test", true),
        ("GATE.Test", true),
        ("gate.test:8080", true),
        ("localhost:8080", true),
        ("[::1]", true),
        ("[::1]:9000", true),
        ("192.0.2.1:443", true),
        ("localhost", false),
        ("localhost:8081", false),
        ("evil.test", false),
        ("evil.test:8080", false),
        ("gate.test.evil.test", false),
        ("a.gate.test", false),
        ("gate.test.", false),
        (".gate.test", false),
        ("gate.test:", false),
        ("gate.test:x", false),
        ("gate.test:080", false),
        ("gate.test:99999", false),
        ("gate%2etest", false),
        ("127.0.0.1", false),
        ("[::2]", false),
        ("[::1", false),
        ("[::1]x", false),
        ("[gate.test]", false),
        ("::1", false),
        ("", false),
    ] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(head(&text, |it| rule.allows(it)), expected, "{host:?}");
        assert!(head(&text, |it| HostRule::Any.allows(it)), "{host:?}");
    }
    assert!(!head("GET / HTTP/1.0\r\n\r\n", |it| rule.allows(it)));
}
