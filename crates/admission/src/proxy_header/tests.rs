//! What proxies that forward bytes may say: H9.

use proptest::prelude::*;

use super::*;

fn source(text: &str, consumed: usize) -> Result<Proxied, ProxyFault> {
    Ok(Proxied::For { source: text.parse().unwrap(), consumed })
}

#[test]
fn a_line_names_the_client() {
    let line = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n";
    assert_eq!(parse(format!("{line}GET /").as_bytes()), source("192.0.2.1:4711", line.len()));
    let line = "PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n";
    assert_eq!(parse(line.as_bytes()), source("[2001:db8::1]:65535", line.len()));
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"] {
        assert_eq!(parse(line.as_bytes()), Ok(Proxied::Local { consumed: line.len() }));
    }
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 evil.test 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Err(ProxyFault::Malformed), "{line:?}");
    }
}

#[test]
fn a_connection_that_no_proxy_opened_is_told_at_its_first_byte() {
    for text in [
        "G",
        "GET / HTTP/1.1\r\n",
        "proxy ",
        "PROXYTCP4",
        "PX",
        "\r\n\r\nX",
        "\x16\x03\x01",
        " PROXY ",
    ] {
        assert_eq!(parse(text.as_bytes()), Err(ProxyFault::Absent), "{text:?}");
    }
}

#[test]
fn a_line_without_end_is_not_waited_for() {
    let mut line = b"PROXY UNKNOWN ".to_vec();
    line.resize(106, b'x');
    assert_eq!(parse(&line), Ok(Proxied::Incomplete));
    line.push(b'x');
    assert_eq!(parse(&line), Err(ProxyFault::TooLong));
}

/// Command and version, family, and what follows.
fn second(version: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([version, family]);
    bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    bytes.extend(rest);
    bytes
}

#[test]
fn the_binary_form_names_the_client() {
    let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 1, 187];
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v6[15] = 1;
    v6[32..34].copy_from_slice(&[0x12, 0x67]);
    let with_remarks = [&v4[..], &[4, 0, 1, 0]].concat();
    for (version, family, rest, expected) in [
        (0x21, 0x11, &v4[..], source("192.0.2.1:4711", 28)),
        (0x21, 0x11, &with_remarks, source("192.0.2.1:4711", 32)),
        (0x21, 0x21, &v6, source("[2001:db8::1]:4711", 52)),
        (0x20, 0x00, &[], Ok(Proxied::Local { consumed: 16 })),
        (0x20, 0x11, &v4, Ok(Proxied::Local { consumed: 28 })),
        (0x21, 0x00, &[1, 2, 3], Ok(Proxied::Local { consumed: 19 })),
        (0x21, 0x31, &[0; 216], Ok(Proxied::Local { consumed: 232 })),
        (0x21, 0x11, &v4[..11], Err(ProxyFault::Malformed)),
        (0x21, 0x21, &v4, Err(ProxyFault::Malformed)),
        (0x21, 0x12, &v4, Err(ProxyFault::Malformed)),
        (0x21, 0x10, &v4, Err(ProxyFault::Malformed)),
        (0x22, 0x11, &v4, Err(ProxyFault::Malformed)),
        (0x11, 0x11, &v4, Err(ProxyFault::Malformed)),
        (0x21, 0x11, &[0; 1025], Err(ProxyFault::TooLong)),
    ] {
        let bytes = second(version, family, rest);
        assert_eq!(parse(&bytes), expected, "{version:x} {family:x} {}", rest.len());
    }
}

proptest! {
    /// Whatever has been read of a good header, more is asked for and nothing else concluded.
    #[test]
    fn a_header_may_come_byte_by_byte(
        port in any::<u16>(),
        remarks in prop::collection::vec(any::<u8>(), 0..99),
    ) {
        let line = format!("PROXY TCP4 192.0.2.1 192.0.2.2 {port} 443\r\n").into_bytes();
        let mut rest = vec![192, 0, 2, 1, 192, 0, 2, 2];
        rest.extend(port.to_be_bytes());
        rest.extend([1, 187]);
        rest.extend(remarks);
        for header in [line, second(0x21, 0x11, &rest)] {
            for end in 0..header.len() {
                prop_assert_eq!(parse(&header[..end]), Ok(Proxied::Incomplete));
            }
            let expected = source(&format!("192.0.2.1:{port}"), header.len());
            prop_assert_eq!(parse(&header), expected);
        }
    }

    /// A header is complete, or refused, within the bound.
    #[test]
    fn no_bytes_stop_us_and_none_are_waited_for_beyond_the_bound(
        begin in prop_oneof![Just(&b"PROXY "[..]), Just(&SIGNATURE[..]), Just(&b""[..])],
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [begin, &rest].concat();
        let found = parse(&bytes);
        if BYTES_MAX <= bytes.len() {
            prop_assert_ne!(found, Ok(Proxied::Incomplete));
        }
        if let Ok(Proxied::For { consumed, .. } | Proxied::Local { consumed }) = found {
            prop_assert!(consumed <= bytes.len() && consumed <= BYTES_MAX);
        }
    }
}
