//! What other threads have put into the inbox.

use engine::{Errand, Input, Ticket, Whom};
use net::Net;
use proto::ConnId;

use super::Hall;
use crate::inbox::Note;

impl Hall {
    pub(crate) fn read_inbox(&mut self, net: &mut Net) {
        let mut notes = Vec::new();
        let has_overflowed = self.inbox.take(&mut notes);
        for note in notes {
            self.read(net, note);
        }
        if has_overflowed {
            self.metrics.inbox_overflowed();
            self.tell(net, Input::Overflowed);
        }
        self.reply();
    }

    /// Answers the HTTP side, which does not wait for what its errands lead to.
    fn reply(&mut self) {
        if self.replies.is_empty() {
            return;
        }
        let replies = std::mem::take(&mut self.replies);
        let is_one = replies.len() == 1;
        let answer_all = move || {
            for (reply, outcome) in replies {
                // Whoever asked may have given up.
                let _ = reply.send(outcome);
            }
        };
        if is_one {
            answer_all();
        } else {
            // Over there, so that it is woken once for all of them and not once for each.
            self.ground.runtime.spawn(async move { answer_all() });
        }
    }

    fn read(&mut self, net: &mut Net, note: Note) {
        match note {
            Note::Sent(envelope) => self.tell(net, Input::Sent { envelope }),
            Note::Sought(errand, reply) => {
                let ticket = Ticket(self.ticket_next);
                self.ticket_next += 1;
                self.tickets.insert(ticket, reply);
                self.tell(net, Input::Sought { ticket, errand });
            }
            Note::Judged(conn, answer) => self.judged(net, conn, answer),
            Note::Answered(conn, answer) => {
                if answer.is_err() {
                    self.metrics.app_failed();
                }
                self.heard_of(conn);
                self.tell(net, Input::Answered { conn, answer });
            }
            Note::Returned(conn, rooms) => {
                if rooms.is_err() {
                    self.metrics.app_failed();
                }
                // Whoever cannot be judged begins anew.
                let rooms = rooms.ok().flatten();
                self.heard_of(conn);
                if let Some(voice) = self.voice(conn) {
                    voice.returns = false;
                }
                self.tell(net, Input::Returned { conn, rooms });
            }
            Note::Part(conn, refusal) => {
                let errand = Errand::Disconnect(Whom::Conn(conn), refusal);
                let ticket = Ticket(self.ticket_next);
                self.ticket_next += 1;
                self.tell(net, Input::Sought { ticket, errand });
            }
            Note::KeysFetched { have_changed } => self.keys_fetched(net, have_changed),
            Note::Stored(answers) => self.stored(net, answers),
            Note::Found(token, page) => self.found(net, token, page),
            Note::Polled(call) => self.called(net, call),
            Note::Moved(handoff) => net.take_over(*handoff, self),
            #[cfg(test)]
            Note::Fail => panic!("told to fail"),
            Note::Drain(over) => {
                self.is_draining = true;
                net.stop_accepting();
                self.tell(net, Input::Drain { over });
                self.drain_lines(net);
            }
        }
    }

    /// An application has answered: it may have been the last that it hears of a connection.
    fn heard_of(&mut self, conn: ConnId) {
        if self.parted.contains_key(&conn) {
            return;
        }
        let line = self.ending.remove(&conn).and_then(|it| self.lines.get_mut(it));
        if let Some(line) = line {
            line.ending -= 1;
        }
    }

    /// Sends what this turn has for others: one call to each, however much it is.
    pub(crate) fn send_out(&mut self) {
        self.reply();
        for (shard, envelopes) in (0..).map(proto::ShardId).zip(&mut self.outgoing) {
            if !envelopes.is_empty() {
                self.ground.hub.inbox(shard).send(envelopes);
                envelopes.clear();
            }
        }
    }
}
