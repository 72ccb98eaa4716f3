//! What people do, and that they read.

use std::{sync::Arc, time::Duration};

use engine::{Input, Opened};
use proto::{ChannelName, Command, Event as Told, Request, SessionId};

use super::{Checked, Event, World};
use crate::{
    house, judge,
    network::{Frame, Socket},
    people::{Asked, Deed, Said, Session},
    rules::{self, CHANNELS, NATIVE},
};

impl World {
    pub(super) fn act(&mut self, number: usize) {
        if self.is_quiet {
            return;
        }
        let person = &self.people[number];
        let now = (self.now, self.wall());
        match person.deed(now, &self.model, &mut self.dice) {
            Deed::Connect => self.connect(number),
            Deed::Leave => self.leave(number),
            Deed::Ask(asked, token) => self.ask(number, asked, token),
            Deed::Publish(channel) => self.publish(number, channel),
            Deed::Repeat(said) => self.repeat(number, said),
            Deed::Say => self.say(number),
            Deed::Nothing => {}
        }
        let at = self.now + self.dice.millis(10, 400);
        self.plan(at, Event::Act { person: number });
    }

    fn connect(&mut self, number: usize) {
        let shard = u16::try_from(self.dice.below(self.houses.len())).expect("shards are few");
        let person = &self.people[number];
        let socket = Socket::new(person.id, person.user, person.device.clone());
        let conn = self.houses[usize::from(shard)].accept(socket);
        let mut session = Session::new(shard, conn);
        let channels = person.joins();
        let (role, token) = person.token(&mut self.dice);
        session.role = role;
        session.awaits_token = person.route == NATIVE && self.dice.once_in(3);
        // Where the token is in the handshake, admission has looked at it and at whose it is.
        let own = format!("{} {} {}", person.user, session.role, 3000 + self.dice.below(20_000));
        let proof = if session.awaits_token { None } else { rules::verify(&own) };
        session.token = Some(if token.starts_with("u9") { own } else { token });
        session.stands = channels.iter().map(|it| (it.clone(), None)).collect();
        let awaits_token = session.awaits_token;
        let device = person.device.clone();
        let returning = None;
        let opened =
            Opened { policy: person.route, proof, awaits_token, channels, device, returning };
        let (life, reads_every) = (person.life, person.reads_every);
        self.people[number].session = Some(session);
        for name in CHANNELS {
            self.look_up(number, &rules::channel(name));
        }
        self.tell(shard, Input::Opened { conn, opened: Box::new(opened) });
        self.plan(self.now + reads_every, Event::Read { person: number, life });
    }

    /// The socket closes; what was on its way is lost.
    pub(super) fn leave(&mut self, number: usize) {
        let Some((shard, conn)) = self.people[number].part() else { return };
        if let Some(mut socket) = self.houses[usize::from(shard)].sockets.remove(&conn) {
            self.sessions.extend([socket.part()]);
        }
        self.tell(shard, Input::Closed { conn });
    }

    /// How far somebody had come, before they are told.
    fn look_up(&mut self, number: usize, channel: &ChannelName) {
        let person = &mut self.people[number];
        let reader = rules::reader(channel, person.user, person.device.as_ref());
        let told = reader.and_then(|it| self.model.marks.told(channel, &it));
        if let (Some(session), Some(told)) = (&mut person.session, told) {
            session.floors.insert(channel.clone(), told);
        }
    }

    fn publish(&mut self, number: usize, channel: ChannelName) {
        let payload = self.model.payload();
        if self.dice.once_in(2) {
            self.ask(number, Asked::Publish(channel, payload, None), None);
            return;
        }
        let said = self.people[number].keep(channel, payload, self.now);
        self.say_with_key(number, said);
    }

    /// What has no log forgets keys.
    fn repeat(&mut self, number: usize, said: Said) {
        if rules::kept(&said.channel) != rules::Kept::Nowhere {
            self.say_with_key(number, said);
        }
    }

