//! From a request head to an open connection, or to a clear no.

use std::sync::Arc;

use admission::{Admitted, Answer, Arrival, Moment, Refused, RouteId, Verdict};
use app::Visitor;
use engine::{Input, Opened, Proof};
use net::{Compression, Knock, Net, OpenAs};
use proto::{Code, ConnId, Identity, Refusal, UnixTime};

use super::{Guest, Hall, Waiting, keeping::with_session};
use crate::{fetch, inbox::lock};

impl Hall {
    pub(super) fn moment(&self) -> Moment {
        Moment { now: self.now, wall: self.wall }
    }

    /// Decides on a head: admit, refuse, hand off, or wait.
    pub(super) fn judge(&mut self, net: &mut Net, conn: ConnId, knock: &Knock<'_>) {
        let head = match wire::parse_head(knock.bytes, &self.ground.head_limits) {
            Ok(Some((head, _))) => head,
            // The net has found its end, so it is not incomplete.
            Ok(None) => return self.turn_out(net, conn, &Code::BadRequest.into()),
            Err(fault) => {
                return self.turn_out(net, conn, &super::trouble_told(net::Trouble::Head(fault)));
            }
        };
        let attaching = self.attaching(&head);
        if let Some((_, shard)) = attaching.as_ref().filter(|it| it.1 != self.id) {
            return self.move_to(net, conn, knock.bytes, *shard);
        }
        let arrival = Arrival {
            head: &head,
            peer: knock.peer.ip(),
            tls: knock.is_tls,
            moment: self.moment(),
        };
        if let Some((sid, _)) = attaching {
            return self.attach_link(net, conn, &arrival, &sid);
        }
        let held = match self.waiting.remove(&conn) {
            Some(Waiting::Keys(held)) => Some(held),
            // Shown again although only the application's word is missing.
            Some(waiting) => {
                self.waiting.insert(conn, waiting);
                return;
            }
            None => None,
        };
        let ground = Arc::clone(&self.ground);
        let Self { cache, tallies, fetches, .. } = self;
        let verdict = ground.with_tables(cache, tallies, fetches, |tables| match held {
            Some(held) => admission::resume(&arrival, held, tables),
            None => admission::admit(&arrival, tables),
        });
        for source in self.fetches.drain(..) {
            fetch::begin(&self.ground, source);
        }
        match verdict {
            Verdict::PassOn => self.hand_off(net, conn, knock, &head),
            Verdict::Refuse(refused) => self.refuse_at_door(net, conn, *refused),
            Verdict::NeedKeys(held) => {
                self.waiting.insert(conn, Waiting::Keys(held));
            }
            Verdict::Admit(admitted) => self.present(net, conn, admitted),
            Verdict::AwaitToken(admitted) if self.lines.policy(admitted.route).is_some() => {
                self.take_link(net, conn, admitted, head.query().unwrap_or_default());
            }
            Verdict::AwaitToken(admitted) => self.let_in_unproven(net, conn, admitted),
        }
    }

    /// The gateway is satisfied; where there is an application, it has the last word.
    fn present(&mut self, net: &mut Net, conn: ConnId, admitted: Box<Admitted>) {
        match self.visitor(conn, &admitted) {
            Some(visitor) => {
                self.ask_to_admit(conn, visitor, admitted.route);
                self.waiting.insert(conn, Waiting::App(admitted));
            }
            None => self.let_in(net, conn, *admitted),
        }
    }

    /// The application has said whether it wants someone.
    pub(super) fn judged(&mut self, net: &mut Net, conn: ConnId, answer: Result<(), Refusal>) {
        if self.unproven.contains_key(&conn) {
            self.judged_unproven(net, conn, answer);
            return;
        }
        match (self.waiting.remove(&conn), answer) {
            (Some(Waiting::App(admitted)), Ok(())) => self.let_in(net, conn, *admitted),
            (Some(Waiting::App(admitted)), Err(refusal)) => {
                self.turn_away(net, conn, *admitted, refusal);
            }
            (Some(Waiting::Socket(knocker)), answer) => {
                self.judged_socket(net, conn, *knocker, answer);
            }
            (Some(other @ (Waiting::Keys(_) | Waiting::SocketKeys(_))), _) => {
                self.waiting.insert(conn, other);
            }
            // The client may have left meanwhile.
            (None, _) => {}
        }
    }

