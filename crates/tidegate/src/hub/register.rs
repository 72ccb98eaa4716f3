//! Sessions, revocations and newer tokens, as the HTTP side asks for them.

use std::sync::{Arc, Weak};

use admission::{Unmet, VerifierId};
use app::{Exchanged, Register, RevocationView, Revoke, Revoked, SessionView, Subject, Which};
use async_trait::async_trait;
use engine::Whom;
use proto::{Code, Identity, Refusal, SessionId, UnixTime};
use serde_json::{Map, Value, json};
use session::{BadRevocation, Revocation, Seat};
use store::Table;
use tracing::{info, warn};

use super::Hub;
use crate::{
    ground::{Ground, draw, moment},
    inbox::{Note, lock},
};

#[async_trait]
impl Register for Hub {
    async fn sessions(&self, which: Which) -> Vec<SessionView> {
        self.ground().map_or_else(|_| Vec::new(), |it| found(&it, &which))
    }

    async fn end_sessions(&self, which: Which) -> Result<usize, Refusal> {
        let ground = self.ground()?;
        let ids = found(&ground, &which).into_iter().map(|it| it.id);
        let ended: Vec<Option<Seat>> = {
            let sessions = &mut lock(&ground.register).sessions;
            ids.filter_map(|id| sessions.end(id)).collect()
        };
        for seat in ended.iter().flatten() {
            self.part(*seat, Code::SessionEnded.into());
        }
        Ok(ended.len())
    }

    async fn revoke(&self, revoke: Revoke) -> Result<Revoked, Refusal> {
        let ground = self.ground()?;
        let Revoke { subject, reason, expires_at } = revoke;
        let subject = meant(subject);
        let revocation =
            self.keep_revocation(&ground, subject, reason.as_deref(), expires_at, Again::Renews);
        let revocation = revocation.await?;
        let closed = self.close_revoked(&ground, &revocation).await?;
        let expires_at = revocation.expires_at;
        info!(subject = %revocation.subject, closed, %expires_at, "revoked");
        Ok(Revoked { closed, expires_at })
    }

    async fn revocations(&self, most: usize) -> (Vec<RevocationView>, usize) {
        let Ok(ground) = self.ground() else { return (Vec::new(), 0) };
        let wall = moment().wall;
        let register = lock(&ground.register);
        let in_force = register.revocations.iter().filter(|it| wall < it.expires_at);
        let mut in_force: Vec<&Revocation> = in_force.collect();
        in_force.sort_by_key(|it| std::cmp::Reverse(it.revoked_at));
        (in_force.iter().take(most).map(|it| shown(it)).collect(), in_force.len())
    }

    async fn exchange(&self, token: &str) -> Result<Option<Exchanged>, Refusal> {
        let ground = self.ground()?;
        let (verifier, identity) = self.issued(&ground, token).await?;
        let Some(mint) = self.mints.get(usize::from(verifier.0)).and_then(Option::as_ref) else {
            return Ok(None);
        };
        let newer = newer(&identity, mint)?;
        // At most once: of two who show the same token one is told that it was revoked.
        if let Some(id) = &identity.token_id {
            let subject = session::Subject::Token(Arc::clone(id));
            let door = &ground.door.verifiers;
            let leeway =
                door.get(usize::from(verifier.0)).map_or(0, |it| it.rules.leeway.as_secs());
            // As long as anybody would believe it, and at least as long as a revocation lasts.
            let ends_at = identity.expires_at.0.saturating_add(leeway);
            let wall = moment().wall;
            let expires_at = UnixTime(ends_at.max(wall.0 + 60));
            let reason = Some("It was exchanged for a newer one.");
            let ends = Some(expires_at);
            self.keep_revocation(&ground, subject, reason, ends, Again::IsRefused).await?;
        }
        Ok(Some(newer))
    }
}

impl Hub {
    fn ground(&self) -> Result<Arc<Ground>, Refusal> {
        self.ground.get().and_then(Weak::upgrade).ok_or_else(|| Code::Draining.into())
    }

