//! Who is in a channel, as its home knows (R77, R79).
//!
//! Shards say how many connections each user has there; the home adds up, waits for those who were
//! lost and may come back, and tells members every so often what has changed. A user costs some
//! two hundred bytes here, whatever the number of their connections.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use proto::{Notice, Person, Roll, ShardId, Status, UnixMillis, UserId, Who};

use crate::{deadlines::Tick, input::Seats, noticed::NOTICE_EVERY, policy::PresenceRules};

/// Users one channel knows by name: a very large room. The connections of those beyond are only
/// counted (F14).
pub(crate) const USERS_MAX: usize = 100_000;

/// Users of whom it is remembered when they were last here.
const SEEN_MAX: usize = 1000;

/// Changes looked at in one turn, so that a crowd that leaves at once stalls nobody.
const CHANGES_MAX: usize = 10_000;

/// How often members of a crowd are told how large it is.
const CROWD_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Presence {
    rules: PresenceRules,
    /// Who is here, and who has left and has not been told of. At most [`USERS_MAX`].
    users: BTreeMap<UserId, Guest>,
    /// Connections by shard that stand for nobody by name.
    unnamed: BTreeMap<ShardId, u32>,
    /// Connections of the users.
    named: u64,
    /// Users who are here, and how many members have been told of.
    here: u64,
    told: u64,
    /// The number that members of a crowd were told last.
    said: u64,
    /// Whose change members have not been told, each once; whoever has waited longest is first.
    queue: VecDeque<UserId>,
    tells_at: Tick,
    /// Whom nothing is left of, and when they are missed.
    leaving: BTreeSet<(Tick, UserId)>,
    seen: Seen,
}

/// When those who have left were last here.
#[derive(Debug)]
struct Seen {
    /// By which number in `order`, and when.
    users: BTreeMap<UserId, (u64, UnixMillis)>,
    /// Latest last, at most [`SEEN_MAX`]. A number that is not the user's latest says nothing.
    order: VecDeque<(u64, UserId)>,
    number_next: u64,
}

#[derive(Debug)]
struct Guest {
    since: UnixMillis,
    left_at: UnixMillis,
    /// The strongest of all shards; stays while they are waited for.
    status: Status,
    /// Shards they have connections on. Most often one.
    on: Vec<Seat>,
    /// What members know of them.
    told: Option<Status>,
    /// When they are missed; [`Tick::NEVER`] while they have connections, or have been missed.
    leaves_at: Tick,
    is_queued: bool,
}

#[derive(Debug)]
struct Seat {
    shard: ShardId,
    count: u32,
    status: Status,
}

/// What members are told of a user.
enum Change {
    Joined(Status),
    Left,
    Changed(Status),
}

impl Presence {
    pub(crate) const fn new(rules: PresenceRules) -> Self {
        Self {
            rules,
            users: BTreeMap::new(),
            unnamed: BTreeMap::new(),
            named: 0,
            here: 0,
            told: 0,
            said: 0,
            queue: VecDeque::new(),
            tells_at: Tick::NEVER,
            leaving: BTreeSet::new(),
            seen: Seen::new(),
        }
    }

    /// A shard says how many connections somebody has there.
    pub(crate) fn seat(&mut self, now: Tick, wall: UnixMillis, shard: ShardId, seats: Seats) {
        let Seats { user, was, count, status, grace } = seats;
        let Some(user) = user else {
            self.count_unnamed(shard, was, count);
            return;
        };
        if !self.users.contains_key(&user) {
            let is_known_by_name = 0 < count && self.users.len() < USERS_MAX;
            self.count_unnamed(shard, was, if is_known_by_name { 0 } else { count });
            if !is_known_by_name {
                return;
            }
            self.users.insert(user.clone(), Guest::new(wall));
        }
        let Some(guest) = self.users.get_mut(&user) else { return };
        let was_here = guest.is_here();
        self.named = self.named + u64::from(count) - u64::from(guest.sit(shard, count, status));
        self.leaving.remove(&(guest.leaves_at, user.clone()));
        guest.leaves_at = Tick::NEVER;
        if guest.on.is_empty() {
            guest.left_at = wall;
            if was_here && !grace.is_zero() {
                guest.leaves_at = now.after(grace);
                self.leaving.insert((guest.leaves_at, user.clone()));
            }
        } else if !was_here {
            guest.since = wall;
        }
        let is_here = guest.is_here();
        self.here = self.here + u64::from(is_here) - u64::from(was_here);
        self.queue(now, &user);
    }

