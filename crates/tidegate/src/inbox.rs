//! What waits for one shard, put there by other threads.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use engine::{Envelope, Errand, Outcome};
use proto::{Action, ChannelName, ConnId, Page, Refusal};
use store::{Answer, Fault, ReadFault, Token};
use tokio::sync::oneshot;

use crate::polling::Polled;

/// Something for a shard.
#[derive(Debug)]
pub(crate) enum Note {
    /// From another shard.
    Sent(Envelope),
    /// From the HTTP side; the outcome goes to whoever asked.
    Sought(Errand, oneshot::Sender<Outcome>),
    /// What the application says of a connection that wants to come in.
    Judged(ConnId, Result<(), Refusal>),
    /// What the application answered on a live connection.
    Answered(ConnId, Result<Vec<Action>, Refusal>),
    /// In which of its rooms the application lets somebody go on; an error if it failed.
    Returned(ConnId, Result<Option<Vec<ChannelName>>, Refusal>),
    /// Another connection has this one's session, or its session has ended.
    Part(ConnId, Refusal),
    /// Keys have been fetched, or that failed: whoever waits for some may be decided on again.
    KeysFetched { have_changed: bool },
    /// What came of a group of jobs of the store.
    Stored(Vec<(Token, Result<Answer, Fault>)>),
    /// A part of a log.
    Found(Token, Result<Page, ReadFault>),
    /// Part with everyone over this time, and take nobody in.
    Drain(std::time::Duration),
    /// Something happened to a request of a client that polls.
    Polled(Polled),
    /// A WebSocket that another shard accepted, for a session of this one.
    Moved(Box<net::Handoff>),
    /// Fail, as over a bug of ours (F16).
    #[cfg(test)]
    Fail,
}

/// How much may wait for one shard. What shards send each other may go to twice of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) notes_max: usize,
    /// Bytes of payloads.
    pub(crate) bytes_max: usize,
}

/// What waits.
#[derive(Debug, Default)]
struct Waiting {
    notes: Vec<Note>,
    /// Bytes of their payloads.
    bytes: usize,
}

/// The inbox of one shard. Bounded: what is refused here is told to whoever sent it.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    /// The shard has been called and has not looked yet: once per batch is enough.
    is_called: AtomicBool,
    /// Somebody from outside is about to call it.
    is_about: AtomicBool,
    has_overflowed: AtomicBool,
    waker: Mutex<Option<Arc<mio::Waker>>>,
    bounds: Bounds,
}

impl Inbox {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            waiting: Mutex::default(),
            is_called: AtomicBool::new(false),
            is_about: AtomicBool::new(false),
            has_overflowed: AtomicBool::new(false),
            waker: Mutex::default(),
            bounds,
        }
    }

    /// Who is to be called. Set when the shard starts, and again when it starts afresh.
    pub(crate) fn belongs_to(&self, waker: Arc<mio::Waker>) {
        *lock(&self.waker) = Some(Arc::clone(&waker));
        // Whatever has been put in: the one before may have been called and not have looked any
        // more, and nobody calls twice.
        self.is_called.store(true, Ordering::SeqCst);
        let _ = waker.wake();
    }

    /// From outside: refused when there is too much already. What is taken is seen once the shard
    /// is called, which is for whoever gets the [`Call`] to do.
    pub(crate) fn seek(
        &self,
        errand: Errand,
        reply: oneshot::Sender<Outcome>,
    ) -> Result<Option<Call<'_>>, Full> {
        let mut waiting = lock(&self.waiting);
        let bytes = errand_bytes(&errand);
        if !waiting.has_room(bytes, self.bounds) {
            return Err(Full);
        }
        waiting.push(Note::Sought(errand, reply), bytes);
        drop(waiting);
        let is_first = !self.is_about.swap(true, Ordering::SeqCst);
        Ok(is_first.then_some(Call { inbox: self }))
    }

    /// From another shard: what it has for us in one turn.
    ///
    /// Errands stop at the bound, so only deliveries that follow from earlier ones go beyond it. At
    /// twice the bound this shard has stopped reading; what is lost then is noted, and its members
    /// are sent to recover.
    pub(crate) fn send(&self, envelopes: &mut Vec<Envelope>) {
        let Bounds { notes_max, bytes_max } = self.bounds;
        let twice = Bounds { notes_max: 2 * notes_max, bytes_max: 2 * bytes_max };
        let mut waiting = lock(&self.waiting);
        for envelope in envelopes.drain(..) {
            let bytes = envelope_bytes(&envelope);
            if !waiting.has_room(bytes, twice) {
                // And whatever follows, or what arrives would have gaps that nobody notices.
                self.has_overflowed.store(true, Ordering::Release);
                break;
            }
            waiting.push(Note::Sent(envelope), bytes);
        }
        drop(waiting);
        self.call();
    }

    /// Bounded by what it answers: one for each connection, for each that loses its session, for
    /// each set of keys, or for each job that the store took; three for each request that polls,
    /// and one for each socket on its way to another shard.
    pub(crate) fn answer(&self, note: Note) {
        lock(&self.waiting).push(note, 0);
        self.call();
    }

    /// Everything there is; and whether something was lost.
    pub(crate) fn take(&self, into: &mut Vec<Note>) -> bool {
        // First, so that whoever comes now calls again.
        self.is_called.store(false, Ordering::SeqCst);
        let mut waiting = lock(&self.waiting);
        into.append(&mut waiting.notes);
        waiting.bytes = 0;
        self.has_overflowed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.waiting).notes.len()
    }

    fn call(&self) {
        if !self.is_called.swap(true, Ordering::SeqCst)
            && let Some(waker) = &*lock(&self.waker)
        {
            // Fails only when the poll it belongs to is gone; then the shard is being replaced.
            let _ = waker.wake();
        }
    }
}

