//! Where one shard's net and engine meet: what is heard goes to the engine, what the engine asks
//! for is carried out.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Instant, SystemTime},
};

use admission::{Admitted, Held, RouteId, Tallies};
use app::Visitor;
use engine::{Effect, Envelope, Input, Namespaces, Outcome, Rules, Shard, Ticket};
use limits::Seat;
use monitor::ShardMetrics;
use net::{Ears, Knock, Net, Trouble};
use proto::{ChannelName, Code, ConnId, Message, Refusal, ShardId, UnixTime};
use token::{Source, VerifiedCache};
use tokio::sync::oneshot;
use wire::Arrived;

use crate::{ground::Ground, inbox::Inbox};

mod admitting; // From a head to an open connection.
mod asking; // Applications.
mod calling; // Requests that poll.
mod carrying; // Effects.
mod counting; // For the monitor.
mod delivering; // Batches.
mod dialing; // Lines and their transports.
mod emitting; // Publications as events.
mod entering; // Who joins a namespace.
mod keeping; // Sessions.
mod lines; // Clients that speak Socket.IO.
mod parting; // Goodbyes.
mod receiving; // The inbox.
mod recovering; // Where clients of Socket.IO stand.
mod storing; // The store.
mod voicing; // Events.

/// One shard without its sockets.
pub(crate) struct Hall {
    pub(crate) id: ShardId,
    ground: Arc<Ground>,
    inbox: Arc<Inbox>,
    shard: Shard,
    /// Only for what events are called.
    namespaces: Arc<Namespaces>,
    metrics: Arc<ShardMetrics>,
    now: Instant,
    wall: UnixTime,
    /// Kept between inputs so that a turn allocates nothing of its own.
    effects: Vec<Effect>,
    /// By slot, in step with the net's sockets that have passed the door.
    guests: Vec<Option<Guest>>,
    /// Those before the door who wait for an answer from elsewhere.
    waiting: HashMap<ConnId, Waiting>,
    /// Those inside whose first message has to bring a token.
    unproven: HashMap<ConnId, Box<Admitted>>,
    /// Those whose token waits for keys that are being fetched, and whether it replaces another.
    /// There is one token a connection; the engine keeps the deadline of a first one.
    keyless: HashMap<ConnId, (Arc<str>, bool)>,
    /// Those who speak Socket.IO, whose connections are among the guests.
    lines: lines::Lines,
    /// Those who have left while their application was asked something.
    parted: HashMap<ConnId, (RouteId, Arc<Visitor>)>,
    /// Connections of lines that have ended, and of which their application has not heard the last.
    ending: HashMap<ConnId, lines::LineId>,
    cache: VerifiedCache,
    tallies: Tallies,
    fetches: Vec<Source>,
    /// This turn's publications by channel, in order.
    batches: Vec<delivering::Gathered>,
    /// Where in `batches` each channel is.
    batch_places: HashMap<ChannelName, usize>,
    /// This turn's envelopes by shard.
    outgoing: Vec<Vec<Envelope>>,
    tickets: HashMap<Ticket, oneshot::Sender<Outcome>>,
    ticket_next: u64,
    /// This turn's answers to the HTTP side.
    replies: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    books: counting::Books,
    desk: storing::Desk,
    /// Whose part of a log has left; they are given the next one in the turn that comes.
    replayed: Vec<ConnId>,
    standing: recovering::Standing,
    is_draining: bool,
}

/// Someone who has been let in.
struct Guest {
    life: u32,
    route: RouteId,
    /// Goes back when the connection ends, whatever ends it (C3).
    seat: Option<Seat>,
    address: std::net::IpAddr,
    /// What the route's application knows it as.
    visitor: Option<Arc<Visitor>>,
    /// Where its session is, if its route keeps any.
    session: Option<session::Place>,
    /// Where its words come from and go to, if it is on a line. Boxed, because most are not.
    voice: Option<Box<lines::Voice>>,
}

impl Guest {
    /// Whom its application knows: of whoever has not been told that it is in, it has not heard.
    fn take_known(&mut self) -> Option<Arc<Visitor>> {
        let is_in = self.voice.as_ref().is_none_or(|it| it.is_in);
        self.visitor.take().filter(|_| is_in)
    }
}

/// Someone whose admission waits.
enum Waiting {
    /// For the route's application to say whether it wants them.
    App(Box<Admitted>),
    /// For keys to verify the token with.
    Keys(Held),
    /// The same two, for who joins a namespace of Socket.IO.
    Socket(Box<entering::Knocker>),
    SocketKeys(Box<entering::Knocker>),
}