    /// Nothing is known any more of a shard: its users are waited for, as if they had been lost.
    pub(crate) fn lose(&mut self, now: Tick, wall: UnixMillis, shard: ShardId) {
        self.unnamed.remove(&shard);
        let is_on = |it: &Guest| it.on.iter().any(|it| it.shard == shard);
        let lost = self.users.iter().filter(|it| is_on(it.1)).map(|it| it.0.clone());
        for user in lost.collect::<Vec<_>>() {
            let grace = self.rules.grace;
            let user = Some(user);
            let seats = Seats { user, was: 0, count: 0, status: Status::Online, grace };
            self.seat(now, wall, shard, seats);
        }
    }

    /// What is to be told now.
    pub(crate) fn take(&mut self, now: Tick) -> Option<Notice> {
        while self.leaving.first().is_some_and(|it| it.0 <= now) {
            let Some((_, user)) = self.leaving.pop_first() else { break };
            let Some(guest) = self.users.get_mut(&user) else { continue };
            guest.leaves_at = Tick::NEVER;
            self.here -= 1;
            self.queue(now, &user);
        }
        if now < self.tells_at {
            return None;
        }
        let is_crowd = self.is_crowd();
        let mut notice = proto::Presence::default();
        let (mut names, names_max) = (0, usize::from(Notice::NAMES_MAX));
        for _ in 0..CHANGES_MAX {
            if names == names_max {
                break;
            }
            let Some(user) = self.queue.pop_front() else { break };
            // In a crowd nobody hears the name; it is known here what they would have been told.
            let Some(change) = self.settle(&user).filter(|_| !is_crowd) else { continue };
            names += 1;
            match change {
                Change::Joined(status) => notice.joined.push((user, status)),
                Change::Left => notice.left.push(user),
                Change::Changed(status) => notice.changed.push((user, status)),
            }
        }
        self.tells_at = if self.queue.is_empty() { Tick::NEVER } else { now.after(NOTICE_EVERY) };
        let is_news = if is_crowd { self.said != self.told } else { 0 < names };
        (notice.users, self.said) = (self.told, self.told);
        is_news.then_some(Notice::Presence(notice))
    }

    /// Who is here.
    pub(crate) fn roll(&self, who: &Who) -> Roll {
        let users = match who {
            Who::User(user) => vec![self.person(user)],
            Who::All { after, limit } => {
                let from = match after {
                    Some(user) => std::ops::Bound::Excluded(user),
                    None => std::ops::Bound::Unbounded,
                };
                let all = self.users.range((from, std::ops::Bound::Unbounded));
                let here = all.filter(|it| it.1.is_here()).take(usize::from(*limit));
                here.map(|it| it.1.person(it.0)).collect()
            }
        };
        let unnamed: u64 = self.unnamed.values().copied().map(u64::from).sum();
        Roll { users, count: self.here, connections: self.named + unnamed }
    }

    pub(crate) fn due(&self) -> Tick {
        let leaves_at = self.leaving.first().map_or(Tick::NEVER, |it| it.0);
        self.tells_at.min(leaves_at)
    }

    /// Whether there is anyone here, or to be told of.
    pub(crate) fn has_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// Too many to be told by name.
    const fn is_crowd(&self) -> bool {
        (self.rules.events_max as u64) < self.here
    }

