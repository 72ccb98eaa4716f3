//! What people of each dialect say to come in, and how they hear what is published.

use std::io;

use crate::returning::unexpected;

/// What somebody speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speech {
    /// The upgrade is all, and a publication is its payload.
    Plain,
    /// Tidegate's own.
    Native,
    /// Socket.IO 5 over Engine.IO 4, by WebSocket.
    SocketIo,
}

/// What a newcomer asks for.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    pub(crate) speech: Speech,
    pub(crate) target: String,
    /// What is said once the connection is open, by whom the request has not told all.
    pub(crate) introduction: String,
}

/// What a message is to whoever it was sent to.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Heard<'a> {
    /// The connection is open: say who you are.
    Open,
    /// You are in.
    Welcome,
    /// Are you there? With what is answered.
    Ping(&'static str),
    Publication(&'a [u8]),
}

impl Speech {
    /// How somebody with this token, if any, becomes a member of this room.
    pub(crate) fn invitation(self, room: &str, token: Option<&str>) -> Invitation {
        let query = token.map(|it| format!("?token={it}")).unwrap_or_default();
        let (target, introduction) = match self {
            Self::Plain => (format!("/ws/bench/{room}{query}"), String::new()),
            Self::Native => (format!("/ws/native/{room}{query}"), String::new()),
            Self::SocketIo => {
                let auth = token.map(|it| format!("{{\"token\":\"{it}\"}}")).unwrap_or_default();
                let target = format!("/socket.io/{room}/?EIO=4&transport=websocket");
                (target, format!("40{auth}"))
            }
        };
        Invitation { speech: self, target, introduction }
    }

    pub(crate) fn hear(self, said: &[u8]) -> io::Result<Heard<'_>> {
        let heard = match self {
            Self::Plain => Some(Heard::Publication(said)),
            Self::Native => native(said),
            Self::SocketIo => socketio(said),
        };
        heard.ok_or_else(|| unexpected(said))
    }
}

fn native(said: &[u8]) -> Option<Heard<'_>> {
    if said.starts_with(b"{\"connected\":") {
        return Some(Heard::Welcome);
    }
    let rest = said.strip_prefix(b"{\"publication\":{")?.strip_suffix(b"}}")?;
    // Behind the channel, the epoch and the offset, none of which can have a quotation mark in it.
    let data = b"\"data\":";
    let at = rest.windows(data.len()).position(|it| it == data)?;
    Some(Heard::Publication(&rest[at + data.len()..]))
}

fn socketio(said: &[u8]) -> Option<Heard<'_>> {
    match said {
        b"2" => Some(Heard::Ping("3")),
        [b'0', b'{', ..] => Some(Heard::Open),
        _ if said.starts_with(b"40{\"sid\":\"") => Some(Heard::Welcome),
        _ => {
            let value = said.strip_prefix(b"42[\"message\",")?.strip_suffix(b"]")?;
            Some(Heard::Publication(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_hears_what_was_published() {
        let payload: &[u8] = b"{\"n\":1,\"pad\":\"a\"}";
        let place: &[u8] = b"{\"publication\":{\"channel\":\"r\",\"epoch\":\"e\",\"offset\":7,";
        for (speech, said) in [
            (Speech::Plain, payload.to_vec()),
            (Speech::Native, [place, b"\"data\":", payload, b"}}"].concat()),
            (Speech::SocketIo, [b"42[\"message\",", payload, b"]"].concat()),
        ] {
            assert_eq!(speech.hear(&said).unwrap(), Heard::Publication(payload), "{speech:?}");
        }
    }

    #[test]
    fn a_refusal_or_another_event_is_nothing_to_go_on_with() {
        let refused: [&[u8]; 5] =
            [b"44{\"message\":\"no\"}", b"41", b"1", b"42[\"exception\",{}]", b"42[\"message\",1"];
        for said in refused {
            assert!(Speech::SocketIo.hear(said).is_err());
        }
        assert!(Speech::Native.hear(b"{\"error\":{\"code\":\"DENIED\"}}").is_err());
        assert_eq!(Speech::SocketIo.hear(b"2").unwrap(), Heard::Ping("3"));
        assert_eq!(Speech::SocketIo.hear(b"0{\"sid\":\"x\"}").unwrap(), Heard::Open);
        assert_eq!(Speech::SocketIo.hear(b"40{\"sid\":\"x\"}").unwrap(), Heard::Welcome);
    }
}
