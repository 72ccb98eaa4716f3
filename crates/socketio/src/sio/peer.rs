//! What the Socket.IO side of one connection decides.
//!
//! ```text
//!   messages ──► Decoder ──► knocks, events, answers ──► the driver
//!   clients  ◄── packets ◄── admissions, emissions, questions ◄──┘
//! ```
//!
//! Whatever a client says is decided in the order in which it was said, and in one step: there is
//! no place where a later packet could pass an earlier one.

use std::{sync::Arc, time::Instant};

use super::{
    AckId, Args, AskId, Auth, Body, Decoder, Effect, Event, Fault, Input, Packet, Payload, Reply,
    SocketId,
    asks::Asks,
    encode,
    places::{Places, Standing},
};
use crate::{Encoded, Message, Policy, Reason, Sid};

/// The sockets of one connection.
#[derive(Debug)]
pub struct Peer {
    policy: Arc<Policy>,
    decoder: Decoder,
    places: Places,
    asks: Asks,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nobody is in or knocking, and that may go on until then.
    Deserted { until: Instant },
    /// Somebody knocks. If they are not let in, the time has gone on: whoever knocks again and
    /// again does not stay for it.
    Knocked { until: Instant },
    /// Somebody is in.
    Peopled,
    /// The connection is over.
    Over,
}

impl Peer {
    /// The other side of a connection that was just opened.
    #[must_use]
    pub fn new(now: Instant, policy: Arc<Policy>) -> Self {
        let state = State::Deserted { until: now + policy.connect_within };
        let (decoder, places, asks) = Default::default();
        Self { policy, decoder, places, asks, state }
    }

