//! What others ask of the sessions: lists, counts, and whom a revocation meets.

use proto::{SessionId, UnixTime, UserId};

use super::{Sessions, Tally, View};
use crate::{
    record::{Record, State},
    revocations::Subject,
};

impl Sessions {
    /// All sessions of a user, oldest first.
    pub fn of_user(&self, user: &UserId, wall: UnixTime) -> Vec<View<'_>> {
        let mut theirs: Vec<&Record> = self.slots_of(user).map(|it| it.1).collect();
        theirs.sort_unstable_by_key(|it| it.serial);
        theirs.into_iter().map(|it| self.view(it, wall)).collect()
    }

    pub fn find(&self, id: SessionId, wall: UnixTime) -> Option<View<'_>> {
        self.slot_of(id).map(|it| self.view(self.record(it), wall))
    }

    /// Ids of all sessions that the subject of a revocation covers. Walks all of them, which an
    /// operator asks for now and then.
    pub fn covered(&self, subject: &Subject) -> Vec<SessionId> {
        let all = self.records.iter().map(|it| it.1);
        let covered = all.filter(|it| subject.covers(&it.identity, Some(it.id())));
        covered.map(Record::id).collect()
    }

    /// Those with a connection.
    pub fn live(&self) -> usize {
        self.records.len() - self.leaving.len()
    }

    /// Those without.
    pub fn away(&self) -> usize {
        self.leaving.len()
    }

    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    fn view<'a>(&'a self, record: &'a Record, wall: UnixTime) -> View<'a> {
        let (last_active, until) = match &record.state {
            State::Live { .. } => (wall, None),
            State::Lent(lent) => (wall, Some(lent.until)),
            State::Away(away) => (away.since, Some(away.until)),
        };
        View {
            id: record.id(),
            identity: &record.identity,
            route: self.profiles.route(record.profile),
            address: record.address,
            agent: self.profiles.agent(record.profile),
            device: self.profiles.device(record.profile),
            created_at: UnixTime(record.created_at.into()),
            last_active,
            seat: record.seat(),
            until,
        }
    }
}
