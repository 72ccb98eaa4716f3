//! Clients that speak Socket.IO: each is a line, and each namespace it joins is a connection.
//!
//! ```text
//!   a WebSocket, or requests ─► Line ─► socket of "/"      ─► a connection, in a slot of its own
//!                                  └──► socket of "/admin" ─► another
//! ```
//!
//! The engine knows the connections and nothing of lines. A connection's slot has no socket in the
//! net; what is for it goes through its line, or to the line's WebSocket at once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use admission::{Client, Found, RouteId};
use limits::Seat;
use permission::Captures;
use proto::{ChannelName, ConnId, Dialect, Offset};
use socketio::{
    Connection, Encoded, Policy, Sid,
    eio::{self, Answer, RequestId},
    sio::SocketId,
};

use crate::{ground::WaitingMax, polling::Reply};

/// A line of this shard; never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct LineId(u64);

/// One client.
pub(super) struct Line {
    pub(super) connection: Connection,
    sid: Sid,
    pub(super) route: RouteId,
    pub(super) address: IpAddr,
    pub(super) client: Client,
    pub(super) captures: Captures,
    /// The token that its request brought, for namespaces it joins without one.
    pub(super) shown: Found,
    /// Lent to the first connection on it. Goes back when the line ends (C3).
    pub(super) seat: Option<Seat>,
    /// Who is in or knocking: at most as many as it may have namespaces.
    pub(super) sockets: Vec<(SocketId, ConnId)>,
    /// How often somebody on it has asked to be let in.
    pub(super) knocks: usize,
    /// How many have ended of which their application has not heard the last.
    pub(super) ending: usize,
    /// Requests that wait for their answers.
    requests: BTreeMap<RequestId, Reply>,
    /// How many of its connections have more waiting for their application than they may.
    pub(super) paused: usize,
    /// An answer to a POST that is kept back for as long.
    pub(super) withheld: Option<(RequestId, Answer)>,
    /// Those who are sent the next part of a log once a GET has fetched this one.
    pub(super) replaying: Vec<ConnId>,
    wakes_at: Option<Instant>,
    /// With which number and words its WebSocket is closed.
    pub(super) farewell: (u16, Cow<'static, str>),
    /// By which number its client has closed it, if it has.
    pub(super) number: Option<u16>,
}

/// What a line is made of.
pub(super) struct Opening {
    pub(super) sid: Sid,
    pub(super) route: RouteId,
    pub(super) address: IpAddr,
    pub(super) client: Client,
    pub(super) captures: Captures,
    pub(super) shown: Found,
    pub(super) seat: Seat,
}

/// All lines of one shard.
#[derive(Default)]
pub(super) struct Lines {
    /// By route.
    policies: Vec<Option<Arc<Policy>>>,
    /// At most as many as the limits of the door allow connections.
    /// Boxed, because the nodes of the tree are half empty where lines come and go in order.
    lines: BTreeMap<LineId, Box<Line>>,
    by_sid: HashMap<Sid, LineId>,
    /// By the WebSocket they have in the net.
    by_link: HashMap<ConnId, LineId>,
    due: BTreeSet<(Instant, LineId)>,
    line_next: u64,
}

/// Where a connection's words come from and go to.
pub(super) struct Voice {
    pub(super) line: LineId,
    pub(super) socket: SocketId,
    pub(super) namespace: Arc<str>,
    pub(super) is_paused: bool,
    /// Publications that wait for the application's first words.
    pub(super) held: Option<Held>,
    /// Its client has been told that it is in.
    pub(super) is_in: bool,
    /// Its client was told a `pid`, and is told with each event where it stands: it takes a text at
    /// the end of any event for such a place, so there has to be one.
    pub(super) recovers: bool,
    /// Its application is asked which rooms it may return to.
    pub(super) returns: bool,
    /// What its client calls the state it comes back to.
    pub(super) pid: Option<Sid>,
    /// It goes on where it was.
    pub(super) recovered: bool,
    /// Where it is in the channels whose logs it is still sent, as far as that has been written.
    pub(super) behind: Vec<(ChannelName, Offset)>,
}

/// Events that are held back.
pub(super) struct Held {
    /// At most [`HELD_MAX`].
    pub(super) events: Vec<Encoded>,
    /// Where the client stands without them.
    pub(super) at: Option<Arc<str>>,
}

/// A GET waits for a ping, and no answer over HTTP takes longer than this.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// As many as may wait for a GET. Whoever's application takes longer has to come back.
pub(super) const HELD_MAX: usize = 1024;

impl Lines {
    /// `policies` are those of the engine, and `bytes` the largest message of each route.
    pub(super) fn new<'a>(
        policies: impl Iterator<Item = (&'a engine::Policy, usize)>,
        waiting_max: WaitingMax,
    ) -> Self {
        let policies = policies.map(|(policy, bytes)| {
            (policy.dialect == Dialect::SocketIo).then(|| {
                Arc::new(Policy {
                    ping_interval: policy.ping_every.min(WAIT_MAX),
                    ping_timeout: policy.pong_within,
                    payload_bytes_max: bytes,
                    attachments_bytes_max: bytes,
                    waiting_packets_max: waiting_max.packets,
                    // One message always fits, its bytes in base64.
                    waiting_bytes_max: waiting_max.bytes.max(2 * bytes),
                    connect_within: policy.first_message_within,
                    ..Policy::default()
                })
            })
        });
        Self { policies: policies.collect(), ..Self::default() }
    }

