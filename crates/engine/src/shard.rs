//! The shard: one thread's connections and channels. Only routes; what happens is in the files
//! named after it.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use limits::{Counts, Limit, Pace, Rate, RetryAfter};
use proto::{
    ChannelName, Code, ConnId, Dialect, Event, Identity, Kind, Notice, Offset, Placed, Publication,
    Refusal, RequestId, SessionId, UnixMillis,
};

use crate::{
    channel::Member,
    channels::Channels,
    conn::{Conn, Stage},
    conns::Conns,
    conversation::Conversation,
    deadlines::{Deadlines, Tick},
    effect::Effect,
    home::SHARDS_MAX,
    homes::Homes,
    input::{Input, Opened},
    policy::{Policy, Rules},
    tally::Tally,
};

mod attending; // Who is here.
mod authenticating; // Tokens that come after the upgrade.
mod bus; // What shards say to each other.
mod commanding; // What clients ask.
mod errands; // What the HTTP side asks.
mod fetching; // Parts of logs.
mod joining; // Seats in channels.
mod keeping; // To the disk, and what becomes of it.
mod knocking; // What waits for a log to be loaded.
mod locating; // Where in a log somebody was.
mod marking; // Who has come how far.
mod noticing; // What is told in passing.
mod publishing; // Order, and who hears.
pub(crate) mod recovering; // Whoever goes on where it was, in all its channels.
mod replaying; // Members who are behind.
mod resuming; // What an earlier connection had.
mod talking; // With applications.
mod typing; // Who writes.
mod watching; // Deadlines.

use self::attending::Parting;

#[derive(Debug)]
pub struct Shard {
    rules: Rules,
    /// The message limit of each policy, prepared.
    paces: Vec<Option<Pace>>,
    /// And its limit of saying that one writes.
    typing_paces: Vec<Option<Pace>>,
    conns: Conns,
    channels: Channels,
    homes: Homes,
    deadlines: Deadlines,
    /// Talks with applications that outlive their connection: what was said before it closed is
    /// still heard, and then the application is told that it is gone.
    farewells: BTreeMap<ConnId, Box<Conversation>>,
    is_draining: bool,
    tally: Tally,
    limit_counts: Counts,
    /// Whether there is a policy with which connections recover.
    recovers: bool,
    /// Seats taken in all channels, for the metrics.
    memberships: usize,
    /// Replays that wait for others are being begun.
    is_beginning: bool,
    /// Replays begun, which tells their answers apart.
    attempts: u32,
    /// Pings sent, so that each has a number.
    pings: u32,
    /// What the wall clock says, for what is told to people.
    wall: UnixMillis,
}

impl Shard {
    /// `now` is where this shard's time begins; later inputs must not be earlier.
    pub fn new(rules: Rules, now: Instant) -> Self {
        assert!(0 < rules.shards && rules.shards <= SHARDS_MAX, "shards are a bit each");
        let paces = |of: fn(&Policy) -> Option<Rate>| {
            rules.policies.iter().map(|it| of(it).map(|rate| Pace::new(rate, now))).collect()
        };
        Self {
            paces: paces(|it| it.messages),
            typing_paces: paces(|it| it.typing),
            conns: Conns::default(),
            channels: Channels::new(rules.epoch_seed),
            homes: Homes::new(rules.epoch_seed, rules.log_bytes_max, rules.row_last),
            deadlines: Deadlines::new(now),
            farewells: BTreeMap::new(),
            is_draining: false,
            tally: Tally::default(),
            limit_counts: Counts::default(),
            recovers: rules.policies.iter().any(|it| it.recovers),
            memberships: 0,
            is_beginning: false,
            attempts: 0,
            pings: 0,
            wall: UnixMillis(0),
            rules,
        }
    }

    /// Tells what the wall clock says. Only what messages are labelled with follows from it.
    pub const fn set_wall(&mut self, wall: UnixMillis) {
        self.wall = wall;
    }

