//! Which ends of a connection its session outlives.

use proto::{Code, ComeBack};

/// How a connection ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// We ended it, for this reason.
    Ours(Code),
    /// The client closed it with this number, or was gone without one (1006).
    Theirs(u16),
}

/// A session outlives whatever its client is to come back from by itself.
///
/// | end | the session |
/// | --- | --- |
/// | ours, come back "now" or "later": draining, a shard failed, too slow, no pong, idle | waits |
/// | ours, over the token's end (`TOKEN_EXPIRED`) | waits: a new token is all that is missing |
/// | ours, any other reason for a new token: `TOKEN_REVOKED` | ends |
/// | ours, come back "no": `DISCONNECTED`, `SESSION_ENDED`, `SESSION_REPLACED` | ends |
/// | ours, come back "no": `FORBIDDEN`, errors of the protocol | ends |
/// | theirs, 1000: the client is done | ends |
/// | theirs, any other number, or none: 1001, 1005, 1006 | waits |
pub const fn outlives(end: End) -> bool {
    match end {
        End::Ours(code) => match code.come_back() {
            ComeBack::Now | ComeBack::Later => true,
            ComeBack::WithToken => matches!(code, Code::TokenExpired),
            ComeBack::No => false,
        },
        End::Theirs(number) => number != 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every end there is, one line each: this is the table of the documentation.
    #[test]
    fn a_session_outlives_what_its_client_comes_back_from() {
        let kept: Vec<&str> = Code::ALL
            .iter()
            .filter(|it| it.act() == proto::Act::Close && outlives(End::Ours(**it)))
            .map(|it| it.as_str())
            .collect();
        for waits in
            ["TOKEN_EXPIRED", "DRAINING", "SHARD_FAILED", "TOO_SLOW", "PING_TIMEOUT", "IDLE"]
        {
            assert!(kept.contains(&waits), "{waits}");
        }
        for ends in [
            "TOKEN_REVOKED",
            "SESSION_EXPIRED",
            "SESSION_ENDED",
            "SESSION_REPLACED",
            "DISCONNECTED",
            "FORBIDDEN",
            "PROTOCOL_ERROR",
            "INVALID_UTF8",
            "MESSAGE_TOO_BIG",
            "UNSUPPORTED_DATA",
        ] {
            assert!(!kept.contains(&ends) && Code::named(ends).is_some(), "{ends}");
        }
        for (number, expected) in
            [(1000, false), (1001, true), (1005, true), (1006, true), (1011, true), (4000, true)]
        {
            assert_eq!(outlives(End::Theirs(number)), expected, "{number}");
        }
    }
}
