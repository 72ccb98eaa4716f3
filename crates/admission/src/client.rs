//! What a handshake says of the client itself, beside its token.

use proto::SessionId;
use wire::Head;

use crate::percent;

/// How a session's id in a list of subprotocols begins. Never selected: the answer would show it.
pub(crate) const SESSION_PREFIX: &str = "session.";

/// A client, by its own account. Kept with its session, shown to operators, and believed in
/// nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Client {
    /// The session it wants to go on with: `?session=…`, or `session.…` among the subprotocols.
    /// What is no id counts as none.
    pub session: Option<SessionId>,
    /// The beginning of its `User-Agent`.
    pub agent: Option<Box<str>>,
    /// `?device=…`: what it calls the device it runs on.
    pub device: Option<Box<str>>,
}

/// Browsers say some 120.
const AGENT_BYTES_MAX: usize = 256;
/// A label such as `phone`, or an id.
const DEVICE_BYTES_MAX: usize = 64;

impl Client {
    pub(crate) fn of(head: &Head<'_>) -> Self {
        let is_shown = |it: &&str| !it.is_empty() && !it.chars().any(char::is_control);
        let agent = head.headers("user-agent").next().map(beginning).filter(is_shown);
        let device = query(head, "device");
        let device = device.as_deref().filter(|it| it.len() <= DEVICE_BYTES_MAX).filter(is_shown);
        Self {
            session: session(head),
            agent: agent.map(Into::into),
            device: device.map(Into::into),
        }
    }
}

fn session(head: &Head<'_>) -> Option<SessionId> {
    if let Some(text) = query(head, "session") {
        return SessionId::parse(&text);
    }
    let mut names = head.headers("sec-websocket-protocol").flat_map(|it| it.split(','));
    names.find_map(|it| SessionId::parse(it.trim().strip_prefix(SESSION_PREFIX)?))
}

fn query(head: &Head<'_>, name: &str) -> Option<String> {
    let mut pairs = head.query()?.split('&').filter_map(|it| it.split_once('='));
    let (_, value) = pairs.find(|it| it.0 == name)?;
    percent::decoded(value).map(|it| it.to_string())
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(AGENT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, get};

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn client(request: &fixtures::Request) -> Client {
        fixtures::head(&request.text(), Client::of)
    }

    #[test]
    fn a_session_is_named_in_the_query_or_among_the_subprotocols() {
        let id = SessionId::parse(ID);
        let protocol = |it: &str| get("/ws/").with(format!("Sec-WebSocket-Protocol: {it}"));
        for (request, expected) in [
            (get("/ws/"), None),
            (get(&format!("/ws/?session={ID}")), id),
            (get(&format!("/ws/?token=a&session={ID}&device=b")), id),
            (get(&format!("/ws/?session={}", &ID[1..])), None),
            (get(&format!("/ws/?session={}", ID.to_uppercase())), None),
            (protocol(&format!("tidegate.v1, session.{ID}")), id),
            (protocol(&format!("session.x, session.{ID}")), id),
            (protocol(ID), None),
        ] {
            assert_eq!(client(&request).session, expected, "{request:?}");
        }
    }

    #[test]
    fn what_a_client_says_of_itself_is_bounded_and_fit_to_be_shown() {
        let long = "x".repeat(300);
        let agent = client(&get("/ws/").with(format!("User-Agent: {long}"))).agent;
        assert_eq!(agent.as_deref(), Some(&long[..256]));
        for (query, expected) in [
            ("device=phone", Some("phone")),
            ("device=Ann%27s%20phone", Some("Ann's phone")),
            ("device=", None),
            ("device=a%0Ab", None),
            ("other=phone", None),
            (&*format!("device={}", &long[..64]), Some(&long[..64])),
            (&*format!("device={}", &long[..65]), None),
        ] {
            let device = client(&get(&format!("/ws/?{query}"))).device;
            assert_eq!(device.as_deref(), expected, "{query}");
        }
    }
}
