//! Heads that are read, and the many that are not (threats H4, H5, H6).

use super::*;

const LIMITS: HeadLimits = HeadLimits { bytes_max: 16 * 1024, headers_max: 100 };

fn refused(head: impl AsRef<[u8]>, fault: HeadFault) {
    let head = head.as_ref();
    let parsed = parse_head(head, &LIMITS).map(|it| it.map(|(_, length)| length));
    assert_eq!(parsed, Err(fault), "{:?}", String::from_utf8_lossy(head));
}

/// A request of HTTP/1.1 with these further lines.
fn with(lines: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n")
}

#[test]
fn a_head_is_read_and_what_follows_is_left() {
    let bytes =
        b"GET /ws/a?token=b?c HTTP/1.1\r\nHost: a.test:80\r\nx-A:  1 \r\nX-a: 2\r\n\r\nrest";
    let (head, length) = parse_head(bytes, &LIMITS).unwrap().unwrap();
    assert_eq!(&bytes[length..], b"rest");
    assert_eq!((head.method, head.minor), ("GET", 1));
    assert_eq!((head.target, head.path()), ("/ws/a?token=b?c", "/ws/a"));
    assert_eq!(head.query(), Some("token=b?c"));
    assert_eq!(head.header("X-A"), Some("1"));
    assert_eq!(head.headers("x-a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(head.header("x-b"), None);
    assert_eq!(head.all_headers().count(), 3);
}

#[test]
fn a_head_of_nothing_but_a_line_is_read_in_the_old_version() {
    let (head, _) = parse_head(b"GET / HTTP/1.0\r\n\r\n", &LIMITS).unwrap().unwrap();
    assert_eq!((head.path(), head.query(), head.minor), ("/", None, 0));
}

#[test]
fn a_value_that_is_not_utf_8_is_present_and_equal_to_nothing() {
    // H6: read as absent, a garbled Origin would pass for none.
    let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://\xff\xfe\r\nX: caf\xc3\xa9\r\n\r\n";
    let (head, _) = parse_head(bytes, &LIMITS).unwrap().unwrap();
    assert_eq!(head.header("origin"), Some(UNREADABLE));
    assert_eq!(head.header_bytes("origin"), Some(b"https://\xff\xfe".as_slice()));
    assert_eq!(head.header("x"), Some("café"));
}

#[test]
fn an_incomplete_head_waits() {
    let whole = with("A: b");
    for count in 0..whole.len() {
        assert!(parse_head(&whole.as_bytes()[..count], &LIMITS).unwrap().is_none(), "{count}");
    }
    assert!(parse_head(whole.as_bytes(), &LIMITS).unwrap().is_some());
}

#[test]
fn a_line_that_does_not_end_in_cr_lf_is_refused() {
    refused("GET / HTTP/1.1\nHost: a\n\n", HeadFault::LineEnd);
    refused("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadFault::LineEnd);
    refused("GET / HTTP/1.1\r\nHost: a\r\n\n", HeadFault::LineEnd);
    refused("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", HeadFault::LineEnd);
    refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", HeadFault::LineEnd);
}

#[test]
fn a_folded_header_is_refused() {
    refused(with("A: b\r\n c"), HeadFault::Folded);
    refused(with("A: b\r\n\tc"), HeadFault::Folded);
    refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", HeadFault::Folded);
    refused(with("Transfer-Encoding:\r\n chunked"), HeadFault::Folded);
}

#[test]
fn a_malformed_request_line_is_refused() {
    for line in [
        "\r\nGET / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/2.0",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET / HTTP/01.1",
        "GET /",
        "GET / ",
        "GET",
        "G(T / HTTP/1.1",
        "/ GET HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "\0",
    ] {
        refused(format!("{line}\r\nHost: a\r\n\r\n"), HeadFault::RequestLine);
    }
}

#[test]
fn a_target_that_is_not_a_path_is_refused() {
    for target in ["http://evil.test/", "*", "x", "a.test:443", "?a", "/a#b", "/caf\u{e9}"] {
        refused(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), HeadFault::Target);
    }
    let options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(parse_head(options.as_bytes(), &LIMITS).unwrap().is_some());
}

#[test]
fn a_malformed_header_line_is_refused() {
    for line in ["A : b", "A\t: b", "no colon", ": b", "A(: b", "A: b\0c", "A: \u{7f}", "A: \u{1}"]
    {
        refused(with(line), HeadFault::HeaderLine);
    }
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nX\xff: b\r\n\r\n", HeadFault::HeaderLine);
}

#[test]
fn a_request_has_exactly_one_host() {
    refused("GET / HTTP/1.1\r\n\r\n", HeadFault::Host);
    refused(with("Host: b.test"), HeadFault::Host);
    refused(with("host: a.test"), HeadFault::Host);
    refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HeadFault::Host);
    for host in ["a b", "a,b", "user@a", "a/b", "a?b", "a#b", "caf\u{e9}.test", "a\tb", "\"a\""] {
        refused(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), HeadFault::Host);
    }
    for host in ["a.test", "a.test:8080", "127.0.0.1:1", "[::1]:8080", "a_b.test", "A.TEST."] {
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert!(parse_head(head.as_bytes(), &LIMITS).is_ok(), "{host}");
    }
}

