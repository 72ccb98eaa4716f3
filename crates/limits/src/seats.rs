//! Concurrent counts: how many are here now, by key.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// How many seats each key has taken. A key with none is not in the map, so the memory is bounded
/// by the seats taken, which the limit of connections in all bounds.
#[derive(Debug)]
pub struct Seats<K> {
    taken: HashMap<K, u32>,
}

impl<K> Default for Seats<K> {
    fn default() -> Self {
        Self { taken: HashMap::new() }
    }
}

impl<K: Eq + Hash> Seats<K> {
    /// How many `key` has taken.
    pub fn taken<Q>(&self, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.taken.get(key).copied().unwrap_or(0)
    }

    /// How many keys have taken any.
    pub fn keys(&self) -> usize {
        self.taken.len()
    }

    /// Takes one for `key`. Whether it may is the caller's question, asked with [`Seats::taken`].
    pub fn acquire(&mut self, key: K) {
        *self.taken.entry(key).or_insert(0) += 1;
    }

    /// Gives one back. Giving back what was not taken is a bug of ours, and stops here before the
    /// counts drift.
    pub fn release<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let taken = self.taken.get_mut(key);
        assert!(taken.is_some(), "a seat was given back twice");
        if let Some(taken) = taken {
            *taken -= 1;
            if *taken == 0 {
                self.taken.remove(key);
                self.shrink();
            }
        }
    }

    /// Gives memory back after a crowd has left. Halving at a quarter keeps it from happening at
    /// every release.
    fn shrink(&mut self) {
        const SMALL: usize = 1024;
        if self.taken.capacity() > SMALL && self.taken.len() < self.taken.capacity() / 4 {
            self.taken.shrink_to((self.taken.capacity() / 2).max(SMALL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_leave_takes_the_entry_along() {
        let mut seats = Seats::default();
        seats.acquire("ann");
        seats.acquire("ann");
        seats.release("ann");
        assert_eq!((seats.taken("ann"), seats.keys()), (1, 1));
        seats.release("ann");
        assert_eq!((seats.taken("ann"), seats.keys()), (0, 0));
    }

    #[test]
    fn giving_a_seat_back_twice_is_a_bug() {
        let twice = std::panic::catch_unwind(|| {
            let mut seats = Seats::default();
            seats.acquire("ann");
            seats.release("ann");
            seats.release("ann");
        });
        assert!(twice.is_err());
    }

    #[test]
    fn the_map_shrinks_when_a_crowd_leaves() {
        let mut seats = Seats::default();
        (0..100_000).for_each(|key| seats.acquire(key));
        (0..100_000).for_each(|key| seats.release(&key));
        assert!(seats.taken.capacity() < 4096, "{}", seats.taken.capacity());
    }
}
