//! From a request head to a verdict.

use std::net::IpAddr;

use limits::Seat;
use permission::Captures;
use proto::{Code, Dialect, Refusal};
use session::Moment;
use wire::{
    HandshakeFault, Head, Upgrade,
    deflate::{DeflateParams, DeflatePolicy},
};

use crate::{
    attach,
    auth::{self, Unmet, Word},
    client::{Client, SESSION_PREFIX},
    origin::{self, OriginFault},
    route::{Compression, RefusalStyle, Route, RouteId},
    source::{self, Found, PROTOCOL_PREFIX},
    tables::Tables,
    verdict::{Admitted, Answer, Held, Needs, Refused, Verdict},
};

/// A request that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub head: &'a Head<'a>,
    /// The socket's other end, or what the PROXY header named where the listener requires one.
    pub peer: IpAddr,
    /// Whether it came by TLS to us.
    pub tls: bool,
    pub moment: Moment,
}

/// Decides on a request. A request that is wrong in several ways is told the first, in this order:
///
/// 1. The Host is one of ours, else `HOST_REFUSED`. Asked of every request, HTTP included (H3), but
///    for probes.
/// 2. It asks for a WebSocket, else [`Verdict::PassOn`].
/// 3. There is a route, else `NO_SUCH_ROUTE`. Told before any limit: it costs us less than a limit
///    does, and what is not there has no limits of its own.
/// 4. The handshake is well formed, else `BAD_REQUEST` or `UPGRADE_REQUIRED`.
/// 5. Origin: `ORIGIN_REFUSED`.
/// 6. Limits: `SERVER_FULL`, `TOO_MANY_CONNECTIONS`, `TOO_MANY_ATTEMPTS`, `AUTH_BACKOFF`. A seat is
///    taken; whatever is refused below gives it back.
/// 7. Monitoring: counted.
/// 8. Auth: `AUTH_REQUIRED`, `INVALID_TOKEN`, `TOKEN_EXPIRED`, `TOKEN_REVOKED`,
///    `AUTH_UNAVAILABLE`, or a wait.
/// 9. The claims the route requires, then its channels: `FORBIDDEN`.
/// 10. The user's connections: `TOO_MANY_FOR_USER`.
///
/// After that the application is asked; last of all [`attach`](crate::attach) finds the session.
pub fn admit(arrival: &Arrival<'_>, tables: &mut Tables<'_>) -> Verdict {
    let Arrival { head, peer, tls, moment } = *arrival;
    let door = tables.door;
    let address = door.proxies.client(head, peer);
    if !door.hosts.allows(head) && !is_probe(head) {
        return before(Code::HostRefused.into(), None, address, tables);
    }
    if !wire::is_upgrade(head) {
        tables.tallies.passed_on += 1;
        return Verdict::PassOn;
    }
    tables.tallies.asked += 1;
    let Some((id, route, captures)) = door.routes.find(head.path()) else {
        return before(Code::NoSuchRoute.into(), None, address, tables);
    };
    let upgrade = match upgrade(head, route) {
        Ok(upgrade) => upgrade,
        Err(fault) => return malformed(fault, id, address, tables),
    };
    if let Err(fault) = origin::judge(route, head, tls || door.proxies.saw_tls(head, peer)) {
        return before(unwelcome(fault), Some(id), address, tables);
    }
    let seat = match tables.limits.admit(moment.now, door.routes.counted_as(id), address.into()) {
        Ok(seat) => seat,
        Err(limit) => return before(auth::limited(limit), Some(id), address, tables),
    };
    tables.tallies.entered += 1;
    Seated { arrival, id, route, captures, address, upgrade, seat }.decide(tables)
}

/// Decides on a WebSocket that comes to carry a session which polls: everything that is asked of a
/// handshake but for limits, which its session has passed and still counts against.
///
/// Answers the route, what is to be written first, and the compression that was agreed.
pub fn carry(
    arrival: &Arrival<'_>,
    tables: &mut Tables<'_>,
) -> Result<(RouteId, Vec<u8>, Option<DeflateParams>), Box<Refused>> {
    let Arrival { head, peer, tls, .. } = *arrival;
    let door = tables.door;
    let address = door.proxies.client(head, peer);
    let refused = |refusal: Refusal, route| Box::new(Refused::before(refusal, route, address));
    if !door.hosts.allows(head) {
        return Err(refused(Code::HostRefused.into(), None));
    }
    let found = door.routes.find(head.path());
    let (id, route, _) = found.ok_or_else(|| refused(Code::NoSuchRoute.into(), None))?;
    let upgrade = upgrade(head, route).map_err(|fault| {
        let refusal = Refusal::new(Code::BadRequest).saying(fault.to_string());
        Box::new(Refused::with_headers(refusal, Some(id), address, fault.headers()))
    })?;
    origin::judge(route, head, tls || door.proxies.saw_tls(head, peer))
        .map_err(|fault| refused(unwelcome(fault), Some(id)))?;
    let deflate = upgrade.deflate;
    let protocol = protocol(route.dialect, &upgrade);
    Ok((id, wire::response_101(&upgrade, protocol, deflate.as_ref()), deflate))
}

