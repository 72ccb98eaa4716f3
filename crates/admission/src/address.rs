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
        let mut hops = values.iter().rev().flat_map(|it| elements(it).into_iter().rev());
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

    fn hop(self, element: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => node(for_parameter(element)?),
        }
    }
}

/// The elements of a list header, split at the commas outside quotes.
fn elements(value: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let is_comma = |it: char| {
        let is_escape = is_quoted && it == '\\' && !is_escaped;
        if it == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_escape;
        it == ',' && !is_quoted
    };
    value.split(is_comma).collect()
}

/// The value of the only `for=` of a `Forwarded` element (RFC 7239 section 4).
fn for_parameter(element: &str) -> Option<&str> {
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
