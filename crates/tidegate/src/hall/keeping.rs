//! Sessions: found when a connection opens, left or ended with it.

use std::sync::Arc;

use admission::{Admitted, Attached};
use engine::Proof;
use proto::{Code, ConnId, Identity, Refusal};
use session::{End, Left, Place, Seat};

use super::Hall;
use crate::{
    ground::draw,
    inbox::{Note, lock},
};

impl Hall {
    /// Begins the session of a connection, or goes on with one. Whoever had it is parted with.
    pub(super) fn attach(
        &mut self,
        conn: ConnId,
        admitted: &Admitted,
    ) -> Result<Option<Attached>, Refusal> {
        if admitted.identity.is_none() {
            return Ok(None);
        }
        let drawn = draw().map_err(|_| Refusal::new(Code::AuthUnavailable))?;
        let (ground, moment, seat) = (Arc::clone(&self.ground), self.moment(), self.seat_of(conn));
        let Self { cache, tallies, fetches, .. } = self;
        let attached = ground.with_tables(cache, tallies, fetches, |tables| {
            admission::attach(admitted, seat, drawn, moment, tables)
        })?;
        if let Some(seat) = attached.and_then(|it| it.replaced) {
            let note = Note::Part(seat.conn, Code::SessionReplaced.into());
            ground.hub.inbox(seat.shard).answer(note);
        }
        Ok(attached)
    }

    /// A newer token makes a session that was lent its client's own again.
    pub(super) fn renew(&mut self, conn: ConnId, identity: &Arc<Identity>) {
        let seat = self.seat_of(conn);
        let Some(place) = self.guest(conn).and_then(|it| it.session) else { return };
        lock(&self.ground.register).sessions.renew(place, seat, identity);
    }

    /// The connection has ended: its session waits for the next one, or ends with it.
    pub(super) fn leave_session(
        &self,
        conn: ConnId,
        route: admission::RouteId,
        place: Place,
        end: End,
        left: Vec<Left>,
    ) {
        let (seat, moment) = (self.seat_of(conn), self.moment());
        let policy = self.ground.door.routes.of(route).and_then(|it| it.sessions);
        let sessions = &mut lock(&self.ground.register).sessions;
        match policy.filter(|_| session::outlives(end)) {
            Some(policy) => sessions.detach(place, seat, left, &policy, moment),
            None => sessions.part(place, seat),
        }
    }

    const fn seat_of(&self, conn: ConnId) -> Seat {
        Seat { shard: self.id, conn }
    }
}

/// What the engine tells its client, and until when it lets them be.
pub(super) fn with_session(proof: Proof, attached: Option<&Attached>) -> Proof {
    let Some(attached) = attached else { return proof };
    let expires_in = attached.lapses_in.unwrap_or(proof.expires_in);
    Proof { expires_in, session: Some((attached.id, attached.is_resumed)), ..proof }
}
