//! What a route asks of whoever comes, as the configuration means it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limits::RouteLimits;
use permission::{PathPattern, Template};
use proto::Dialect;

/// A route's place in the configuration; also the index of its policy in the engine.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RouteId(pub u16);

/// One `[[routes]]` entry.
#[derive(Clone, Debug)]
pub struct Route {
    pub name: Arc<str>,
    /// `/ws/projects/{id}/`. Matching tolerates a missing or an extra trailing slash (clients C8).
    pub path: PathPattern,
    /// The application that is asked what messages mean.
    pub app: Option<Arc<str>>,
    pub dialect: Dialect,
    /// Channels joined at once: `user:{user}`, `role:{claims.role}`, `{channel}` (a path capture).
    /// A template that names a claim the token lacks is passed over.
    pub joins: Vec<Template>,
    pub origins: OriginRule,
    /// Whether a request without an Origin header (not a browser) may connect.
    pub allow_missing_origin: bool,
    /// `None`: anyone may connect, without a name.
    pub tokens: Option<TokenRules>,
    /// Claims that must have one of the values, else `FORBIDDEN`.
    pub require: BTreeMap<String, Vec<String>>,
    /// How a refusal over the token is told (R13).
    pub refusal: RefusalStyle,
    pub limits: RouteLimits,
    /// How long a connection may go on after its token has ended, and its session with that token
    /// be come back to: for clients that show no newer one.
    pub expiry_grace: Duration,
    /// `None`: what a client was is forgotten with its connection.
    pub sessions: Option<session::Policy>,
    pub compression: Compression,
    /// Bound on one message, in bytes, after inflating.
    pub message_bytes_max: usize,
    /// Bound on the fragments of one message; empty ones count (F3).
    pub fragments_max: u32,
}

/// Which pages may connect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OriginRule {
    /// The Origin's host and port equal the request's Host. The default.
    SameOrigin,
    /// Exactly these, as `scheme://host[:port]`, in lower case, default ports left out.
    Listed(Vec<String>),
    /// Written `*` in the configuration. Refused there together with cookies.
    Any,
}

/// Where a token is looked for and what it must say.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// In order; the first source present decides and no other is consulted (R11).
    pub sources: Vec<TokenSource>,
    /// The `[tokens.NAME]` entry: which keys, issuer, audience, claims. A place in the door's
    /// verifiers.
    pub verifier: VerifierId,
}

/// A `[tokens.NAME]` entry's place in the configuration.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VerifierId(pub u16);

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenSource {
    /// `?token=…`, percent-decoded; the first value counts. The name can be chosen.
    Query(String),
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header of this name, with or without `Bearer ` before the token.
    Header(String),
    /// `Sec-WebSocket-Protocol: …, bearer.<token>`; the answer selects another protocol.
    Protocol,
    /// A cookie of this name. Needs an Origin list.
    Cookie(String),
    /// After the upgrade, in the first message, within a deadline.
    FirstMessage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalStyle {
    /// HTTP 401, 403 or 429 with a JSON body; no WebSocket comes to be.
    Status,
    /// Over the token only: upgrade, send the refusal as a frame, close with its number (R13).
    /// Limits and origins are refused before the upgrade all the same, or clients that count an
    /// open as a success would come back for ever (clients C2).
    Close,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    Off,
    /// permessage-deflate without context takeover: one inflater and one deflater per shard.
    Messages,
}
