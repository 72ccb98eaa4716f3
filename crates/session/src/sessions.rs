//! All sessions of the process: who is here, and who may come back as whom.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};

use proto::{Identity, SessionId, UnixTime, UserId};
use slab::Slab;

use crate::{
    Moment,
    chains::{By, Chains},
    labels::Profiles,
    policy::{Bounds, Policy, WhenFull},
    record::{Away, Left, Lent, Place, Record, Seat, State, halves},
};

mod keeping; // Rows, out and in.
mod looking; // What others ask.
mod sitting; // Rooms of live sessions.

/// Every identified connection of a route that keeps sessions has one.
#[derive(Debug)]
pub struct Sessions {
    bounds: Bounds,
    records: Slab<Record>,
    by_id: Chains,
    by_user: Chains,
    hasher: RandomState,
    pub(crate) profiles: Profiles,
    /// Those that are away, by when they end.
    leaving: BTreeSet<(Instant, u32)>,
    /// Channels of those that have come back and not asked for them yet.
    unclaimed: HashMap<u32, Vec<Left>>,
    /// Channels remembered in all, for those that are away and those that have come back.
    pub(crate) left_count: usize,
    /// Channels of those that are live, as they are joined ([`Sessions::sit`]). None at all for one
    /// with more than can be remembered.
    noted: HashMap<u32, Vec<Left>>,
    /// Channels noted in all.
    pub(crate) noted_count: usize,
    serial_next: u64,
    /// Slots of which something has to be kept. Those that have ended since are passed over.
    dirty: Vec<u32>,
    /// Ids of which something was kept that has to go.
    gone: Vec<SessionId>,
    tally: Tally,
}

/// What is known of whoever comes.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub identity: &'a Arc<Identity>,
    pub route: &'a str,
    pub address: IpAddr,
    /// The `User-Agent`, where there is one.
    pub agent: Option<&'a str>,
    /// What the client calls the device it runs on.
    pub device: Option<&'a str>,
    pub seat: Seat,
}

/// A session has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Started {
    pub place: Place,
    /// The connection of the session that has ended for it; to be closed.
    pub replaced: Option<Seat>,
}

/// A session goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resumed {
    pub place: Place,
    /// The connection it still had; to be closed.
    pub replaced: Option<Seat>,
}

/// No room for another session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Full {
    /// The user has as many as may be, all of them live.
    User,
    /// The server has.
    Server,
}

/// A session as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub id: SessionId,
    pub identity: &'a Arc<Identity>,
    pub route: &'a str,
    pub address: IpAddr,
    pub agent: Option<&'a str>,
    pub device: Option<&'a str>,
    pub created_at: UnixTime,
    /// Now, for one that is live: its client answers pings. Else when it went away (R23). So
    /// nothing is written for a message.
    pub last_active: UnixTime,
    /// Where it is live.
    pub seat: Option<Seat>,
    /// When it ends unless its client comes back, or brings a good token.
    pub until: Option<UnixTime>,
}

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub started: u64,
    pub resumed: u64,
    pub ended: u64,
    pub refused: u64,
    pub replaced: u64,
}

impl Sessions {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            records: Slab::new(),
            by_id: Chains::new(By::Id),
            by_user: Chains::new(By::User),
            hasher: RandomState::new(),
            profiles: Profiles::default(),
            leaving: BTreeSet::new(),
            unclaimed: HashMap::new(),
            left_count: 0,
            noted: HashMap::new(),
            noted_count: 0,
            serial_next: 0,
            dirty: Vec::new(),
            gone: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Begins a session under an id that nobody can guess (A13), if there is room for it.
    pub fn start(
        &mut self,
        id: SessionId,
        visit: &Visit<'_>,
        policy: &Policy,
        moment: Moment,
    ) -> Result<Started, Full> {
        assert!(self.slot_of(id).is_none(), "{id:?} was drawn twice");
        let replaced = match self.make_room(visit, policy, moment.now) {
            Ok(replaced) => replaced,
            Err(full) => {
                self.tally.refused += 1;
                return Err(full);
            }
        };
        let record = Record {
            id: halves(id),
            identity: Arc::clone(visit.identity),
            serial: self.serial_next,
            created_at: narrow(moment.wall),
            state: State::live(visit.seat),
            address: visit.address,
            profile: self.profiles.hold(visit.route, visit.agent, visit.device),
            next: [crate::chains::NONE; 2],
            is_dirty: false,
            is_kept: false,
        };
        let slot = self.insert(record);
        self.tally.started += 1;
        Ok(Started { place: self.place(slot), replaced })
    }

