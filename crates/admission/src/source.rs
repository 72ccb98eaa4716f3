//! Where the token is: the first source that is present decides, and no other is consulted (R11).
//!
//! Present means that the client wrote something there, be it empty or garbage. Were an empty one
//! passed over, a client or a proxy could choose between two tokens that say different things.

use wire::Head;

use crate::{percent, route::TokenSource, token_text::TokenText};

/// What the sources of a route hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// Nothing in any source.
    Nothing,
    /// The deciding source is there and holds nothing but blanks: nobody showed a token.
    Blank,
    /// The deciding source is there and cannot be read as one token.
    Garbled,
    Token(TokenText),
    /// Nothing yet; the route also takes a token in the first message.
    Later,
}

/// Looks for the token of a request in the sources of its route, in their order.
pub fn find(sources: &[TokenSource], head: &Head<'_>) -> Found {
    let found = sources.iter().find_map(|source| match source {
        TokenSource::Query(name) => in_query(name, head),
        TokenSource::Bearer => in_authorization(head),
        TokenSource::Header(name) => in_header(name, head),
        TokenSource::Protocol => in_protocols(head),
        TokenSource::Cookie(name) => in_cookies(name, head),
        // Not present yet, so it never decides before the others have been looked at.
        TokenSource::FirstMessage => None,
    });
    found.unwrap_or_else(|| match sources.contains(&TokenSource::FirstMessage) {
        true => Found::Later,
        false => Found::Nothing,
    })
}

/// How a token in a list of subprotocols begins.
pub(crate) const PROTOCOL_PREFIX: &str = "bearer.";

impl Found {
    /// Of a text that a source holds.
    pub(crate) fn of(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Blank;
        }
        match text.bytes().all(|it| it.is_ascii_graphic()) {
            true => Self::Token(TokenText::new(text)),
            false => Self::Garbled,
        }
    }
}

/// The first parameter of that name counts, as the front ends' old server had it.
fn in_query(name: &str, head: &Head<'_>) -> Option<Found> {
    let pairs = head.query()?.split('&').map(|it| it.split_once('=').unwrap_or((it, "")));
    let mut named = pairs.filter(|it| percent::decoded(it.0).is_some_and(|it| it == name));
    let (_, value) = named.next()?;
    Some(percent::decoded(value).map_or(Found::Garbled, |it| Found::of(&it)))
}

fn in_authorization(head: &Head<'_>) -> Option<Found> {
    let mut values = head.headers("authorization");
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Found::Garbled);
    }
    if value.trim().is_empty() {
        return Some(Found::Blank);
    }
    // The scheme's case does not matter (RFC 9110 section 11.1).
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Some(Found::of(token.trim_matches(' '))),
        false => Some(Found::Garbled),
    }
}

fn in_header(name: &str, head: &Head<'_>) -> Option<Found> {
    let mut values = head.headers(name);
    let value = values.next()?;
    let token = value.strip_prefix("Bearer ").unwrap_or(value).trim_matches(' ');
    Some(if values.next().is_some() { Found::Garbled } else { Found::of(token) })
}

fn in_protocols(head: &Head<'_>) -> Option<Found> {
    let names = head.headers("sec-websocket-protocol").flat_map(|it| it.split(','));
    let mut tokens = names.filter_map(|it| it.trim().strip_prefix(PROTOCOL_PREFIX));
    let token = tokens.next()?;
    Some(if tokens.next().is_some() { Found::Garbled } else { Found::of(token) })
}

/// Cookies of one name and different values are garbled: a neighbouring host can add one of its
/// own, and nothing tells which is ours.
fn in_cookies(name: &str, head: &Head<'_>) -> Option<Found> {
    let pairs = head.headers("cookie").flat_map(|it| it.split(';'));
    let pairs = pairs.filter_map(|it| it.split_once('='));
    let mut values = pairs.filter(|it| it.0.trim() == name).map(|it| it.1.trim());
    let value = values.next()?;
    if values.any(|it| it != value) {
        return Some(Found::Garbled);
    }
    let unquoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    Some(Found::of(unquoted.unwrap_or(value)))
}

#[cfg(test)]
mod tests;
