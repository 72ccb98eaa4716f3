//! The languages clients speak. The engine cannot tell which one a client speaks.

/// How a route's clients are spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Our JSON protocol, subprotocol `tidegate.v1`.
    Native,
    /// The application's own JSON, without envelope and without a subscribe step.
    Plain,
}

impl Dialect {
    /// The WebSocket subprotocol of the native dialect.
    pub const SUBPROTOCOL: &str = "tidegate.v1";
}