    /// In force at once, and undone if it cannot be kept.
    async fn keep_revocation(
        &self,
        ground: &Arc<Ground>,
        subject: session::Subject,
        reason: Option<&str>,
        expires_at: Option<UnixTime>,
        again: Again,
    ) -> Result<Revocation, Refusal> {
        let (revocation, before) = {
            let revocations = &mut lock(&ground.register).revocations;
            let before = revocations.of(&subject).cloned();
            let wall = moment().wall;
            let is_in_force = before.as_ref().is_some_and(|it| wall < it.expires_at);
            if is_in_force && again == Again::IsRefused {
                return Err(Code::TokenRevoked.into());
            }
            let added = revocations.add(subject, reason.map(Into::into), expires_at, wall);
            (added.map_err(refused)?, before)
        };
        let kept = ground.keeper.keep(Table::Revocations, vec![revocation.change()]).await;
        if let Err(refusal) = kept {
            lock(&ground.register).revocations.undo(&revocation, before);
            return Err(refusal);
        }
        Ok(revocation)
    }

    /// Ends the sessions and closes the connections that a revocation covers.
    async fn close_revoked(
        &self,
        ground: &Arc<Ground>,
        revocation: &Revocation,
    ) -> Result<usize, Refusal> {
        let mut why = Refusal::new(Code::TokenRevoked);
        if let Some(reason) = &revocation.reason {
            why = why.saying(reason.to_string());
        }
        let ended: Vec<Seat> = {
            let sessions = &mut lock(&ground.register).sessions;
            let covered: Vec<SessionId> = sessions.covered(&revocation.subject);
            covered.into_iter().filter_map(|id| sessions.end(id).flatten()).collect()
        };
        for seat in &ended {
            self.part(*seat, why.clone());
        }
        // Connections without a session are asked for after those, so none is counted twice.
        let whom = match &revocation.subject {
            session::Subject::Session(_) => return Ok(ended.len()),
            session::Subject::Token(id) => Whom::Token(Arc::clone(id)),
            session::Subject::User { user, issued_before: None } => Whom::User(user.clone()),
            session::Subject::User { user, issued_before: Some(before) } => {
                Whom::IssuedBefore { user: Some(user.clone()), before: *before }
            }
            session::Subject::Everyone { issued_before } => {
                Whom::IssuedBefore { user: None, before: *issued_before }
            }
        };
        let others = self.disconnect_on(&whom, &why, 0..self.inboxes.len()).await?;
        Ok(ended.len() + others)
    }

    /// Never refused: there is one of these for each session that ends.
    fn part(&self, seat: Seat, why: Refusal) {
        self.inbox(seat.shard).answer(Note::Part(seat.conn, why));
    }

    /// Whom a token names, and by which `[tokens.NAME]`: the first that finds it good. What it is
    /// told otherwise is what says most: that it is over or revoked, then that keys are missing.
    async fn issued(
        &self,
        ground: &Arc<Ground>,
        token: &str,
    ) -> Result<(VerifierId, Arc<Identity>), Refusal> {
        let mut told: Option<Refusal> = None;
        for verifier in (0..).map(VerifierId).take(ground.door.verifiers.len()) {
            let identified = self
                .when_keys_are_here(|| {
                    self.look(ground, |tables| {
                        admission::identify_by(token, verifier, moment(), tables)
                    })
                })
                .await;
            match identified {
                Ok(identity) => return Ok((verifier, identity)),
                Err(refusal) if refusal.code == Code::InvalidToken => {}
                Err(refusal) if told.as_ref().is_none_or(|it| it.code == Code::AuthUnavailable) => {
                    told = Some(refusal);
                }
                Err(_) => {}
            }
        }
        Err(told.unwrap_or_else(|| Code::InvalidToken.into()))
    }

