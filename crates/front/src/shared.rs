//! What all requests share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use app::{Gateway, Logs, Register};
use limits::{AddressKey, Backoff};
use monitor::Monitor;
use tokio::sync::Semaphore;

use crate::{
    access::ApiKeys,
    bounds::Bounds,
    csp::Policy,
    gate::{AdminRule, MetricsAccess},
    health::Readiness,
    idempotency::Idempotency,
    index::PageLink,
    outer::Hosts,
    router::Parts,
};

/// Addresses whose failures are remembered; the idlest is forgotten (A12).
const ADDRESSES_MAX: u32 = 10_000;

pub(crate) struct Shared {
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) logs: Arc<dyn Logs>,
    pub(crate) register: Arc<dyn Register>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) keys: ApiKeys,
    pub(crate) admin: Option<AdminRule>,
    pub(crate) metrics_access: MetricsAccess,
    pub(crate) hosts: Option<Hosts>,
    /// Origins whose pages may call `/api`.
    pub(crate) origins: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) pages: Vec<PageLink>,
    pub(crate) bounds: Bounds,
    pub(crate) idempotency: Idempotency,
    pub(crate) readiness: Readiness,
    /// Kibibytes that bodies may still take.
    pub(crate) body_room: Arc<Semaphore>,
    failures: Mutex<Backoff<AddressKey>>,
}

impl Shared {
    /// Takes what requests need; applications and their pages are the router's.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { gateway, logs, register, monitor, keys, admin, metrics, bounds, .. } = parts;
        let body_room = Arc::new(Semaphore::new(bounds.bodies_bytes_max / 1024));
        let failures = Backoff::new(parts.key_failures, ADDRESSES_MAX, Instant::now());
        Self {
            idempotency: Idempotency::new(keys.len()),
            gateway,
            logs,
            register,
            monitor,
            keys,
            admin,
            metrics_access: metrics,
            hosts: parts.hosts.map(Hosts::new),
            origins: parts.origins,
            policy: Policy::new(parts.connect_also),
            pages: parts.pages,
            bounds,
            readiness: Readiness::default(),
            body_room,
            failures: Mutex::new(failures),
        }
    }

    /// Held for a look-up, never across a wait.
    pub(crate) fn failures(&self) -> MutexGuard<'_, Backoff<AddressKey>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
