//! Every reason for which a client is told no, in one table.
//!
//! The **name** says why and is the client programmer's to read. The **close number** says what to
//! do and is the client's to act on, so several names share one. Names and numbers are a promise to
//! every client ever shipped: add, never change. `PROTOCOL.md` and the SDK are made from this
//! table.

use std::fmt;

/// May a client come back, and with what?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ComeBack {
    /// Not without a change: coming back as you are will be refused again.
    No,
    /// With a new token.
    WithToken,
    /// After the time told in `retry_after`, or with the client's own back-off where none is told.
    Later,
    /// At once, with the usual jitter; then recover what was missed.
    Now,
}

/// What a refusal does to the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// The connection stays; the client is told in an error.
    Tell,
    /// The connection is refused or closed.
    Close,
}

macro_rules! codes {
    ($(
        $name:ident $text:literal $close:literal $http:literal $act:ident $back:ident
        $sentence:literal
    )*) => {
        /// Why a client is told no.
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Code { $(#[doc = $sentence] $name),* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text),* } }

            /// The WebSocket close number (RFC 6455 section 7.4; 4000 to 4999 are ours).
            pub const fn close(self) -> u16 { match self { $(Self::$name => $close),* } }

            /// The HTTP status when refused before the upgrade or over the HTTP API.
            pub const fn http(self) -> u16 { match self { $(Self::$name => $http),* } }

            pub const fn act(self) -> Act { match self { $(Self::$name => Act::$act),* } }

            pub const fn come_back(self) -> ComeBack {
                match self { $(Self::$name => ComeBack::$back),* }
            }

            /// One sentence for a person.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

codes! {
    // Who are you? (R7, R13, R55)
    AuthRequired "AUTH_REQUIRED" 4001 401 Close WithToken "A token is required to connect."
    InvalidToken "INVALID_TOKEN" 4001 401 Close WithToken "The token is not valid here."
    TokenExpired "TOKEN_EXPIRED" 4001 401 Close WithToken "The token has expired."
    AuthFailed "AUTH_FAILED" 4001 401 Close WithToken "The token is genuine, but its user may not sign in."
    TokenRevoked "TOKEN_REVOKED" 4001 401 Close WithToken "The token has been revoked."
    SessionExpired "SESSION_EXPIRED" 4001 401 Close WithToken "The session has expired."
    AuthUnavailable "AUTH_UNAVAILABLE" 1013 503 Close Later "Tokens cannot be checked at the moment."
    FirstMessageLate "FIRST_MESSAGE_LATE" 4001 408 Close WithToken "No token arrived in time."

    // May you? (R16, R36)
    Forbidden "FORBIDDEN" 4003 403 Close No "You may not do this."
    OriginRefused "ORIGIN_REFUSED" 4003 403 Close No "Pages of this origin may not connect."
    HostRefused "HOST_REFUSED" 4003 421 Close No "This server does not answer for that host."
    Denied "DENIED" 4003 403 Tell No "You have no permission for this on this channel."
    NoSuchRoute "NO_SUCH_ROUTE" 4004 404 Close No "There is nothing at this address."
    Disconnected "DISCONNECTED" 4005 403 Close No "The connection was ended by the application."
    SessionEnded "SESSION_ENDED" 4005 403 Close No "The session was ended."
    SessionReplaced "SESSION_REPLACED" 4005 403 Close No "A newer session of this user has taken the place of this one."

    // Not so fast. (R27 to R30)
    TooManyAttempts "TOO_MANY_ATTEMPTS" 4029 429 Close Later "Too many connection attempts from this address."
    TooManyConnections "TOO_MANY_CONNECTIONS" 4029 429 Close Later "Too many connections from this address."
    TooManyForUser "TOO_MANY_FOR_USER" 4029 429 Close Later "Too many connections of this user."
    TooManySessions "TOO_MANY_SESSIONS" 4029 429 Close Later "Too many sessions of this user."
    AuthBackoff "AUTH_BACKOFF" 4029 429 Close Later "Too many failed sign-ins from this address."
    TooFast "TOO_FAST" 4029 429 Tell Later "Too many messages."
    TooManyPings "TOO_MANY_PINGS" 1008 429 Close Later "Too many control frames."
    ServerFull "SERVER_FULL" 1013 503 Close Later "The server has no room for another connection."
    Busy "BUSY" 1013 503 Tell Later "The server is too busy for this at the moment."
    StoreUnavailable "STORE_UNAVAILABLE" 1013 503 Tell Later "This cannot be kept safely at the moment, so it was not done."

    // We do not understand each other.
    BadRequest "BAD_REQUEST" 1002 400 Close No "The request is not a valid WebSocket handshake."
    UpgradeRequired "UPGRADE_REQUIRED" 1002 426 Close No "This address speaks WebSocket version 13."
    HeadTooLarge "HEAD_TOO_LARGE" 1002 431 Close No "The request head is too large."
    HandshakeLate "HANDSHAKE_LATE" 1002 408 Close Later "The handshake took too long."
    ProtocolError "PROTOCOL_ERROR" 1002 400 Close No "The frame breaks the WebSocket protocol."
    UnsupportedData "UNSUPPORTED_DATA" 1003 415 Close No "This route takes text messages only."
    InvalidUtf8 "INVALID_UTF8" 1007 400 Close No "The text is not valid UTF-8."
    MessageTooBig "MESSAGE_TOO_BIG" 1009 413 Close No "The message is larger than this route allows."
    TooManyFragments "TOO_MANY_FRAGMENTS" 1008 413 Close No "The message comes in more pieces than this route allows."
    MessageLate "MESSAGE_LATE" 1008 408 Close No "The message was begun and not finished in time."
    InvalidJson "INVALID_JSON" 4000 400 Tell No "The message is not valid JSON."
    UnknownCommand "UNKNOWN_COMMAND" 4000 400 Tell No "There is no such command."
    BadCommand "BAD_COMMAND" 4000 400 Tell No "The command lacks something or has the wrong form."
    BadChannel "BAD_CHANNEL" 4000 400 Tell No "That is not a channel name."
    NotSubscribed "NOT_SUBSCRIBED" 4000 409 Tell No "Subscribe to the channel first."
    AlreadySubscribed "ALREADY_SUBSCRIBED" 4000 409 Tell No "You are subscribed to this channel already."
    TooManyChannels "TOO_MANY_CHANNELS" 4000 409 Tell No "This connection is in as many channels as it may be."
    NoLog "NO_LOG" 4000 409 Tell No "This channel keeps no log."
    NoPresence "NO_PRESENCE" 4000 409 Tell No "This channel does not tell who is in it."
    BadOffset "BAD_OFFSET" 4000 409 Tell No "There is no such place in the channel."
    SessionUnknown "SESSION_UNKNOWN" 4000 404 Tell No "There is no session of yours to resume by that id."
    NotAccepted "NOT_ACCEPTED" 4000 405 Tell No "This route takes no messages from clients."

    // We have to part. Come back.
    TooSlow "TOO_SLOW" 4008 503 Close Now "You read too slowly and have missed messages. Reconnect and recover."
    Idle "IDLE" 4009 408 Close Now "Nothing was heard for too long."
    PingTimeout "PING_TIMEOUT" 4009 408 Close Now "The connection no longer answers."
    Draining "DRAINING" 1012 503 Close Now "The server restarts. Reconnect."
    ShardFailed "SHARD_FAILED" 1012 503 Close Now "The server had to start afresh. Reconnect."
    AppFailed "APP_FAILED" 1011 502 Tell Later "The application behind the gateway failed."
}

impl Code {
    /// The code with this name on the wire.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.as_str()), Some(*code));
        }
        assert_eq!(Code::named("NO_SUCH_NAME"), None);
    }

    /// A client that acts on the number alone must never be misled by the name it did not read.
    #[test]
    fn codes_that_share_a_number_of_ours_agree_on_coming_back() {
        let mut by_number = BTreeMap::new();
        for code in Code::ALL.iter().filter(|it| 4000 <= it.close()) {
            let first = by_number.entry(code.close()).or_insert(*code);
            assert_eq!(first.come_back(), code.come_back(), "{first} and {code}");
        }
    }

    #[test]
    fn sentences_end() {
        for code in Code::ALL {
            assert!(code.sentence().ends_with('.'), "{code}");
        }
    }
}
