//! CONNECT: a Socket.IO client joins a namespace, which is a connection like any other.

use std::sync::Arc;

use admission::{Admitted, Needs, Unmet};
use engine::{Input, Opened};
use net::Net;
use proto::{Code, ComeBack, ConnId, Refusal, SessionId};
use socketio::{
    Reason, Sid,
    sio::{self, Auth, ConnectError, Recovery, SocketId, encode},
};

use super::{
    Guest, Hall, Waiting,
    keeping::with_session,
    lines::{LineId, Voice},
    parting::{LEFT, VANISHED},
};
use crate::{fetch, ground::draw_bytes, inbox::lock};

/// Who asks to be let into a namespace.
pub(super) struct Knocker {
    line: LineId,
    socket: SocketId,
    namespace: Arc<str>,
    /// What it says of itself, with the token.
    auth: Option<Arc<str>>,
    /// The token in it.
    token: Option<admission::TokenText>,
    pub(super) admitted: Box<Admitted>,
    /// The state it comes back to, as far as its session is still there.
    recovery: Option<Recovery>,
    /// It has left, and its application has not answered yet.
    is_gone: bool,
}

impl Hall {
    pub(super) fn socket_knocked(
        &mut self,
        net: &mut Net,
        id: LineId,
        socket: SocketId,
        namespace: Arc<str>,
        auth: &Auth,
    ) {
        if self.is_draining {
            return self.hang_up(net, id, &Code::Draining.into());
        }
        if self.is_crowded(id) {
            return self.hang_up(net, id, &Code::TooFast.into());
        }
        let recovery = auth.recovery();
        let admitted = match self.another(id) {
            Ok(mut admitted) => {
                admitted.client.session = recovery.as_ref().and_then(|it| session_of(&it.pid));
                Box::new(admitted)
            }
            Err(refusal) => return self.refuse_socket(net, id, socket, &namespace, &refusal),
        };
        let conn = net.reserve();
        if let Some(line) = self.lines.get_mut(id) {
            // Most clients are in one namespace.
            line.sockets.reserve_exact(1);
            line.sockets.push((socket, conn));
        }
        let token = auth.text("token").map(|it| admission::TokenText::new(&it));
        let auth = auth.json().map(|it| it.as_str().into());
        let is_gone = false;
        let knocker =
            Knocker { line: id, socket, namespace, auth, token, admitted, recovery, is_gone };
        self.judge_socket(net, conn, knocker);
    }

    /// Whether a line has as many connections as it may, those counted that have left again while
    /// their applications were asked: coming and going asks no more than staying does.
    fn is_crowded(&self, id: LineId) -> bool {
        let Some(line) = self.lines.get(id) else { return false };
        self.namespaces_max(id) <= line.sockets.len() + line.ending
    }

    fn namespaces_max(&self, id: LineId) -> usize {
        let policy = self.lines.get(id).and_then(|it| self.lines.policy(it.route));
        policy.map_or(usize::MAX, |it| it.namespaces_max)
    }

    /// A connection that may come to be on a line. The first has the line's own seat, every other
    /// one a further one.
    fn another(&mut self, id: LineId) -> Result<Admitted, Refusal> {
        let namespaces_max = self.namespaces_max(id);
        let line = self.lines.get_mut(id).ok_or(Code::ShardFailed)?;
        line.knocks += 1;
        let (counted_as, address) =
            (self.ground.door.routes.counted_as(line.route), line.address.into());
        let limits = &mut *lock(&self.ground.limits);
        // One line guesses no faster than one handshake after another (A12).
        limits.ask_token(self.now, counted_as, address).map_err(admission::limited)?;
        // Nor does it come and go more often than one handshake after another, once it has been in
        // as many namespaces as it may be in (F12).
        if namespaces_max < line.knocks {
            limits.attempt_again(self.now, counted_as, address).map_err(admission::limited)?;
        }
        let seat = match line.seat.take() {
            Some(seat) => seat,
            None => limits.admit_beside(counted_as, address).map_err(admission::limited)?,
        };
        Ok(Admitted {
            route: line.route,
            identity: None,
            needs: Needs::Nothing,
            client: line.client.clone(),
            channels: Vec::new(),
            shown: line.shown.clone(),
            captures: line.captures.clone(),
            address: line.address,
            seat,
            protocol: None,
            deflate: None,
            response: Vec::new(),
        })
    }

