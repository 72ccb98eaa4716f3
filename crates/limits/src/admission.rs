//! What admission asks at accept, and gives back at close.
//!
//! ```text
//! accept  ── admit ──► Seat ── authenticate ── seat_user ──► open … close ── release
//!             │ server full               │ failed            │ connections per user
//!             │ connections per address   ▼                   ▼
//!             │ attempts per address      authentication_failed, release
//!             ▼ failed authentications
//!          Refused
//! ```
//!
//! One of these is shared by all shards; it is touched at accept and at close and never between.
//! A refusal keeps nothing: only an attempt that passes every limit here counts as one, so each
//! `retry_after` that is told is true.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::address::AddressKey;
use crate::attempts::Attempts;
use crate::backoff::Backoff;
use crate::rate::Rate;
use crate::rules::{Mode, RouteLimits, ServerLimits};
use crate::seats::Seats;
use crate::table::{Counts, Limit};

/// How long to wait for a seat. When one comes free cannot be known; a page that is reloaded
/// closes its old connection within this, and a crowd that waits this long does no harm.
const SEAT_WAIT: Duration = Duration::from_secs(5);

/// The place of a route in the configuration, from zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteIndex(pub u16);

/// Which limit said no, and how long to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Which one.
    pub limit: Limit,
    /// After this it may go well.
    pub retry_after: Duration,
}

/// What one connection holds. It cannot be copied and must go back with
/// [`AdmissionLimits::release`], whatever ends the connection (C3).
#[must_use = "a seat must be given back with `release`, or the counts never fall"]
#[derive(PartialEq, Eq, Debug)]
pub struct Seat {
    route: RouteIndex,
    address: AddressKey,
    user: Option<Arc<str>>,
}

/// All limits at the door.
#[derive(Debug)]
pub struct AdmissionLimits {
    server: ServerLimits,
    routes: Vec<RouteLimits>,
    connections: u32,
    by_address: Seats<(RouteIndex, AddressKey)>,
    /// One map a route, so that a lookup borrows the name.
    by_user: HashMap<RouteIndex, Seats<Arc<str>>>,
    attempts: Attempts<(RouteIndex, AddressKey)>,
    backoff: Option<Backoff<AddressKey>>,
    counts: Counts,
}

impl Seat {
    /// The route it was admitted on.
    pub fn route(&self) -> RouteIndex {
        self.route
    }

    /// The address it came from.
    pub fn address(&self) -> AddressKey {
        self.address
    }
}

impl AdmissionLimits {
    /// `routes` in the order of the configuration; [`RouteIndex`] is a place in it. `epoch` is any
    /// time not after the first `now`.
    pub fn new(server: ServerLimits, routes: Vec<RouteLimits>, epoch: Instant) -> Self {
        let addresses_max = server.addresses_max;
        Self {
            connections: 0,
            by_address: Seats::default(),
            by_user: HashMap::new(),
            attempts: Attempts::new(addresses_max, epoch),
            backoff: server.backoff.map(|rules| Backoff::new(rules, addresses_max, epoch)),
            counts: Counts::default(),
            server,
            routes,
        }
    }

