//! The writer's thread: the only one that changes the file.
//!
//! ```text
//!            ┌───────────────── a group, a slice of cutting, a checkpoint ◄──┐
//!   set up ──┴─► open ───────────────────────────────────────────────────────┘
//!                  │ anything fails: the group and all behind it are told so
//!                  ▼
//!                 out ── every 100 ms to 5 s ──► set up from what the disk says
//! ```
//!
//! After a failure nothing is tried again on the same connection, and nothing is confirmed before
//! the file has been read from end to end: what a failed sync has left behind, nobody knows (L6).

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use proto::ChannelName;

use crate::{
    desk::{Desk, Fresh, now},
    fault::is_damage,
    job::{Answer, Fault, Job, Token},
    queue::{Asker, Waiting, Wake},
    shared::Shared,
};

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often an idle writer looks whether something is due.
const TICK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct WriterThread {
    shared: Arc<Shared>,
    fresh: Fresh,
    /// Channels whose messages may have been told, but were not stored: since the last failure.
    lost: BTreeSet<ChannelName>,
}

/// Why the writer stopped using its connection.
enum Broken {
    Failed(rusqlite::Error),
    Bug,
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl WriterThread {
    pub(crate) const fn new(shared: Arc<Shared>, fresh: Fresh) -> Self {
        Self { shared, fresh, lost: BTreeSet::new() }
    }

    /// Returns when the queue is closed and empty.
    pub(crate) fn run(mut self, desk: Desk) {
        let mut desk = Some(desk);
        while let Some(open) = desk {
            match self.work(open) {
                Ok(()) => return,
                Err(broken) => desk = self.wait_out(&broken),
            }
        }
    }

    /// Works until the queue is closed or something fails.
    fn work(&mut self, mut desk: Desk) -> Result<(), Broken> {
        loop {
            let pause = if desk.cuts.is_waiting(now().0) { desk.until_cut() } else { TICK };
            let wake = self.shared.queue.wait(Instant::now() + pause, self.shared.options.interval);
            match wake {
                Wake::Group(group) => self.store(&mut desk, group)?,
                Wake::Damaged(logs) => {
                    guarded(|| desk.set_aside(&self.shared, &mut self.fresh, &logs))?;
                }
                Wake::Idle => {
                    guarded(|| desk.rest())?;
                }
                Wake::Closed => {
                    if let Err(error) = desk.close() {
                        tracing::error!(%error, "the store was not closed in peace");
                    }
                    return Ok(());
                }
            }
            guarded(|| desk.tidy(&self.shared))?;
        }
    }

    fn store(&mut self, desk: &mut Desk, mut group: Vec<Waiting>) -> Result<(), Broken> {
        while !group.is_empty() {
            let began = Instant::now();
            match guarded(|| desk.commit(&self.shared, &group)) {
                Ok(answers) => {
                    let mut tally = self.shared.tally();
                    tally.groups += 1;
                    tally.jobs += answers.len() as u64;
                    tally.commits.add(began.elapsed());
                    drop(tally);
                    tell(group.drain(..answers.len()).zip(answers));
                }
                Err(broken) => {
                    self.shared.tally().is_unavailable = true;
                    self.refuse(group);
                    return Err(broken);
                }
            }
        }
        Ok(())
    }

    /// Tells them that the store is not available.
    fn refuse(&mut self, group: Vec<Waiting>) {
        self.shared.tally().failed += group.len() as u64;
        for waiting in &group {
            if let (Job::Append { publication, .. }, true) =
                (&waiting.job, waiting.job.is_patient())
            {
                self.lost.insert(publication.channel.clone());
            }
        }
        tell(group.into_iter().map(|it| (it, Err(Fault::Unavailable))));
    }

    /// Answers everybody at once, until the file is open again. `None` when closed meanwhile.
    fn wait_out(&mut self, broken: &Broken) -> Option<Desk> {
        let mut is_damaged = match broken {
            Broken::Failed(error) => {
                tracing::error!(%error, "the store failed; nothing is stored until it is open again");
                is_damage(error)
            }
            Broken::Bug => {
                tracing::error!("the store's writer panicked; it begins again");
                false
            }
        };
        let mut tally = self.shared.tally();
        tally.write_failures += 1;
        tally.is_unavailable = true;
        drop(tally);
        let mut pause = PAUSE_MIN;
        let mut retry_at = Instant::now() + pause;
        loop {
            match self.shared.queue.wait(retry_at, Duration::ZERO) {
                Wake::Group(group) => self.refuse(group),
                // Found again when the file is read.
                Wake::Damaged(_) => {}
                Wake::Closed => return None,
                Wake::Idle => match self.set_up(&mut is_damaged) {
                    Ok(desk) => return Some(desk),
                    Err(error) => {
                        tracing::warn!(error, "the store cannot be opened yet");
                        pause = (pause * 2).min(PAUSE_MAX);
                        retry_at = Instant::now() + pause;
                    }
                },
            }
        }
    }

    fn set_up(&mut self, is_damaged: &mut bool) -> Result<Desk, String> {
        let set_up = || Desk::set_up(&self.shared, &mut self.fresh, &self.lost, is_damaged);
        let desk = match catch_unwind(AssertUnwindSafe(set_up)) {
            Ok(Ok(desk)) => desk,
            Ok(Err(error)) => return Err(chain(&error)),
            Err(_) => return Err("a bug".to_owned()),
        };
        self.lost.clear();
        let mut tally = self.shared.tally();
        tally.reopenings += 1;
        tally.is_unavailable = false;
        tracing::info!("the store is open again");
        Ok(desk)
    }
}

/// A bug in one group ends that group, and the desk with it.
fn guarded<T>(act: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => Ok(done?),
        Err(_) => Err(Broken::Bug),
    }
}

/// Each listener once, in the order of its jobs.
fn tell(answers: impl Iterator<Item = (Waiting, Result<Answer, Fault>)>) {
    type Told = (Asker, Vec<(Token, Result<Answer, Fault>)>);
    // As many as there are shards: looking through them is cheaper than a map.
    let mut told: Vec<Told> = Vec::new();
    for (waiting, answer) in answers {
        let answer = (waiting.token, answer);
        match told.iter_mut().find(|it| it.0.id == waiting.asker.id) {
            Some(known) => known.1.push(answer),
            None => told.push((waiting.asker, vec![answer])),
        }
    }
    for (asker, answers) in told {
        if catch_unwind(AssertUnwindSafe(|| asker.listener.stored(answers))).is_err() {
            tracing::error!("a listener of the store panicked");
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