    /// Decides on who knocks: admit, refuse, or wait.
    pub(super) fn judge_socket(&mut self, net: &mut Net, conn: ConnId, mut knocker: Knocker) {
        let (ground, moment) = (Arc::clone(&self.ground), self.moment());
        let Self { cache, tallies, fetches, .. } = self;
        let told = knocker.token.as_ref().map(admission::TokenText::expose);
        let joined = ground.with_tables(cache, tallies, fetches, |tables| {
            admission::join(told, &mut knocker.admitted, moment, tables)
        });
        for source in self.fetches.drain(..) {
            fetch::begin(&self.ground, source);
        }
        match joined {
            Ok(()) => self.present_socket(net, conn, knocker),
            Err(Unmet::NeedKeys(_)) => {
                self.waiting.insert(conn, Waiting::SocketKeys(Box::new(knocker)));
            }
            Err(Unmet::Refused(refusal)) => {
                self.metrics.authentication_failed(refusal.code);
                self.turn_away_socket(net, conn, knocker, &refusal);
            }
        }
    }

    /// Keys have come, or will not: decides again on who waited for some.
    pub(super) fn judge_sockets_again(&mut self, net: &mut Net) {
        let waits =
            |it: (&ConnId, &Waiting)| matches!(it.1, Waiting::SocketKeys(_)).then_some(*it.0);
        let mut conns: Vec<ConnId> = self.waiting.iter().filter_map(waits).collect();
        conns.sort_unstable();
        for conn in conns {
            if let Some(Waiting::SocketKeys(knocker)) = self.waiting.remove(&conn) {
                self.judge_socket(net, conn, *knocker);
            }
        }
    }

    /// The gateway is satisfied; where there is an application, it has the last word.
    fn present_socket(&mut self, net: &mut Net, conn: ConnId, knocker: Knocker) {
        match self.visitor_of(conn, &knocker) {
            Some(visitor) => {
                self.ask_to_admit(conn, visitor, knocker.admitted.route);
                self.waiting.insert(conn, Waiting::Socket(Box::new(knocker)));
            }
            None => self.let_in_socket(net, conn, knocker),
        }
    }

    fn visitor_of(&self, conn: ConnId, knocker: &Knocker) -> Option<Arc<app::Visitor>> {
        let visitor = self.visitor(conn, &knocker.admitted)?;
        let auth = knocker.auth.clone();
        let namespace = Some(Arc::clone(&knocker.namespace));
        Some(Arc::new(app::Visitor { auth, namespace, ..app::Visitor::clone(&visitor) }))
    }

    /// The application has said whether it wants someone.
    pub(super) fn judged_socket(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        knocker: Knocker,
        answer: Result<(), Refusal>,
    ) {
        if knocker.is_gone {
            return self.forget_socket(net, knocker.line, conn, knocker.admitted.seat);
        }
        match answer {
            Ok(()) => self.let_in_socket(net, conn, knocker),
            Err(refusal) => self.turn_away_socket(net, conn, knocker, &refusal),
        }
    }

