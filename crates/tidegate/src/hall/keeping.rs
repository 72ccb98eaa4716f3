//! Sessions: found when a connection opens, left or ended with it.

use std::sync::Arc;

use admission::{Admitted, Attached};
use engine::{Input, Proof, TakenUp};
use net::Net;
use proto::{Code, ConnId, Identity, Refusal, SessionId};
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

    /// What an earlier connection was subscribed to, for its client to have again: of this
    /// connection's session, or of another of the same user that waits. Somebody else's is as good
    /// as none (A13).
    pub(super) fn take_up(&mut self, net: &mut Net, conn: ConnId, session: SessionId) {
        let (seat, moment) = (self.seat_of(conn), self.moment());
        let place = self.guest(conn).and_then(|it| it.session);
        let left = place.and_then(|place| {
            let sessions = &mut lock(&self.ground.register).sessions;
            sessions.claim(session, place, seat, moment)
        });
        let left = left.ok_or_else(|| Code::SessionUnknown.into());
        let taken_up = left.map(|left| TakenUp { session, left });
        self.tell(net, Input::Resumed { conn, taken_up });
    }

    pub(super) const fn seat_of(&self, conn: ConnId) -> Seat {
        Seat { shard: self.id, conn }
    }
}

/// What the engine tells its client, and until when it lets them be.
pub(super) fn with_session(proof: Proof, attached: Option<&Attached>) -> Proof {
    let Some(attached) = attached else { return proof };
    let expires_in = attached.lapses_in.unwrap_or(proof.expires_in);
    Proof { expires_in, session: Some((attached.id, attached.is_resumed)), ..proof }
}
