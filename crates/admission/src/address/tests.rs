//! Whose connection it is: H9.

use proptest::prelude::*;

use super::*;
use crate::fixtures::head;

fn proxies(header: ForwardedHeader) -> Proxies {
    let networks = ["10.0.0.0/8", "2001:db8:aaaa::/48"];
    Proxies { networks: networks.map(|it| Network::parse(it).unwrap()).to_vec(), header }
}

fn client(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
    let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", lines.concat());
    let peer = peer.parse().unwrap();
    head(&text, |it| proxies(header).client(it, peer)).to_string()
}

/// Each header form, from a proxy and from anyone else: who is not trusted changes nothing.
fn check(header: ForwardedHeader, lines: &[&str], expected: &str) {
    for peer in ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:aaaa::1"] {
        let expected = expected.replace("PEER", peer.trim_start_matches("::ffff:"));
        assert_eq!(client(header, peer, lines), expected, "{lines:?} from {peer}");
    }
    for peer in ["203.0.113.9", "11.0.0.1", "2001:db8:aaab::1", "::1", "127.0.0.1"] {
        assert_eq!(client(header, peer, lines), peer, "{lines:?}");
    }
}

#[test]
fn the_right_most_untrusted_hop_counts() {
    for (lines, expected) in [
        (&[][..], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1\r\n"], "198.51.100.1"),
        (&["x-forwarded-for:198.51.100.1\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 1.1.1.1, 198.51.100.1\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 1.1.1.1,198.51.100.1 , 10.9.9.9\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 198.51.100.1, 10.1.1.1, 10.2.2.2\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 10.1.1.1, 10.2.2.2\r\n"], "10.1.1.1"),
        (&["X-Forwarded-For: 1.1.1.1\r\n", "X-Forwarded-For: 198.51.100.1\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 198.51.100.1\r\n", "X-Forwarded-For: 10.1.1.1\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 198.51.100.1:4711\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: \"198.51.100.1\"\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 2001:db8::7\r\n"], "2001:db8::7"),
        (&["X-Forwarded-For: [2001:db8::7]\r\n"], "2001:db8::7"),
        (&["X-Forwarded-For: [2001:db8::7]:4711\r\n"], "2001:db8::7"),
        (&["X-Forwarded-For: ::ffff:198.51.100.1\r\n"], "198.51.100.1"),
        (&["X-Forwarded-For: 198.51.100.1, ::ffff:10.1.1.1\r\n"], "198.51.100.1"),
        // Garbage ends the walk at the last hop that could be counted.
        (&["X-Forwarded-For: \r\n"], "PEER"),
        (&["X-Forwarded-For: unknown\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1, garbage\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1, garbage, 10.1.1.1\r\n"], "10.1.1.1"),
        (&["X-Forwarded-For: 198.51.100.1,\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1, , 10.1.1.1\r\n"], "10.1.1.1"),
        (&["X-Forwarded-For: 198.51.100.256\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.051.100.001\r\n"], "PEER"),
        (&["X-Forwarded-For: 0xc6336401\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1:\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1:99999\r\n"], "PEER"),
        (&["X-Forwarded-For: [198.51.100.1]\r\n"], "PEER"),
        (&["X-Forwarded-For: fe80::1%eth0\r\n"], "PEER"),
        (&["X-Forwarded-For: \"198.51.100.1\r\n"], "PEER"),
        // Names that some servers take for this one.
        (&["X_Forwarded_For: 198.51.100.1\r\n"], "PEER"),
        (&["X-Forwarded_For: 198.51.100.1\r\n"], "PEER"),
        (&["X-Real-IP: 198.51.100.1\r\n"], "PEER"),
        // The header that was not chosen is the client's.
        (&["Forwarded: for=198.51.100.1\r\n"], "PEER"),
    ] {
        check(ForwardedHeader::XForwardedFor, lines, expected);
    }
}

#[test]
fn the_standard_header_is_read_the_same_way() {
    for (lines, expected) in [
        (&["Forwarded: for=198.51.100.1\r\n"][..], "198.51.100.1"),
        (&["Forwarded: FOR=\"198.51.100.1:4711\";proto=https;by=10.0.0.1\r\n"], "198.51.100.1"),
        (&["Forwarded: proto=https; for=198.51.100.1\r\n"], "198.51.100.1"),
        (&["Forwarded: for=\"[2001:db8::7]:4711\"\r\n"], "2001:db8::7"),
        (&["Forwarded: for=\"[2001:db8::7]\"\r\n"], "2001:db8::7"),
        (&["Forwarded: for=1.1.1.1, for=198.51.100.1, for=10.1.1.1\r\n"], "198.51.100.1"),
        (&["Forwarded: for=1.1.1.1\r\n", "Forwarded: for=198.51.100.1\r\n"], "198.51.100.1"),
        // A comma within quotes is no comma, and a quote that stays open swallows nothing that a
        // proxy appended.
        (&["Forwarded: for=198.51.100.1;x=\"a, for=2.2.2.2\"\r\n"], "198.51.100.1"),
        (&["Forwarded: for=1.1.1.1;x=\", for=198.51.100.1\r\n"], "198.51.100.1"),
        (&["Forwarded: for=1.1.1.1;x=\", for=10.1.1.1\r\n"], "10.1.1.1"),
        (&["Forwarded: for=1.1.1.1;x=\"\\\", for=198.51.100.1\r\n"], "198.51.100.1"),
        (&["Forwarded: for=198.51.100.1;x=\"\\\"\"\r\n"], "PEER"),
        (&["Forwarded: for=unknown\r\n"], "PEER"),
        (&["Forwarded: for=_hidden\r\n"], "PEER"),
        (&["Forwarded: for=198.51.100.1;for=2.2.2.2\r\n"], "PEER"),
        (&["Forwarded: by=198.51.100.1\r\n"], "PEER"),
        (&["Forwarded: 198.51.100.1\r\n"], "PEER"),
        (&["X-Forwarded-For: 198.51.100.1\r\n"], "PEER"),
    ] {
        check(ForwardedHeader::Forwarded, lines, expected);
    }
}

#[test]
fn only_a_proxy_is_believed_about_tls() {
    for (peer, line, expected) in [
        ("10.0.0.1", "X-Forwarded-Proto: https\r\n", true),
        ("10.0.0.1", "X-Forwarded-Proto: WSS\r\n", true),
        ("10.0.0.1", "X-Forwarded-Proto: http\r\n", false),
        ("10.0.0.1", "", false),
        ("203.0.113.9", "X-Forwarded-Proto: https\r\n", false),
    ] {
        let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n");
        let peer = peer.parse().unwrap();
        let found = head(&text, |it| proxies(ForwardedHeader::XForwardedFor).saw_tls(it, peer));
        assert_eq!(found, expected, "{line} from {peer}");
    }
}

proptest! {
    /// Whatever stands left of the client's own hop was written by the client, be it in a line of
    /// its own or in the one that the proxy goes on with.
    #[test]
    fn what_a_client_prepends_changes_nothing(forged in "[ -~]{0,60}", choice in 0..4_u8) {
        let (header, name, hop) = match choice & 1 {
            0 => (ForwardedHeader::XForwardedFor, "X-Forwarded-For", "198.51.100.1"),
            _ => (ForwardedHeader::Forwarded, "Forwarded", "for=198.51.100.1"),
        };
        let lines = match choice & 2 {
            0 => format!("{name}: {forged}\r\n{name}: {hop}\r\n"),
            _ => format!("{name}: {forged}, {hop}\r\n"),
        };
        prop_assert_eq!(client(header, "10.0.0.1", &[&lines]), "198.51.100.1");
    }
}
