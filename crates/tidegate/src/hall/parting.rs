//! Goodbyes: said, heard, and booked.

use std::{sync::Arc, time::Duration};

use admission::RouteId;
use app::Visitor;
use engine::Input;
use net::Net;
use proto::{Code, ComeBack, ConnId, Dialect, Event, Refusal};
use session::{End, Left};

use super::Hall;
use crate::inbox::lock;

/// The close numbers that say that the connection itself is broken (RFC 6455 section 7.4.1).
const BROKEN: std::ops::RangeInclusive<u16> = 1002..=1009;
/// What is booked for a peer that vanished without a close frame (RFC 6455 section 7.1.5).
pub(super) const VANISHED: u16 = 1006;
/// And for one that gave no reason.
pub(super) const NO_REASON: u16 = 1005;
/// And for one that said that it is leaving.
pub(super) const LEFT: u16 = 1000;

pub(super) fn is_broken(number: u16) -> bool {
    BROKEN.contains(&number)
}

impl Hall {
    /// A refusal in the words that clients of the route understand.
    pub(super) fn worded(&self, route: RouteId, refusal: &Refusal) -> String {
        let worded = self.ground.app(route).and_then(|it| it.wording(refusal));
        worded.unwrap_or_else(|| proto::json::plain_refusal(refusal))
    }

    /// The engine has closed the connection; its client is told why, and by which number.
    pub(super) fn say_goodbye(&mut self, net: &mut Net, conn: ConnId, refusal: &Refusal) {
        self.metrics.closing(refusal.code);
        self.books.number = refusal.code.close();
        if self.voice(conn).is_some() {
            return self.part_socket(net, conn, refusal);
        }
        let dialect = self.guest(conn).map(|it| it.route).and_then(|route| {
            let policy = self.ground.door.routes.of(route)?;
            Some((route, policy.dialect))
        });
        let last = match dialect {
            Some((_, Dialect::Native)) => {
                Some(proto::json::event(&Event::Closing { refusal: refusal.clone() }))
            }
            // Someone who is to come back at once needs no words, and shipped clients know none.
            Some((route, Dialect::Plain)) if refusal.code.come_back() != ComeBack::Now => {
                Some(self.worded(route, refusal))
            }
            Some((_, Dialect::Plain | Dialect::SocketIo)) | None => None,
        };
        // Whoever breaks the protocol is told by its own means alone, and nothing they send after
        // it is looked at (RFC 6455 section 7.1.7).
        let is_broken = is_broken(refusal.code.close());
        let last = last.filter(|_| !is_broken);
        net.close(conn, last.as_deref(), refusal.code.close(), refusal.message(), is_broken);
    }

    /// Ends a connection over what its socket did; the engine only hears that it is gone.
    pub(super) fn evict(&mut self, net: &mut Net, conn: ConnId, refusal: Refusal) {
        // The engine has closed it already, and its goodbye is on the way.
        if self.shard.dialect(conn).is_none() {
            return;
        }
        self.say_goodbye(net, conn, &refusal);
        self.books.evicted = Some(refusal.code);
        self.tell(net, Input::Closed { conn });
    }

    pub(super) fn closed_by_peer(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        said: Option<(u16, &str)>,
    ) {
        let number = said.map_or(NO_REASON, |it| it.0);
        self.books.number = number;
        // The same number back, as RFC 6455 section 5.5.1 suggests; none for none.
        net.close(conn, None, said.map_or(0, |it| it.0), "", true);
        self.tell(net, Input::Closed { conn });
    }

    /// The socket is gone without a goodbye.
    pub(super) fn forget(&mut self, net: &mut Net, conn: ConnId) {
        self.leave_waiting(conn);
        self.books.number = VANISHED;
        self.tell(net, Input::Closed { conn });
    }

    /// For the books; the seat goes back here and nowhere else, and so does the session.
    pub(super) fn ended(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        lasted: Duration,
        code: Option<Code>,
        left: Vec<Left>,
    ) {
        let number = code.map_or(self.books.number, Code::close);
        let end = code.or(self.books.evicted.take()).map_or(End::Theirs(number), End::Ours);
        self.metrics.closed(number, lasted);
        self.keyless.remove(&conn);
        if let Some(admitted) = self.unproven.remove(&conn) {
            lock(&self.ground.limits).release(admitted.seat);
        }
        let Some(guest) = self.guest(conn) else { return };
        let (route, seat, visitor) = (guest.route, guest.seat.take(), guest.take_known());
        let (session, voice) = (guest.session, guest.voice.take());
        self.guests[conn.slot()] = None;
        // Coming and going asks no more of an application than staying does.
        if let Some(voice) = voice.as_ref().filter(|it| it.is_in || it.returns)
            && self.ground.app(route).is_some()
            && let Some(line) = self.lines.get_mut(voice.line)
        {
            line.ending += 1;
            self.ending.insert(conn, voice.line);
        }
        match (seat, voice) {
            (Some(seat), Some(voice)) => {
                self.count_paused(net, voice.line, voice.is_paused, false);
                self.forget_socket(net, voice.line, conn, seat);
            }
            (Some(seat), None) => lock(&self.ground.limits).release(seat),
            (None, _) => {}
        }
        if let Some(place) = session {
            self.leave_session(conn, route, place, end, left);
        }
        // The application is still to hear what was said before, and that its visitor is gone.
        if let Some(visitor) = visitor {
            self.parted.insert(conn, (route, visitor));
        }
    }

    /// The shard is given up: seats go back, everyone is told to come back.
    pub(crate) fn abandon(&mut self) {
        let guests = std::mem::take(&mut self.guests);
        for (slot, guest) in (0..).zip(&guests) {
            let Some((guest, place)) = guest.as_ref().and_then(|it| Some((it, it.session?))) else {
                continue;
            };
            // What it was in went with the engine.
            let (conn, end) = (ConnId::new(slot, guest.life), End::Ours(Code::ShardFailed));
            self.leave_session(conn, guest.route, place, end, Vec::new());
        }
        let guests = guests.into_iter().flatten();
        let parted = std::mem::take(&mut self.parted).into_values();
        // Guests as well, and counted as such.
        let unproven = std::mem::take(&mut self.unproven).into_values();
        let waiting = std::mem::take(&mut self.waiting).into_values();
        let seats = self.lines.take_seats();
        let limits = &mut *lock(&self.ground.limits);
        for mut guest in guests {
            self.metrics.closed(Code::ShardFailed.close(), Duration::ZERO);
            if let Some(visitor) = guest.take_known() {
                self.tell_gone(guest.route, visitor);
            }
            if let Some(seat) = guest.seat {
                limits.release(seat);
            }
        }
        parted.for_each(|(route, visitor)| self.tell_gone(route, visitor));
        unproven.for_each(|admitted| limits.release(admitted.seat));
        waiting.for_each(|waiting| match waiting {
            super::Waiting::App(admitted) => limits.release(admitted.seat),
            super::Waiting::Keys(held) => held.release(limits),
            super::Waiting::Socket(knocker) | super::Waiting::SocketKeys(knocker) => {
                limits.release(knocker.admitted.seat);
            }
        });
        seats.into_iter().for_each(|seat| limits.release(seat));
        self.metrics.restarted();
    }

    /// Tells an application that a visitor is gone whom no engine will tell it of.
    fn tell_gone(&self, route: RouteId, visitor: Arc<Visitor>) {
        if let Some(app) = self.ground.app(route).map(Arc::clone) {
            self.ground.runtime.spawn(async move { app.disconnected(&visitor).await });
        }
    }
}