    /// Goes on with a session of the same user and route, shown a good token. `None` if there is
    /// none: another user's id finds nothing, and says nothing of what it would have found (A13).
    pub fn resume(&mut self, id: SessionId, visit: &Visit<'_>, moment: Moment) -> Option<Resumed> {
        let slot = self.open_slot(id, visit.route, moment.now)?;
        if self.record(slot).identity.user != visit.identity.user {
            return None;
        }
        let replaced = self.record(slot).seat();
        self.come_back(slot, State::live(visit.seat));
        let before = self.record(slot).profile;
        // Whoever does not say again which device it is has not become another.
        let device = visit.device.or(self.profiles.device(before)).map(str::to_owned);
        let profile = self.profiles.hold(visit.route, visit.agent, device.as_deref());
        self.profiles.let_go(before);
        let record = &mut self.records[slot as usize];
        record.identity = Arc::clone(visit.identity);
        record.address = visit.address;
        record.profile = profile;
        Some(Resumed { place: self.place(slot), replaced })
    }

    /// Whether there is such a session of this user, for [`Sessions::resume`].
    pub fn is_theirs(&self, id: SessionId, user: &UserId, route: &str, now: Instant) -> bool {
        let slot = self.open_slot(id, route, now);
        slot.is_some_and(|it| self.record(it).identity.user == *user)
    }

    /// As whom a client comes back that shows no good token: only while the session is away, and
    /// only until its grace ends. `owner` is whom an expired token named.
    pub fn standing(
        &self,
        id: SessionId,
        owner: Option<&UserId>,
        route: &str,
        now: Instant,
    ) -> Option<(&Arc<Identity>, UnixTime)> {
        let record = self.record(self.open_slot(id, route, now)?);
        let is_theirs = owner.is_none_or(|it| *it == record.identity.user);
        let away = record.away().filter(|_| is_theirs)?;
        Some((&record.identity, away.until))
    }

    /// Goes on with a session on no more than its id, until its grace would have ended. Going away
    /// again does not prolong that; a good token does ([`Sessions::renew`]).
    pub fn borrow(
        &mut self,
        id: SessionId,
        visit: &Visit<'_>,
        moment: Moment,
    ) -> Option<(Resumed, Instant)> {
        let slot = self.open_slot(id, visit.route, moment.now)?;
        let away = self.record(slot).away()?;
        let lent = Lent { seat: visit.seat, ends_at: away.ends_at, until: away.until };
        self.come_back(slot, State::Lent(Box::new(lent)));
        self.records[slot as usize].address = visit.address;
        Some((Resumed { place: self.place(slot), replaced: None }, lent.ends_at))
    }

    /// A newer token of the same user came in by its connection.
    pub fn renew(&mut self, place: Place, seat: Seat, identity: &Arc<Identity>) {
        let Some(slot) = self.seated(place, seat) else { return };
        let record = &mut self.records[slot as usize];
        if record.identity.user == identity.user {
            record.identity = Arc::clone(identity);
            record.state = State::live(seat);
            self.soil(slot);
        }
    }

    /// The connection has ended and the session waits for its client, with the channels it was in.
    ///
    /// A connection that another has taken the session from only leaves its channels, so that a
    /// client which was faster than the news of its lost socket finds them.
    pub fn detach(
        &mut self,
        place: Place,
        seat: Seat,
        left: Vec<Left>,
        policy: &Policy,
        moment: Moment,
    ) {
        let Some(slot) = self.slot_at(place) else { return };
        match &self.record(slot).state {
            State::Live { shard, conn } if (*shard, *conn) == (seat.shard, seat.conn) => {
                let until = UnixTime(moment.wall.0.saturating_add(policy.grace.as_secs()));
                self.leave(slot, moment.now + policy.grace, until, left, moment.wall);
            }
            State::Lent(lent) if lent.seat == seat => {
                let Lent { ends_at, until, .. } = **lent;
                self.leave(slot, ends_at, until, left, moment.wall);
            }
            State::Live { .. } | State::Lent(_) => {
                let left = self.within_bounds(left);
                if !left.is_empty() && !self.unclaimed.contains_key(&slot) {
                    self.left_count += left.len();
                    self.unclaimed.insert(slot, left);
                }
            }
            State::Away(_) => {}
        }
    }

