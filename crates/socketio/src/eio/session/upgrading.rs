//! What WebSockets bring: one that carries the session, and one that comes to take it over.

use std::time::Instant;

use super::{Flow, Probe, Session, Stage, State};
use crate::{
    Frame, Reason,
    eio::{ConnId, Effect, Fault, Incoming, Packet},
};

impl Session {
    /// Only a session that polls has use for a WebSocket, and only for one at a time.
    pub(super) fn attach(&mut self, now: Instant, conn: ConnId, effects: &mut Vec<Effect>) {
        let State::Polling(requests) = &mut self.state else {
            return effects.push(Effect::CloseConn { conn });
        };
        let requests = std::mem::take(requests);
        let until = now + self.policy.upgrade_within;
        self.state = State::Probing(requests, Probe { conn, until, stage: Stage::Silent });
    }

    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: ConnId,
        message: Incoming<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match &self.state {
            State::Framing(conn) if *conn == from => {
                let flow = self.read_frame(message).and_then(|it| self.hear(now, it, effects));
                match flow {
                    Ok(Flow::On) => (),
                    Ok(Flow::Over) => self.end(Reason::TransportClose, &Frame::NOOP, effects),
                    Err(_) => self.end(Reason::ParseError, &Frame::CLOSE, effects),
                }
            }
            State::Probing(_, probe) if probe.conn == from => {
                let packet = self.read_frame(message);
                self.hear_probe(*probe, packet, effects);
            }
            // It is being closed, and had not heard of it.
            State::Polling(_)
            | State::Probing(..)
            | State::Framing(_)
            | State::Closing { .. }
            | State::Closed => (),
        }
    }

    fn read_frame<'a>(&self, message: Incoming<'a>) -> Result<Packet<'a>, Fault> {
        let length = match message {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(bytes) => bytes.len(),
        };
        if self.policy.payload_bytes_max < length {
            return Err(Fault::TooLong);
        }
        match message {
            Incoming::Text(text) => Packet::read(text),
            Incoming::Binary(bytes) => Ok(Packet::Binary(bytes.into())),
        }
    }

    /// A WebSocket that does not work as it should is closed; the session polls on.
    fn hear_probe(
        &mut self,
        probe: Probe,
        packet: Result<Packet<'_>, Fault>,
        effects: &mut Vec<Effect>,
    ) {
        let conn = probe.conn;
        match (packet, probe.stage) {
            (Ok(Packet::Probe), Stage::Silent) => {
                if let State::Probing(_, probe) = &mut self.state {
                    probe.stage = Stage::Proven;
                }
                effects.push(Effect::Write { conn, frame: Frame::PROBED });
                self.answer_get(effects);
            }
            (Ok(Packet::Upgrade), Stage::Proven) => self.upgrade(conn, effects),
            (
                Ok(
                    Packet::Close
                    | Packet::Probe
                    | Packet::Pong
                    | Packet::Text(_)
                    | Packet::Binary(_)
                    | Packet::Upgrade
                    | Packet::Noop,
                )
                | Err(_),
                Stage::Silent | Stage::Proven,
            ) => {
                effects.push(Effect::CloseConn { conn });
                self.poll_on();
            }
        }
    }

    fn upgrade(&mut self, conn: ConnId, effects: &mut Vec<Effect>) {
        // A client says `5` when its POST was answered. One that is still on its way has no place
        // in the order of things.
        if self.requests_mut().is_some_and(|it| it.post.is_some()) {
            return self.end(Reason::ParseError, &Frame::CLOSE, effects);
        }
        self.answer_get(effects);
        self.state = State::Framing(conn);
        let frames = self.waiting.take();
        self.send(frames, effects);
    }

    pub(super) fn poll_on(&mut self) {
        if let State::Probing(requests, _) = &mut self.state {
            self.state = State::Polling(std::mem::take(requests));
        }
    }

    pub(super) fn detach(&mut self, conn: ConnId, effects: &mut Vec<Effect>) {
        match &self.state {
            State::Framing(it) if *it == conn => {
                self.state = State::Closed;
                effects.push(Effect::Closed { reason: Reason::TransportClose });
            }
            State::Probing(_, probe) if probe.conn == conn => self.poll_on(),
            State::Polling(_)
            | State::Probing(..)
            | State::Framing(_)
            | State::Closing { .. }
            | State::Closed => (),
        }
    }
}