impl Hall {
    pub(crate) fn new(ground: Arc<Ground>, rules: Rules, now: Instant, wall: UnixTime) -> Self {
        let id = rules.shard;
        let shards = usize::from(rules.shards);
        let inbox = Arc::clone(ground.hub.inbox(id));
        let bytes = |route| ground.door.routes.of(route).map_or(0, |it| it.message_bytes_max);
        let routes = (0..).map(RouteId).map(bytes);
        let lines = lines::Lines::new(rules.policies.iter().zip(routes), ground.waiting_max);
        let rules = Rules { row_last: ground.store.row_last(), ..rules };
        let writer = ground.store.writer(Arc::new(storing::ToInbox(Arc::clone(&inbox))));
        Self {
            id,
            inbox,
            desk: storing::Desk::new(writer, ground.lives.fetch_add(1, Ordering::Relaxed)),
            replayed: Vec::new(),
            standing: recovering::Standing::new(shards, &rules.policies),
            metrics: ground.monitor.shard(usize::from(id.0)),
            namespaces: Arc::clone(&rules.namespaces),
            shard: Shard::new(rules, now),
            now,
            wall,
            effects: Vec::new(),
            guests: Vec::new(),
            waiting: HashMap::new(),
            unproven: HashMap::new(),
            keyless: HashMap::new(),
            lines,
            parted: HashMap::new(),
            ending: HashMap::new(),
            cache: VerifiedCache::new(crate::ground::TOKENS_MAX),
            tallies: Tallies::default(),
            fetches: Vec::new(),
            batches: Vec::new(),
            batch_places: HashMap::new(),
            outgoing: (0..shards).map(|_| Vec::new()).collect(),
            tickets: HashMap::new(),
            ticket_next: 0,
            replies: Vec::new(),
            books: counting::Books::default(),
            is_draining: false,
            ground,
        }
    }

    /// A turn begins.
    pub(crate) fn begin(&mut self, now: Instant, wall: SystemTime) {
        self.now = now;
        self.wall = wall.into();
        self.shard.set_wall(wall.into());
        self.metrics.turn(self.wall);
    }

    /// The time of this turn.
    pub(crate) const fn now(&self) -> Instant {
        self.now
    }

    /// When the engine wants to be woken.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        // What a flush has led to waits for no deadline.
        let is_idle = self.batches.is_empty() && self.replayed.is_empty();
        let deadlines = [self.shard.wakes_at(), self.lines.wakes_at()];
        if is_idle { deadlines.into_iter().flatten().min() } else { Some(self.now) }
    }

    /// Tells the engine that a deadline has come, if one has.
    pub(crate) fn wake(&mut self, net: &mut Net) {
        for conn in std::mem::take(&mut self.replayed) {
            self.tell(net, Input::Replayed { conn });
        }
        if self.shard.wakes_at().is_some_and(|it| it <= self.now) {
            self.tell(net, Input::Woke);
        }
        self.wake_lines(net);
    }

    pub(crate) const fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// Everyone has been parted with, and their applications have been told.
    pub(crate) fn is_drained(&self) -> bool {
        let is_empty = self.shard.conn_count() == 0 && self.waiting.is_empty();
        self.is_draining && is_empty && self.parted.is_empty() && self.lines.is_empty()
    }

    /// This shard replaces one that failed: the others are to tell it again what it should know.
    pub(crate) fn take_over(&mut self, net: &mut Net) {
        self.tell(net, Input::TookOver);
    }

    /// Tells the engine one thing and carries out what comes of it.
    fn tell(&mut self, net: &mut Net, input: Input) {
        // Carrying out can lead to another input, which then uses a fresh list.
        let mut effects = std::mem::take(&mut self.effects);
        self.shard.handle(self.now, input, &mut effects);
        for effect in effects.drain(..) {
            self.carry_out(net, effect);
        }
        self.effects = effects;
    }

    fn shards(&self) -> u16 {
        self.ground.hub.shard_count()
    }

    fn guest(&mut self, conn: ConnId) -> Option<&mut Guest> {
        let guest = self.guests.get_mut(conn.slot())?.as_mut();
        guest.filter(|it| it.life == conn.life())
    }
}

impl Ears for Hall {
    fn knocked(&mut self, net: &mut Net, conn: ConnId, knock: &Knock<'_>) {
        self.judge(net, conn, knock);
    }

