//! Idempotency keys of a log: what was said with one before has its place already.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use proto::Offset;

use crate::deadlines::Tick;

/// Keys remembered for one channel. Whoever says more within the window is recognised for their
/// latest only.
const KEYS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Keys {
    places: BTreeMap<Arc<str>, Offset>,
    order: VecDeque<(Tick, Arc<str>)>,
}

impl Keys {
    pub(crate) fn remember(&mut self, now: Tick, key: Arc<str>, offset: Offset) {
        if self.places.insert(Arc::clone(&key), offset).is_none() {
            self.order.push_back((now, key));
        }
        if KEYS_MAX < self.order.len() {
            self.forget_oldest();
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<Offset> {
        self.places.get(key).copied()
    }

    /// Forgets those whose time is over.
    pub(crate) fn expire(&mut self, now: Tick, keys_for: Duration) {
        while self.order.front().is_some_and(|it| keys_for < now.since(it.0)) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.places.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_for_its_time_and_the_latest_are_known_longest() {
        let mut keys = Keys::default();
        keys.remember(Tick(0), "a".into(), Offset(1));
        keys.remember(Tick(50), "b".into(), Offset(2));
        keys.expire(Tick(100), Duration::from_secs(10));
        assert_eq!((keys.find("a"), keys.find("b")), (Some(Offset(1)), Some(Offset(2))));
        keys.expire(Tick(101), Duration::from_secs(10));
        assert_eq!((keys.find("a"), keys.find("b")), (None, Some(Offset(2))));
        for number in 0..KEYS_MAX {
            keys.remember(Tick(101), number.to_string().into(), Offset(3));
        }
        assert_eq!((keys.find("b"), keys.find("0")), (None, Some(Offset(3))));
    }
}
