//! The namespaces of one connection.

use std::sync::Arc;

use super::{Fault, SocketId};
use crate::Policy;

/// At most `namespaces_max` of them, which is few enough to look through.
#[derive(Debug, Default)]
pub(crate) struct Places {
    places: Vec<Place>,
    next: u32,
}

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) socket: SocketId,
    pub(crate) namespace: Arc<str>,
    pub(crate) standing: Standing,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// The driver was asked.
    Knocking,
    /// It is in.
    Joined,
    /// The server made it leave. What it says may have been on its way, so nobody minds.
    Parted,
}

impl Places {
    /// A place for somebody who asks to be let in. None if they have one: the official client asks
    /// twice when a program calls `connect` for a namespace that is about to be joined by itself,
    /// and both times it means the same.
    pub(crate) fn knock(
        &mut self,
        namespace: &str,
        policy: &Policy,
    ) -> Result<Option<SocketId>, Fault> {
        match self.places.iter().position(|it| &*it.namespace == namespace) {
            Some(index) if self.places.get(index).is_some_and(Place::is_parted) => {
                self.places.remove(index);
            }
            Some(_) => return Ok(None),
            None => (),
        }
        if policy.namespaces_max <= self.places.len() {
            // What was left makes room, the earliest first.
            let left = self.places.iter().position(Place::is_parted);
            self.places.remove(left.ok_or(Fault::TooManyNamespaces)?);
        }
        let socket = SocketId(self.next);
        self.next = self.next.wrapping_add(1);
        let standing = Standing::Knocking;
        // Most clients are in one namespace.
        self.places.reserve_exact(1);
        self.places.push(Place { socket, namespace: namespace.into(), standing });
        Ok(Some(socket))
    }

    pub(crate) fn named(&self, namespace: &str) -> Option<&Place> {
        self.places.iter().find(|it| &*it.namespace == namespace)
    }

    pub(crate) fn of(&self, socket: SocketId, standing: Standing) -> Option<&Place> {
        self.places.iter().find(|it| it.socket == socket && it.standing == standing)
    }

    pub(crate) fn of_mut(&mut self, socket: SocketId, standing: Standing) -> Option<&mut Place> {
        self.places.iter_mut().find(|it| it.socket == socket && it.standing == standing)
    }

    pub(crate) fn remove(&mut self, socket: SocketId) -> Option<Place> {
        let index = self.places.iter().position(|it| it.socket == socket)?;
        Some(self.places.remove(index))
    }

    /// Whether nobody is in, or about to be.
    pub(crate) fn has_joined(&self) -> bool {
        self.places.iter().any(|it| it.standing == Standing::Joined)
    }

    /// Nobody is in or knocking.
    pub(crate) fn is_deserted(&self) -> bool {
        self.places.iter().all(Place::is_parted)
    }

    /// All who are in or asked to be, in the order in which they did.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = SocketId> {
        self.places.drain(..).filter(|it| !it.is_parted()).map(|it| it.socket)
    }
}

impl Place {
    fn is_parted(&self) -> bool {
        self.standing == Standing::Parted
    }
}
