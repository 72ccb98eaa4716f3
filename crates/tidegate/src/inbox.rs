//! What waits for one shard, put there by other threads.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use engine::{Envelope, Errand, Outcome};
use proto::{Action, ConnId, Refusal};
use tokio::sync::oneshot;

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
    /// Keys have been fetched, or that failed: whoever waits for some may be decided on again.
    KeysFetched { have_changed: bool },
    /// Part with everyone over this time, and take nobody in.
    Drain(std::time::Duration),
}

/// The inbox of one shard. Bounded: what is refused here is told to whoever sent it.
#[derive(Debug)]
pub(crate) struct Inbox {
    notes: Mutex<Vec<Note>>,
    /// The shard has been called and has not looked yet: once per batch is enough.
    is_called: AtomicBool,
    /// Somebody from outside is about to call it.
    is_about: AtomicBool,
    has_overflowed: AtomicBool,
    waker: Mutex<Option<Arc<mio::Waker>>>,
    /// Errands are refused beyond this many notes.
    notes_max: usize,
}

impl Inbox {
    pub(crate) fn new(notes_max: usize) -> Self {
        Self {
            notes: Mutex::default(),
            is_called: AtomicBool::new(false),
            is_about: AtomicBool::new(false),
            has_overflowed: AtomicBool::new(false),
            waker: Mutex::default(),
            notes_max,
        }
    }

    /// Who is to be called. Set when the shard starts, and again when it starts afresh.
    pub(crate) fn belongs_to(&self, waker: Arc<mio::Waker>) {
        *lock(&self.waker) = Some(Arc::clone(&waker));
        // Whatever has been put in: the one before may have been called and not have looked any more,
        // and nobody calls twice.
        self.is_called.store(true, Ordering::SeqCst);
        let _ = waker.wake();
    }

    /// From outside: refused when there is too much already. What is taken is seen once the shard is
    /// called, which is for whoever gets the [`Call`] to do.
    pub(crate) fn seek(
        &self,
        errand: Errand,
        reply: oneshot::Sender<Outcome>,
    ) -> Result<Option<Call<'_>>, Full> {
        let mut notes = lock(&self.notes);
        if self.notes_max <= notes.len() {
            return Err(Full);
        }
        notes.push(Note::Sought(errand, reply));
        drop(notes);
        let is_first = !self.is_about.swap(true, Ordering::SeqCst);
        Ok(is_first.then_some(Call { inbox: self }))
    }

    /// From another shard: what it has for us in one turn.
    ///
    /// Errands stop at the bound, so only deliveries that follow from earlier ones go beyond it. At
    /// twice the bound this shard has stopped reading; what is lost then is noted, and its members
    /// are sent to recover.
    pub(crate) fn send(&self, envelopes: &mut Vec<Envelope>) {
        let mut notes = lock(&self.notes);
        let room = (2 * self.notes_max).saturating_sub(notes.len());
        if room < envelopes.len() {
            self.has_overflowed.store(true, Ordering::Release);
        }
        notes.extend(envelopes.drain(..).take(room).map(Note::Sent));
        drop(notes);
        self.call();
    }

    /// Bounded by what it answers: one for each connection, or one for each set of keys.
    pub(crate) fn answer(&self, note: Note) {
        lock(&self.notes).push(note);
        self.call();
    }

    /// Everything there is; and whether something was lost.
    pub(crate) fn take(&self, into: &mut Vec<Note>) -> bool {
        // First, so that whoever comes now calls again.
        self.is_called.store(false, Ordering::SeqCst);
        into.append(&mut lock(&self.notes));
        self.has_overflowed.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.notes).len()
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

/// There is no room.
#[derive(Debug)]
pub(crate) struct Full;

/// Calls the shard when dropped. Until then others may add to what it will find: waking a thread for
/// each of many requests costs more than the requests.
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
