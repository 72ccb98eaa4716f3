//! Whose connection it is: the socket's peer, or whom a trusted proxy says it forwards for (H9).

use std::net::{IpAddr, SocketAddr};

use wire::Head;

use crate::network::Network;

/// The proxies that are believed, and the header in which they write.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Proxies {
    /// Where they connect from. Empty: nobody is believed.
    pub networks: Vec<Network>,
    pub header: ForwardedHeader,
}

/// Only one header is ever read. A proxy that writes the one passes the other through as the client
/// sent it, so a second choice would be the client's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239).
    Forwarded,
}

impl Proxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|it| it.contains(address))
    }

    /// The right-most hop that is not a trusted proxy.
    ///
    /// Each proxy appends whom it heard from, so what stands right of an untrusted hop was written
    /// by proxies we trust, and what stands left of it by anyone. Where a hop cannot be read the
    /// last one that could be counts. IPv4 written as IPv6 is answered as IPv4.
    pub fn client(&self, head: &Head<'_>, peer: IpAddr) -> IpAddr {
        let mut nearest = peer.to_canonical();
        let values: Vec<&str> = head.headers(self.header.name()).collect();
        let mut hops = values.iter().rev().flat_map(|it| self.header.elements_back(it));
        while self.trusts(nearest) {
            let Some(hop) = hops.next().and_then(|it| self.header.hop(it)) else { break };
            nearest = hop;
        }
        nearest
    }

    /// Whether a trusted proxy says that the client came to it by TLS.
    pub fn saw_tls(&self, head: &Head<'_>, peer: IpAddr) -> bool {
        let is_secure = |it: &str| ["https", "wss"].iter().any(|tls| it.eq_ignore_ascii_case(tls));
        self.trusts(peer) && head.headers("x-forwarded-proto").any(is_secure)
    }
}

impl ForwardedHeader {
    const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The elements of the list, from the right.
    ///
    /// Quotes are paired from the right as well. The client's part is on the left; paired from
    /// there, a quote that it leaves open would swallow what the proxy appended.
    fn elements_back(self, value: &str) -> impl Iterator<Item = &str> {
        let mut is_quoted = false;
        value.rsplit(move |it| {
            is_quoted ^= it == '"' && self == Self::Forwarded;
            it == ',' && !is_quoted
        })
    }

    fn hop(self, element: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => node(for_parameter(element)?),
        }
    }
}

/// The value of the only `for=` of a `Forwarded` element (RFC 7239 section 4).
///
/// With a backslash the quotes may be paired otherwise than they were meant. No proxy needs one.
fn for_parameter(element: &str) -> Option<&str> {
    if element.contains('\\') || element.matches('"').count() % 2 == 1 {
        return None;
    }
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// An address, with or without port, brackets and quotes. Names (`unknown`, `_hidden`) are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let text = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => text,
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse().ok().map(|it: SocketAddr| it.ip());
    let address = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
