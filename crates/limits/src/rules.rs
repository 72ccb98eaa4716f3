//! What the configuration fills in: the limits of a route, and those of the whole server.
//!
//! `None` means unlimited. The defaults are the mission's numbers where it gives one, else those of
//! the threat catalogue.

use std::time::Duration;

use crate::rate::Rate;

/// Whether a limit refuses, or only counts what it would have refused.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Mode {
    /// Refuses.
    #[default]
    Enforce,
    /// Admits, and counts: for trying a number on real traffic before it hurts anyone.
    Observe,
}

/// The limits of one route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteLimits {
    /// Open connections from one address (R28).
    pub connections_per_address: Option<u32>,
    /// Attempts to connect from one address (R27).
    pub attempts_per_address: Option<Rate>,
    /// Open connections of one user (R29).
    pub connections_per_user: Option<u32>,
    /// Messages from one connection (R30).
    pub messages: Option<Rate>,
    /// Times that one connection says that it writes (R76).
    pub typing: Option<Rate>,
    /// Bytes of one message from a client, after decompression.
    pub message_bytes_max: u32,
    /// From the upgrade to the first message, where that one carries the token (H7).
    pub first_message: Duration,
    /// Silence, pongs included, after which a connection is taken for dead (R33).
    pub idle: Duration,
    /// Whether the counted limits above refuse. Bytes and deadlines always do: they bound memory.
    pub mode: Mode,
}

/// The limits of the whole server, whatever the route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerLimits {
    /// Open connections in all. Always enforced: it bounds memory and file descriptors.
    pub connections_max: u32,
    /// Addresses remembered by each of the address tables; the idlest is forgotten first.
    pub addresses_max: u32,
    /// The wait after failed authentications; refuses or observes as the route does.
    pub backoff: Option<BackoffRules>,
    /// From accept to the whole request head, TLS handshake included (H7).
    pub handshake: Duration,
}

/// When an address has to wait after failed authentications (A12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackoffRules {
    /// Failures within `window` that start a wait. Zero is taken as one.
    pub failures: u32,
    /// How long a failure is remembered, beyond any wait.
    pub window: Duration,
    /// The first wait; each failure after a wait doubles the next.
    pub wait_min: Duration,
    /// The longest wait.
    pub wait_max: Duration,
}

impl RouteLimits {
    /// No counted limit at all; bytes and deadlines as by default. For benchmarks and for routes
    /// behind something that limits already.
    pub fn unlimited() -> Self {
        Self {
            connections_per_address: None,
            attempts_per_address: None,
            connections_per_user: None,
            messages: None,
            typing: None,
            ..Self::default()
        }
    }
}

impl Default for RouteLimits {
    fn default() -> Self {
        Self {
            connections_per_address: Some(5),
            attempts_per_address: Rate::per_hour(10).ok(),
            // R29 names no number. Ten is a person with several devices and several tabs.
            connections_per_user: Some(10),
            messages: Rate::per_minute(60).ok(),
            // Two a second, and ten at once: nobody begins and stops more often.
            typing: Rate::new(10, Duration::from_secs(5)).ok(),
            message_bytes_max: 64 * 1024,
            first_message: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            mode: Mode::Enforce,
        }
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            addresses_max: 100_000,
            backoff: Some(BackoffRules::default()),
            handshake: Duration::from_secs(5),
        }
    }
}

impl Default for BackoffRules {
    fn default() -> Self {
        Self {
            failures: 10,
            window: Duration::from_secs(60),
            wait_min: Duration::from_secs(5),
            wait_max: Duration::from_secs(15 * 60),
        }
    }
}
