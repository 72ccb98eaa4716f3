//! Which dashboards are there and which were until a moment ago, and from where each has to be
//! told again when it returns.
//!
//! A dashboard that returns is known by its user, and its token or its address: the client comes
//! back with the token it has, from wherever it is now. A row is written when it comes, so that
//! whoever was there when the process died is known to have been. What it was shown by then is
//! `shown` in the file: at least what had settled a second before.
//!
//! In doubt something is told twice and nothing not at all: every frame has its visit's id. But
//! whoever comes with another token has signed in anew, or is a script's next step, and has loaded
//! its page since: only what happened after the other left is news to it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use app::Visitor;
use proto::ConnId;
use rusqlite::Connection;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    absence::{self, Left, Place, Return},
    book::{Book, BookError},
    changes,
    moment::Moment,
    shown::{SETTLED_AFTER, Shown},
    stats::{self, Stats},
    user,
};

/// Whoever returns later than this begins anew. The client gives up after five attempts, 30 s
/// apart; a lid that was closed for a meeting's coffee is no new day either.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);

/// Dashboards remembered while they are away; the one that left first is forgotten first.
const AWAY_MAX: usize = 10_000;

/// The client's heartbeat comes every 10 s. Whoever had one and is quiet for longer than this may
/// have been cut off since their last word, long before the gateway's ping finds it out.
const QUIET: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) struct Dashboards {
    book: Book,
    shown: Shown,
    here: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    /// By user and connection. Two shards may give one number, so there may be two of a name.
    open: BTreeMap<(String, ConnId), Vec<Open>>,
    /// Rows of those who left, and when; the first to leave first. By a clock that does not jump.
    away: VecDeque<(Instant, i64)>,
}

/// A connection.
#[derive(Debug)]
struct Open {
    row: i64,
    place: Place,
    since: Instant,
    /// From where it had to be told again, until that has settled.
    began_at: i64,
    /// When its client last spoke, and what had settled by then; for clients with a heartbeat.
    word: Option<(Instant, i64)>,
    /// Someone came who may be the same, cut off without our knowing.
    successor: Option<i64>,
}

/// What a connection is told first.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) stats: Stats,
    /// What it missed, oldest first.
    pub(crate) missed: Vec<changes::Change>,
}

impl Dashboards {
    /// Those of the file were all cut off when its last process ended.
    pub(crate) fn new(book: Book, shown: Shown, were: &[i64]) -> Self {
        let now = Instant::now();
        let away = were.iter().map(|row| (now, *row)).collect();
        let here = Mutex::new(Here { away, ..Here::default() });
        Self { book, shown, here }
    }

    /// Someone came: what to tell them, as of one moment.
    pub(crate) async fn open(&self, visitor: &Visitor, now: Moment) -> Result<Greeting, BookError> {
        let Some(place) = place(visitor) else {
            let stats = self.book.ask(move |db| stats::read(db, now)).await?;
            return Ok(Greeting { stats, missed: Vec::new() });
        };
        let (forgotten, quiet) = self.with(|here| (here.forget(), here.quiet_at(&place)));
        let (sought, oldest_quiet) = (place.clone(), quiet.iter().map(|it| it.1).min());
        let work = move |db: &mut Connection| {
            let back = absence::end(db, &sought, &forgotten, oldest_quiet)?;
            Ok((stats::read(db, now)?, back))
        };
        let (stats, back) = self.book.ask(work).await?;
        let Return { row, began_at, missed } = back;
        self.with(|here| {
            here.succeed(&quiet, row);
            let (since, key) = (Instant::now(), key(&place, visitor));
            let open = Open { row, place, since, began_at, word: None, successor: None };
            here.open.entry(key).or_default().push(open);
        });
        if !missed.is_empty() {
            self.settle_later(row);
        }
        Ok(Greeting { stats, missed })
    }

    /// Someone spoke; `is_beat` if it was their heartbeat.
    pub(crate) fn heard(&self, visitor: &Visitor, is_beat: bool) {
        let Some(place) = place(visitor) else { return };
        let word = (Instant::now(), self.shown.settled());
        self.with(|here| {
            let open = here.open.get_mut(&key(&place, visitor)).into_iter().flatten();
            for it in open.filter(|it| it.place == place && (is_beat || it.word.is_some())) {
                it.word = Some(word);
            }
        });
    }