/// Whether it asks how we are. Probes come by address, and what they learn is no secret (H3).
fn is_probe(head: &Head<'_>) -> bool {
    let path = head.path();
    (path == "/health" || path.starts_with("/health/")) && !wire::is_upgrade(head)
}

/// Goes on with a request whose keys were fetched: the same head, a newer moment. Limits are not
/// asked again, and the attempt is not counted again.
///
/// The configuration may have changed in between; then the request is refused with `DRAINING`,
/// which brings the client back at once.
pub fn resume(arrival: &Arrival<'_>, held: Held, tables: &mut Tables<'_>) -> Verdict {
    let Held { seat, address, route: id, .. } = held;
    let found = tables.door.routes.find(arrival.head.path()).filter(|it| it.0 == id);
    let upgraded = found.and_then(|(_, route, captures)| {
        Some((route, captures, upgrade(arrival.head, route).ok()?))
    });
    let Some((route, captures, upgrade)) = upgraded else {
        tables.limits.release(seat);
        return before(Code::Draining.into(), None, address, tables);
    };
    Seated { arrival, id, route, captures, address, upgrade, seat }.decide(tables)
}

/// A request that holds a seat. It leaves by [`Seated::decide`] and by no other way.
struct Seated<'a> {
    arrival: &'a Arrival<'a>,
    id: RouteId,
    route: &'a Route,
    captures: Captures,
    address: IpAddr,
    upgrade: Upgrade<'a>,
    seat: Seat,
}

/// What the token, or its absence, comes to.
enum Outcome {
    Known(Option<Word>),
    Awaited,
}

impl Seated<'_> {
    /// The one place where the seat goes on, waits, or goes back.
    fn decide(mut self, tables: &mut Tables<'_>) -> Verdict {
        let outcome = self.outcome(tables).and_then(|outcome| {
            let Outcome::Known(who) = &outcome else { return Ok((outcome, Vec::new())) };
            let channels = match who {
                Some(word) => {
                    let identity = word.identity();
                    let channels = auth::enter(identity, self.route, &self.captures)?;
                    auth::seat_user(identity, &mut self.seat, tables)?;
                    channels
                }
                None => auth::joined(None, self.route, &self.captures)?,
            };
            Ok((outcome, channels))
        });
        match outcome {
            Ok((Outcome::Known(word), channels)) => {
                tables.tallies.admitted += 1;
                let needs = word.as_ref().map(Word::needs).unwrap_or_default();
                let identity = word.map(Word::into_identity);
                let admitted = Admitted { identity, needs, channels, ..self.admitted() };
                Verdict::Admit(Box::new(admitted))
            }
            Ok((Outcome::Awaited, _)) => {
                tables.tallies.awaited += 1;
                Verdict::AwaitToken(Box::new(self.admitted()))
            }
            Err(Unmet::NeedKeys(verifier)) => {
                let Self { seat, address, id: route, .. } = self;
                Verdict::NeedKeys(Held { seat, address, route, verifier })
            }
            Err(Unmet::Refused(refusal)) => {
                let refused = self.refused(refusal);
                tables.limits.release(self.seat);
                tables.tallies.refuse(refused.refusal.code);
                Verdict::Refuse(Box::new(refused))
            }
        }
    }

    fn outcome(&self, tables: &mut Tables<'_>) -> Result<Outcome, Unmet> {
        // Who it is, is told for each namespace.
        if self.route.dialect == Dialect::SocketIo {
            return Ok(Outcome::Awaited);
        }
        let Some(rules) = &self.route.tokens else { return Ok(Outcome::Known(None)) };
        match source::find(&rules.sources, self.arrival.head) {
            Found::Later => Ok(Outcome::Awaited),
            Found::Nothing => {
                let Self { route, arrival, .. } = *self;
                let wanted = self.client().session;
                let standing = attach::standing(wanted, None, route, arrival.moment, tables);
                let identity = standing.ok_or(Code::AuthRequired)?;
                auth::believe(&identity, wanted, arrival.moment, tables)?;
                Ok(Outcome::Known(Some(Word::Session(identity))))
            }
            Found::Blank => Err(Code::AuthRequired.into()),
            // Not even the form of a token: counts against the address like any other bad one.
            Found::Garbled => {
                let now = self.arrival.moment.now;
                tables.limits.authentication_failed(now, self.address.into());
                Err(Code::InvalidToken.into())
            }
            Found::Token(token) => {
                let Self { route, address, arrival, .. } = *self;
                let wanted = self.client().session;
                auth::shown(token.expose(), wanted, route, address, arrival.moment, tables)
                    .map(|it| Outcome::Known(Some(it)))
            }
        }
    }

    /// Whatever route keeps no sessions need not know.
    fn client(&self) -> Client {
        let keeps = self.route.sessions.as_ref();
        keeps.map_or_else(Client::default, |_| Client::of(self.arrival.head))
    }

    fn admitted(self) -> Admitted {
        let client = self.client();
        let protocol = protocol(self.route.dialect, &self.upgrade);
        let deflate = self.upgrade.deflate;
        let response = wire::response_101(&self.upgrade, protocol, deflate.as_ref());
        Admitted {
            route: self.id,
            identity: None,
            needs: Needs::Nothing,
            client,
            channels: Vec::new(),
            shown: shown(self.route, self.arrival.head),
            captures: self.captures,
            address: self.address,
            seat: self.seat,
            protocol: protocol.map(str::to_owned),
            deflate,
            response,
        }
    }

    /// Only "who are you" is told after the upgrade: clients that then read 4001 stop, while those
    /// that read any other number come back for ever, because they have seen an open (clients C2).
    fn refused(&self, refusal: Refusal) -> Refused {
        let (route, address) = (Some(self.id), self.address);
        let is_after = self.route.refusal == RefusalStyle::Close
            && refusal.code.close() == Code::AuthRequired.close();
        if !is_after {
            return Refused::before(refusal, route, address);
        }
        let protocol = protocol(self.route.dialect, &self.upgrade);
        let answer = Answer::Upgrade(wire::response_101(&self.upgrade, protocol, None));
        Refused { refusal, route, address, answer }
    }
}

