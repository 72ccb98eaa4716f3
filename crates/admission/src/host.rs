//! The host and port of an address, and which hosts this server answers for (H3).

use wire::Head;

/// `host`, `host:port`, `[::1]:port`. Borrowed as it was written; compared without regard to case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

/// Which hosts this server answers for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum HostRule {
    /// Whatever the request says. The default, because a page on another host is stopped by its
    /// origin; listeners without an Origin check need a list.
    #[default]
    Any,
    /// Exactly these. `name` answers on every port, `name:port` on that one. Compared without
    /// regard to case; a trailing dot is another host.
    Listed(Vec<String>),
}

impl HostRule {
    /// Whether the request is for one of the hosts. HTTP/1.0 without a Host is for none that is
    /// listed.
    pub fn allows(&self, head: &Head<'_>) -> bool {
        let Self::Listed(hosts) = self else { return true };
        let Some(asked) = head.header("host").and_then(Authority::parse) else { return false };
        hosts.iter().filter_map(|it| Authority::parse(it)).any(|it| {
            it.host.eq_ignore_ascii_case(asked.host) && (it.port.is_none() || it.port == asked.port)
        })
    }
}

impl<'a> Authority<'a> {
    /// `None` for anything but a plain ASCII host: no user, no path, no empty or odd port, no
    /// percent-encoding, no trailing dot.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let end = rest.find(']')?;
                let (host, port) = text.split_at_checked(end + 2)?;
                let _: std::net::Ipv6Addr = rest.get(..end)?.parse().ok()?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_named = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
        if !host.starts_with('[') && !host.bytes().all(is_named) {
            return None;
        }
        if host.is_empty() || host.ends_with('.') || host.starts_with('.') {
            return None;
        }
        let port = port.map(|it| decimal(it).ok_or(())).transpose().ok()?;
        Some(Self { host, port })
    }
}

/// A port without sign or leading zero.
fn decimal(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|it| it.is_ascii_digit()) && !digits.starts_with('0');
    is_plain.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests;
