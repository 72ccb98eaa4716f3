//! The two answers to a request for a WebSocket: 101, or why not.

use std::fmt::Write as _;

use super::Upgrade;
use crate::deflate::DeflateParams;
use crate::head::is_token;

/// The answer that makes the connection a WebSocket (RFC 6455 4.2.2).
///
/// `protocol` is one of [`Upgrade::protocols`] or `None`; what is not a token is left out.
/// `deflate` is [`Upgrade::deflate`] or `None`.
#[must_use]
pub fn response_101(
    upgrade: &Upgrade<'_>,
    protocol: Option<&str>,
    deflate: Option<&DeflateParams>,
) -> Vec<u8> {
    let mut answer = Vec::with_capacity(256);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\n\
          Upgrade: websocket\r\n\
          Connection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    answer.extend_from_slice(&upgrade.accept);
    if let Some(protocol) = protocol.filter(|it| is_token(it)) {
        answer.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        answer.extend_from_slice(protocol.as_bytes());
    }
    if let Some(deflate) = deflate {
        answer.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
        answer.extend_from_slice(deflate.header_value().as_bytes());
    }
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}

/// A refusal in JSON, after which the connection is closed: nothing that follows the request may
/// be taken for another one (threat H4).
///
/// `headers` are further lines. One whose name is no token, or whose value has a control byte, is
/// left out, so that text from a request cannot become a header of its own.
#[must_use]
pub fn response_refusal(status: u16, headers: &[(&str, &str)], json_body: &str) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        if is_token(name) && !value.bytes().any(|it| it.is_ascii_control()) {
            // Writing to a string cannot fail.
            let _ = write!(answer, "{name}: {value}\r\n");
        }
    }
    let _ = write!(
        answer,
        "Connection: close\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\
         X-Content-Type-Options: nosniff\r\n\
         \r\n\
         {json_body}",
        json_body.len()
    );
    answer.into_bytes()
}

/// The phrase after a status. For people who look at the wire; programs ignore it.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Refused",
    }
}
