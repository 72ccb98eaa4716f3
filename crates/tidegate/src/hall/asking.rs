//! Asking applications, which live on the asynchronous side.

use std::{future::Future, sync::Arc};

use admission::{RouteId, Unmet};
use app::Visitor;
use engine::{Ask, Input, Proof};
use net::Net;
use proto::{Code, ConnId, Refusal};

use super::{Hall, keeping::with_session};
use crate::{
    fetch,
    inbox::{Inbox, Note},
};

impl Hall {
    /// Does the application want this visitor? Answered with [`Note::Judged`].
    pub(super) fn ask_to_admit(&self, conn: ConnId, visitor: Arc<Visitor>, route: RouteId) {
        let Some(app) = self.ground.app(route).map(Arc::clone) else { return };
        let inbox = Arc::clone(&self.inbox);
        let failed = Note::Judged(conn, Err(Code::AppFailed.into()));
        self.ground.runtime.spawn(answered(inbox, failed, async move {
            Note::Judged(conn, app.admit(&visitor).await)
        }));
    }

    /// Puts one question of the engine's. One at a time for each connection, so there are never
    /// more of these than connections.
    pub(super) fn ask(&mut self, conn: ConnId, ask: Ask) {
        let Some((route, visitor)) = self.asked(conn, matches!(ask, Ask::Disconnected)) else {
            return;
        };
        let Some(app) = self.ground.app(route).map(Arc::clone) else { return };
        let inbox = Arc::clone(&self.inbox);
        if let (Ask::Returned { .. }, Some(voice)) = (&ask, self.voice(conn)) {
            voice.returns = true;
        }
        let failed = match ask {
            Ask::Returned { .. } => Note::Returned(conn, Err(Code::AppFailed.into())),
            Ask::Connected { .. } | Ask::Said(_) | Ask::Disconnected => {
                Note::Answered(conn, Err(Code::AppFailed.into()))
            }
        };
        let visitor = match ask {
            Ask::Connected { recovered: true } => self.who_goes_on(conn, &visitor),
            Ask::Returned { .. } | Ask::Connected { .. } | Ask::Said(_) | Ask::Disconnected => {
                visitor
            }
        };
        self.ground.runtime.spawn(answered(inbox, failed, async move {
            match ask {
                Ask::Returned { rooms } => {
                    Note::Returned(conn, Ok(app.returned(&visitor, rooms).await))
                }
                Ask::Connected { .. } => Note::Answered(conn, Ok(app.connected(&visitor).await)),
                Ask::Said(said) => Note::Answered(conn, Ok(app.message(&visitor, said).await)),
                Ask::Disconnected => Note::Answered(conn, Ok(app.disconnected(&visitor).await)),
            }
        }));
    }

    /// A visitor with the channels in which it goes on.
    fn who_goes_on(&mut self, conn: ConnId, visitor: &Visitor) -> Arc<Visitor> {
        let places = self.voice(conn).map(|it| &it.behind);
        let rooms = places.into_iter().flatten().map(|it| it.0.clone()).collect();
        Arc::new(Visitor { recovered: Some(rooms), ..visitor.clone() })
    }

    /// Whom a question is about; for the last one, forgetting it.
    fn asked(&mut self, conn: ConnId, is_last: bool) -> Option<(RouteId, Arc<Visitor>)> {
        match self.guest(conn) {
            Some(guest) if is_last => Some((guest.route, guest.visitor.take()?)),
            Some(guest) => Some((guest.route, guest.visitor.clone()?)),
            None if is_last => self.parted.remove(&conn),
            None => self.parted.get(&conn).cloned(),
        }
    }

    /// Verifies a token that came after the upgrade.
    pub(super) fn authenticate(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        token: Arc<str>,
        refresh: bool,
    ) {
        let verified =
            if refresh { self.refreshed(conn, &token) } else { self.proven(conn, &token) };
        let proof = match verified {
            Ok(Some(proof)) => Ok(Box::new(proof)),
            // The answer comes later.
            Ok(None) => return,
            Err(Unmet::NeedKeys(_)) => {
                self.keyless.insert(conn, (token, refresh));
                return;
            }
            Err(Unmet::Refused(refusal)) => {
                self.metrics.authentication_failed(refusal.code);
                Err(refusal)
            }
        };
        self.tell(net, Input::Authenticated { conn, proof });
    }