    /// Takes one input and appends the effects it calls for.
    ///
    /// Cannot fail. What a client may not do becomes a refusal; what must not happen is asserted.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        let tick = self.deadlines.tick(now);
        match input {
            Input::Opened { conn, opened } => self.open(tick, conn, *opened, effects),
            Input::Heard { conn } => self.hear(tick, conn),
            Input::Requested { conn, request } => self.request(now, conn, request, effects),
            Input::Said { conn, message } => self.say(now, conn, message, effects),
            Input::Authenticated { conn, proof } => self.authenticated(tick, conn, proof, effects),
            Input::Answered { conn, answer } => self.answered(tick, conn, answer, effects),
            Input::Returned { conn, rooms } => self.may_return(tick, conn, rooms, effects),
            Input::Overfull { conn, channel, from, to } => {
                self.overfull(tick, conn, channel, from, to, effects);
            }
            Input::Unclogged { conn } => self.unclogged(conn, effects),
            Input::Replayed { conn } => self.replayed(tick, conn, effects),
            Input::Ponged { conn, number } => self.ponged(tick, conn, number, effects),
            Input::Resumed { conn, taken_up } => self.resumed(tick, conn, taken_up, effects),
            Input::Loaded { channel, loaded } => self.loaded(tick, channel, loaded, effects),
            Input::Appended { channel, at, outcome } => {
                self.appended(tick, channel, at, outcome, effects);
            }
            Input::Moved { channel, moved, outcome } => {
                self.moved(tick, channel, moved, outcome, effects);
            }
            Input::Erased { channel, ticket, outcome } => {
                self.erased(tick, channel, ticket, outcome, effects);
            }
            Input::Found { channel, epoch, wish, asked_by, page } => {
                self.found(tick, channel, epoch, (wish, asked_by), page, effects);
            }
            Input::Located { channel, epoch, stood_at, joined, asked_by } => {
                self.located(tick, channel, epoch, (stood_at, joined), asked_by, effects);
            }
            Input::Closed { conn } => self.forget(tick, conn, None, effects),
            Input::Sent { envelope } => self.sent(tick, envelope, effects),
            Input::Overflowed => self.overflowed(tick, effects),
            Input::TookOver => self.tell_forgotten(effects),
            Input::Sought { ticket, errand } => self.seek(tick, ticket, errand, effects),
            Input::Woke => self.wake(tick, effects),
            Input::Drain { over } => self.drain(tick, over, effects),
        }
    }

    /// The channel's members on this shard that speak the dialect.
    pub fn members(&self, channel: &ChannelName, dialect: Dialect) -> &[Member] {
        self.channels.find(channel).map_or(&[], |it| it.members(dialect))
    }

    /// Whether the publication passes this member over: it is meant for all others, or tells who
    /// comes and goes, and this one has not asked or may not know (C4). Need not be asked where
    /// [`Publication::is_for_everyone`].
    pub fn is_excepted(&self, conn: ConnId, publication: &Publication) -> bool {
        let Some(record) = self.conns.find(conn) else { return false };
        let is_presence = matches!(
            &publication.kind,
            Kind::Notice(it) if matches!(**it, Notice::Presence(_))
        );
        if is_presence && !self.sees_presence(record, &publication.channel) {
            return true;
        }
        let is_it = Some((self.rules.shard, conn)) == publication.except_conn;
        is_it || publication.except.is_some() && record.user() == publication.except.as_ref()
    }

    /// How the connection is spoken to; `None` once it has closed.
    pub fn dialect(&self, conn: ConnId) -> Option<Dialect> {
        self.conns.find(conn).map(|it| self.policy(it).dialect)
    }

    /// Whether the connection is still being sent the log of a channel.
    pub fn is_behind(&self, conn: ConnId, channel: &ChannelName) -> bool {
        let owed = self.conns.find(conn).and_then(|it| it.owed.as_ref());
        let key = self.channels.key(channel);
        owed.zip(key).is_some_and(|(owed, key)| owed.reached(key).is_some())
    }

    /// The identity a connection has been admitted with, refreshed if it was.
    pub fn identity(&self, conn: ConnId) -> Option<&Arc<Identity>> {
        self.conns.find(conn)?.identity.as_ref()
    }

    /// When [`Input::Woke`] is wanted. `None`: not until something else happens.
    pub fn wakes_at(&self) -> Option<Instant> {
        let homes = self.homes.wakes_at();
        let homes = (homes != Tick::NEVER).then(|| self.deadlines.instant(homes));
        [self.deadlines.next(), homes].into_iter().flatten().min()
    }

    /// Open connections.
    pub const fn conn_count(&self) -> usize {
        self.conns.count()
    }

    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What the limits kept here have checked and refused.
    pub const fn limit_counts(&self) -> &Counts {
        &self.limit_counts
    }

    /// Channels with members on this shard.
    pub fn channel_count(&self) -> usize {
        self.channels.count()
    }

    /// Seats taken in all of them.
    pub const fn membership_count(&self) -> usize {
        self.memberships
    }

    /// Channels that are at home here.
    pub fn home_count(&self) -> usize {
        self.homes.count()
    }

    /// What the logs in this shard's memory weigh, in bytes.
    pub fn log_bytes(&self) -> u64 {
        self.homes.log_bytes()
    }

    fn policy(&self, conn: &Conn) -> &Policy {
        &self.rules.policies[usize::from(conn.policy)]
    }

    fn open(&mut self, now: Tick, id: ConnId, opened: Opened, effects: &mut Vec<Effect>) {
        let policy = &self.rules.policies[usize::from(opened.policy)];
        let stage = if opened.awaits_token { Stage::Greeting } else { Stage::Live };
        let has_app = policy.has_app;
        let device = opened.device;
        self.conns.open(id, Conn { device, ..Conn::new(id, opened.policy, stage, now) });
        if self.is_draining {
            self.close(now, id, Code::Draining.into(), effects);
            return;
        }
        let session = opened.proof.as_ref().and_then(|it| it.session);
        if let Some(proof) = opened.proof {
            self.adopt(now, id, &proof);
        }
        if stage == Stage::Live {
            let welcome = Welcome {
                request: None,
                session,
                channels: opened.channels,
                has_app,
                places: None,
            };
            match opened.returning {
                Some(returning) => self.recover(now, id, *returning, welcome, effects),
                None => self.welcome(now, id, welcome, effects),
            }
        }
        self.schedule(id);
    }

    /// The connection is admitted: greet it, seat it, and let its application speak first.
    fn welcome(&mut self, now: Tick, id: ConnId, welcome: Welcome, effects: &mut Vec<Effect>) {
        let Welcome { request, session, channels, has_app, places } = welcome;
        let conn = self.conns.at_mut(id);
        conn.stage = Stage::Live;
        let identity = conn.identity.as_deref();
        let user = identity.map(|it| it.user.clone());
        let expires_at = identity.map(|it| it.expires_at);
        let ping = self.rules.policies[usize::from(conn.policy)].ping_every;
        let (session, resumed) = session.map_or((None, false), |it| (Some(it.0), it.1));
        let event = Event::Connected { id: request, user, expires_at, ping, session, resumed };
        effects.push(Effect::Tell { conn: id, event });
        if has_app {
            self.greet(id, places.is_some(), effects);
        }
        for (channel, at) in places.into_iter().flatten() {
            self.sit_again(now, id, &channel, at, effects);
        }
        self.begin_queued(now, id, effects);
        for channel in channels {
            self.join_by_route(now, id, channel, effects);
        }
    }

    fn hear(&mut self, now: Tick, id: ConnId) {
        if let Some(conn) = self.conns.find_mut(id) {
            conn.heard_at = now;
            conn.pinged_at = Tick::NEVER;
        }
    }

    /// Spends one message of the connection's allowance, or says how long to wait.
    fn spend(&mut self, now: Instant, id: ConnId) -> Result<(), Refusal> {
        self.tally.messages += 1;
        let conn = self.conns.at_mut(id);
        let policy = usize::from(conn.policy);
        let Some(pace) = &self.paces[policy] else { return Ok(()) };
        let wait = conn.budget.spend(pace, now).err();
        self.judge(Limit::Messages, policy, wait)
    }

    /// Counts what a limit of a policy says, and whether it is heard.
    fn judge(
        &mut self,
        limit: Limit,
        policy: usize,
        wait: Option<RetryAfter>,
    ) -> Result<(), Refusal> {
        let mode = self.rules.policies[policy].messages_mode;
        let is_refused = self.limit_counts.judge(limit, mode, wait.is_some());
        match wait.filter(|_| is_refused) {
            Some(wait) => Err(Refusal::new(Code::TooFast).after(wait.0)),
            None => Ok(()),
        }
    }

    fn refuse(
        &mut self,
        conn: ConnId,
        id: Option<RequestId>,
        refusal: impl Into<Refusal>,
        effects: &mut Vec<Effect>,
    ) {
        self.tally.refused += 1;
        let event = Event::Refused { id, refusal: refusal.into() };
        effects.push(Effect::Tell { conn, event });
    }

    /// Says why, and closes. The socket may take a while; here the connection is gone at once.
    fn close(&mut self, now: Tick, id: ConnId, refusal: Refusal, effects: &mut Vec<Effect>) {
        let code = refusal.code;
        if self.conns.find(id).is_some() {
            effects.push(Effect::Close { conn: id, refusal });
            self.forget(now, id, Some(code), effects);
        }
    }

    /// Gives up everything a connection had. Idempotent: a close of ours and one of theirs can
    /// cross.
    fn forget(&mut self, now: Tick, id: ConnId, code: Option<Code>, effects: &mut Vec<Effect>) {
        let left = self.left(id);
        let heard_at = self.conns.find(id).map_or(now, |it| it.heard_at);
        let parting = Parting::of(code, now.since(heard_at));
        while let Some(joined) = self.conns.find(id).and_then(|it| it.joined.last().copied()) {
            self.vacate(now, id, joined.channel, parting, effects);
        }
        let Some(conn) = self.conns.close(id) else { return };
        // Of whoever has not been told that it is in its application has not been told either.
        let was_greeted = !conn.is_recovering();
        if let Some(conversation) = conn.conversation.filter(|_| was_greeted) {
            self.part(id, conversation, effects);
        }
        effects.push(Effect::Ended { conn: id, lasted: now.since(conn.opened_at), code, left });
    }

    /// What a connection joined by commands, and how far it got in each: not past a gap that it
    /// was not told of, nor past what is still to be sent to it.
    fn left(&self, id: ConnId) -> Vec<(ChannelName, Option<Placed>)> {
        let Some(conn) = self.conns.find(id) else { return Vec::new() };
        let asked = conn.joined.iter().filter(|it| !it.is_given);
        let placed = asked.map(|it| {
            let channel = self.channels.at(it.channel);
            if let Some(reached) = conn.owed.as_ref().and_then(|owed| owed.reached(it.channel)) {
                return (channel.name.clone(), reached);
            }
            let mut gaps = conn.pending.iter().flat_map(|it| &it.gaps);
            let gap = gaps.find(|it| it.channel == channel.name);
            let missed = gap.map(|it| Offset(it.from.0.saturating_sub(1)));
            let at = channel.at();
            (
                channel.name.clone(),
                at.map(|it| Placed { offset: missed.unwrap_or(it.offset), ..it }),
            )
        });
        placed.collect()
    }
}

/// What a connection is greeted with.
#[derive(Debug)]
struct Welcome {
    /// The number of the command that brought the token.
    request: Option<RequestId>,
    session: Option<(SessionId, bool)>,
    channels: Vec<ChannelName>,
    has_app: bool,
    /// Where it goes on, if it does.
    places: Option<Vec<(ChannelName, Placed)>>,
}