    /// What a client subscribed to by an earlier connection, for the command `resume`: of the
    /// session its connection has now, or of another of the same user and route that is away, which
    /// then has nothing left to wait for and ends. `None` if there is none of theirs by that id.
    pub fn claim(
        &mut self,
        id: SessionId,
        place: Place,
        seat: Seat,
        moment: Moment,
    ) -> Option<Vec<Left>> {
        let own = self.seated(place, seat)?;
        if self.record(own).id() == id {
            return self.take_left(place, seat);
        }
        let mine = self.record(own);
        let other = self.slot_of(id)?;
        let record = self.record(other);
        let away = record.away().filter(|it| moment.now < it.ends_at)?;
        let route = |it: &Record| self.profiles.route(it.profile);
        if record.identity.user != mine.identity.user || route(record) != route(mine) {
            return None;
        }
        let left = away.left.clone();
        self.remove(other);
        Some(left)
    }

    /// The channels that a live session was in before its connection ended, for its client to have
    /// again. They are handed out once.
    pub fn take_left(&mut self, place: Place, seat: Seat) -> Option<Vec<Left>> {
        let slot = self.seated(place, seat)?;
        let left = self.forget_left(slot);
        if !left.is_empty() {
            self.soil(slot);
        }
        Some(left)
    }

    /// The connection has ended, and the session with it.
    pub fn part(&mut self, place: Place, seat: Seat) {
        if let Some(slot) = self.seated(place, seat) {
            self.remove(slot);
        }
    }

    /// Ends a session. The connection it had is to be closed.
    pub fn end(&mut self, id: SessionId) -> Option<Option<Seat>> {
        let slot = self.slot_of(id)?;
        let seat = self.record(slot).seat();
        self.remove(slot);
        Some(seat)
    }

    /// Ends those whose grace is over; answers how many.
    pub fn sweep(&mut self, now: Instant) -> usize {
        let mut count = 0;
        while let Some((_, slot)) = self.leaving.first().copied().filter(|it| it.0 <= now) {
            self.remove(slot);
            count += 1;
        }
        count
    }