    fn turn_away(&mut self, net: &mut Net, conn: ConnId, admitted: Admitted, refusal: Refusal) {
        let style = self.ground.door.routes.of(admitted.route).map(|it| it.refusal);
        let style = style.unwrap_or(admission::RefusalStyle::Status);
        let refused = admitted.turn_away(refusal, style, &mut lock(&self.ground.limits));
        self.refuse_at_door(net, conn, refused);
    }

    fn let_in(&mut self, net: &mut Net, conn: ConnId, admitted: Admitted) {
        if self.is_draining {
            let style = admission::RefusalStyle::Status;
            let draining = Code::Draining.into();
            let refused = admitted.turn_away(draining, style, &mut lock(&self.ground.limits));
            self.refuse_at_door(net, conn, refused);
            return;
        }
        let attached = match self.attach(conn, &admitted) {
            Ok(attached) => attached,
            Err(refusal) => return self.turn_away(net, conn, admitted, refusal),
        };
        let visitor = self.visitor(conn, &admitted);
        let proof = admitted
            .identity
            .as_ref()
            .map(|it| with_session(self.proof(it, admitted.route), attached.as_ref()));
        let (policy, channels) = (admitted.route.0, admitted.channels);
        let device = admitted.client.device.as_deref().map(Into::into);
        let returning = None;
        let opened = Opened { policy, proof, awaits_token: false, channels, device, returning };
        if opened.proof.is_some() {
            self.metrics.authenticated();
        }
        let took = net.open(conn, admitted.response, open_as(admitted.route, admitted.deflate));
        self.metrics.handshake_took(took);
        let (route, seat, address) = (admitted.route, Some(admitted.seat), admitted.address);
        let session = attached.map(|it| it.place);
        let (life, voice) = (conn.life(), None);
        self.seat(Guest { life, route, seat, address, visitor, session, voice }, conn);
        self.metrics.opened();
        self.tell(net, Input::Opened { conn, opened: Box::new(opened) });
    }

    fn let_in_unproven(&mut self, net: &mut Net, conn: ConnId, mut admitted: Box<Admitted>) {
        let response = std::mem::take(&mut admitted.response);
        let (route, address) = (admitted.route, admitted.address);
        let took = net.open(conn, response, open_as(route, admitted.deflate));
        self.metrics.handshake_took(took);
        let device = admitted.client.device.as_deref().map(Into::into);
        let (policy, channels) = (route.0, Vec::new());
        let (proof, returning) = (None, None);
        let opened = Opened { policy, proof, awaits_token: true, channels, device, returning };
        let (life, seat, visitor, session) = (conn.life(), None, None, None);
        let voice = None;
        self.seat(Guest { life, route, seat, address, visitor, session, voice }, conn);
        self.unproven.insert(conn, admitted);
        self.metrics.opened();
        self.tell(net, Input::Opened { conn, opened: Box::new(opened) });
    }

    pub(super) fn seat(&mut self, guest: Guest, conn: ConnId) {
        if self.guests.len() <= conn.slot() {
            self.guests.resize_with(conn.slot() + 1, || None);
        }
        self.guests[conn.slot()] = Some(guest);
    }

    /// What the application will know someone as; `None` if the route has none.
    pub(super) fn visitor(&self, conn: ConnId, admitted: &Admitted) -> Option<Arc<Visitor>> {
        self.ground.app(admitted.route)?;
        let route = self.ground.door.routes.of(admitted.route)?;
        Some(Arc::new(Visitor {
            conn,
            identity: admitted.identity.clone(),
            route: Arc::clone(&route.name),
            captures: admitted.captures.shared(),
            address: admitted.address,
            auth: None,
            namespace: None,
            recovered: None,
        }))
    }

