//! What client and server agree about compression (RFC 7692 7.1).
//!
//! A client offers; the first offer we can take is accepted, the others are passed over. An offer
//! that is wrong, strange or malicious is not an error: it is not taken, and the connection works
//! without compression.

use std::fmt::Write as _;

use crate::head::is_token;

/// What we are willing to agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflatePolicy {
    /// Let both sides keep their window between messages. It compresses better, and costs each
    /// connection an [`crate::Inflater`] and a [`crate::Deflater`] of its own.
    pub takeover: bool,
    /// The largest window we compress with, as its logarithm: 9 to 15.
    pub window_bits_max: u8,
}

impl Default for DeflatePolicy {
    /// No context kept, full windows: the window then belongs to the shard, and costs nothing more.
    fn default() -> Self {
        Self { takeover: false, window_bits_max: 15 }
    }
}

/// What was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateParams {
    /// We begin each message afresh.
    pub server_no_context_takeover: bool,
    /// The client begins each message afresh.
    pub client_no_context_takeover: bool,
    /// The window to compress with for this client, 9 to 15.
    pub server_window_bits: u8,
    /// Whether the client asked for a window, or we want less than it expects, so that the answer
    /// must name one.
    names_server_window: bool,
}

impl DeflateParams {
    /// The value of `Sec-WebSocket-Extensions` that says so.
    #[must_use]
    pub fn header_value(&self) -> String {
        let mut value = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            value.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            value.push_str("; client_no_context_takeover");
        }
        if self.names_server_window {
            // Writing to a string cannot fail.
            let _ = write!(value, "; server_max_window_bits={}", self.server_window_bits);
        }
        value
    }
}

/// Takes the first acceptable offer in the client's `Sec-WebSocket-Extensions` headers, given in
/// their order. `None` when there is none.
pub fn negotiate<'b>(
    headers: impl IntoIterator<Item = &'b str>,
    policy: &DeflatePolicy,
) -> Option<DeflateParams> {
    headers.into_iter().flat_map(|it| split(it, b',')).find_map(|it| accept(it, policy))
}

/// One offer as the client wrote it. `None` in a field is a parameter that was not given.
#[derive(Default)]
struct Offer {
    server_no_context_takeover: Option<()>,
    client_no_context_takeover: Option<()>,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Option<u8>>,
}

fn accept(offer: &str, policy: &DeflatePolicy) -> Option<DeflateParams> {
    let offer = parse(offer)?;
    let most = policy.window_bits_max.clamp(9, 15);
    let asked = offer.server_max_window_bits;
    // Eight bits is a window the deflate we use cannot keep to.
    if asked == Some(8) {
        return None;
    }
    let server_window_bits = asked.map_or(most, |asked| asked.min(most));
    Some(DeflateParams {
        server_no_context_takeover: !policy.takeover || offer.server_no_context_takeover.is_some(),
        client_no_context_takeover: !policy.takeover || offer.client_no_context_takeover.is_some(),
        server_window_bits,
        names_server_window: asked.is_some() || server_window_bits < 15,
    })
}

/// Reads one offer; `None` for another extension, or anything that RFC 7692 7.1 does not know.
fn parse(offer: &str) -> Option<Offer> {
    let mut parts = split(offer, b';');
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut read = Offer::default();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_matches(BLANKS), Some(unquote(value)?)),
            None => (part, None),
        };
        match name {
            "server_no_context_takeover" => {
                once(&mut read.server_no_context_takeover, flag(value)?)
            }
            "client_no_context_takeover" => {
                once(&mut read.client_no_context_takeover, flag(value)?)
            }
            "server_max_window_bits" => {
                once(&mut read.server_max_window_bits, window_bits(value?)?)
            }
            // This one may come without a value: the client can be told one.
            "client_max_window_bits" => {
                let bits = value.map_or(Some(None), |it| window_bits(it).map(Some))?;
                once(&mut read.client_max_window_bits, bits)
            }
            _ => None,
        }?;
    }
    Some(read)
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Fills a field that must be empty: no parameter comes twice.
fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

fn flag(value: Option<&str>) -> Option<()> {
    value.is_none().then_some(())
}

/// A decimal from 8 to 15 without leading zeros (RFC 7692 7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

/// A token, or a token in quotes (RFC 6455 9.1: what is quoted must be a token too).
fn unquote(value: &str) -> Option<&str> {
    let value = value.trim_matches(BLANKS);
    let inner = value.strip_prefix('"').map_or(Some(value), |it| it.strip_suffix('"'))?;
    is_token(inner).then_some(inner)
}

/// Splits at a separator and trims blanks, in time linear in the length.
///
/// A separator within quotes is taken for one, too: both halves then have half a quote, which
/// nothing accepts, and no parameter that we know may hold one.
fn split(list: &str, separator: u8) -> impl Iterator<Item = &str> {
    list.split(char::from(separator)).map(|it| it.trim_matches(BLANKS))
}

#[cfg(test)]
mod tests;