impl Waiting {
    /// One payload fits where none waits, however long it is.
    const fn has_room(&self, bytes: usize, bounds: Bounds) -> bool {
        let fits = self.bytes == 0 || self.bytes + bytes <= bounds.bytes_max;
        fits && self.notes.len() < bounds.notes_max
    }

    fn push(&mut self, note: Note, bytes: usize) {
        self.notes.push(note);
        self.bytes += bytes;
    }
}

fn errand_bytes(errand: &Errand) -> usize {
    match errand {
        Errand::Publish(draft) => draft.payload.len(),
        Errand::Describe(_)
        | Errand::Read { .. }
        | Errand::Cursor { .. }
        | Errand::Presence { .. }
        | Errand::Erase(_)
        | Errand::Disconnect(..)
        | Errand::Canary(_) => 0,
    }
}

fn envelope_bytes(envelope: &Envelope) -> usize {
    match envelope {
        Envelope::Publish { draft, .. } => draft.payload.len(),
        Envelope::Published { publication, .. } => publication.payload.len(),
        Envelope::Fetched { fetched: Ok(it), .. } => {
            it.messages.iter().map(|it| it.payload.len()).sum()
        }
        Envelope::FollowAll { channels, present, .. } => {
            let present: usize = present.iter().map(|it| size_of_val(&it.1[..])).sum();
            size_of_val(&channels[..]) + present
        }
        Envelope::Informed { roll, .. } => size_of_val(&roll.users[..]),
        Envelope::FollowedAll { places, .. } => size_of_val(&places[..]),
        Envelope::Follow { .. }
        | Envelope::Unfollow { .. }
        | Envelope::Forgot { .. }
        | Envelope::Followed { .. }
        | Envelope::NotFollowed { .. }
        | Envelope::Missed { .. }
        | Envelope::Placed { .. }
        | Envelope::Fetch { .. }
        | Envelope::Fetched { fetched: Err(_), .. }
        | Envelope::Mark { .. }
        | Envelope::Marked { .. }
        | Envelope::Typing { .. }
        | Envelope::Present { .. }
        | Envelope::Inquire { .. }
        | Envelope::Canary { .. } => 0,
    }
}

/// There is no room.
#[derive(Debug)]
pub(crate) struct Full;

/// Calls the shard when dropped. Until then others may add to what it will find: waking a thread
/// for each of many requests costs more than the requests.
#[derive(Debug)]
#[must_use = "the shard is called when this is dropped, and then is the time to do it"]
pub(crate) struct Call<'a> {
    inbox: &'a Inbox,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        // First, so that whoever comes now calls again.
        self.inbox.is_about.store(false, Ordering::SeqCst);
        self.inbox.call();
    }
}

/// A thread that failed while holding one of these has not left it half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
