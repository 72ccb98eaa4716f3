//! A bounded map that forgets whoever was idle longest.
//!
//! A hash map of places in a slab whose entries are linked from the most to the least recently
//! touched, so that touching, adding and forgetting are each a few steps whatever the size. Memory
//! grows with use and stops at the bound; the places of forgotten entries are used again.

use std::collections::HashMap;
use std::hash::Hash;

/// "No place": an end of the chain.
const NONE: u32 = u32::MAX;

/// At most `bound` values, the idlest making room for the newest.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    places: HashMap<K, u32>,
    entries: Vec<Entry<K, V>>,
    newest: u32,
    oldest: u32,
    bound: u32,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    newer: u32,
    older: u32,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    /// An empty map that never holds more than `bound` (at least one).
    pub(crate) fn new(bound: u32) -> Self {
        let bound = bound.clamp(1, NONE - 1);
        Self { places: HashMap::new(), entries: Vec::new(), newest: NONE, oldest: NONE, bound }
    }

    /// How many are held.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The most bytes that `bound` entries take, what values point to not counted.
    pub(crate) const fn bytes_max(bound: u32) -> u64 {
        // A hash map of this many has at most twice the places, and a byte of its own for each.
        let place = 2 * (size_of::<(K, u32)>() + 1);
        // A growing vector has at most twice the places it needs.
        let entry = 2 * size_of::<Entry<K, V>>();
        bound as u64 * (place + entry) as u64
    }

    /// Looks without touching.
    pub(crate) fn peek(&self, key: K) -> Option<&V> {
        self.places.get(&key).map(|place| &self.entries[*place as usize].value)
    }

    /// The value of `key`, now the most recent; made by `fresh` if there was none, at the cost of
    /// the idlest if there was no room.
    pub(crate) fn touch(&mut self, key: K, fresh: impl FnOnce() -> V) -> &mut V {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.place_for(key, fresh()),
        };
        if self.newest != place {
            self.unlink(place);
            self.link_newest(place);
        }
        &mut self.entries[place as usize].value
    }

    fn place_for(&mut self, key: K, value: V) -> u32 {
        let entry = Entry { key, value, newer: NONE, older: NONE };
        let place = if self.entries.len() < self.bound as usize {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        } else {
            let place = self.oldest;
            self.unlink(place);
            let idle = std::mem::replace(&mut self.entries[place as usize], entry);
            self.places.remove(&idle.key);
            place
        };
        self.places.insert(key, place);
        self.link_newest(place);
        place
    }

    fn unlink(&mut self, place: u32) {
        let Entry { newer, older, .. } = self.entries[place as usize];
        match newer {
            NONE => self.newest = older,
            _ => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.entries[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, place: u32) {
        let older = self.newest;
        let entry = &mut self.entries[place as usize];
        entry.newer = NONE;
        entry.older = older;
        match older {
            NONE => self.oldest = place,
            _ => self.entries[older as usize].newer = place,
        }
        self.newest = place;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_idlest_makes_room() {
        let mut recent = Recent::new(3);
        for key in ["ann", "bob", "cid"] {
            recent.touch(key, || key);
        }
        recent.touch("ann", || "another ann");
        recent.touch("dot", || "dot");
        assert_eq!(recent.peek("bob"), None);
        assert_eq!(recent.peek("ann"), Some(&"ann"));
        assert_eq!(recent.len(), 3);
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_list_in_order(
            bound in 1_u32..6,
            keys in prop::collection::vec(0_u8..10, 0..200),
        ) {
            let mut recent = Recent::new(bound);
            let mut model: Vec<(u8, usize)> = Vec::new();
            for (turn, key) in keys.into_iter().enumerate() {
                let found = *recent.touch(key, || turn);
                let entry = match model.iter().position(|(it, _)| *it == key) {
                    Some(place) => model.remove(place),
                    None => {
                        if model.len() == bound as usize {
                            model.remove(0);
                        }
                        (key, turn)
                    }
                };
                model.push(entry);
                prop_assert_eq!(found, entry.1);
                prop_assert_eq!(recent.len(), model.len());
                for (key, value) in &model {
                    prop_assert_eq!(recent.peek(*key), Some(value));
                }
            }
        }
    }
}