    fn let_in_socket(&mut self, net: &mut Net, conn: ConnId, knocker: Knocker) {
        if self.is_draining {
            let line = knocker.line;
            self.turn_away_socket(net, conn, knocker, &Code::Draining.into());
            return self.hang_up(net, line, &Code::Draining.into());
        }
        let attached = match self.attach(conn, &knocker.admitted) {
            Ok(attached) => attached,
            Err(refusal) => return self.turn_away_socket(net, conn, knocker, &refusal),
        };
        let visitor = self.visitor_of(conn, &knocker);
        let Knocker { line, socket, namespace, admitted, recovery, .. } = knocker;
        let admitted = *admitted;
        let proof = admitted.identity.as_ref();
        let proof = proof.map(|it| with_session(self.proof(it, admitted.route), attached.as_ref()));
        if proof.is_some() {
            self.metrics.authenticated();
        }
        let device = admitted.client.device.as_deref().map(Into::into);
        let (policy, channels) = (admitted.route.0, admitted.channels);
        let recovers = self.standing.recovers_on(policy) && attached.is_some();
        let (pid, offset) = recovery.map(|it| (it.pid, it.offset)).unzip();
        let place = attached.filter(|_| recovers).map(|it| it.place);
        let returning = place.and_then(|it| self.returning(conn, it, offset.flatten().as_deref()));
        let returning = returning.map(Box::new);
        let opened = Opened { policy, proof, awaits_token: false, channels, device, returning };
        let voice = Voice {
            line,
            socket,
            namespace,
            is_paused: false,
            held: None,
            is_in: false,
            recovers,
            returns: false,
            pid,
            recovered: false,
            behind: Vec::new(),
        };
        let guest = Guest {
            life: conn.life(),
            route: admitted.route,
            seat: Some(admitted.seat),
            address: admitted.address,
            visitor,
            session: attached.map(|it| it.place),
            voice: Some(Box::new(voice)),
        };
        self.seat(guest, conn);
        self.metrics.opened();
        self.tell(net, Input::Opened { conn, opened: Box::new(opened) });
    }

    /// The engine has the connection: its client is told so, before anything else.
    pub(super) fn welcome_socket(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        session: Option<SessionId>,
    ) {
        let Some(voice) = self.voice(conn) else { return };
        voice.is_in = true;
        let (line, socket, was) = (voice.line, voice.socket, voice.pid.take());
        let was = was.filter(|_| voice.recovered);
        let recovers = voice.recovers;
        if was.is_none() && recovers {
            self.begins_anew(conn);
        }
        let Some((sid, nonce)) = draw_bytes().map(Sid::draw).zip(draw_bytes()) else {
            return self.hang_up(net, line, &Code::AuthUnavailable.into());
        };
        // A client that is told what it came with knows that it has missed nothing.
        let session = session.filter(|_| recovers);
        let pid = was.or_else(|| session.and_then(|it| pid_of(it, nonce)));
        let admitted = sio::Input::Admitted { socket, sid, pid };
        self.drive(net, line, socketio::Input::Socket(admitted));
    }

    /// Whoever knocked is not let in; what they held goes back.
    fn turn_away_socket(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        knocker: Knocker,
        refusal: &Refusal,
    ) {
        let Knocker { line, socket, namespace, admitted, .. } = knocker;
        self.forget_socket(net, line, conn, admitted.seat);
        self.refuse_socket(net, line, socket, &namespace, refusal);
    }

    pub(super) fn refuse_socket(
        &mut self,
        net: &mut Net,
        id: LineId,
        socket: SocketId,
        namespace: &str,
        refusal: &Refusal,
    ) {
        self.metrics.handshake_refused(refusal.code);
        // Whoever is to come back at once does so by itself when its transport is gone, and not
        // when it is told why.
        if refusal.code.come_back() == ComeBack::Now {
            return self.hang_up(net, id, refusal);
        }
        let error = connect_error(namespace, refusal);
        let refused = sio::Input::Refused { socket, error };
        self.drive(net, id, socketio::Input::Socket(refused));
    }

    /// Gives back the place of a connection that never was or is no more: its seat to its line, as
    /// long as that has none.
    pub(super) fn forget_socket(
        &mut self,
        net: &mut Net,
        id: LineId,
        conn: ConnId,
        mut seat: limits::Seat,
    ) {
        net.free(conn);
        let limits = &mut *lock(&self.ground.limits);
        match self.lines.get_mut(id) {
            Some(line) => {
                line.sockets.retain(|it| it.1 != conn);
                if line.seat.is_some() {
                    return limits.release(seat);
                }
                limits.unseat_user(&mut seat);
                line.seat = Some(seat);
            }
            None => limits.release(seat),
        }
    }

