//! The opening handshake (RFC 6455 4.2): a request head in, an answer out.
//!
//! The caller decides in between whether it wants the connection; see [`Upgrade`].

mod answer;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};
use thiserror::Error;

pub use answer::{response_101, response_refusal};

use crate::Head;
use crate::deflate::{DeflateParams, DeflatePolicy, negotiate};
use crate::head::is_token;

/// Most subprotocols a client may offer. Ours offers two: a name and a token.
pub const PROTOCOLS_MAX: usize = 16;

/// What every server appends to the key (RFC 6455 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request for a WebSocket that may be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade<'b> {
    /// The value of `Sec-WebSocket-Accept`, in ASCII.
    pub accept: [u8; 28],
    /// The subprotocols the client offers, the dearest first. Tokens, each once.
    pub protocols: Vec<&'b str>,
    /// What compression the client and the policy agree to.
    pub deflate: Option<DeflateParams>,
}

/// Why a request that wants to be a WebSocket cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HandshakeFault {
    /// RFC 6455 4.1: GET.
    #[error("a WebSocket is asked for with GET")]
    Method,
    /// RFC 6455 4.1: at least HTTP/1.1.
    #[error("a WebSocket needs HTTP/1.1; a proxy in between may be speaking HTTP/1.0")]
    HttpVersion,
    /// RFC 6455 4.2.1: `Upgrade: websocket` and `Connection: Upgrade`.
    #[error(
        "the Upgrade and Connection headers do not ask for a WebSocket; \
         a proxy in between may be removing them"
    )]
    NotAsked,
    /// A body would be read as frames by one side and as a request by another (threat H4).
    #[error("a request for a WebSocket has no body")]
    Body,
    /// RFC 6455 4.2.2: only 13 is spoken; the answer names it.
    #[error("this server speaks WebSocket version 13")]
    Version,
    /// RFC 6455 4.2.1: one key, sixteen bytes in base64.
    #[error("Sec-WebSocket-Key must come once and be 16 bytes in base64")]
    Key,
    /// RFC 6455 4.1: tokens, each once.
    #[error("Sec-WebSocket-Protocol must list names, each once")]
    Protocols,
    /// More than [`PROTOCOLS_MAX`].
    #[error("Sec-WebSocket-Protocol lists more than 16 names")]
    TooManyProtocols,
}

impl HandshakeFault {
    /// The HTTP status that answers.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Version | Self::NotAsked => 426,
            Self::Method
            | Self::HttpVersion
            | Self::Body
            | Self::Key
            | Self::Protocols
            | Self::TooManyProtocols => 400,
        }
    }

    /// Headers that the answer must carry, for [`response_refusal`].
    #[must_use]
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Version => &[("Sec-WebSocket-Version", "13")],
            // RFC 9110 15.5.22: a 426 says to what.
            Self::NotAsked => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
            Self::Method
            | Self::HttpVersion
            | Self::Body
            | Self::Key
            | Self::Protocols
            | Self::TooManyProtocols => &[],
        }
    }
}

/// Whether the request wants to be a WebSocket, rightly or wrongly: [`upgrade`] then says what is
/// wrong. A request with a key but no `Upgrade` is one that a proxy has stripped.
#[must_use]
pub fn is_upgrade(head: &Head<'_>) -> bool {
    lists(head, "upgrade", "websocket") || head.header_bytes("sec-websocket-key").is_some()
}

/// Reads a request for a WebSocket. `policy` is `None` where compression is switched off.
///
/// # Errors
/// The first thing wrong with it; [`HandshakeFault::status`] and [`HandshakeFault::headers`] say
/// how to answer.
pub fn upgrade<'b>(
    head: &Head<'b>,
    policy: Option<&DeflatePolicy>,
) -> Result<Upgrade<'b>, HandshakeFault> {
    check(head)?;
    let deflate =
        policy.and_then(|policy| negotiate(head.headers("sec-websocket-extensions"), policy));
    Ok(Upgrade { accept: accept(key(head)?), protocols: protocols(head)?, deflate })
}

/// Everything about the request but what it brings.
fn check(head: &Head<'_>) -> Result<(), HandshakeFault> {
    if head.method != "GET" {
        return Err(HandshakeFault::Method);
    }
    if head.minor != 1 {
        return Err(HandshakeFault::HttpVersion);
    }
    if !lists(head, "upgrade", "websocket") || !lists(head, "connection", "upgrade") {
        return Err(HandshakeFault::NotAsked);
    }
    let empty = head.header("content-length").is_none_or(|it| it.bytes().all(|it| it == b'0'));
    if !empty || head.header_bytes("transfer-encoding").is_some() {
        return Err(HandshakeFault::Body);
    }
    if only(head, "sec-websocket-version") != Some("13") {
        return Err(HandshakeFault::Version);
    }
    Ok(())
}

/// Whether a header that is a list has this element, in any case.
fn lists(head: &Head<'_>, name: &str, element: &str) -> bool {
    head.headers(name)
        .flat_map(|it| it.split(','))
        .any(|it| it.trim().eq_ignore_ascii_case(element))
}

/// The header, if it came exactly once.
fn only<'b>(head: &Head<'b>, name: &str) -> Option<&'b str> {
    let mut values = head.headers(name);
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

fn key<'b>(head: &Head<'b>) -> Result<&'b str, HandshakeFault> {
    let key = only(head, "sec-websocket-key").ok_or(HandshakeFault::Key)?;
    // Decoding needs room for what the length promises, which may be more than sixteen.
    let mut nonce = [0; 18];
    let fits = key.len() == 24;
    match fits.then(|| STANDARD.decode_slice(key, &mut nonce)) {
        Some(Ok(16)) => Ok(key),
        _ => Err(HandshakeFault::Key),
    }
}

/// `Sec-WebSocket-Accept` for a key (RFC 6455 4.2.2).
pub(crate) fn accept(key: &str) -> [u8; 28] {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    STANDARD.encode_slice(hash, &mut accept).expect("20 bytes are 28 in base64");
    accept
}

fn protocols<'b>(head: &Head<'b>) -> Result<Vec<&'b str>, HandshakeFault> {
    let mut protocols = Vec::new();
    for name in head.headers("sec-websocket-protocol").flat_map(|it| it.split(',')) {
        let name = name.trim_matches([' ', '\t']);
        if !is_token(name) || protocols.contains(&name) {
            return Err(HandshakeFault::Protocols);
        }
        if protocols.len() == PROTOCOLS_MAX {
            return Err(HandshakeFault::TooManyProtocols);
        }
        protocols.push(name);
    }
    Ok(protocols)
}

#[cfg(test)]
mod tests;
