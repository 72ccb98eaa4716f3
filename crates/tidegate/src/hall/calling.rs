//! What happens to requests of clients that poll.

use admission::{Arrival, RouteId};
use net::Net;
use proto::{Code, Refusal, ShardId};
use socketio::{
    Connection, Input, Reason, Sid,
    eio::{self, Answer, RequestId},
};

use super::{Hall, lines::LineId};
use crate::{
    inbox::Note,
    polling::{Polled, Reply, What, shard_of},
};

impl Hall {
    pub(super) fn called(&mut self, net: &mut Net, call: Polled) {
        let Polled { request, what } = call;
        match what {
            What::Open { head, peer, tls, reply } => {
                if let Err((refusal, reply)) =
                    self.open_by_request(net, request, &head, (peer, tls), reply)
                {
                    self.metrics.handshake_refused(refusal.code);
                    // Whoever asked may have hung up.
                    let _ = reply.send(Err(refusal));
                }
            }
            What::Poll { sid, route, reply } => {
                if let Some(id) = self.line_named(&sid, route, request, reply) {
                    self.lives(net, id);
                    self.drive(net, id, Input::Transport(eio::Input::Polled { request }));
                }
            }
            What::PostBegan { sid, route, length, reply } => {
                if let Some(id) = self.line_named(&sid, route, request, reply) {
                    self.begin_post(net, id, request, length);
                }
            }
            What::PostEnded { sid, body } => {
                let Some(id) = self.lines.of_sid(&sid) else { return };
                let bytes = &body[..];
                self.drive(net, id, Input::Transport(eio::Input::PostContinued { request, bytes }));
                self.drive(net, id, Input::Transport(eio::Input::PostEnded { request }));
            }
            What::Abandoned { sid } => {
                let Some(id) = self.lines.of_sid(&sid) else { return };
                self.lines.give_up(id, request);
                self.drive(net, id, Input::Transport(eio::Input::Abandoned { request }));
            }
        }
    }

    fn open_by_request(
        &mut self,
        net: &mut Net,
        request: RequestId,
        head: &[u8],
        (peer, tls): (std::net::IpAddr, bool),
        reply: Reply,
    ) -> Result<(), (Refusal, Reply)> {
        if self.is_draining {
            return Err((Code::Draining.into(), reply));
        }
        let Ok(Some((head, _))) = wire::parse_head(head, &self.ground.head_limits) else {
            return Err((Code::BadRequest.into(), reply));
        };
        let arrival = Arrival { head: &head, peer, tls, moment: self.moment() };
        let ground = std::sync::Arc::clone(&self.ground);
        let Self { cache, tallies, fetches, .. } = self;
        let admitted = ground.with_tables(cache, tallies, fetches, |tables| {
            admission::admit_polling(&arrival, tables)
        });
        let admitted = match admitted {
            Ok(admitted) => *admitted,
            Err(refusal) => return Err((refusal, reply)),
        };
        let Some((opening, policy)) = self.opening(admitted) else {
            return Err((Code::Busy.into(), reply));
        };
        let id = self.lines.next_id();
        let mut effects = Vec::new();
        let connection =
            Connection::open_polling(self.now, &policy, &opening.sid, request, &mut effects);
        self.lines.begin(id, connection, opening);
        self.lines.await_answer(id, request, reply);
        self.obey(net, id, effects);
        Ok(())
    }

    /// The line of this name, if it came by this route; a request of it waits from now on.
    fn line_named(
        &mut self,
        sid: &Sid,
        route: RouteId,
        request: RequestId,
        reply: Reply,
    ) -> Option<LineId> {
        let found = self.lines.of_sid(sid);
        let found = found.filter(|it| self.lines.get(*it).is_some_and(|it| it.route == route));
        match found {
            Some(id) => self.lines.await_answer(id, request, reply),
            // Whoever asked may have hung up.
            None => drop(reply.send(Ok(Answer::Refused(eio::Refusal::SessionUnknown)))),
        }
        found
    }

    fn begin_post(&mut self, net: &mut Net, id: LineId, request: RequestId, length: Option<u64>) {
        self.lives(net, id);
        // The last one is not answered yet, and no client of good will says more before it is.
        if self.lines.get(id).is_some_and(|it| it.withheld.is_some()) {
            let refused = Answer::Refused(eio::Refusal::BadRequest);
            self.lines.answer(id, request, refused);
            let abort = eio::Input::Abort(Reason::TransportError);
            return self.drive(net, id, Input::Transport(abort));
        }
        let began = eio::Input::PostBegan { request, length };
        self.drive(net, id, Input::Transport(began));
    }

    /// The session that a WebSocket comes to take over, and the shard that has it.
    pub(super) fn attaching(&self, head: &wire::Head<'_>) -> Option<(Sid, ShardId)> {
        let query = head.query().filter(|it| it.contains("sid="))?;
        let (id, _, _) = self.ground.door.routes.find(head.path())?;
        self.lines.policy(id).filter(|_| wire::is_upgrade(head))?;
        let Ok(eio::Request::Attach(sid)) = eio::Request::read("GET", query, true) else {
            return None;
        };
        let shards = self.ground.hub.shard_count();
        // One that nobody here has drawn is unknown here as well as anywhere.
        let shard = shard_of(&sid).filter(|it| it.0 < shards).unwrap_or(self.id);
        Some((sid, shard))
    }

    /// A WebSocket goes to the shard that has its session, before anything is asked of it here.
    pub(super) fn move_to(&self, net: &mut Net, conn: proto::ConnId, bytes: &[u8], shard: ShardId) {
        if let Some(handoff) = net.hand_off(conn, bytes.to_vec()) {
            self.ground.hub.inbox(shard).answer(Note::Moved(Box::new(handoff)));
        }
    }
}