    fn arrived(&mut self, net: &mut Net, conn: ConnId, arrived: Arrived<'_>) {
        if let Some(line) = self.line_of(conn) {
            return self.line_heard(net, line, conn, arrived);
        }
        self.tell(net, Input::Heard { conn });
        match arrived {
            Arrived::Text(text) => self.hear_text(net, conn, text),
            Arrived::Binary(bytes) => self.hear_binary(net, conn, bytes),
            Arrived::Pong(payload) => {
                // Others than ours may be sent by anybody (RFC 6455 section 5.5.3).
                if let Ok(number) = payload.try_into().map(u32::from_be_bytes) {
                    self.tell(net, Input::Ponged { conn, number });
                }
            }
            Arrived::Ping(_) => {}
            Arrived::Close(said) => self.closed_by_peer(net, conn, said),
        }
    }

    fn troubled(&mut self, net: &mut Net, conn: ConnId, trouble: Trouble) {
        if self.line_of(conn).is_some() {
            return self.link_troubled(net, conn, trouble);
        }
        let waits_for_keys = matches!(self.waiting.get(&conn), Some(Waiting::Keys(_)));
        let refusal = if waits_for_keys && trouble == Trouble::HeadLate {
            Code::AuthUnavailable.into()
        } else {
            trouble_told(trouble)
        };
        if self.guest(conn).is_some() {
            self.evict(net, conn, refusal);
        } else {
            self.turn_out(net, conn, &refusal);
        }
    }

    fn unclogged(&mut self, net: &mut Net, conn: ConnId) {
        if let Some(line) = self.line_of(conn) {
            let conns = self.conns_of(line);
            return conns.into_iter().for_each(|conn| self.tell(net, Input::Unclogged { conn }));
        }
        self.tell(net, Input::Unclogged { conn });
    }

    fn emptied(&mut self, net: &mut Net, conn: ConnId) {
        if let Some(line) = self.line_of(conn) {
            return self.link_emptied(net, line);
        }
        self.tell(net, Input::Replayed { conn });
    }

    fn lost(&mut self, net: &mut Net, conn: ConnId) {
        if self.line_of(conn).is_some() {
            return self.link_lost(net, conn);
        }
        self.forget(net, conn);
    }
}

impl Hall {
    /// The line that a WebSocket belongs to. Whoever is a guest by itself belongs to none.
    fn line_of(&mut self, conn: ConnId) -> Option<lines::LineId> {
        if self.guest(conn).is_some() { None } else { self.lines.of_link(conn) }
    }

    fn hear_text(&mut self, net: &mut Net, conn: ConnId, text: &str) {
        match self.shard.dialect(conn) {
            Some(proto::Dialect::Native) => {
                proto::json::requests(text, |request| {
                    self.tell(net, Input::Requested { conn, request });
                });
            }
            Some(proto::Dialect::Plain) => {
                let message = Message::Text(text.into());
                self.tell(net, Input::Said { conn, message });
            }
            Some(proto::Dialect::SocketIo) | None => {}
        }
    }

    fn hear_binary(&mut self, net: &mut Net, conn: ConnId, bytes: &[u8]) {
        match self.shard.dialect(conn) {
            Some(proto::Dialect::Native) => self.evict(net, conn, Code::UnsupportedData.into()),
            Some(proto::Dialect::Plain) => {
                let message = Message::Binary(bytes.into());
                self.tell(net, Input::Said { conn, message });
            }
            Some(proto::Dialect::SocketIo) | None => {}
        }
    }
}

/// What the peer is told of a trouble with its bytes.
fn trouble_told(trouble: Trouble) -> Refusal {
    match trouble {
        Trouble::Head(fault) => {
            let is_large = fault.status() == Code::HeadTooLarge.http();
            let code = if is_large { Code::HeadTooLarge } else { Code::BadRequest };
            Refusal::new(code).saying(format!("This is not a request we read: {fault}."))
        }
        Trouble::HeadLate => Code::HandshakeLate.into(),
        Trouble::Frame(fault) => {
            let code = match fault.close_code() {
                1007 => Code::InvalidUtf8,
                1009 => Code::MessageTooBig,
                1008 => Code::TooManyFragments,
                _ => Code::ProtocolError,
            };
            Refusal::new(code).saying(fault.to_string())
        }
        Trouble::MessageLate => Code::MessageLate.into(),
        Trouble::TooManyPings => Code::TooManyPings.into(),
        Trouble::Stalled => Code::TooSlow.into(),
    }
}