    /// How long the identity holds, on the clock that does not jump.
    pub(super) fn proof(&self, identity: &Arc<Identity>, route: RouteId) -> Proof {
        let door = &self.ground.door;
        let route = door.routes.of(route);
        let rules = route.and_then(|it| it.tokens.as_ref());
        let verifier = rules.and_then(|it| door.verifiers.get(usize::from(it.verifier.0)));
        let leeway = verifier.map_or_else(Default::default, |it| it.rules.leeway);
        let grace = leeway + route.map_or_else(Default::default, |it| it.expiry_grace);
        let end = UnixTime(identity.expires_at.0.saturating_add(grace.as_secs()));
        let expires_in = self.wall.until(end);
        Proof { identity: Arc::clone(identity), expires_in, channels: Vec::new(), session: None }
    }

    pub(super) fn refuse_at_door(&mut self, net: &mut Net, conn: ConnId, refused: Refused) {
        let code = refused.refusal.code;
        self.metrics.handshake_refused(code);
        if matches!(code.http(), 401) {
            self.metrics.authentication_failed(code);
        }
        match refused.answer {
            Answer::Status(response) => net.refuse(conn, response),
            Answer::Upgrade(response) => {
                let route = refused.route.unwrap_or(RouteId(0));
                net.open(conn, response, open_as(route, None));
                let last = self.worded(route, &refused.refusal);
                net.close(conn, Some(&last), code.close(), refused.refusal.message(), false);
            }
        }
    }

    fn hand_off(&mut self, net: &mut Net, conn: ConnId, knock: &Knock<'_>, head: &wire::Head<'_>) {
        let client = self.ground.door.proxies.client(head, knock.peer.ip());
        let Ok(place) = self.ground.handoffs.try_reserve() else {
            self.metrics.handoff_refused();
            let refusal = Refusal::new(Code::Busy).after(std::time::Duration::from_secs(1));
            net.refuse(conn, answer(&refusal));
            return;
        };
        let Some(handoff) = net.hand_off(conn, knock.bytes.to_vec()) else { return };
        let net::Handoff { stream, tls, already_read, peer } = handoff;
        let stream = match tls {
            Some(tls) => front::Stream::Tls(stream, tls),
            None => front::Stream::Plain(stream),
        };
        place.send(front::Handoff { stream, already_read, peer, client });
        self.metrics.handed_off();
    }

    /// Someone who never got as far as a route.
    pub(super) fn turn_out(&mut self, net: &mut Net, conn: ConnId, refusal: &Refusal) {
        self.leave_waiting(conn);
        self.metrics.handshake_refused(refusal.code);
        net.refuse(conn, answer(refusal));
    }

    /// Gives back what someone holds who waited before the door.
    pub(super) fn leave_waiting(&mut self, conn: ConnId) {
        let limits = &mut *lock(&self.ground.limits);
        match self.waiting.remove(&conn) {
            Some(Waiting::App(admitted)) => limits.release(admitted.seat),
            Some(Waiting::Keys(held)) => held.release(limits),
            Some(other @ (Waiting::Socket(_) | Waiting::SocketKeys(_))) => {
                self.waiting.insert(conn, other);
            }
            None => {}
        }
    }

    /// Keys have come, or will not: decides again on everyone who waited for some.
    pub(super) fn keys_fetched(&mut self, net: &mut Net, have_changed: bool) {
        if have_changed {
            self.cache.flush();
        }
        let waits_for_keys = |it: (&ConnId, &Waiting)| match it.1 {
            Waiting::Keys(_) => Some(*it.0),
            Waiting::App(_) | Waiting::Socket(_) | Waiting::SocketKeys(_) => None,
        };
        let mut conns: Vec<ConnId> = self.waiting.iter().filter_map(waits_for_keys).collect();
        conns.sort_unstable();
        for conn in conns {
            net.knock(conn, self);
        }
        self.judge_sockets_again(net);
        self.authenticate_again(net);
    }
}

fn answer(refusal: &Refusal) -> Vec<u8> {
    let retry_after = refusal.retry_after_header();
    let headers: Vec<(&str, &str)> =
        retry_after.as_deref().map(|it| ("Retry-After", it)).into_iter().collect();
    wire::response_refusal(refusal.code.http(), &headers, &refusal.to_json())
}

pub(super) fn open_as(route: RouteId, deflate: Option<wire::deflate::DeflateParams>) -> OpenAs {
    let compression = deflate.map_or(Compression::Off, |it| Compression::Messages {
        window_bits: it.server_window_bits,
    });
    OpenAs { bounds: route.0, compression }
}
