//! Which pages may connect (R36, H1, H2).
//!
//! A browser lets any page open a WebSocket to any host and sends cookies along; the Origin header
//! is all that says which page it is. So origins are compared exactly, whatever cannot be read is
//! refused, and localhost gets no exemption.

use thiserror::Error;
use wire::Head;

use crate::{
    host::Authority,
    route::{OriginRule, Route, TokenSource},
};

/// Why a page may not connect. For tests; clients are told `ORIGIN_REFUSED`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum OriginFault {
    #[error("the request has no Origin header")]
    Missing,
    #[error("the request has several Origin headers")]
    Several,
    #[error("the Origin header is not scheme://host[:port]")]
    Malformed,
    #[error("the origin is not among those allowed")]
    Foreign,
}

/// An origin as it is compared (RFC 6454 section 4).
#[derive(Clone, Copy, Debug)]
enum Origin<'a> {
    /// `null`: a page that has none, such as a sandboxed frame or a file.
    Opaque,
    Tuple {
        scheme: &'a str,
        host: &'a str,
        port: Option<u16>,
    },
}

/// May the page connect? `is_tls` is whether the client came by TLS, as far as is known.
pub(crate) fn judge(route: &Route, head: &Head<'_>, is_tls: bool) -> Result<(), OriginFault> {
    let mut origins = head.headers("origin");
    let Some(text) = origins.next() else {
        // A cookie is sent by the browser whoever asks, so with cookies the page must be known.
        let has_cookie = |it: &TokenSource| matches!(it, TokenSource::Cookie(_));
        let uses_cookie = route.tokens.as_ref().is_some_and(|it| it.sources.iter().any(has_cookie));
        let is_allowed = route.allow_missing_origin && !uses_cookie;
        return if is_allowed { Ok(()) } else { Err(OriginFault::Missing) };
    };
    if origins.next().is_some() {
        return Err(OriginFault::Several);
    }
    let is_ours = match &route.origins {
        OriginRule::Any => true,
        OriginRule::SameOrigin => {
            let origin = Origin::parse(text).ok_or(OriginFault::Malformed)?;
            let host = head.header("host").and_then(Authority::parse);
            host.is_some_and(|host| origin.is_of(host, is_tls))
        }
        OriginRule::Listed(list) => {
            let origin = Origin::parse(text).ok_or(OriginFault::Malformed)?;
            list.iter().filter_map(|it| Origin::parse(it)).any(|it| it.equals(origin))
        }
    };
    if is_ours { Ok(()) } else { Err(OriginFault::Foreign) }
}

/// An origin as a configuration lists it: lower case, default port left out. `None` if it is none;
/// patterns such as `https://*.example.com` are none.
pub fn normalised(text: &str) -> Option<String> {
    match Origin::parse(text)? {
        Origin::Opaque => Some("null".to_owned()),
        Origin::Tuple { scheme, host, port } => {
            let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
            Some(match port.filter(|it| default_port(&scheme) != Some(*it)) {
                Some(port) => format!("{scheme}://{host}:{port}"),
                None => format!("{scheme}://{host}"),
            })
        }
    }
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
        if !scheme.starts_with(|it: char| it.is_ascii_alphabetic())
            || !scheme.bytes().all(is_scheme)
        {
            return None;
        }
        let Authority { host, port } = Authority::parse(authority)?;
        Some(Self::Tuple { scheme, host, port: port.or_else(|| default_port(scheme)) })
    }

    fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Opaque, Self::Opaque) => true,
            (
                Self::Tuple { scheme, host, port },
                Self::Tuple { scheme: scheme2, host: host2, port: port2 },
            ) => {
                scheme.eq_ignore_ascii_case(scheme2)
                    && host.eq_ignore_ascii_case(host2)
                    && port == port2
            }
            (Self::Opaque, Self::Tuple { .. }) | (Self::Tuple { .. }, Self::Opaque) => false,
        }
    }

    /// Whether it is a page of the host the request is for.
    ///
    /// Without TLS on our side a proxy may have taken it off, so a page of either scheme may be
    /// ours; with TLS only a page that came by it.
    fn is_of(self, asked: Authority<'_>, is_tls: bool) -> bool {
        let Self::Tuple { scheme, host, port } = self else { return false };
        let is_https = scheme.eq_ignore_ascii_case("https");
        let is_web = is_https || (!is_tls && scheme.eq_ignore_ascii_case("http"));
        let port_asked = asked.port.or_else(|| default_port(scheme));
        is_web && host.eq_ignore_ascii_case(asked.host) && port == port_asked
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    let known = [("http", 80), ("https", 443), ("ws", 80), ("wss", 443)];
    known.iter().find(|it| it.0.eq_ignore_ascii_case(scheme)).map(|it| it.1)
}

#[cfg(test)]
mod tests;