    fn count_unnamed(&mut self, shard: ShardId, was: u32, count: u32) {
        let unnamed = self.unnamed.entry(shard).or_default();
        *unnamed = unnamed.saturating_add(count).saturating_sub(was);
        if *unnamed == 0 {
            self.unnamed.remove(&shard);
        }
    }

    /// Sees to it that members are told of a user, if there is anything they do not know.
    fn queue(&mut self, now: Tick, user: &UserId) {
        let wait = if self.is_crowd() { CROWD_EVERY } else { NOTICE_EVERY };
        let Some(guest) = self.users.get_mut(user) else { return };
        if guest.is_queued || guest.told.as_ref() == guest.is_here().then_some(&guest.status) {
            return;
        }
        guest.is_queued = true;
        self.queue.push_back(user.clone());
        self.tells_at = self.tells_at.min(now.after(wait));
    }

    /// What members do not know of a user, who is forgotten if there is nobody to know of.
    fn settle(&mut self, user: &UserId) -> Option<Change> {
        let guest = self.users.get_mut(user)?;
        guest.is_queued = false;
        if !guest.is_here() {
            let (left_at, was_told) = (guest.left_at, guest.told.is_some());
            self.users.remove(user);
            self.seen.remember(user.clone(), left_at);
            self.told -= u64::from(was_told);
            return was_told.then_some(Change::Left);
        }
        let status = guest.status.clone();
        match guest.told.replace(status.clone()) {
            Some(before) => (before != status).then_some(Change::Changed(status)),
            None => {
                self.told += 1;
                Some(Change::Joined(status))
            }
        }
    }

    fn person(&self, user: &UserId) -> Person {
        let guest = self.users.get(user);
        if let Some(guest) = guest.filter(|it| it.is_here()) {
            return guest.person(user);
        }
        let seen = self.seen.users.get(user).map(|it| it.1);
        Person {
            user: user.clone(),
            status: Status::Offline,
            since: None,
            last_seen: guest.map(|it| it.left_at).or(seen),
            connections: 0,
        }
    }
}

impl Seen {
    const fn new() -> Self {
        Self { users: BTreeMap::new(), order: VecDeque::new(), number_next: 0 }
    }

    fn remember(&mut self, user: UserId, left_at: UnixMillis) {
        let number = self.number_next;
        self.number_next += 1;
        self.order.push_back((number, user.clone()));
        self.users.insert(user, (number, left_at));
        if SEEN_MAX < self.order.len()
            && let Some((number, user)) = self.order.pop_front()
            && self.users.get(&user).is_some_and(|it| it.0 == number)
        {
            self.users.remove(&user);
        }
    }
}

impl Guest {
    const fn new(wall: UnixMillis) -> Self {
        Self {
            since: wall,
            left_at: wall,
            status: Status::Online,
            on: Vec::new(),
            told: None,
            leaves_at: Tick::NEVER,
            is_queued: false,
        }
    }

    /// Also while they are waited for.
    fn is_here(&self) -> bool {
        !self.on.is_empty() || self.leaves_at != Tick::NEVER
    }

    /// So many connections on a shard; answers how many there were.
    fn sit(&mut self, shard: ShardId, count: u32, status: Status) -> u32 {
        let index = self.on.iter().position(|it| it.shard == shard);
        let before = index.map_or(0, |it| self.on.swap_remove(it).count);
        if 0 < count {
            self.on.push(Seat { shard, count, status });
        }
        if let Some(strongest) = self.on.iter().max_by_key(|it| it.status.strength()) {
            self.status = strongest.status.clone();
        }
        before
    }

    fn person(&self, user: &UserId) -> Person {
        Person {
            user: user.clone(),
            status: self.status.clone(),
            since: Some(self.since),
            last_seen: None,
            connections: self.on.iter().map(|it| it.count).sum(),
        }
    }
}

#[cfg(test)]
mod tests;
