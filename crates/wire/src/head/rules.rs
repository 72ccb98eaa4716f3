//! What two HTTP parsers have been known to read differently, refused (RFC 9112, threat H4).

use super::{Head, HeadFault};

pub(super) fn check(head: &Head<'_>) -> Result<(), HeadFault> {
    check_target(head)?;
    check_host(head)?;
    check_length(head)
}

/// Origin form only (RFC 9112 3.2.1), and `*` for OPTIONS. The other forms are for proxies, and
/// bring a second host that may differ from the first.
fn check_target(head: &Head<'_>) -> Result<(), HeadFault> {
    let path = head.target.starts_with('/') || (head.method == "OPTIONS" && head.target == "*");
    let clean = head.target.bytes().all(|it| it.is_ascii_graphic() && it != b'#');
    if path && clean { Ok(()) } else { Err(HeadFault::Target) }
}

fn check_host(head: &Head<'_>) -> Result<(), HeadFault> {
    let mut hosts = head.values("host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if host.iter().all(|it| is_host_byte(*it)) => Ok(()),
        // HTTP/1.0 knows no Host.
        (None, None) if head.minor == 0 => Ok(()),
        _ => Err(HeadFault::Host),
    }
}

/// What a host and port are written with (RFC 3986 3.2.2). No comma, since some would split there,
/// and no `@`, since some would take what precedes it for a user.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+;=".contains(&byte)
}

fn check_length(head: &Head<'_>) -> Result<(), HeadFault> {
    let mut lengths = head.values("content-length");
    let mut encodings = head.values("transfer-encoding");
    let length = lengths.next();
    let encoding = encodings.next();
    if lengths.next().is_some() || (length.is_some() && encoding.is_some()) {
        return Err(HeadFault::Length);
    }
    // A sign, a list, hexadecimal or an overflow are what smuggling is made of.
    if length.is_some_and(|it| decimal(it).is_none()) {
        return Err(HeadFault::Length);
    }
    let chunked = encoding.is_none_or(|it| it.eq_ignore_ascii_case(b"chunked") && head.minor == 1);
    if !chunked || encodings.next().is_some() {
        return Err(HeadFault::TransferEncoding);
    }
    Ok(())
}

/// Digits and nothing else, that fit.
fn decimal(bytes: &[u8]) -> Option<u64> {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    digits.then(|| str::from_utf8(bytes).ok()?.parse().ok()).flatten()
}

/// Whether this is a token (RFC 9110 5.6.2): the names of methods, headers and subprotocols.
pub(crate) fn is_token(text: &str) -> bool {
    let is_token_byte = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    !text.is_empty() && text.bytes().all(is_token_byte)
}
