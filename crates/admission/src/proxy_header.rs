//! The PROXY protocol, versions 1 and 2: a proxy that forwards bytes says whom for (H9).
//!
//! Only for listeners that require it: there every connection begins with this header, and one that
//! does not is refused. On a listener that merely allowed it, any client could name any address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// What the first bytes of a connection say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proxied {
    /// Read more, up to [`BYTES_MAX`].
    Incomplete,
    /// The client, and where the request begins.
    For { source: SocketAddr, consumed: usize },
    /// The proxy speaks for itself, or does not say for whom: the socket's peer counts.
    Local { consumed: usize },
}

/// Why a connection is not one that a proxy opened.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ProxyFault {
    #[error("the connection does not begin with a PROXY header")]
    Absent,
    #[error("the PROXY header is longer than any address needs")]
    TooLong,
    #[error("the PROXY header is malformed")]
    Malformed,
}

/// The longest header taken: sixteen bytes and room for addresses and a proxy's remarks.
pub const BYTES_MAX: usize = 16 + REST_BYTES_MAX;

/// The longest line of version 1, with its CR LF.
const LINE_BYTES_MAX: usize = 107;
/// The addresses of version 2 take up to 216; remarks about TLS come after them.
const REST_BYTES_MAX: usize = 1024;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Parses the header at the front of `bytes`.
pub fn parse(bytes: &[u8]) -> Result<Proxied, ProxyFault> {
    match (begins(bytes, SIGNATURE), begins(bytes, b"PROXY ")) {
        (Begins::Whole, _) => binary(bytes),
        (_, Begins::Whole) => line(bytes),
        (Begins::Partly, _) | (_, Begins::Partly) => Ok(Proxied::Incomplete),
        (Begins::Otherwise, Begins::Otherwise) => Err(ProxyFault::Absent),
    }
}

enum Begins {
    Whole,
    Partly,
    Otherwise,
}

fn begins(bytes: &[u8], with: &[u8]) -> Begins {
    if bytes.starts_with(with) {
        Begins::Whole
    } else if with.starts_with(bytes) {
        Begins::Partly
    } else {
        Begins::Otherwise
    }
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 4000 443`, CR, LF.
fn line(bytes: &[u8]) -> Result<Proxied, ProxyFault> {
    let seen = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = seen.windows(2).position(|it| it == b"\r\n") else {
        let is_full = LINE_BYTES_MAX <= bytes.len();
        return if is_full { Err(ProxyFault::TooLong) } else { Ok(Proxied::Incomplete) };
    };
    let line = seen.get(..end).and_then(|it| str::from_utf8(it).ok());
    let words: Vec<&str> = line.ok_or(ProxyFault::Malformed)?.split(' ').collect();
    let consumed = end + 2;
    let source = match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => return Ok(Proxied::Local { consumed }),
        ["PROXY", "TCP4", source, target, from, to] => {
            ends::<Ipv4Addr>(source, target, from, to).map(|it| (IpAddr::V4(it.0), it.1))
        }
        ["PROXY", "TCP6", source, target, from, to] => {
            ends::<Ipv6Addr>(source, target, from, to).map(|it| (IpAddr::V6(it.0), it.1))
        }
        _ => None,
    };
    let source = source.ok_or(ProxyFault::Malformed)?;
    Ok(Proxied::For { source: source.into(), consumed })
}

/// The source, if both ends are well formed.
fn ends<A: std::str::FromStr>(
    source: &str,
    target: &str,
    from: &str,
    to: &str,
) -> Option<(A, u16)> {
    let _: (A, u16) = (target.parse().ok()?, port(to)?);
    Some((source.parse().ok()?, port(from)?))
}

/// Digits without sign or leading zero.
fn port(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|it| it.is_ascii_digit());
    let is_shortest = digits == "0" || !digits.starts_with('0');
    (is_plain && is_shortest).then(|| digits.parse().ok())?
}

fn binary(bytes: &[u8]) -> Result<Proxied, ProxyFault> {
    let Some(([version, family, high, low], rest)) =
        bytes.get(SIGNATURE.len()..).and_then(|it| it.split_first_chunk())
    else {
        return Ok(Proxied::Incomplete);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if REST_BYTES_MAX < length {
        return Err(ProxyFault::TooLong);
    }
    let (is_local, family) = match (version, family) {
        (0x20, _) => (true, 0),
        // No family, and a path in the file system: neither names an address.
        (0x21, 0x00 | 0x31) => (true, 0),
        (0x21, 0x11 | 0x21) => (false, *family),
        _ => return Err(ProxyFault::Malformed),
    };
    let Some(ends) = rest.get(..length) else { return Ok(Proxied::Incomplete) };
    let consumed = SIGNATURE.len() + 4 + length;
    if is_local {
        return Ok(Proxied::Local { consumed });
    }
    let source = if family == 0x11 { ends_v4(ends) } else { ends_v6(ends) };
    let source = source.ok_or(ProxyFault::Malformed)?;
    Ok(Proxied::For { source, consumed })
}

/// Source and target address, source and target port.
fn ends_v4(bytes: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = bytes.split_first_chunk::<4>()?;
    let port = rest.get(4..8)?.first_chunk::<2>()?;
    Some((Ipv4Addr::from(*address), u16::from_be_bytes(*port)).into())
}

fn ends_v6(bytes: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = bytes.split_first_chunk::<16>()?;
    let port = rest.get(16..20)?.first_chunk::<2>()?;
    Some((Ipv6Addr::from(*address), u16::from_be_bytes(*port)).into())
}

#[cfg(test)]
mod tests;
