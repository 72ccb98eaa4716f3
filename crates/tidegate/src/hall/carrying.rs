//! Carrying out what the engine asks for.

use engine::Effect;
use net::Net;
use proto::{Code, ConnId, Dialect, Event, Message};
use wire::Opcode;

use super::Hall;

impl Hall {
    pub(super) fn carry_out(&mut self, net: &mut Net, effect: Effect) {
        match effect {
            Effect::Tell { conn, event } => self.tell_event(net, conn, &event),
            Effect::Reply { conn, message } => self.reply_to(net, conn, message),
            Effect::Acknowledge { conn, reply, values } => {
                self.acknowledge(net, conn, reply, values);
            }
            Effect::Deliver { publication, stamp } => self.gather(publication, stamp),
            Effect::Reached { home, reached } => self.home_reached(home, reached),
            Effect::Seated { conn, channel, at } => self.seated(conn, channel, at),
            Effect::Unseated { conn, channel } => self.unseated(conn, &channel),
            Effect::CaughtUp { conn } => self.caught_up(conn),
            Effect::Recovered { conn, places } => self.recovered(conn, places),
            Effect::Replay { conn, messages } => self.replay(net, conn, &messages),
            Effect::Store(task) => self.ask_store(net, task),
            Effect::TakeUp { conn, session } => self.take_up(net, conn, session),
            Effect::Hold { conn } if self.hold_socket(conn) => {}
            Effect::Hold { conn } => net.hold(conn),
            Effect::Release { conn } if self.release_socket(net, conn) => {}
            Effect::Release { conn } => net.release(conn),
            Effect::Close { conn, refusal } => self.say_goodbye(net, conn, &refusal),
            Effect::Ping { conn, number } if self.voice(conn).is_some() => {
                self.ping_by_line(net, conn, number);
            }
            Effect::Ping { conn, number } => {
                self.send(net, conn, Opcode::Ping, &number.to_be_bytes());
            }
            Effect::Pause { conn } if self.pause_socket(net, conn, true) => {}
            Effect::Pause { conn } => net.pause(conn),
            Effect::Resume { conn } if self.pause_socket(net, conn, false) => {}
            Effect::Resume { conn } => net.resume(conn),
            Effect::Authenticate { conn, token, refresh } => {
                self.authenticate(net, conn, token, refresh);
            }
            Effect::Ask { conn, ask } => self.ask(conn, ask),
            Effect::Send { to, envelope } => self.outgoing[usize::from(to.0)].push(envelope),
            Effect::Conclude { ticket, outcome } => {
                if let Some(reply) = self.tickets.remove(&ticket) {
                    self.replies.push((reply, outcome));
                }
            }
            Effect::Sing { text } => self.ground.hub.sang(&text, self.id),
            Effect::Ended { conn, lasted, code, left } => self.ended(net, conn, lasted, code, left),
        }
    }

    fn reply_to(&mut self, net: &mut Net, conn: ConnId, message: Message) {
        if self.voice(conn).is_some() {
            return self.reply_by_line(net, conn, message);
        }
        match message {
            Message::Text(text) => self.send(net, conn, Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => self.send(net, conn, Opcode::Binary, &bytes),
            // Not in a language that this client speaks.
            Message::Event { .. } | Message::Answer { .. } => {}
        }
    }

    fn tell_event(&mut self, net: &mut Net, conn: ConnId, event: &Event) {
        if let Event::Refused { refusal, .. } = event {
            self.metrics.refused(refusal.code);
        }
        let text = match (self.shard.dialect(conn), event) {
            (Some(Dialect::Native), event) => proto::json::event(event),
            // Front ends that exist know nothing of our events; a refusal is said in their words.
            (Some(Dialect::Plain), Event::Refused { refusal, .. }) => {
                let Some(route) = self.guest(conn).map(|it| it.route) else { return };
                self.worded(route, refusal)
            }
            (Some(Dialect::SocketIo), Event::Connected { session, .. }) => {
                return self.welcome_socket(net, conn, *session);
            }
            (Some(Dialect::SocketIo), Event::Refused { id, refusal }) => {
                return self.except(net, conn, *id, refusal);
            }
            (Some(Dialect::Plain | Dialect::SocketIo) | None, _) => return,
        };
        self.send(net, conn, Opcode::Text, text.as_bytes());
    }

    fn send(&mut self, net: &mut Net, conn: ConnId, opcode: Opcode, payload: &[u8]) {
        // A reply is owed; whoever leaves no room for it has to come back (F10).
        if !net.send(conn, opcode, payload) {
            self.evict(net, conn, Code::TooSlow.into());
        }
    }
}
