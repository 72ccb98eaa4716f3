//! Sessions on their way to where they are kept, and back from there.

use std::{sync::Arc, time::Duration};

use proto::UnixTime;

use super::{Sessions, narrow};
use crate::{
    Moment,
    record::{Away, Record, State, halves},
    rows::{self, BadRow, Change, LeftRow, SessionRow},
};

impl Sessions {
    /// What has changed since it was last asked, at most so many rows; to be drained about once a
    /// second. A session that began and ended in between is never written.
    pub fn changes(&mut self, most: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < most {
            let Some(id) = self.gone.pop() else { break };
            changes.push(Change { key: id.to_string(), value: None });
        }
        while changes.len() < most {
            let Some(slot) = self.dirty.pop() else { break };
            let record = self.records.get_mut(slot as usize).filter(|it| it.is_dirty);
            let Some(record) = record else { continue };
            record.is_dirty = false;
            record.is_kept = true;
            let key = record.id().to_string();
            let row = self.row(slot);
            changes.push(Change { key, value: Some(rows::write(&row)) });
        }
        // What a burst has made them grow to is not kept for the next.
        self.dirty.shrink_to(SHRINK_TO);
        self.gone.shrink_to(SHRINK_TO);
        changes
    }

    /// The changes of these keys could not be kept: they are to be asked for again.
    pub fn not_kept(&mut self, keys: &[String]) {
        for id in keys.iter().filter_map(|it| rows::id_of(it).ok()) {
            match self.slot_of(id) {
                Some(slot) => self.soil(slot),
                None => self.gone.push(id),
            }
        }
    }

    /// Takes back what was kept, after a start. Whoever was live then is away from now on; a
    /// session whose route keeps none any more (`grace_of` says so) or that is over has ended.
    ///
    /// Answers how many there are again, and what could not be read.
    pub fn restore(
        &mut self,
        kept: impl IntoIterator<Item = (String, String)>,
        grace_of: impl Fn(&str) -> Option<Duration>,
        moment: Moment,
    ) -> (usize, Vec<BadRow>) {
        let mut read = Vec::new();
        let mut bad = Vec::new();
        for (key, value) in kept {
            match rows::id_of(&key).and_then(|id| Ok((id, rows::read::<SessionRow>(&value)?))) {
                Ok(row) => read.push(row),
                Err(fault) => bad.push(fault),
            }
        }
        read.sort_unstable_by_key(|it| it.1.serial);
        let before = self.records.len();
        // Where there is not room for all, the newest stay.
        let room = (self.bounds.sessions_max as usize).saturating_sub(before);
        let too_old = read.len().saturating_sub(room);
        for (place, (id, row)) in read.into_iter().enumerate() {
            let taken = too_old <= place && self.slot_of(id).is_none();
            let grace = grace_of(&row.route).filter(|_| taken);
            let waits = grace.and_then(|it| waits_for(&row, it, moment.wall));
            let away = waits.map(|wait| self.waiting(&row, wait, moment));
            match (away, row.identity()) {
                (Some(Ok(away)), Ok(identity)) => {
                    self.put_back(halves(id), Arc::new(identity), &row, away);
                }
                (None, _) => self.gone.push(id),
                (Some(_), _) => bad.push(BadRow::Damaged),
            }
        }
        (self.records.len() - before, bad)
    }

    fn waiting(&self, row: &SessionRow, wait: Duration, moment: Moment) -> Result<Away, BadRow> {
        Ok(Away {
            since: row.since.map_or(moment.wall, UnixTime),
            ends_at: moment.now + wait,
            until: UnixTime(moment.wall.0.saturating_add(wait.as_secs())),
            left: self.within_bounds(row.left()?),
        })
    }

    fn put_back(
        &mut self,
        id: [u64; 2],
        identity: Arc<proto::Identity>,
        row: &SessionRow,
        away: Away,
    ) {
        let was_live = row.since.is_none();
        let ends_at = away.ends_at;
        self.left_count += away.left.len();
        let record = Record {
            id,
            identity,
            serial: row.serial.max(self.serial_next),
            created_at: narrow(UnixTime(row.created_at)),
            state: State::Away(Box::new(away)),
            address: row.address,
            profile: self.profiles.hold(&row.route, row.agent.as_deref(), row.device.as_deref()),
            next: [crate::chains::NONE; 2],
            // What was kept of one that was away still says what is.
            is_dirty: !was_live,
            is_kept: true,
        };
        let slot = self.insert(record);
        self.records[slot as usize].is_dirty = was_live;
        self.leaving.insert((ends_at, slot));
    }

    fn row(&self, slot: u32) -> SessionRow {
        let record = self.record(slot);
        let identity = &record.identity;
        let here = self.rooms_in(slot).unwrap_or_default();
        let (since, until, left) = match &record.state {
            State::Live { .. } => (None, None, here),
            State::Lent(lent) => (None, Some(lent.until.0), here),
            State::Away(away) => (Some(away.since.0), Some(away.until.0), &away.left[..]),
        };
        SessionRow {
            v: rows::VERSION,
            user: identity.user.as_str().to_owned(),
            expires_at: identity.expires_at.0,
            issued_at: identity.issued_at.map(|it| it.0),
            token_id: identity.token_id.as_deref().map(str::to_owned),
            claims: identity.claims.to_string(),
            route: self.profiles.route(record.profile).to_owned(),
            address: record.address,
            agent: self.profiles.agent(record.profile).map(str::to_owned),
            device: self.profiles.device(record.profile).map(str::to_owned),
            created_at: record.created_at.into(),
            serial: record.serial,
            since,
            until,
            left: left.iter().map(LeftRow::of).collect(),
        }
    }
}

/// Room for the changes of a quiet second.
const SHRINK_TO: usize = 1024;

/// How long a session that was kept still waits. Never longer than its route's grace, wherever the
/// clock has jumped meanwhile (L10).
fn waits_for(row: &SessionRow, grace: Duration, wall: UnixTime) -> Option<Duration> {
    let wait = row.until.map_or(grace, |until| wall.until(UnixTime(until)).min(grace));
    (!wait.is_zero()).then_some(wait)
}
