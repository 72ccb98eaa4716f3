//! Who may connect: one pure function from a request head to a verdict.
//!
//! The order is the mission's (R49): Origin, then Limits, then Monitoring, then Auth, then Route.

mod route; // What a route asks of whoever comes.

pub use crate::route::{
    Compression, OriginRule, RefusalStyle, Route, RouteId, TokenRules, TokenSource, VerifierId,
};