    /// A client has left a namespace, or was lost.
    pub(super) fn socket_left(
        &mut self,
        net: &mut Net,
        id: LineId,
        socket: SocketId,
        reason: Reason,
    ) {
        let Some(line) = self.lines.get(id) else { return };
        let Some(conn) = line.conn_of(socket) else { return };
        // The session of whoever left ends with it; whoever was lost may come back to theirs.
        let number = match reason {
            Reason::ClientNamespaceDisconnect => LEFT,
            Reason::PingTimeout
            | Reason::TransportClose
            | Reason::TransportError
            | Reason::ParseError
            | Reason::ForcedClose
            | Reason::TooSlow
            | Reason::NoNamespace
            | Reason::ServerNamespaceDisconnect => line.number.unwrap_or(VANISHED),
        };
        match self.waiting.remove(&conn) {
            Some(Waiting::Socket(mut knocker)) => {
                knocker.is_gone = true;
                self.waiting.insert(conn, Waiting::Socket(knocker));
            }
            Some(Waiting::SocketKeys(knocker)) => {
                self.forget_socket(net, id, conn, knocker.admitted.seat);
            }
            Some(other @ (Waiting::App(_) | Waiting::Keys(_))) => {
                self.waiting.insert(conn, other);
            }
            None => {
                self.books.number = number;
                self.tell(net, Input::Closed { conn });
            }
        }
    }
}

/// What a client comes back to its session with, also with a token that has expired meanwhile.
///
/// Another one each time: a client that is told the one it came with takes itself for recovered.
fn pid_of(session: SessionId, nonce: [u8; 4]) -> Option<Sid> {
    Sid::parse(&format!("{session}-{:08x}", u32::from_be_bytes(nonce)))
}

fn session_of(pid: &Sid) -> Option<SessionId> {
    SessionId::parse(pid.as_str().split_once('-')?.0)
}

/// What a client finds in its `connect_error`: clients look for "Authentication" where another
/// token would help.
fn connect_error(namespace: &str, refusal: &Refusal) -> socketio::Encoded {
    let message = match refusal.code.come_back() {
        ComeBack::WithToken => format!("Authentication failed. {}", refusal.message()),
        ComeBack::No | ComeBack::Later | ComeBack::Now => refusal.message().to_owned(),
    };
    let body = refusal.to_json();
    let details = socketio::Json::known(&body).member("details");
    let code = Some(refusal.code.as_str());
    encode::connect_error(namespace, &ConnectError { message: &message, code, details })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_session_is_found_by_each_name_it_was_told_by() {
        let session = SessionId(0x5e1f_0c3a_9b7d_4e26_8a51_f2c0_77d9_1b43);
        let [one, other] = [[0; 4], [0xff; 4]].map(|it| pid_of(session, it).unwrap());
        assert_ne!(one, other);
        assert_eq!([one, other].map(|it| session_of(&it)), [Some(session), Some(session)]);
        for foreign in ["abcdefghijklmnopqrstuvwx", "0123456789abcdef0123456789abcdef"] {
            assert_eq!(session_of(&Sid::parse(foreign).unwrap()), None, "{foreign}");
        }
    }

    #[test]
    fn who_needs_another_token_is_told_in_the_words_that_clients_look_for() {
        let wait = Refusal::new(Code::TooManyForUser).after(Duration::from_secs(5));
        for (refusal, expected) in [
            (
                Code::TokenExpired.into(),
                r#"44/a,{"message":"Authentication failed. The token has expired.","data":{"code":"TOKEN_EXPIRED","message":"Authentication failed. The token has expired.","details":null}}"#,
            ),
            (
                wait,
                r#"44/a,{"message":"Too many connections of this user.","data":{"code":"TOO_MANY_FOR_USER","message":"Too many connections of this user.","details":{"retry_after":5.0}}}"#,
            ),
        ] {
            assert_eq!(&*connect_error("/a", &refusal).text, expected);
        }
    }
}
