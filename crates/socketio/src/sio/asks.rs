//! What the server asked a client and has no answer to.

use std::time::Instant;

use super::{AckId, AskId, SocketId};

/// At most `asks_max`, so looked through.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    open: Vec<Open>,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) socket: SocketId,
    pub(crate) ask: AskId,
    id: AckId,
    until: Instant,
}

impl Asks {
    /// The number under which to ask. None if there are as many as may be.
    pub(crate) fn open(
        &mut self,
        socket: SocketId,
        ask: AskId,
        until: Instant,
        count_max: usize,
    ) -> Option<AckId> {
        if count_max <= self.open.len() {
            return None;
        }
        let id = AckId(self.next);
        self.next = self.next.wrapping_add(1);
        self.open.push(Open { socket, ask, id, until });
        Some(id)
    }

    /// What this is the answer to. None if it is to nothing, or came too late, or for the second
    /// time: an answer counts once.
    pub(crate) fn settle(&mut self, socket: SocketId, id: AckId) -> Option<AskId> {
        let index = self.open.iter().position(|it| it.socket == socket && it.id == id)?;
        Some(self.open.remove(index).ask)
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.open.iter().map(|it| it.until).min()
    }

    /// Those that nobody will answer in time.
    pub(crate) fn take_late(&mut self, now: Instant) -> impl Iterator<Item = Open> {
        self.open.extract_if(.., move |it| it.until <= now)
    }

    /// Those that nobody is there to answer.
    pub(crate) fn take_of(&mut self, socket: SocketId) -> impl Iterator<Item = Open> {
        self.open.extract_if(.., move |it| it.socket == socket)
    }
}