    /// Asks for a place on `route`. Everything that needs no token is asked here, cheapest first,
    /// so that a flood is refused before any cryptography.
    pub fn admit(
        &mut self,
        now: Instant,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<Seat, Refused> {
        self.ask_server()?;
        self.ask_address(route, address)?;
        self.ask_attempts(now, route, address)?;
        self.ask_backoff(now, route, address)?;

        self.record_attempt(now, route, address);
        self.connections += 1;
        self.by_address.acquire((route, address));
        Ok(Seat { route, address, user: None })
    }

    /// Asks for one of the places of `user`, once the token has said who it is. The seat must be
    /// released even if this refuses.
    pub fn seat_user(&mut self, seat: &mut Seat, user: &str) -> Result<(), Refused> {
        assert!(seat.user.is_none(), "a seat has one user");
        let RouteLimits { connections_per_user, mode, .. } = *self.route(seat.route);
        let Some(max) = connections_per_user else { return Ok(()) };
        let seats = self.by_user.entry(seat.route).or_default();
        let is_over = max <= seats.taken(user);
        if self.counts.judge(Limit::ConnectionsPerUser, mode, is_over) {
            return Err(Refused { limit: Limit::ConnectionsPerUser, retry_after: SEAT_WAIT });
        }
        let user: Arc<str> = user.into();
        seats.acquire(Arc::clone(&user));
        seat.user = Some(user);
        Ok(())
    }

    /// A further place for whoever has one already, who comes by the same socket. Counted like any
    /// other, and no attempt.
    pub fn admit_beside(
        &mut self,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<Seat, Refused> {
        self.ask_server()?;
        self.ask_address(route, address)?;
        self.connections += 1;
        self.by_address.acquire((route, address));
        Ok(Seat { route, address, user: None })
    }

    /// Another attempt by whoever has a place already, where one socket makes more of them than it
    /// can have places.
    pub fn attempt_again(
        &mut self,
        now: Instant,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<(), Refused> {
        self.ask_attempts(now, route, address)?;
        self.record_attempt(now, route, address);
        Ok(())
    }

    fn record_attempt(&mut self, now: Instant, route: RouteIndex, address: AddressKey) {
        if let Some(rate) = self.route(route).attempts_per_address {
            self.attempts.record(now, (route, address), rate);
        }
    }

    /// The user has left, and the connection is still there.
    pub fn unseat_user(&mut self, seat: &mut Seat) {
        if let Some(user) = seat.user.take() {
            let seats = self.by_user.get_mut(&seat.route).expect("a seated user has a map");
            seats.release(&*user);
        }
    }

    /// Asks whether another token from `address` is looked at, on a connection that is there.
    pub fn ask_token(
        &mut self,
        now: Instant,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<(), Refused> {
        self.ask_backoff(now, route, address)
    }

    /// A token was shown from `address` that was not good. Enough of these, and it waits.
    pub fn authentication_failed(&mut self, now: Instant, address: AddressKey) {
        if let Some(backoff) = &mut self.backoff {
            backoff.failed(now, address);
        }
    }

    /// Gives a seat back.
    pub fn release(&mut self, seat: Seat) {
        let Seat { route, address, user } = seat;
        assert!(0 < self.connections, "more seats were given back than taken");
        self.connections -= 1;
        self.by_address.release(&(route, address));
        if let Some(user) = user {
            let seats = self.by_user.get_mut(&route).expect("a seated user has a map");
            seats.release(&*user);
        }
    }

    /// Open connections in all.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// Open connections from one address on one route.
    pub fn connections_from(&self, route: RouteIndex, address: AddressKey) -> u32 {
        self.by_address.taken(&(route, address))
    }

    /// Open connections of one user on one route; zero where users are not limited.
    pub fn connections_of(&self, route: RouteIndex, user: &str) -> u32 {
        self.by_user.get(&route).map_or(0, |seats| seats.taken(user))
    }

    /// The most bytes that the tables of addresses take, to be multiplied out and told at boot.
    pub fn memory_bytes_max(&self) -> u64 {
        let addresses_max = self.server.addresses_max;
        let rates = self.routes.iter().filter_map(|route| route.attempts_per_address);
        let count = rates.map(Rate::count).max().unwrap_or(0);
        let attempts = Attempts::<(RouteIndex, AddressKey)>::bytes_max(addresses_max, count);
        attempts + Backoff::<AddressKey>::bytes_max(addresses_max)
    }

    /// What has been checked and refused.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn route(&self, route: RouteIndex) -> &RouteLimits {
        &self.routes[usize::from(route.0)]
    }

    fn ask_server(&mut self) -> Result<(), Refused> {
        // Never only observed: beyond it there is no memory set aside.
        let is_over = self.server.connections_max <= self.connections;
        match self.counts.judge(Limit::Server, Mode::Enforce, is_over) {
            true => Err(Refused { limit: Limit::Server, retry_after: SEAT_WAIT }),
            false => Ok(()),
        }
    }

    fn ask_address(&mut self, route: RouteIndex, address: AddressKey) -> Result<(), Refused> {
        let RouteLimits { connections_per_address, mode, .. } = *self.route(route);
        let Some(max) = connections_per_address else { return Ok(()) };
        let is_over = max <= self.by_address.taken(&(route, address));
        match self.counts.judge(Limit::ConnectionsPerAddress, mode, is_over) {
            true => Err(Refused { limit: Limit::ConnectionsPerAddress, retry_after: SEAT_WAIT }),
            false => Ok(()),
        }
    }

    fn ask_attempts(
        &mut self,
        now: Instant,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<(), Refused> {
        let RouteLimits { attempts_per_address, mode, .. } = *self.route(route);
        let Some(rate) = attempts_per_address else { return Ok(()) };
        let wait = self.attempts.wait(now, (route, address), rate);
        match (self.counts.judge(Limit::AttemptsPerAddress, mode, wait.is_some()), wait) {
            (true, Some(retry_after)) => {
                Err(Refused { limit: Limit::AttemptsPerAddress, retry_after })
            }
            _ => Ok(()),
        }
    }

    fn ask_backoff(
        &mut self,
        now: Instant,
        route: RouteIndex,
        address: AddressKey,
    ) -> Result<(), Refused> {
        let mode = self.route(route).mode;
        let Some(backoff) = &self.backoff else { return Ok(()) };
        let wait = backoff.wait(now, address);
        match (self.counts.judge(Limit::FailedAuthentication, mode, wait.is_some()), wait) {
            (true, Some(retry_after)) => {
                Err(Refused { limit: Limit::FailedAuthentication, retry_after })
            }
            _ => Ok(()),
        }
    }
}