    /// Ends what has been away longest until one more fits; then, by the policy, what is oldest.
    fn make_room(
        &mut self,
        visit: &Visit<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Option<Seat>, Full> {
        self.sweep(now);
        let user = &visit.identity.user;
        let theirs = |it: &Self| it.slots_of(user).count();
        while self.bounds.of_user_max as usize <= theirs(self) {
            let away = self.longest_away(user, None).ok_or(Full::User)?;
            self.remove(away);
        }
        let max = policy.max.map_or(usize::MAX, |it| it as usize);
        let mut replaced = None;
        let route = visit.route;
        let is_here = |it: &Self, record: &Record| it.profiles.route(record.profile) == route;
        while max <= self.slots_of(user).filter(|it| is_here(self, it.1)).count() {
            if let Some(away) = self.longest_away(user, Some(route)) {
                self.remove(away);
                continue;
            }
            let here = self.slots_of(user).filter(|it| is_here(self, it.1));
            let oldest = here.min_by_key(|it| it.1.serial).map(|it| (it.0, it.1.seat()));
            match (policy.when_full, oldest) {
                (WhenFull::Replace, Some((slot, seat))) => {
                    self.remove(slot);
                    self.tally.replaced += 1;
                    replaced = seat;
                }
                (WhenFull::Refuse | WhenFull::Replace, _) => return Err(Full::User),
            }
        }
        while self.bounds.sessions_max as usize <= self.records.len() {
            let (_, slot) = self.leaving.first().copied().ok_or(Full::Server)?;
            self.remove(slot);
        }
        Ok(replaced)
    }

    fn longest_away(&self, user: &UserId, route: Option<&str>) -> Option<u32> {
        let is_meant =
            |it: &Record| route.is_none_or(|route| self.profiles.route(it.profile) == route);
        let theirs = self.slots_of(user).filter(|it| is_meant(it.1));
        let away = theirs.filter_map(|it| Some((it.1.away()?.ends_at, it.0)));
        away.min().map(|it| it.1)
    }

    /// As much of it as may be remembered.
    fn within_bounds(&self, mut left: Vec<Left>) -> Vec<Left> {
        left.truncate(self.bounds.channels_max);
        if self.bounds.left_max < self.left_count + left.len() {
            return Vec::new();
        }
        left.shrink_to_fit();
        left
    }

    fn leave(
        &mut self,
        slot: u32,
        ends_at: Instant,
        until: UnixTime,
        left: Vec<Left>,
        since: UnixTime,
    ) {
        let before = self.forget_left(slot);
        let noted = self.forget_noted(slot);
        let left = self.within_bounds(match noted {
            Some(noted) => noted,
            // Whoever comes and goes without asking for them still has them.
            None if left.is_empty() => before,
            None => left,
        });
        self.left_count += left.len();
        let away = Away { since, ends_at, until, left };
        self.records[slot as usize].state = State::Away(Box::new(away));
        self.leaving.insert((ends_at, slot));
        self.soil(slot);
    }

    fn come_back(&mut self, slot: u32, state: State) {
        let before = std::mem::replace(&mut self.records[slot as usize].state, state);
        if let State::Away(away) = before {
            self.leaving.remove(&(away.ends_at, slot));
            if !away.left.is_empty() {
                self.unclaimed.insert(slot, away.left);
            }
        }
        self.tally.resumed += 1;
        self.soil(slot);
    }

    fn insert(&mut self, record: Record) -> u32 {
        self.serial_next = self.serial_next.max(record.serial + 1);
        let slot = u32::try_from(self.records.insert(record)).expect("the bound has 32 bits");
        let hasher = &self.hasher;
        self.by_id.insert(&mut self.records, slot, |it| it.id[1]);
        self.by_user
            .insert(&mut self.records, slot, |it| hasher.hash_one(it.identity.user.as_str()));
        self.soil(slot);
        slot
    }

    fn remove(&mut self, slot: u32) {
        let record = self.record(slot);
        let (id, user) = (record.id[1], self.hasher.hash_one(record.identity.user.as_str()));
        self.by_id.remove(&mut self.records, slot, id);
        self.by_user.remove(&mut self.records, slot, user);
        let record = self.records.remove(slot as usize);
        if let State::Away(away) = &record.state {
            self.leaving.remove(&(away.ends_at, slot));
            self.left_count -= away.left.len();
        }
        self.forget_left(slot);
        self.forget_noted(slot);
        self.profiles.let_go(record.profile);
        if record.is_kept {
            self.gone.push(record.id());
        }
        self.tally.ended += 1;
    }

    /// Returns what it had come back with.
    fn forget_left(&mut self, slot: u32) -> Vec<Left> {
        let left = self.unclaimed.remove(&slot).unwrap_or_default();
        self.left_count -= left.len();
        left
    }

    /// Marks what has to be kept.
    fn soil(&mut self, slot: u32) {
        let record = &mut self.records[slot as usize];
        if !std::mem::replace(&mut record.is_dirty, true) {
            self.dirty.push(slot);
        }
    }

    fn record(&self, slot: u32) -> &Record {
        &self.records[slot as usize]
    }

    fn place(&self, slot: u32) -> Place {
        Place { slot, life: self.record(slot).life() }
    }

    fn slot_at(&self, place: Place) -> Option<u32> {
        let record = self.records.get(place.slot as usize)?;
        (record.life() == place.life).then_some(place.slot)
    }

    /// Where this connection has the session.
    fn seated(&self, place: Place, seat: Seat) -> Option<u32> {
        self.slot_at(place).filter(|it| self.record(*it).seat() == Some(seat))
    }

    fn slot_of(&self, id: SessionId) -> Option<u32> {
        let id = halves(id);
        self.by_id.walk(&self.records, id[1]).find(|it| it.1.id == id).map(|it| it.0)
    }

    /// Of this route, and not over.
    fn open_slot(&self, id: SessionId, route: &str, now: Instant) -> Option<u32> {
        let slot = self.slot_of(id)?;
        let record = self.record(slot);
        let is_over = record.away().is_some_and(|it| it.ends_at <= now);
        (self.profiles.route(record.profile) == route && !is_over).then_some(slot)
    }

    fn slots_of<'a, 'b>(
        &'a self,
        user: &'b UserId,
    ) -> impl Iterator<Item = (u32, &'a Record)> + use<'a, 'b> {
        let hash = self.hasher.hash_one(user.as_str());
        self.by_user.walk(&self.records, hash).filter(move |it| it.1.identity.user == *user)
    }
}

/// Seconds in 32 bits, for as long as they fit.
fn narrow(time: UnixTime) -> u32 {
    u32::try_from(time.0).unwrap_or(u32::MAX)
}
