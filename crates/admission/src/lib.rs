//! Who may connect: one pure function from a request head to a verdict.
//!
//! The order is the mission's (R49): Origin, then Limits, then Monitoring, then Auth, then Route.
//! What a route asks has to be known before the first of these can be judged, so the path is looked
//! up ahead of all; what the route gives (its channels) comes last. See [`admit`].
//!
//! ```text
//! head ─► Host ─► an upgrade? ─► path ─► handshake ─► Origin ─► Limits ─► Monitoring
//!                    └► PassOn                                    │ a seat is taken here
//!           Admit ◄─ seat of the user ◄─ channels ◄─ claims ◄─ Auth ◄─┘
//!             │                                                 └► NeedKeys, AwaitToken
//!             └─► the application's word ─► attach: its session
//! ```

mod admit; // Start here.

mod address;
mod attach; // Sessions.
mod auth;
mod client;
mod host;
mod network;
mod origin;
mod percent;
mod polling; // Socket.IO without a WebSocket.
mod proxy_header;
mod redacted;
mod route; // What a route asks of whoever comes.
mod routes;
mod source;
mod tables;
mod tallies;
mod token_text;
mod verdict;

#[cfg(test)]
mod fixtures;

pub use crate::{
    address::{ForwardedHeader, Proxies},
    admit::{Arrival, admit, carry, resume},
    attach::{Attached, attach},
    auth::{Unmet, authenticate, identify, identify_by, join, limited, refresh},
    client::Client,
    host::HostRule,
    network::{BadNetwork, Network},
    origin::normalised as normalised_origin,
    polling::{admit_polling, welcome},
    proxy_header::{
        BYTES_MAX as PROXY_HEADER_BYTES_MAX, Proxied, ProxyFault, parse as parse_proxy_header,
    },
    redacted::redacted,
    route::{
        Compression, OriginRule, RefusalStyle, Route, RouteId, TokenRules, TokenSource, VerifierId,
    },
    routes::Routes,
    source::{Found, find as find_token},
    tables::{Door, Keys, Tables, Verifier},
    tallies::Tallies,
    token_text::TokenText,
    verdict::{Admitted, Answer, Held, Needs, Refused, Verdict},
};
pub use session::Moment;