    /// Asks again whenever keys have come, until there is an answer or no time left.
    pub(super) async fn when_keys_are_here<T>(
        &self,
        look: impl Fn() -> Result<T, Unmet>,
    ) -> Result<T, Refusal> {
        let waited = async {
            loop {
                // Before the check, so that keys which come in between are not missed.
                let fetched = self.keys_fetched.notified();
                match look() {
                    Ok(found) => return Ok(found),
                    Err(Unmet::Refused(refusal)) => return Err(refusal),
                    Err(Unmet::NeedKeys(_)) => fetched.await,
                }
            }
        };
        let late = |_| Err(Code::AuthUnavailable.into());
        tokio::time::timeout(super::KEYS_WITHIN, waited).await.unwrap_or_else(late)
    }
}

/// What revoking something means that is revoked already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Again {
    /// It lasts as long as either says.
    Renews,
    /// Somebody else was first.
    IsRefused,
}

fn found(ground: &Ground, which: &Which) -> Vec<SessionView> {
    let wall = moment().wall;
    let sessions = &lock(&ground.register).sessions;
    let views = match which {
        Which::One(id) => sessions.find(*id, wall).into_iter().collect(),
        Which::Of { user, device: None } => sessions.of_user(user, wall),
        Which::Of { user, device } => {
            let mut theirs = sessions.of_user(user, wall);
            theirs.retain(|it| it.device == device.as_deref());
            theirs
        }
    };
    views.into_iter().map(view).collect()
}

fn view(view: session::View<'_>) -> SessionView {
    SessionView {
        id: view.id,
        user: view.identity.user.clone(),
        device: view.device.map(str::to_owned),
        agent: view.agent.map(str::to_owned),
        address: view.address,
        route: view.route.to_owned(),
        created_at: view.created_at,
        last_active: view.last_active,
        is_live: view.seat.is_some(),
        until: view.until,
    }
}

fn shown(revocation: &Revocation) -> RevocationView {
    let subject = match revocation.subject.clone() {
        session::Subject::Token(id) => Subject::Token(id),
        session::Subject::User { user, issued_before } => Subject::User { user, issued_before },
        session::Subject::Session(id) => Subject::Session(id),
        session::Subject::Everyone { issued_before } => Subject::Everyone { issued_before },
    };
    RevocationView {
        subject,
        reason: revocation.reason.as_deref().map(str::to_owned),
        revoked_at: revocation.revoked_at,
        expires_at: revocation.expires_at,
    }
}

fn meant(subject: Subject) -> session::Subject {
    match subject {
        Subject::Token(id) => session::Subject::Token(id),
        Subject::User { user, issued_before } => session::Subject::User { user, issued_before },
        Subject::Session(id) => session::Subject::Session(id),
        Subject::Everyone { issued_before } => session::Subject::Everyone { issued_before },
    }
}

fn refused(fault: BadRevocation) -> Refusal {
    match fault {
        BadRevocation::Full => {
            warn!("there is no room for another revocation; it was refused");
            Refusal::new(Code::StoreUnavailable).saying("There are as many revocations as may be.")
        }
        BadRevocation::Short
        | BadRevocation::Long
        | BadRevocation::Reason
        | BadRevocation::TokenId => {
            Refusal::new(Code::BadCommand).saying(format!("This cannot be revoked: {fault}."))
        }
    }
}

/// A token that says what the older one said, with an id and times of its own.
fn newer(identity: &Identity, mint: &config::Mint) -> Result<Exchanged, Refusal> {
    let unavailable = || Refusal::new(Code::AuthUnavailable);
    let mut claims: Map<String, Value> =
        serde_json::from_str(&identity.claims).map_err(|_| unavailable())?;
    let now = moment().wall.0;
    let id = draw().map_err(|_| unavailable())?;
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now + mint.lifetime.as_secs()));
    claims.insert("jti".to_owned(), json!(id.to_string()));
    let token = token::mint(&claims, &mint.key, mint.key.kid()).map_err(|_| unavailable())?;
    Ok(Exchanged { token, expires_in: mint.lifetime })
}
