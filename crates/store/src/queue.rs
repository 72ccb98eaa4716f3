//! What waits for the writer, and for the readers. Both have a bound in jobs; the writer's also in
//! bytes.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use proto::{ChannelName, Epoch, Span};

use crate::job::{Full, Job, Listener, Token};

/// Whom to tell.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) id: u64,
    pub(crate) listener: Arc<dyn Listener>,
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.id)
    }
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) asker: Asker,
    pub(crate) token: Token,
    pub(crate) job: Job,
    since: Instant,
}

/// Jobs of one commit; more would only make the first of them wait.
const GROUP_JOBS_MAX: usize = 1024;
const GROUP_BYTES_MAX: usize = 1 << 20;

/// Why the writer woke up.
#[derive(Debug)]
pub(crate) enum Wake {
    Group(Vec<Waiting>),
    /// Readers found these logs damaged.
    Damaged(Vec<u64>),
    Idle,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Queue {
    jobs_max: usize,
    bytes_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Waiting>,
    bytes: usize,
    /// Of the jobs, those that want a commit now.
    urgent: usize,
    damaged: Vec<u64>,
    refused: u64,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(jobs_max: usize, bytes_max: usize) -> Self {
        Self { jobs_max, bytes_max, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Nothing between lock and unlock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All or none. A single batch that is larger than the queue is taken when nothing else waits.
    pub(crate) fn push(&self, asker: &Asker, jobs: Vec<(Token, Job)>) -> Result<(), Full> {
        let bytes: usize = jobs.iter().map(|it| it.1.bytes()).sum();
        let since = Instant::now();
        let mut state = self.lock();
        let is_full =
            self.jobs_max < state.jobs.len() + jobs.len() || self.bytes_max < state.bytes + bytes;
        if state.is_closed || is_full && !state.jobs.is_empty() {
            state.refused += jobs.len() as u64;
            return Err(Full);
        }
        state.bytes += bytes;
        state.urgent += jobs.iter().filter(|it| !it.1.is_patient()).count();
        let wait = |(token, job)| Waiting { asker: asker.clone(), token, job, since };
        state.jobs.extend(jobs.into_iter().map(wait));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    pub(crate) fn report_damage(&self, log: u64) {
        self.lock().damaged.push(log);
        self.changed.notify_one();
    }

    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Waits for a group, at most until then. Patient jobs wait for company, at most `interval`.
    pub(crate) fn wait(&self, until: Instant, interval: Duration) -> Wake {
        let mut state = self.lock();
        loop {
            if !state.damaged.is_empty() {
                return Wake::Damaged(std::mem::take(&mut state.damaged));
            }
            let now = Instant::now();
            let mut wake = until;
            if let Some(first) = state.jobs.front() {
                let is_enough =
                    GROUP_JOBS_MAX <= state.jobs.len() || GROUP_BYTES_MAX <= state.bytes;
                let due = first.since + interval;
                if 0 < state.urgent || is_enough || state.is_closed || due <= now {
                    return Wake::Group(state.group());
                }
                wake = wake.min(due);
            } else if state.is_closed {
                return Wake::Closed;
            }
            if wake <= now {
                return Wake::Idle;
            }
            let waited = self.changed.wait_timeout(state, wake - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Jobs and bytes that wait, and jobs that were refused.
    pub(crate) fn depth(&self) -> (usize, usize, u64) {
        let state = self.lock();
        (state.jobs.len(), state.bytes, state.refused)
    }
}

impl State {
    fn group(&mut self) -> Vec<Waiting> {
        let (mut count, mut bytes) = (0, 0);
        for waiting in self.jobs.iter().take(GROUP_JOBS_MAX) {
            bytes += waiting.job.bytes();
            if 0 < count && GROUP_BYTES_MAX < bytes {
                bytes -= waiting.job.bytes();
                break;
            }
            count += 1;
        }
        self.bytes -= bytes;
        let group: Vec<_> = self.jobs.drain(..count).collect();
        self.urgent -= group.iter().filter(|it| !it.job.is_patient()).count();
        group
    }
}

/// A read that waits for a thread.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) asker: Asker,
    pub(crate) token: Token,
    pub(crate) channel: ChannelName,
    pub(crate) epoch: Epoch,
    pub(crate) span: Span,
    pub(crate) messages_max: usize,
    pub(crate) bytes_max: usize,
}

#[derive(Debug)]
pub(crate) struct Reads {
    reads_max: usize,
    state: Mutex<(VecDeque<Wanted>, bool)>,
    changed: Condvar,
}

impl Reads {
    pub(crate) fn new(reads_max: usize) -> Self {
        Self { reads_max, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn push(&self, wanted: Wanted) -> Result<(), Full> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 || self.reads_max <= state.0.len() {
            return Err(Full);
        }
        state.0.push_back(wanted);
        self.changed.notify_one();
        Ok(())
    }

    /// The next one; `None` when closed and everything asked before is answered.
    pub(crate) fn pop(&self) -> Option<Wanted> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(wanted) = state.0.pop_front() {
                return Some(wanted);
            }
            if state.1 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.len()
    }
}
