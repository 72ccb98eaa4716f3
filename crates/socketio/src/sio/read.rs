//! Reads the text of one Socket.IO packet.
//!
//! ```text
//!  5 2- /chat, 17 ["photo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]
//!  │ │    │    │  └ payload
//!  │ │    │    └ number of the acknowledgement that is wanted, or that this is
//!  │ │    └ namespace, unless it is the main one
//!  │ └ attachments, in binary packets only
//!  └ type
//! ```

use std::{ops::Range, sync::Arc};

use super::{AckId, Args, Attachments, Auth, Body, Event, Fault, Packet};
use crate::json;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// The packet, and the attachments that have to come before it means anything.
pub(crate) fn read(
    text: Arc<str>,
    namespace_bytes_max: usize,
) -> Result<(Packet, Option<Attachments>), Fault> {
    let mut cursor = Cursor { text: &text, at: 0 };
    let (kind, is_binary) = cursor.kind()?;
    let attachments = if is_binary { Some(cursor.attachments()?) } else { None };
    let namespace = cursor.namespace(namespace_bytes_max)?;
    let id = cursor.ack_id()?;
    let payload = cursor.at..text.len();
    let body = body(&text, kind, id, payload, attachments)?;
    Ok((Packet { text, namespace, body }, attachments))
}

fn body(
    text: &Arc<str>,
    kind: Kind,
    id: Option<AckId>,
    payload: Range<usize>,
    attachments: Option<Attachments>,
) -> Result<Body, Fault> {
    match (kind, id) {
        (Kind::Connect | Kind::Disconnect | Kind::ConnectError, Some(_)) | (Kind::Ack, None) => {
            Err(Fault::BadAckId)
        }
        (Kind::Connect, None) if payload.is_empty() => Ok(Body::Connect(Auth::default())),
        (Kind::Connect, None) => object(text, payload).map(Body::Connect),
        (Kind::ConnectError, None) => refusal(text, payload).map(Body::ConnectError),
        (Kind::Disconnect, None) if payload.is_empty() => Ok(Body::Disconnect),
        (Kind::Disconnect, None) => Err(Fault::BadPayload),
        (Kind::Event, ack) => {
            let event = Event::read(text.clone(), array(text, payload, attachments)?)?;
            Ok(Body::Event { event, ack })
        }
        (Kind::Ack, Some(id)) => {
            let at = array(text, payload, attachments)?;
            Ok(Body::Ack { id, args: Args::new(text.clone(), at, Arc::default()) })
        }
    }
}

fn object(text: &Arc<str>, at: Range<usize>) -> Result<Auth, Fault> {
    let payload = text.get(at.clone()).unwrap_or_default();
    if !payload.starts_with('{') {
        return Err(Fault::BadPayload);
    }
    json::Json::parse(payload)?;
    Ok(Auth::new(text.clone(), at))
}

fn refusal(text: &Arc<str>, at: Range<usize>) -> Result<Auth, Fault> {
    let payload = text.get(at.clone()).unwrap_or_default();
    if !payload.starts_with(['{', '"']) {
        return Err(Fault::BadPayload);
    }
    json::Json::parse(payload)?;
    Ok(Auth::new(text.clone(), at))
}

/// Where the text has what is between the brackets.
fn array(
    text: &str,
    at: Range<usize>,
    attachments: Option<Attachments>,
) -> Result<Range<usize>, Fault> {
    let payload = text.get(at.clone()).unwrap_or_default();
    if !payload.starts_with('[') {
        return Err(Fault::BadPayload);
    }
    let inner = json::array(payload, attachments)?;
    Ok(at.start + inner.start..at.start + inner.end)
}

/// What is left to read.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn kind(&mut self) -> Result<(Kind, bool), Fault> {
        let kind = match self.text.as_bytes().first() {
            Some(b'0') => (Kind::Connect, false),
            Some(b'1') => (Kind::Disconnect, false),
            Some(b'2') => (Kind::Event, false),
            Some(b'3') => (Kind::Ack, false),
            Some(b'4') => (Kind::ConnectError, false),
            Some(b'5') => (Kind::Event, true),
            Some(b'6') => (Kind::Ack, true),
            Some(_) | None => return Err(Fault::UnknownType),
        };
        self.at = 1;
        Ok(kind)
    }

    fn attachments(&mut self) -> Result<Attachments, Fault> {
        let (count, _) = self.rest().split_once('-').ok_or(Fault::BadAttachmentCount)?;
        let length = count.len();
        let count = number(count).and_then(|it| u8::try_from(it).ok());
        self.at += length + 1;
        count.and_then(Attachments::new).ok_or(Fault::BadAttachmentCount)
    }

    /// From its slash to a comma, or to the end.
    fn namespace(&mut self, bytes_max: usize) -> Result<Option<Range<usize>>, Fault> {
        if !self.rest().starts_with('/') {
            return Ok(None);
        }
        let name = self.rest().split_once(',').map_or(self.rest(), |it| it.0);
        // Among them the separator of payloads, which must not come back in an answer.
        if bytes_max < name.len() || name.bytes().any(|it| it.is_ascii_control()) {
            return Err(Fault::BadNamespace);
        }
        let at = self.at..self.at + name.len();
        self.at = (at.end + 1).min(self.text.len());
        Ok((at.len() != 1).then_some(at))
    }

    fn ack_id(&mut self) -> Result<Option<AckId>, Fault> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return Ok(None);
        }
        let id = number(self.rest().get(..length).unwrap_or_default()).ok_or(Fault::BadAckId)?;
        self.at += length;
        Ok(Some(AckId(id)))
    }
}

/// Digits alone, written the one way there is.
fn number(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|it| it.is_ascii_digit());
    let is_padded = 1 < digits.len() && digits.starts_with('0');
    (is_plain && !is_padded).then(|| digits.parse().ok()).flatten()
}