    pub(super) fn policy(&self, route: RouteId) -> Option<&Arc<Policy>> {
        self.policies.get(usize::from(route.0))?.as_ref()
    }

    pub(super) fn get(&self, id: LineId) -> Option<&Line> {
        self.lines.get(&id).map(|it| &**it)
    }

    pub(super) fn get_mut(&mut self, id: LineId) -> Option<&mut Line> {
        self.lines.get_mut(&id).map(|it| &mut **it)
    }

    pub(super) fn of_link(&self, link: ConnId) -> Option<LineId> {
        self.by_link.get(&link).copied()
    }

    pub(super) fn of_sid(&self, sid: &Sid) -> Option<LineId> {
        self.by_sid.get(sid).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A number for a line that is about to begin.
    pub(super) fn next_id(&mut self) -> LineId {
        self.line_next += 1;
        LineId(self.line_next)
    }

    pub(super) fn begin(&mut self, id: LineId, connection: Connection, opening: Opening) {
        let Opening { sid, route, address, client, captures, shown, seat } = opening;
        self.by_sid.insert(sid.clone(), id);
        let line = Line {
            connection,
            sid,
            route,
            address,
            client,
            captures,
            shown,
            seat: Some(seat),
            sockets: Vec::new(),
            knocks: 0,
            ending: 0,
            requests: BTreeMap::new(),
            paused: 0,
            withheld: None,
            replaying: Vec::new(),
            wakes_at: None,
            farewell: (NORMAL, Cow::Borrowed("")),
            number: None,
        };
        self.lines.insert(id, Box::new(line));
        self.schedule(id);
    }

    pub(super) fn link(&mut self, link: ConnId, id: LineId) {
        self.by_link.insert(link, id);
    }

    pub(super) fn unlink(&mut self, link: ConnId) -> Option<LineId> {
        self.by_link.remove(&link)
    }

    /// A request waits for its answer.
    pub(super) fn await_answer(&mut self, id: LineId, request: RequestId, reply: Reply) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.requests.insert(request, reply);
        }
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self, id: LineId, request: RequestId) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.requests.remove(&request);
        }
    }

    pub(super) fn answer(&mut self, id: LineId, request: RequestId, answer: Answer) {
        let reply = self.lines.get_mut(&id).and_then(|it| it.requests.remove(&request));
        // Whoever asked may have hung up.
        let _ = reply.map(|it| it.send(Ok(answer)));
    }

    /// Notes when the line wants to be woken next. Called after whatever it was told.
    pub(super) fn schedule(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let wakes_at = line.connection.wakes_at();
        if wakes_at == line.wakes_at {
            return;
        }
        if let Some(before) = std::mem::replace(&mut line.wakes_at, wakes_at) {
            self.due.remove(&(before, id));
        }
        self.due.extend(wakes_at.map(|it| (it, id)));
    }

    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.due.first().map(|it| it.0)
    }

    pub(super) fn next_due(&self, now: Instant) -> Option<LineId> {
        self.due.first().filter(|it| it.0 <= now).map(|it| it.1)
    }

    pub(super) fn end(&mut self, id: LineId) -> Option<Line> {
        let line = self.lines.remove(&id)?;
        self.by_sid.remove(&line.sid);
        if let Some(wakes_at) = line.wakes_at {
            self.due.remove(&(wakes_at, id));
        }
        Some(*line)
    }

    /// All of them, in the order in which they came.
    pub(super) fn ids(&self) -> Vec<LineId> {
        self.lines.keys().copied().collect()
    }

    /// The seats of all lines that hold theirs: the shard is given up.
    pub(super) fn take_seats(&mut self) -> Vec<Seat> {
        std::mem::take(&mut self.lines).into_values().filter_map(|it| it.seat).collect()
    }
}

impl Line {
    pub(super) fn conn_of(&self, socket: SocketId) -> Option<ConnId> {
        self.sockets.iter().find(|it| it.0 == socket).map(|it| it.1)
    }
}

/// Nothing is wrong (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

/// A WebSocket of the net, as its line calls it.
pub(super) fn named(link: ConnId) -> eio::ConnId {
    eio::ConnId(u64::from(link.life()) << 32 | link.slot() as u64)
}

/// And back.
#[expect(clippy::cast_possible_truncation, reason = "the halves of what `named` put together")]
pub(super) const fn link_of(name: eio::ConnId) -> ConnId {
    ConnId::new(name.0 as u32, (name.0 >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_is_found_by_the_name_it_has_on_its_line() {
        for link in [ConnId::new(0, 0), ConnId::new(7, 3), ConnId::new(u32::MAX, u32::MAX)] {
            assert_eq!(link_of(named(link)), link);
        }
    }
}
