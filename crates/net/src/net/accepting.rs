//! New sockets, and waiting when there can be none (L4).

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use super::Net;
use crate::link::Link;

/// Accepted in one turn. A storm of newcomers must not starve those who are here.
const ACCEPTS_MAX: usize = 128;

/// Waits after a failed accept. Long enough not to spin, short enough that a descriptor that comes
/// free is used within a second.
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Whether to accept now.
#[derive(Debug, Default)]
pub(crate) struct Accepting {
    /// The listener had something when it was last looked at.
    is_called: bool,
    retry_at: Option<Instant>,
    wait: Duration,
}

impl Accepting {
    pub(crate) const fn call(&mut self) {
        self.is_called = true;
    }

    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// More is waiting and nothing keeps us from taking it.
    pub(crate) const fn is_pending(&self) -> bool {
        self.is_called && self.retry_at.is_none()
    }

    fn fail(&mut self, now: Instant) {
        self.wait = (self.wait * 2).clamp(WAIT_MIN, WAIT_MAX);
        self.retry_at = Some(now + self.wait);
    }

    const fn succeed(&mut self) {
        self.wait = Duration::ZERO;
    }
}

impl Net {
    /// Takes no new sockets from here on, and lets go of the port.
    pub fn stop_accepting(&mut self) {
        if let Some(mut listener) = self.listener.take() {
            // Closing would do; this says so when it fails.
            let _ = self.poll.registry().deregister(&mut listener);
        }
    }

    pub(super) fn accept(&mut self) {
        if self.accepting.retry_at.is_some_and(|it| it <= self.now) {
            self.accepting.retry_at = None;
        }
        if !self.accepting.is_pending() {
            return;
        }
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = &self.listener else {
                self.accepting.is_called = false;
                return;
            };
            // The rest waits in the kernel until a socket closes.
            if self.limits.sockets_max <= self.socks.count() {
                self.tally.accept_failures += 1;
                self.accepting.fail(self.now);
                return;
            }
            match listener.accept() {
                Ok((stream, peer)) => {
                    self.accepting.succeed();
                    self.tally.accepted += 1;
                    // A frame is a whole thought; waiting for more would only delay it.
                    let _ = stream.set_nodelay(true);
                    let link = Link::Plain(stream);
                    let link = match &self.tls {
                        Some(tls) => link.with_tls(tls),
                        None => Ok(link),
                    };
                    if let Ok(link) = link {
                        self.adopt(link, peer);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accepting.is_called = false;
                    return;
                }
                // The newcomer has gone again; the next one may be there.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                // EMFILE, ENFILE, ENOBUFS, ENOMEM: trying again at once would only spin.
                Err(_) => {
                    self.tally.accept_failures += 1;
                    self.accepting.fail(self.now);
                    return;
                }
            }
        }
    }
}