#[test]
fn an_ambiguous_length_is_refused() {
    refused(with("Content-Length: 5\r\nTransfer-Encoding: chunked"), HeadFault::Length);
    refused(with("Transfer-Encoding: chunked\r\nContent-Length: 5"), HeadFault::Length);
    refused(with("Content-Length: 5\r\nContent-Length: 6"), HeadFault::Length);
    refused(with("Content-Length: 5\r\ncontent-length: 5"), HeadFault::Length);
    for length in ["", "5, 5", "+5", "-5", "0x5", "5a", "5 5", "1e1", "5.0", "99999999999999999999"]
    {
        refused(with(&format!("Content-Length: {length}")), HeadFault::Length);
    }
    assert!(parse_head(with("Content-Length: 0005").as_bytes(), &LIMITS).is_ok());
}

#[test]
fn an_unknown_transfer_encoding_is_refused() {
    for encoding in
        ["", "identity", "gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunked;a"]
    {
        let lines = format!("Transfer-Encoding: {encoding}");
        refused(with(&lines), HeadFault::TransferEncoding);
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked";
    refused(with(twice), HeadFault::TransferEncoding);
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    refused(old, HeadFault::TransferEncoding);
    assert!(parse_head(with("Transfer-Encoding: Chunked").as_bytes(), &LIMITS).is_ok());
}

#[test]
fn a_hundred_headers_are_read_and_no_more() {
    let headers = |count: usize| {
        let lines: Vec<String> = (1..count).map(|it| format!("X-{it}: y")).collect();
        with(&lines.join("\r\n"))
    };
    let most = headers(100);
    let (head, _) = parse_head(most.as_bytes(), &LIMITS).unwrap().unwrap();
    assert_eq!(head.all_headers().count(), 100);
    // H5.
    refused(headers(101), HeadFault::TooManyHeaders);
    refused(headers(1200), HeadFault::TooManyHeaders);
    refused(headers(2000), HeadFault::TooLarge);
    assert_eq!(HeadFault::TooManyHeaders.status(), 431);
}

#[test]
fn a_head_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
    let empty = with("A: ").len();
    let fits = with(&format!("A: {}", "x".repeat(LIMITS.bytes_max - empty)));
    assert_eq!(parse_head(fits.as_bytes(), &LIMITS).unwrap().unwrap().1, LIMITS.bytes_max);
    refused(with(&format!("A: {}", "x".repeat(LIMITS.bytes_max - empty + 1))), HeadFault::TooLarge);
    assert_eq!(HeadFault::TooLarge.status(), 431);
}

#[test]
fn eight_megabytes_a_byte_at_a_time_are_refused_at_sixteen_kibibytes() {
    // H5. What was scanned is overwritten with line feeds: looking at any of it again, which is
    // what makes such a search quadratic, would find a line that ends wrongly.
    let endless = with(&format!("A: {}", "x".repeat(8 << 20)));
    let mut scan = HeadScan::default();
    let mut buffer = Vec::new();
    let refused_at = endless.bytes().enumerate().find_map(|(index, byte)| {
        buffer.push(byte);
        let found = scan.find(&buffer, &LIMITS);
        if byte != b'\r' && byte != b'\n' && 60 < index {
            buffer[index] = b'\n';
        }
        found.err().map(|fault| (index + 1, fault))
    });
    assert_eq!(refused_at, Some((LIMITS.bytes_max, HeadFault::TooLarge)));
}

#[test]
fn a_greeting_of_another_protocol_is_refused_at_its_first_byte() {
    refused([0x16], HeadFault::RequestLine);
    refused([0x80], HeadFault::RequestLine);
    refused([b'\r'], HeadFault::RequestLine);
}
