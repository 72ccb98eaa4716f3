//! What all threads of a process stand on.

use std::{
    sync::{Arc, Mutex, atomic::AtomicU32},
    time::{Instant, SystemTime},
};

use admission::{Door, Moment, RouteId, Tables};
use app::App;
use limits::AdmissionLimits;
use monitor::Monitor;
use proto::{SessionId, UnixTime};
use session::Register;
use store::Store;
use token::{KeySets, Source, VerifiedCache};

use crate::{hub::Hub, inbox::lock, keeper::Keeper};

/// Tokens remembered as verified, on each shard. At some 300 bytes each, 3 MB a shard.
pub(crate) const TOKENS_MAX: usize = 10_000;

/// Shared by shards and the asynchronous side. Nothing here is touched while messages flow.
pub(crate) struct Ground {
    pub(crate) door: Door,
    pub(crate) head_limits: wire::HeadLimits,
    /// What may wait for one client that polls: as much as for one that has a socket (F10).
    pub(crate) waiting_max: WaitingMax,
    /// Touched at accept and at close.
    pub(crate) limits: Mutex<AdmissionLimits>,
    /// Sessions and revocations. Touched at accept and at close, and when somebody looks.
    pub(crate) register: Mutex<Register>,
    pub(crate) key_sets: Mutex<KeySets>,
    /// What survives a restart. Closed last.
    pub(crate) store: Store,
    pub(crate) keeper: Keeper,
    /// The application of each route.
    pub(crate) apps: Vec<Option<Arc<dyn App>>>,
    pub(crate) hub: Arc<Hub>,
    /// How many halls there have been: what tells their dealings with the store apart.
    pub(crate) lives: AtomicU32,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) handoffs: tokio::sync::mpsc::Sender<front::Handoff>,
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingMax {
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
}

impl Ground {
    pub(crate) fn app(&self, route: RouteId) -> Option<&Arc<dyn App>> {
        self.apps.get(usize::from(route.0))?.as_ref()
    }

    /// Runs something that needs all tables of admission. Key sets to fetch are appended.
    pub(crate) fn with_tables<T>(
        &self,
        cache: &mut VerifiedCache,
        tallies: &mut admission::Tallies,
        fetches: &mut Vec<Source>,
        run: impl FnOnce(&mut Tables<'_>) -> T,
    ) -> T {
        // Always in this order; who needs one alone takes it alone.
        let limits = &mut *lock(&self.limits);
        let register = &mut *lock(&self.register);
        let key_sets = &mut *lock(&self.key_sets);
        let door = &self.door;
        run(&mut Tables { door, limits, register, cache, key_sets, tallies, fetches })
    }
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("door", &self.door).finish_non_exhaustive()
    }
}

/// An id for a session that nobody can guess (A13).
pub(crate) fn draw() -> Result<SessionId, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(SessionId(u128::from_ne_bytes(bytes)))
}

/// Bytes that nobody can guess; none if the operating system has none.
pub(crate) fn draw_bytes<const COUNT: usize>() -> Option<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Both clocks, read once.
pub(crate) fn moment() -> Moment {
    Moment { now: Instant::now(), wall: UnixTime::from(SystemTime::now()) }
}
