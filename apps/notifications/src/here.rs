//! Which users are connected to this node, counted by connection.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Mutex, PoisonError},
};

/// Bounded by the gateway's own limit on connections: one entry a connected user.
#[derive(Debug, Default)]
pub(crate) struct Here(Mutex<BTreeMap<String, usize>>);

impl Here {
    pub(crate) fn came(&self, user: &str) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *connections.entry(user.to_owned()).or_default() += 1;
    }

    pub(crate) fn left(&self, user: &str) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = connections.entry(user.to_owned()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }

    /// Users with at least one connection.
    pub(crate) fn users(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
