//! The sockets of a shard, found by slot and told apart by life.

use proto::ConnId;

use crate::sock::Sock;

#[derive(Debug)]
pub(crate) struct Socks {
    first_life: u32,
    slots: Vec<Slot>,
    free: Vec<u32>,
    count: usize,
}

#[derive(Debug)]
struct Slot {
    life: u32,
    sock: Option<Sock>,
}

impl Socks {
    pub(crate) const fn new(first_life: u32) -> Self {
        Self { first_life, slots: Vec::new(), free: Vec::new(), count: 0 }
    }

    pub(crate) fn insert(&mut self, sock: Sock) -> ConnId {
        let conn = self.reserve();
        self.slots[conn.slot()].sock = Some(sock);
        self.count += 1;
        conn
    }

    /// A slot without a socket: what has a place among connections and comes by another way.
    pub(crate) fn reserve(&mut self) -> ConnId {
        let life = self.first_life;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { life, sock: None });
            u32::try_from(self.slots.len() - 1).expect("fewer sockets than 2^32")
        });
        ConnId::new(slot, self.slots[slot as usize].life)
    }

    /// Gives such a slot back. Means nothing for a slot that has a socket, or had one.
    pub(crate) fn free(&mut self, conn: ConnId) {
        let place = self.slots.get_mut(conn.slot());
        let Some(place) = place.filter(|it| it.life == conn.life() && it.sock.is_none()) else {
            return;
        };
        place.life = place.life.wrapping_add(1);
        self.free.push(u32::try_from(conn.slot()).expect("slots are handed out as u32"));
    }

    pub(crate) fn remove(&mut self, conn: ConnId) -> Option<Sock> {
        let place = self.slots.get_mut(conn.slot()).filter(|it| it.life == conn.life())?;
        let sock = place.sock.take()?;
        place.life = place.life.wrapping_add(1);
        self.free.push(u32::try_from(conn.slot()).expect("slots are handed out as u32"));
        self.count -= 1;
        Some(sock)
    }

    pub(crate) fn find(&mut self, conn: ConnId) -> Option<&mut Sock> {
        let place = self.slots.get_mut(conn.slot()).filter(|it| it.life == conn.life())?;
        place.sock.as_mut()
    }

    /// Whoever has the slot now.
    pub(crate) fn in_slot(&self, slot: usize) -> Option<ConnId> {
        let place = self.slots.get(slot)?;
        place.sock.as_ref()?;
        Some(ConnId::new(u32::try_from(slot).ok()?, place.life))
    }

    /// A life that no connection here has had.
    pub(crate) fn next_life(&self) -> u32 {
        let lives = self.slots.iter().map(|it| it.life.wrapping_add(1));
        lives.max().unwrap_or(self.first_life)
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Sock> {
        self.slots.iter().filter_map(|it| it.sock.as_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ConnId> + '_ {
        (0..self.slots.len()).filter_map(|it| self.in_slot(it))
    }
}
