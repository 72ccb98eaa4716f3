//! The connections of a shard, found by slot.

use proto::ConnId;

use crate::conn::Conn;

/// Slots are handed out by whoever accepts sockets; a connection is found only under the life it
/// was opened with.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    slots: Vec<Option<Conn>>,
    open: usize,
}

impl Conns {
    pub(crate) fn open(&mut self, id: ConnId, conn: Conn) {
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        let before = self.slots[id.slot()].replace(conn);
        assert!(before.is_none(), "{id} opened over another connection");
        self.open += 1;
    }

    pub(crate) fn find(&self, id: ConnId) -> Option<&Conn> {
        self.slots.get(id.slot())?.as_ref().filter(|it| it.life == id.life())
    }

    pub(crate) fn find_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|it| it.life == id.life())
    }

    /// The connection, for callers who have just found it.
    pub(crate) fn at_mut(&mut self, id: ConnId) -> &mut Conn {
        self.find_mut(id).expect("the caller has seen that the connection is open")
    }

    pub(crate) fn close(&mut self, id: ConnId) -> Option<Conn> {
        self.find(id)?;
        self.open -= 1;
        self.slots[id.slot()].take()
    }

    pub(crate) const fn count(&self) -> usize {
        self.open
    }

    /// All of them, in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        self.slots.iter().enumerate().filter_map(|(slot, conn)| {
            let conn = conn.as_ref()?;
            let slot = u32::try_from(slot).expect("slots come from connection ids");
            Some((ConnId::new(slot, conn.life), conn))
        })
    }
}