/// What a Socket.IO client showed with its request, for namespaces it joins without a token.
pub(crate) fn shown(route: &Route, head: &Head<'_>) -> Found {
    let rules = route.tokens.as_ref().filter(|_| route.dialect == Dialect::SocketIo);
    rules.map_or(Found::Nothing, |it| source::find(&it.sources, head))
}

fn before(
    refusal: Refusal,
    route: Option<RouteId>,
    address: IpAddr,
    tables: &mut Tables<'_>,
) -> Verdict {
    tables.tallies.refuse(refusal.code);
    Verdict::Refuse(Box::new(Refused::before(refusal, route, address)))
}

fn upgrade<'a>(head: &'a Head<'a>, route: &Route) -> Result<Upgrade<'a>, HandshakeFault> {
    let policy = match route.compression {
        Compression::Off => None,
        Compression::Messages => Some(DeflatePolicy::default()),
    };
    wire::upgrade(head, policy.as_ref())
}

fn malformed(
    fault: HandshakeFault,
    route: RouteId,
    address: IpAddr,
    tables: &mut Tables<'_>,
) -> Verdict {
    let is_other_version = fault.status() == Code::UpgradeRequired.http();
    let code = if is_other_version { Code::UpgradeRequired } else { Code::BadRequest };
    let refusal = Refusal::new(code).saying(fault.to_string());
    tables.tallies.refuse(code);
    let refused = Refused::with_headers(refusal, Some(route), address, fault.headers());
    Verdict::Refuse(Box::new(refused))
}

pub(crate) fn unwelcome(fault: OriginFault) -> Refusal {
    let refusal = Refusal::new(Code::OriginRefused);
    match fault {
        OriginFault::Foreign => refusal,
        OriginFault::Missing => refusal.saying("This route asks for an Origin header."),
        OriginFault::Several => refusal.saying("There is more than one Origin header."),
        OriginFault::Malformed => refusal.saying("The Origin header cannot be read."),
    }
}

/// The subprotocol to select. Never one that carries a token or a session's id: the answer would
/// show it.
///
/// A plain route speaks what its application speaks, so it takes the client's dearest name; a
/// browser that offered some and is answered none gives up.
fn protocol<'a>(dialect: Dialect, upgrade: &Upgrade<'a>) -> Option<&'a str> {
    let mut offered = upgrade.protocols.iter().copied();
    match dialect {
        Dialect::Native => offered.find(|it| *it == Dialect::SUBPROTOCOL),
        Dialect::Plain | Dialect::SocketIo => {
            let is_secret =
                |it: &str| [PROTOCOL_PREFIX, SESSION_PREFIX].iter().any(|p| it.starts_with(p));
            offered.find(|it| !is_secret(it) && *it != Dialect::SUBPROTOCOL)
        }
    }
}

#[cfg(test)]
mod tests;
