//! Lines as their transports see them: opened, heard, woken, hung up.

use std::{borrow::Cow, sync::Arc};

use admission::{Admitted, Arrival};
use engine::Input;
use net::{Net, Trouble};
use proto::{Code, ConnId, Refusal};
use socketio::{
    Connection, Effect, Reason, Sid,
    eio::{self, Incoming, Request, Transport},
};
use wire::{Arrived, Opcode};

use super::{
    Hall,
    admitting::open_as,
    lines::{LineId, Opening, link_of, named},
    parting::{NO_REASON, VANISHED, is_broken},
};
use crate::{ground::draw_bytes, inbox::lock};

impl Hall {
    /// A WebSocket comes to a route of Socket.IO, and nothing is against it.
    pub(super) fn take_link(
        &mut self,
        net: &mut Net,
        link: ConnId,
        mut admitted: Box<Admitted>,
        query: &str,
    ) {
        let refusal = match Request::read("GET", query, true) {
            Ok(Request::Open(Transport::WebSocket)) => None,
            Ok(
                Request::Open(Transport::Polling)
                | Request::Poll(_)
                | Request::Post(_)
                | Request::Attach(_),
            ) => Some(eio::Refusal::BadRequest),
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refusal {
            lock(&self.ground.limits).release(admitted.seat);
            return refuse_link(net, link, refusal);
        }
        if self.is_draining {
            let (style, draining) = (admission::RefusalStyle::Status, Code::Draining.into());
            let refused = admitted.turn_away(draining, style, &mut lock(&self.ground.limits));
            return self.refuse_at_door(net, link, refused);
        }
        let response = std::mem::take(&mut admitted.response);
        let took = net.open(link, response, open_as(admitted.route, admitted.deflate));
        self.metrics.handshake_took(took);
        self.open_by_link(net, link, *admitted);
    }

    /// A WebSocket comes for a session of this shard, which came by another way.
    pub(super) fn attach_link(
        &mut self,
        net: &mut Net,
        link: ConnId,
        arrival: &Arrival<'_>,
        sid: &Sid,
    ) {
        let ground = Arc::clone(&self.ground);
        let Self { cache, tallies, fetches, .. } = self;
        let carried =
            ground.with_tables(cache, tallies, fetches, |tables| admission::carry(arrival, tables));
        let (route, response, deflate) = match carried {
            Ok(carried) => carried,
            Err(refused) => return self.refuse_at_door(net, link, *refused),
        };
        // Of the same route, that is. Its client may have changed networks.
        let found = self.lines.of_sid(sid);
        let found = found.filter(|it| self.lines.get(*it).is_some_and(|it| it.route == route));
        let Some(id) = found else {
            return refuse_link(net, link, eio::Refusal::SessionUnknown);
        };
        let took = net.open(link, response, open_as(route, deflate));
        self.metrics.handshake_took(took);
        self.lines.link(link, id);
        let attached = eio::Input::Attached { conn: named(link) };
        self.drive(net, id, socketio::Input::Transport(attached));
    }

    fn open_by_link(&mut self, net: &mut Net, link: ConnId, admitted: Admitted) {
        let id = self.lines.next_id();
        let Some((opening, policy)) = self.opening(admitted) else {
            net.discard(link);
            return;
        };
        let mut effects = Vec::new();
        let connection =
            Connection::open_websocket(self.now, &policy, &opening.sid, named(link), &mut effects);
        self.lines.begin(id, connection, opening);
        self.lines.link(link, id);
        self.obey(net, id, effects);
    }

    /// What a line is made of. None if the operating system has no randomness for its name: then
    /// the seat is back.
    pub(super) fn opening(&self, admitted: Admitted) -> Option<(Opening, Arc<socketio::Policy>)> {
        let Admitted { route, address, client, captures, shown, seat, .. } = admitted;
        let found = self.draw_sid().zip(self.lines.policy(route).cloned());
        let Some((sid, policy)) = found else {
            lock(&self.ground.limits).release(seat);
            return None;
        };
        Some((Opening { sid, route, address, client, captures, shown, seat }, policy))
    }

    /// A name that says whose it is, and 128 bits that nobody guesses (F13).
    fn draw_sid(&self) -> Option<Sid> {
        let mut bytes: [u8; Sid::RANDOM_BYTES] = draw_bytes()?;
        bytes[..2].copy_from_slice(&self.id.0.to_be_bytes());
        Some(Sid::draw(bytes))
    }

    /// Tells a line something and does what it asks for.
    pub(super) fn drive(&mut self, net: &mut Net, id: LineId, input: socketio::Input<'_>) {
        let Some(line) = self.lines.get_mut(id) else { return };
        let mut effects = Vec::new();
        line.connection.handle(self.now, input, &mut effects);
        self.lines.schedule(id);
        self.obey(net, id, effects);
        self.await_emptied(net, id);
    }

    pub(super) fn obey(&mut self, net: &mut Net, id: LineId, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer { request, answer } => self.answer_request(id, request, answer),
                Effect::Write { conn, frame } => self.write(net, id, link_of(conn), &frame),
                Effect::CloseConn { conn } => self.close_link(net, id, link_of(conn)),
                Effect::Knocked { socket, namespace, auth } => {
                    self.socket_knocked(net, id, socket, namespace, &auth);
                }
                Effect::Event { socket, event, reply } => {
                    self.hear_event(net, id, socket, &event, reply);
                }
                Effect::Answered { socket, ask, args } => {
                    self.hear_answer(net, id, socket, ask, Some(&args));
                }
                Effect::Unanswered { socket, ask } => self.hear_answer(net, id, socket, ask, None),
                Effect::Left { socket, reason } => self.socket_left(net, id, socket, reason),
                Effect::Closed { reason, .. } => {
                    self.count_end(reason);
                    self.line_ended(id);
                }
            }
        }
    }

    fn write(&mut self, net: &mut Net, id: LineId, link: ConnId, frame: &socketio::Frame) {
        let (opcode, payload) = match frame {
            socketio::Frame::Fixed(text) => (Opcode::Text, text.as_bytes()),
            socketio::Frame::Text(text) => (Opcode::Text, text.as_bytes()),
            socketio::Frame::Binary(bytes) => (Opcode::Binary, &bytes[..]),
        };
        // What is owed has to get there; whoever leaves no room for it has to come back (F10).
        if !net.send(link, opcode, payload) {
            self.too_slow(net, id);
        }
    }

    fn too_slow(&mut self, net: &mut Net, id: LineId) {
        self.metrics.closing(Code::TooSlow);
        self.hang_up(net, id, &Code::TooSlow.into());
    }

    fn close_link(&mut self, net: &mut Net, id: LineId, link: ConnId) {
        self.lines.unlink(link);
        let (number, words) = match self.lines.get(id) {
            Some(line) => line.farewell.clone(),
            None => (1000, Cow::Borrowed("")),
        };
        net.close(link, None, number, &words, false);
    }

    /// Ends a line without a word of Socket.IO: its client comes back by itself.
    pub(super) fn hang_up(&mut self, net: &mut Net, id: LineId, refusal: &Refusal) {
        let Some(line) = self.lines.get_mut(id) else { return };
        line.farewell = (refusal.code.close(), refusal.message().to_owned().into());
        line.number = Some(refusal.code.close());
        let abort = eio::Input::Abort(Reason::ForcedClose);
        self.drive(net, id, socketio::Input::Transport(abort));
    }

    /// What Engine.IO ends by itself is the gateway's doing, too.
    fn count_end(&self, reason: Reason) {
        match reason {
            Reason::TooSlow => self.metrics.closing(Code::TooSlow),
            Reason::PingTimeout => self.metrics.closing(Code::PingTimeout),
            Reason::ClientNamespaceDisconnect
            | Reason::ServerNamespaceDisconnect
            | Reason::TransportClose
            | Reason::TransportError
            | Reason::ParseError
            | Reason::ForcedClose
            | Reason::NoNamespace => {}
        }
    }

    fn line_ended(&mut self, id: LineId) {
        let Some(line) = self.lines.end(id) else { return };
        if let Some(seat) = line.seat {
            lock(&self.ground.limits).release(seat);
        }
    }

    /// Something came by a WebSocket of a line.
    pub(super) fn line_heard(
        &mut self,
        net: &mut Net,
        id: LineId,
        link: ConnId,
        arrived: Arrived<'_>,
    ) {
        self.lives(net, id);
        let conn = named(link);
        let message = match arrived {
            Arrived::Text(text) => Incoming::Text(text),
            Arrived::Binary(bytes) => Incoming::Binary(bytes),
            Arrived::Ping(_) => return,
            Arrived::Pong(payload) => return self.line_ponged(net, id, payload),
            Arrived::Close(said) => {
                let number = said.map_or(0, |it| it.0);
                net.close(link, None, number, "", true);
                return self.detach(net, link, said.map_or(NO_REASON, |it| it.0));
            }
        };
        let received = eio::Input::Received { conn, message };
        self.drive(net, id, socketio::Input::Transport(received));
        // It may have become the line's while one of the connections was waited for.
        if self.lines.get(id).is_some_and(|it| 0 < it.paused && it.connection.link() == Some(conn))
        {
            net.pause(link);
        }
    }

    /// A WebSocket's pong proves what was sent to a connection before the ping, if it is told whose
    /// that was: the first bytes are the connection's.
    fn line_ponged(&mut self, net: &mut Net, id: LineId, payload: &[u8]) {
        let Some((name, number)) = payload.split_first_chunk::<8>() else { return };
        let conn = link_of(eio::ConnId(u64::from_be_bytes(*name)));
        let Ok(number) = number.try_into().map(u32::from_be_bytes) else { return };
        if self.conns_of(id).contains(&conn) {
            self.tell(net, Input::Ponged { conn, number });
        }
    }

    /// Asks the WebSocket of a connection's line for a pong. A line that polls has none to ask.
    pub(super) fn ping_by_line(&mut self, net: &mut Net, conn: ConnId, number: u32) {
        let Some(line) = self.voice(conn).map(|it| it.line) else { return };
        let Some(link) = self.link_of(conn) else { return };
        let payload = [&named(conn).0.to_be_bytes()[..], &number.to_be_bytes()].concat();
        if !net.send(link, Opcode::Ping, &payload) {
            self.too_slow(net, line);
        }
    }

    /// Something was heard of a line: all its connections live.
    pub(super) fn lives(&mut self, net: &mut Net, id: LineId) {
        for conn in self.conns_of(id) {
            self.tell(net, Input::Heard { conn });
        }
    }

    /// The connections on a line.
    pub(super) fn conns_of(&self, id: LineId) -> Vec<ConnId> {
        self.lines.get(id).map_or_else(Vec::new, |it| it.sockets.iter().map(|it| it.1).collect())
    }

    /// A WebSocket of a line is gone, or as good as gone.
    fn detach(&mut self, net: &mut Net, link: ConnId, number: u16) {
        let Some(id) = self.lines.unlink(link) else { return };
        if let Some(line) = self.lines.get_mut(id) {
            line.number = Some(number);
        }
        let detached = eio::Input::Detached { conn: named(link) };
        self.drive(net, id, socketio::Input::Transport(detached));
        // It polls on, and may still end in another way.
        if let Some(line) = self.lines.get_mut(id) {
            line.number = None;
        }
    }

    pub(super) fn link_lost(&mut self, net: &mut Net, link: ConnId) {
        self.detach(net, link, VANISHED);
    }

    pub(super) fn link_troubled(&mut self, net: &mut Net, link: ConnId, trouble: Trouble) {
        let refusal = super::trouble_told(trouble);
        self.metrics.closing(refusal.code);
        let number = refusal.code.close();
        net.close(link, None, number, refusal.message(), is_broken(number));
        self.detach(net, link, number);
    }

    /// Wakes the lines whose time has come.
    pub(super) fn wake_lines(&mut self, net: &mut Net) {
        while let Some(id) = self.lines.next_due(self.now) {
            self.drive(net, id, socketio::Input::Woke);
        }
    }

    /// Parts with every line that nobody is on; the engine parts with the others, one by one.
    pub(super) fn drain_lines(&mut self, net: &mut Net) {
        for id in self.lines.ids() {
            let live = self.conns_of(id).into_iter().any(|it| self.shard.dialect(it).is_some());
            if !live {
                self.hang_up(net, id, &Code::Draining.into());
            }
        }
    }
}

/// In the words of Engine.IO, before any upgrade.
fn refuse_link(net: &mut Net, link: ConnId, refusal: eio::Refusal) {
    net.refuse(link, wire::response_refusal(refusal.status(), &[], &refusal.to_json()));
}