    /// Takes one input and appends the effects it calls for. Cannot fail.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        if let State::Over = self.state {
            return;
        }
        match input {
            Input::Heard(message) => self.hear(now, message, effects),
            Input::Closed(reason) => self.end(reason, effects),
            Input::Woke => self.wake(now, effects),
            Input::Admitted { socket, sid, pid } => {
                self.admit(socket, &sid, pid.as_ref(), effects);
            }
            Input::Refused { socket, error } => self.refuse(socket, error, effects),
            Input::Emit { socket, event } => self.emit(socket, event, effects),
            Input::Ask { socket, ask, event, until } => {
                self.ask(socket, ask, &event, until, effects);
            }
            Input::Acknowledge { reply, answer } => self.acknowledge(reply, &answer, effects),
            Input::Disconnect { socket } => self.disconnect(socket, effects),
        }
        self.look_around(now);
    }

    /// When [`Input::Woke`] is due. Asking again after each input is enough.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Instant> {
        let until = match self.state {
            State::Deserted { until } => Some(until),
            State::Knocked { .. } | State::Peopled => None,
            State::Over => return None,
        };
        until.into_iter().chain(self.decoder.until()).chain(self.asks.until()).min()
    }

    /// Whether this socket was admitted and has not left.
    #[must_use]
    pub fn is_in(&self, socket: SocketId) -> bool {
        self.places.of(socket, Standing::Joined).is_some()
    }

    fn hear(&mut self, now: Instant, message: Message, effects: &mut Vec<Effect>) {
        let heard = match self.decoder.take(now, message, &self.policy) {
            Ok(Some(packet)) => self.hear_packet(packet, effects),
            Ok(None) => Ok(()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = heard {
            self.break_off(fault, effects);
        }
    }

    fn hear_packet(&mut self, packet: Packet, effects: &mut Vec<Effect>) -> Result<(), Fault> {
        match packet.body {
            Body::Connect(ref auth) => self.knock(packet.namespace(), auth.clone(), effects),
            Body::Disconnect => {
                self.leave(packet.namespace(), effects);
                Ok(())
            }
            Body::Event { ref event, ack } => {
                self.hear_event(packet.namespace(), event.clone(), ack, effects)
            }
            Body::Ack { id, ref args } => {
                self.hear_ack(packet.namespace(), id, args.clone(), effects);
                Ok(())
            }
            Body::ConnectError(_) => Err(Fault::WrongDirection),
        }
    }

    fn knock(
        &mut self,
        namespace: &str,
        auth: Auth,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        if let Some(socket) = self.places.knock(namespace, &self.policy)? {
            effects.push(Effect::Knocked { socket, namespace: namespace.into(), auth });
        }
        Ok(())
    }

    /// Leaving what was not joined is fine: the server may have been quicker.
    fn leave(&mut self, namespace: &str, effects: &mut Vec<Effect>) {
        let Some(place) = self.places.named(namespace) else { return };
        let (socket, standing) = (place.socket, place.standing);
        self.places.remove(socket);
        if standing != Standing::Parted {
            self.part(socket, Reason::ClientNamespaceDisconnect, effects);
        }
    }

    fn hear_event(
        &self,
        namespace: &str,
        event: Event,
        ack: Option<AckId>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Fault> {
        let place = self.places.named(namespace).ok_or(Fault::NotJoined)?;
        let socket = place.socket;
        match place.standing {
            // Clients hold back what they have to say until they are in.
            Standing::Knocking => return Err(Fault::NotJoined),
            Standing::Joined => {
                let reply = ack.map(|id| Reply { socket, id });
                effects.push(Effect::Event { socket, event, reply });
            }
            Standing::Parted => (),
        }
        Ok(())
    }

    fn hear_ack(&mut self, namespace: &str, id: AckId, args: Args, effects: &mut Vec<Effect>) {
        let Some(socket) = self.places.named(namespace).map(|it| it.socket) else { return };
        if let Some(ask) = self.asks.settle(socket, id) {
            effects.push(Effect::Answered { socket, ask, args });
        }
    }

    fn admit(&mut self, socket: SocketId, sid: &Sid, pid: Option<&Sid>, effects: &mut Vec<Effect>) {
        let Some(place) = self.places.of_mut(socket, Standing::Knocking) else { return };
        place.standing = Standing::Joined;
        effects.push(Effect::Send(encode::connected(&place.namespace, sid, pid)));
    }

    fn refuse(&mut self, socket: SocketId, error: Encoded, effects: &mut Vec<Effect>) {
        if self.places.of(socket, Standing::Knocking).is_some() {
            self.places.remove(socket);
            effects.push(Effect::Send(error));
        }
    }

    fn emit(&self, socket: SocketId, event: Encoded, effects: &mut Vec<Effect>) {
        if self.is_in(socket) {
            effects.push(Effect::Send(event));
        }
    }

    fn ask(
        &mut self,
        socket: SocketId,
        ask: AskId,
        event: &Payload,
        until: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let place = self.places.of(socket, Standing::Joined);
        let number = place.and_then(|it| {
            let id = self.asks.open(socket, ask, until, self.policy.asks_max)?;
            Some(encode::event_of(&it.namespace, Some(id), event))
        });
        effects.push(match number {
            Some(event) => Effect::Send(event),
            None => Effect::Unanswered { socket, ask },
        });
    }

    fn acknowledge(&self, reply: Reply, answer: &Payload, effects: &mut Vec<Effect>) {
        if let Some(place) = self.places.of(reply.socket, Standing::Joined) {
            effects.push(Effect::Send(encode::ack(&place.namespace, reply.id, answer)));
        }
    }

    fn disconnect(&mut self, socket: SocketId, effects: &mut Vec<Effect>) {
        let Some(place) = self.places.of_mut(socket, Standing::Joined) else { return };
        place.standing = Standing::Parted;
        effects.push(Effect::Send(encode::disconnect(&place.namespace)));
        self.part(socket, Reason::ServerNamespaceDisconnect, effects);
    }

    fn wake(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        for late in self.asks.take_late(now) {
            effects.push(Effect::Unanswered { socket: late.socket, ask: late.ask });
        }
        if self.decoder.until().is_some_and(|it| it <= now) {
            return self.break_off(Fault::AttachmentsLate, effects);
        }
        if let State::Deserted { until } = self.state
            && until <= now
        {
            effects.push(Effect::Abort { reason: Reason::NoNamespace, fault: None });
            self.end(Reason::NoNamespace, effects);
        }
    }

    fn break_off(&mut self, fault: Fault, effects: &mut Vec<Effect>) {
        effects.push(Effect::Abort { reason: Reason::ParseError, fault: Some(fault) });
        self.end(Reason::ParseError, effects);
    }

    fn end(&mut self, reason: Reason, effects: &mut Vec<Effect>) {
        self.state = State::Over;
        self.decoder = Decoder::default();
        for socket in self.places.clear().collect::<Vec<_>>() {
            self.part(socket, reason, effects);
        }
    }

    fn part(&mut self, socket: SocketId, reason: Reason, effects: &mut Vec<Effect>) {
        for open in self.asks.take_of(socket) {
            effects.push(Effect::Unanswered { socket, ask: open.ask });
        }
        effects.push(Effect::Left { socket, reason });
    }

    fn look_around(&mut self, now: Instant) {
        let until = match self.state {
            State::Over => return,
            State::Deserted { until } | State::Knocked { until } => until,
            State::Peopled => now + self.policy.connect_within,
        };
        self.state = if self.places.has_joined() {
            State::Peopled
        } else if self.places.is_deserted() {
            State::Deserted { until }
        } else {
            State::Knocked { until }
        };
    }
}