    /// Someone is gone.
    pub(crate) async fn close(&self, visitor: &Visitor) {
        let (settled, newest) = (self.shown.settled(), self.shown.newest());
        let Some(place) = place(visitor) else { return };
        let Some((gone, forgotten)) = self.with(|here| here.leave(&place, visitor)) else {
            return;
        };
        let left = gone.left(settled, newest);
        let work = move |db: &mut Connection| absence::begin(db, left, &forgotten);
        if let Err(failure) = self.book.ask(work).await {
            warn!(error = &failure as &dyn std::error::Error, "a dashboard's absence is not kept");
        }
    }

    /// What was told again counts as shown a second later, should the process die then.
    fn settle_later(&self, row: i64) {
        let (book, settled) = (self.book.clone(), self.shown.clone());
        tokio::spawn(async move {
            tokio::time::sleep(SETTLED_AFTER).await;
            let settled = settled.settled();
            if let Err(failure) = book.ask(move |db| absence::settle(db, row, settled)).await {
                warn!(error = &failure as &dyn std::error::Error, "what was shown is not kept");
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Here) -> T) -> T {
        work(&mut self.here.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Here {
    /// Rows whose time is over.
    fn forget(&mut self) -> Vec<i64> {
        let now = Instant::now();
        let is_over = |(left, _): &(Instant, i64)| *left + REMEMBERED_FOR < now;
        let mut forgotten = Vec::new();
        while AWAY_MAX < self.away.len() || self.away.front().is_some_and(is_over) {
            forgotten.extend(self.away.pop_front().map(|it| it.1));
        }
        forgotten
    }

    /// Rows at this place that may have been cut off, and what each had been shown by then.
    fn quiet_at(&self, place: &Place) -> Vec<(i64, i64)> {
        let now = Instant::now();
        let of_user = (place.user.clone(), ConnId::new(0, 0))..;
        let open = self.open.range(of_user).take_while(|it| it.0.0 == place.user);
        let quiet = open.flat_map(|it| it.1).filter_map(|it| {
            let (spoke, settled) = it.word?;
            let is_quiet = it.place.is_also(place) && QUIET < now - spoke;
            is_quiet.then_some((it.row, settled))
        });
        quiet.collect()
    }

    fn succeed(&mut self, quiet: &[(i64, i64)], row: i64) {
        if quiet.is_empty() {
            return;
        }
        for open in self.open.values_mut().flatten() {
            if quiet.iter().any(|it| it.0 == open.row) {
                open.successor = Some(row);
            }
        }
    }

    fn leave(&mut self, place: &Place, visitor: &Visitor) -> Option<(Open, Vec<i64>)> {
        let key = key(place, visitor);
        let open = self.open.get_mut(&key)?;
        let gone = open.remove(open.iter().position(|it| it.place == *place)?);
        if open.is_empty() {
            self.open.remove(&key);
        }
        self.away.push_back((Instant::now(), gone.row));
        Some((gone, self.forget()))
    }
}

impl Open {
    /// What this connection was shown, if it ends now, and `settled` of all up to `newest` is what
    /// everyone was.
    fn left(&self, settled: i64, newest: i64) -> Left {
        let now = Instant::now();
        let (shown, told) = match self.word {
            Some((spoke, settled)) if QUIET < now - spoke => (settled, settled),
            // What it was told when it came may still have been on the way.
            Some(_) | None if now - self.since < SETTLED_AFTER => (self.began_at, newest),
            Some(_) | None => (settled, newest),
        };
        let (shown, told) = (shown.max(self.began_at), told.max(self.began_at));
        Left { row: self.row, shown, told, successor: self.successor }
    }
}

fn place(visitor: &Visitor) -> Option<Place> {
    let identity = visitor.identity.as_deref();
    Some(Place {
        user: user::id(identity)?.as_str().to_owned(),
        address: visitor.address.to_string(),
        token: identity.and_then(|it| it.token_id.as_deref()).map(str::to_owned),
    })
}

fn key(place: &Place, visitor: &Visitor) -> (String, ConnId) {
    (place.user.clone(), visitor.conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_who_are_away_are_forgotten_in_time_and_in_number() {
        let now = Instant::now();
        let away = (0..12_000).map(|row| (now, row)).collect();
        let mut here = Here { away, ..Here::default() };
        assert_eq!(here.forget(), (0..2000).collect::<Vec<_>>());
        tokio::time::advance(REMEMBERED_FOR).await;
        assert!(here.forget().is_empty());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(here.forget().len(), AWAY_MAX);
    }
}