    /// Keys have come, or will not: looks again at the tokens that waited for some.
    pub(super) fn authenticate_again(&mut self, net: &mut Net) {
        let mut keyless: Vec<_> = std::mem::take(&mut self.keyless).into_iter().collect();
        keyless.sort_unstable_by_key(|it| it.0);
        for (conn, (token, refresh)) in keyless {
            self.authenticate(net, conn, token, refresh);
        }
    }

    fn refreshed(&mut self, conn: ConnId, token: &str) -> Result<Option<Proof>, Unmet> {
        let Some(guest) = self.guest(conn) else { return Ok(None) };
        let (route, address) = (guest.route, guest.address);
        let (ground, moment) = (Arc::clone(&self.ground), self.moment());
        let Self { cache, tallies, fetches, .. } = self;
        let newer = ground.with_tables(cache, tallies, fetches, |tables| {
            admission::refresh(token, route, address, moment, tables)
        });
        self.begin_fetches();
        let newer = newer?;
        self.metrics.authenticated();
        self.renew(conn, &newer);
        Ok(Some(self.proof(&newer, route)))
    }

    /// The first message's token. Where there is an application, it is asked before the engine
    /// hears.
    fn proven(&mut self, conn: ConnId, token: &str) -> Result<Option<Proof>, Unmet> {
        let Some(mut admitted) = self.unproven.remove(&conn) else { return Ok(None) };
        let (ground, moment) = (Arc::clone(&self.ground), self.moment());
        let Self { cache, tallies, fetches, .. } = self;
        let verified = ground.with_tables(cache, tallies, fetches, |tables| {
            admission::authenticate(token, &mut admitted, moment, tables)
        });
        self.begin_fetches();
        // The seat goes back with the connection, which a refusal ends.
        if let Err(fault) = verified {
            self.unproven.insert(conn, admitted);
            return Err(fault);
        }
        self.metrics.authenticated();
        match self.visitor(conn, &admitted) {
            Some(visitor) => {
                self.ask_to_admit(conn, visitor, admitted.route);
                self.unproven.insert(conn, admitted);
                Ok(None)
            }
            None => Ok(self.settle(conn, *admitted)?),
        }
    }

    /// The application has said whether it wants someone who is upgraded already.
    pub(super) fn judged_unproven(
        &mut self,
        net: &mut Net,
        conn: ConnId,
        answer: Result<(), Refusal>,
    ) {
        let proof = match answer {
            Err(refusal) => Err(refusal),
            Ok(()) => {
                let Some(admitted) = self.unproven.remove(&conn) else { return };
                let visitor = self.visitor(conn, &admitted);
                match self.settle(conn, *admitted) {
                    Ok(None) => return,
                    Err(refusal) => Err(refusal),
                    Ok(Some(proof)) => {
                        if let Some(guest) = self.guest(conn) {
                            guest.visitor = visitor;
                        }
                        Ok(Box::new(proof))
                    }
                }
            }
        };
        self.tell(net, Input::Authenticated { conn, proof });
    }

    /// What was admitted on trust becomes a guest like any other, with a session of its own. The
    /// seat is the guest's, whether it may stay or not.
    fn settle(
        &mut self,
        conn: ConnId,
        admitted: admission::Admitted,
    ) -> Result<Option<Proof>, Refusal> {
        let Some(identity) = admitted.identity.clone() else { return Ok(None) };
        if self.guest(conn).is_none() {
            return Ok(None);
        }
        let attached = self.attach(conn, &admitted);
        let Some(guest) = self.guest(conn) else { return Ok(None) };
        guest.seat = Some(admitted.seat);
        let attached = attached?;
        guest.session = attached.map(|it| it.place);
        let proof = with_session(self.proof(&identity, admitted.route), attached.as_ref());
        Ok(Some(Proof { channels: admitted.channels, ..proof }))
    }

    fn begin_fetches(&mut self) {
        for source in self.fetches.drain(..) {
            fetch::begin(&self.ground, source);
        }
    }
}

/// Runs a call of an application and puts its answer into the inbox, even if it panics.
async fn answered(inbox: Arc<Inbox>, failed: Note, call: impl Future<Output = Note> + Send) {
    let mut promise = Promise { inbox, note: Some(failed) };
    promise.note = Some(call.await);
}

/// Kept, whatever happens in between.
struct Promise {
    inbox: Arc<Inbox>,
    note: Option<Note>,
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(note) = self.note.take() {
            self.inbox.answer(note);
        }
    }
}
