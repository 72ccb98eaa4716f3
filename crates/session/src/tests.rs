//! Stories of sessions and revocations.

mod keeping;
mod model;
mod policies;
mod resuming;
mod revoking;
mod sitting;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use proto::{
    ChannelName, ConnId, Epoch, Identity, Offset, Placed, SessionId, ShardId, UnixTime, UserId,
};

use crate::{Bounds, Left, Moment, Place, Policy, Seat, Sessions, Started, Visit};

pub(crate) const WALL: u64 = 1_795_000_000;
pub(crate) const ROUTE: &str = "chat";

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Any time will do to count from.
#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
pub(crate) fn moment() -> Moment {
    Moment { now: Instant::now(), wall: UnixTime(WALL) }
}

pub(crate) fn later(moment: Moment, by: Duration) -> Moment {
    Moment { now: moment.now + by, wall: UnixTime(moment.wall.0 + by.as_secs()) }
}

pub(crate) fn seat(number: u32) -> Seat {
    Seat { shard: ShardId(0), conn: ConnId::new(number, 0) }
}

pub(crate) fn identity(user: &str) -> Arc<Identity> {
    Arc::new(Identity {
        user: UserId::parse(user).unwrap(),
        expires_at: UnixTime(WALL + 3600),
        issued_at: Some(UnixTime(WALL)),
        token_id: Some(format!("{user}-1").into()),
        claims: format!(r#"{{"sub":"{user}"}}"#).into(),
    })
}

pub(crate) fn left(channel: &str, offset: u64) -> Left {
    let at = Placed { epoch: Epoch(0xbeef), offset: Offset(offset) };
    (ChannelName::parse(channel).unwrap(), Some(at))
}

/// Sessions, and a clock to tell them the time by.
pub(crate) struct World {
    pub(crate) sessions: Sessions,
    pub(crate) policy: Policy,
    pub(crate) moment: Moment,
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        let sessions = Sessions::new(Bounds::of_connections(100));
        Self { sessions, policy, moment: moment() }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.moment = later(self.moment, time);
    }

    pub(crate) fn start(&mut self, id: u128, user: &str, conn: u32) -> Option<Started> {
        let identity = identity(user);
        let visit = visit(&identity, conn);
        self.sessions.start(SessionId(id), &visit, &self.policy, self.moment).ok()
    }

    /// Begins one and says where.
    pub(crate) fn begin(&mut self, id: u128, user: &str, conn: u32) -> Place {
        self.start(id, user, conn).expect("there is room").place
    }

    pub(crate) fn resume(&mut self, id: u128, user: &str, conn: u32) -> Option<crate::Resumed> {
        let identity = identity(user);
        self.sessions.resume(SessionId(id), &visit(&identity, conn), self.moment)
    }

    pub(crate) fn borrow(&mut self, id: u128, conn: u32) -> Option<crate::Resumed> {
        let known = self.sessions.standing(SessionId(id), None, ROUTE, self.moment.now)?;
        let identity = Arc::clone(known.0);
        let visit = visit(&identity, conn);
        self.sessions.borrow(SessionId(id), &visit, self.moment).map(|it| it.0)
    }

    pub(crate) fn lose(&mut self, place: Place, conn: u32, channels: Vec<Left>) {
        self.sessions.detach(place, seat(conn), channels, &self.policy, self.moment);
    }

    /// The ids of a user's sessions, oldest first, with a `~` for those that are away.
    pub(crate) fn of(&self, user: &str) -> String {
        let user = UserId::parse(user).unwrap();
        let all = self.sessions.of_user(&user, self.moment.wall);
        let words = all.iter().map(|it| match it.seat {
            Some(_) => it.id.0.to_string(),
            None => format!("~{}", it.id.0),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn visit(identity: &Arc<Identity>, conn: u32) -> Visit<'_> {
    Visit {
        identity,
        route: ROUTE,
        address: IpAddr::from([198, 51, 100, 1]),
        agent: Some("Mozilla/5.0"),
        device: None,
        seat: seat(conn),
    }
}
