//! What people do, and that they read.

use std::time::Duration;

use engine::{Input, Opened};
use proto::{Command, Request};

use super::{Checked, Event, World};
use crate::{
    house, judge,
    people::{Asked, Deed, Session},
    rules::{self, NATIVE},
};

impl World {
    pub(super) fn act(&mut self, number: usize) {
        if self.is_quiet {
            return;
        }
        let person = &self.people[number];
        match person.deed(&mut self.dice) {
            Deed::Connect => self.connect(number),
            Deed::Leave => self.leave(number),
            Deed::Ask(asked, token) => self.ask(number, asked, token),
            Deed::Say => self.say(number),
            Deed::Nothing => {}
        }
        let at = self.now + self.dice.millis(10, 400);
        self.plan(at, Event::Act { person: number });
    }

    fn connect(&mut self, number: usize) {
        let shard = u16::try_from(self.dice.below(self.houses.len())).expect("shards are few");
        let conn = self.houses[usize::from(shard)].accept();
        let mut session = Session::new(shard, conn);
        let person = &self.people[number];
        let channels = person.joins();
        let (role, token) = person.token(&mut self.dice);
        session.role = role;
        session.awaits_token = person.route == NATIVE && self.dice.once_in(3);
        // Where the token is in the handshake, admission has looked at it and at whose it is.
        let own = format!("{} {} {}", person.user, session.role, 3000 + self.dice.below(9000));
        let proof = if session.awaits_token { None } else { rules::verify(&own) };
        session.token = Some(if token.starts_with("u9") { own } else { token });
        session.stands = channels.iter().map(|it| (it.clone(), None)).collect();
        let awaits_token = session.awaits_token;
        let opened = Opened { policy: person.route, proof, awaits_token, channels };
        let (life, reads_every) = (person.life, person.reads_every);
        self.people[number].session = Some(session);
        self.tell(shard, Input::Opened { conn, opened: Box::new(opened) });
        self.plan(self.now + reads_every, Event::Read { person: number, life });
    }

    /// The socket closes; what was on its way is lost.
    pub(super) fn leave(&mut self, number: usize) {
        let person = &mut self.people[number];
        person.life += 1;
        let Some(session) = person.session.take() else { return };
        self.houses[usize::from(session.shard)].sockets.remove(&session.conn);
        self.tell(session.shard, Input::Closed { conn: session.conn });
    }

    fn ask(&mut self, number: usize, asked: Asked, token: Option<String>) {
        let Some(session) = &mut self.people[number].session else { return };
        session.awaits_token = false;
        let token = token.unwrap_or_default().into();
        let command = match asked.clone() {
            Asked::Connect => Command::Connect { token },
            Asked::Refresh { .. } => Command::Refresh { token },
            Asked::Subscribe(channel) => Command::Subscribe { channel },
            Asked::Unsubscribe(channel) => Command::Unsubscribe { channel },
            Asked::Publish(channel) => Command::Publish { channel, payload: self.model.payload() },
            Asked::Signal(channel) => Command::Signal { channel, payload: "typing".into() },
            Asked::Ping => Command::Ping,
        };
        let id = Some(session.number(asked));
        let (shard, conn) = (session.shard, session.conn);
        self.tell(shard, Input::Heard { conn });
        self.tell(shard, Input::Requested { conn, request: Ok(Request { id, command }) });
    }

    fn say(&mut self, number: usize) {
        let Some(session) = &mut self.people[number].session else { return };
        let (shard, conn) = (session.shard, session.conn);
        let socket = self.houses[usize::from(shard)].sockets.get(&conn);
        if session.is_connected && socket.is_some_and(|it| !it.is_paused) {
            session.said += 1;
            let message = house::utterance(session.said);
            self.tell(shard, Input::Heard { conn });
            self.tell(shard, Input::Said { conn, message });
        }
    }

    /// Someone looks at their socket and takes in a few frames.
    pub(super) fn read(&mut self, number: usize, life: u32) -> Checked {
        let person = &self.people[number];
        let Some(session) = person.session.as_ref().filter(|_| person.life == life) else {
            return Ok(());
        };
        let (shard, conn) = (session.shard, session.conn);
        for _ in 0..4 {
            let socket = self.houses[usize::from(shard)].sockets.get_mut(&conn);
            let Some(frame) = socket.and_then(|it| it.outbox.pop_front()) else { break };
            self.frames += 1;
            let person = &mut self.people[number];
            let heard = judge::hear(person, &self.model, &frame);
            let user = person.user;
            self.note(|| format!("{user} {number} at {conn} of {shard} reads {frame:?}"));
            if heard.map_err(|it| format!("{user} {number} at {conn} of shard {shard}: {it}"))? {
                self.leave(number);
                return Ok(());
            }
            if house::is_ping(&frame) {
                self.tell(shard, Input::Heard { conn });
            }
        }
        let socket = self.houses[usize::from(shard)].sockets.get(&conn);
        if socket.is_some_and(|it| it.is_clogged && it.outbox.is_empty()) {
            self.tell(shard, Input::Unclogged { conn });
        }
        let reads_every = self.people[number].reads_every;
        let wait = if self.is_quiet { Duration::from_millis(20) } else { reads_every };
        self.plan(self.now + wait, Event::Read { person: number, life });
        Ok(())
    }
}
