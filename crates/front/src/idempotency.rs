//! The same request twice is one publication.
//!
//! Remembered for two minutes or the latest ten thousand keys of each API key, whichever is less,
//! and only while the process lives: a retry across a restart publishes again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use proto::Placed;
use tokio::sync::OnceCell;

use crate::access::KeyIndex;

/// Longer than any sensible retry of a backend.
const REMEMBERED: Duration = Duration::from_secs(120);

/// About 3 MB for each API key; twenty times that if all are broadcasts to a hundred channels.
const KEYS_MAX: usize = 10_000;

/// One place per channel of the request, filled when that publication has succeeded.
pub(crate) type Places = Arc<[OnceCell<Placed>]>;

/// What has been asked, by API key.
pub(crate) struct Idempotency(Vec<Mutex<Table>>);

#[derive(Default)]
struct Table {
    asked: HashMap<Arc<str>, Asked>,
    /// Oldest first.
    order: VecDeque<(Instant, Arc<str>)>,
}

struct Asked {
    digest: [u8; 32],
    places: Places,
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) enum Known {
    New(Places),
    /// The same request came before, and may still be under way.
    Same(Places),
    /// The key came with a different request.
    Different,
}

impl Idempotency {
    pub(crate) fn new(api_keys: usize) -> Self {
        Self((0..api_keys).map(|_| Mutex::default()).collect())
    }

    /// Looks up the request of which `digest` is one, and remembers it if it is new.
    pub(crate) fn look_up(
        &self,
        now: Instant,
        caller: KeyIndex,
        key: &str,
        digest: [u8; 32],
        channels: usize,
    ) -> Known {
        let table = &self.0[caller.0 as usize];
        table.lock().unwrap_or_else(PoisonError::into_inner).look_up(now, key, digest, channels)
    }
}

impl Table {
    fn look_up(&mut self, now: Instant, key: &str, digest: [u8; 32], channels: usize) -> Known {
        self.forget_if(|at, _| REMEMBERED <= now.saturating_duration_since(at));
        if let Some(asked) = self.asked.get(key) {
            return match asked.digest == digest {
                true => Known::Same(Arc::clone(&asked.places)),
                false => Known::Different,
            };
        }
        self.forget_if(|_, remembered| KEYS_MAX <= remembered);
        let places: Places = (0..channels).map(|_| OnceCell::new()).collect();
        let key: Arc<str> = key.into();
        self.order.push_back((now, Arc::clone(&key)));
        self.asked.insert(key, Asked { digest, places: Arc::clone(&places) });
        Known::New(places)
    }

    /// Forgets the oldest for as long as `is_over` says so of when it came and of how many there
    /// are.
    fn forget_if(&mut self, is_over: impl Fn(Instant, usize) -> bool) {
        while let Some((at, key)) = self.order.front()
            && is_over(*at, self.order.len())
        {
            self.asked.remove(key);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    #[test]
    fn the_same_is_known_and_another_is_a_conflict() {
        let known = Idempotency::new(2);
        let now = Instant::now();
        let one = |digest| known.look_up(now, KeyIndex(0), "k", digest, 1);
        assert!(matches!(one(BODY), Known::New(_)));
        assert!(matches!(one(BODY), Known::Same(_)));
        assert!(matches!(one(OTHER), Known::Different));
        assert!(matches!(known.look_up(now, KeyIndex(1), "k", OTHER, 1), Known::New(_)));
    }

    #[test]
    fn a_key_is_forgotten_after_two_minutes() {
        let mut table = Table::default();
        let now = Instant::now();
        table.look_up(now, "k", BODY, 1);
        let before = now + REMEMBERED - Duration::from_millis(1);
        assert!(matches!(table.look_up(before, "k", OTHER, 1), Known::Different));
        assert!(matches!(table.look_up(now + REMEMBERED, "k", OTHER, 1), Known::New(_)));
        assert_eq!((table.asked.len(), table.order.len()), (1, 1));
    }

    #[test]
    fn more_keys_than_are_kept_push_out_the_oldest() {
        let mut table = Table::default();
        let now = Instant::now();
        for n in 0..=KEYS_MAX {
            table.look_up(now, &n.to_string(), BODY, 1);
        }
        assert_eq!((table.asked.len(), table.order.len()), (KEYS_MAX, KEYS_MAX));
        assert!(matches!(table.look_up(now, "1", BODY, 1), Known::Same(_)));
        assert!(matches!(table.look_up(now, "0", BODY, 1), Known::New(_)));
    }
}
