//! What a request to the path of Engine.IO asks for.

use super::Refusal;
use crate::Sid;

/// What carries the packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// GETs that wait and POSTs that tell.
    Polling,
    /// One WebSocket.
    WebSocket,
}

/// What is asked for. The session is looked up by the driver; where there is none, the answer is
/// [`Refusal::SessionUnknown`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// A new session.
    Open(Transport),
    /// What waits for this session: [`Input::Polled`](super::Input::Polled).
    Poll(Sid),
    /// Something to tell: [`Input::PostBegan`](super::Input::PostBegan) and its sisters.
    Post(Sid),
    /// A WebSocket for a session that polls: [`Input::Attached`](super::Input::Attached).
    Attach(Sid),
}

impl Request {
    /// Reads a request's method and query. `is_upgrade`: it asks for a WebSocket, in a way that can
    /// be answered with 101.
    ///
    /// `EIO`, `transport` and `sid` are to be said at most once and in plain letters. Everything
    /// else in the query is the driver's to read (tokens, mostly) and may be any bytes at all.
    pub fn read(method: &str, query: &str, is_upgrade: bool) -> Result<Self, Refusal> {
        let transport = match value(query, "transport") {
            Ok(Some("polling")) => Transport::Polling,
            Ok(Some("websocket")) => Transport::WebSocket,
            Ok(Some(_) | None) | Err(Twice) => return Err(Refusal::TransportUnknown),
        };
        let version = value(query, "EIO").ok().flatten();
        let sid = value(query, "sid").map_err(|Twice| Refusal::BadRequest)?;
        if sid.is_none() && method != "GET" {
            return Err(Refusal::BadHandshakeMethod);
        }
        // Node's server takes JSONP for polling; answered as anything else it would be script.
        let is_jsonp = value(query, "j") != Ok(None);
        if is_upgrade != (transport == Transport::WebSocket) || is_jsonp {
            return Err(Refusal::BadRequest);
        }
        if version != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        let Some(sid) = sid else { return Ok(Self::Open(transport)) };
        let sid = Sid::parse(sid).ok_or(Refusal::SessionUnknown)?;
        match (transport, method) {
            (Transport::Polling, "GET") => Ok(Self::Poll(sid)),
            (Transport::Polling, "POST") => Ok(Self::Post(sid)),
            (Transport::WebSocket, "GET") => Ok(Self::Attach(sid)),
            (Transport::Polling | Transport::WebSocket, _) => Err(Refusal::BadRequest),
        }
    }
}

/// A key that is there twice means one thing to a proxy and another behind it.
#[derive(Debug, Eq, PartialEq)]
struct Twice;

fn value<'a>(query: &'a str, key: &str) -> Result<Option<&'a str>, Twice> {
    let mut values =
        query.split('&').map(|it| it.split_once('=').unwrap_or((it, ""))).filter(|it| it.0 == key);
    let value = values.next().map(|it| it.1);
    if values.next().is_some() { Err(Twice) } else { Ok(value) }
}

#[cfg(test)]
mod tests;