    fn say_with_key(&mut self, number: usize, said: Said) {
        let Said { channel, payload, key, .. } = said;
        self.ask(number, Asked::Publish(channel, payload, Some(key)), None);
    }

    fn ask(&mut self, number: usize, asked: Asked, token: Option<String>) {
        if matches!(asked, Asked::Resume(_)) {
            CHANNELS.iter().for_each(|it| self.look_up(number, &rules::channel(it)));
        } else if let Asked::Mark(channel, _, offset) = &asked {
            let person = &self.people[number];
            let reader = rules::reader(channel, person.user, person.device.as_ref());
            if let Some(reader) = reader {
                self.model.marks.ask(channel, &reader, *offset);
            }
        }
        let (now, name) = (self.now, self.people[number].id);
        let Some(session) = &mut self.people[number].session else { return };
        session.awaits_token = false;
        session.may_resume &= matches!(asked, Asked::Connect);
        let command = command(&asked, token.unwrap_or_default().into(), name);
        let id = Some(session.number(asked, now));
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
            let heard = judge::hear(person, &mut self.model, &frame);
            let user = person.user;
            self.note(|| format!("{user} {number} at {conn} of {shard} reads {frame:?}"));
            if heard.map_err(|it| format!("{user} {number} at {conn} of shard {shard}: {it}"))? {
                self.leave(number);
                return Ok(());
            }
            self.count(&frame);
            if house::is_ping(&frame) {
                self.tell(shard, Input::Heard { conn });
            }
            if let Frame::Pinged(of) = frame {
                self.pong(number, of);
            }
        }
        let socket = self.houses[usize::from(shard)].sockets.get_mut(&conn);
        if let Some(socket) = socket.filter(|it| it.outbox.is_empty() && it.held.is_none()) {
            let is_clogged = socket.is_clogged;
            if std::mem::take(&mut socket.is_replaying) {
                self.tell(shard, Input::Replayed { conn });
            }
            if is_clogged {
                self.tell(shard, Input::Unclogged { conn });
            }
        }
        let reads_every = self.people[number].reads_every;
        let wait = if self.is_quiet { Duration::from_millis(20) } else { reads_every };
        self.plan(self.now + wait, Event::Read { person: number, life });
        Ok(())
    }

    fn count(&mut self, frame: &Frame) {
        if let Frame::Told(Told::Subscribed { stand, .. }) = frame {
            match stand.recovered {
                Some(true) => self.recovered.0 += 1,
                Some(false) => self.recovered.1 += 1,
                None => {}
            }
        }
    }

    /// Answers a ping. Whatever was sent before the latest has arrived.
    fn pong(&mut self, number: usize, of: u32) {
        let person = &self.people[number];
        let Some(session) = &person.session else { return };
        let (shard, conn) = (session.shard, session.conn);
        for (channel, stand) in &session.stands {
            let reader = rules::reader(channel, person.user, person.device.as_ref());
            if let (Some(reader), Some(at), true) = (reader, stand, person.route != NATIVE) {
                self.model.marks.ask(channel, &reader, at.offset);
            }
        }
        self.tell(shard, Input::Ponged { conn, number: of });
    }
}

fn command(asked: &Asked, token: Arc<str>, session: SessionId) -> Command {
    match asked.clone() {
        Asked::Connect => Command::Connect { token },
        Asked::Refresh { .. } => Command::Refresh { token },
        Asked::Subscribe(channel, start, _) => {
            Command::Subscribe { channel, start, presence: false }
        }
        Asked::Resume(since) => Command::Resume { session, since },
        Asked::Unsubscribe(channel) => Command::Unsubscribe { channel },
        Asked::Publish(channel, payload, key) => Command::Publish { channel, payload, key },
        Asked::Signal(channel) => Command::Signal { channel, payload: "typing".into() },
        Asked::History { channel, span, epoch, limit, .. } => {
            Command::History { channel, span, epoch, limit }
        }
        Asked::Mark(channel, mark, offset) => Command::Mark { channel, mark, offset },
        Asked::Ping => Command::Ping,
    }
}
