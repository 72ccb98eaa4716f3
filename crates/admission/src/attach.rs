//! The session of a connection that is about to open (R21 to R24).

use std::{sync::Arc, time::Duration};

use proto::{Code, Dialect, Identity, Refusal, SessionId, UserId};
use session::{Full, Moment, Place, Seat, Visit};

use crate::{
    auth,
    client::Client,
    route::Route,
    tables::Tables,
    verdict::{Admitted, Needs},
};

/// A connection has a session from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attached {
    pub id: SessionId,
    pub place: Place,
    /// It was there before.
    pub is_resumed: bool,
    /// A connection that has lost its session to this one, and why it is to be closed.
    pub replaced: Option<Seat>,
    /// Without a good token it is there for this long.
    pub lapses_in: Option<Duration>,
}

/// Begins the session of a connection, or goes on with the one it asked for, under `drawn` where
/// a new one begins. `None` where the route keeps none, and for nobody in particular.
///
/// The last thing that is asked, at the moment the connection opens: its application may have taken
/// its time since the token was looked at. So whoever was revoked meanwhile is refused here, and
/// nothing has to be given back by whoever was refused before.
pub fn attach(
    admitted: &Admitted,
    seat: Seat,
    drawn: SessionId,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Option<Attached>, Refusal> {
    let Some(identity) = &admitted.identity else { return Ok(None) };
    let attached = auth::believe(identity, admitted.client.session, moment, tables)
        .and_then(|()| enter(admitted, identity, seat, drawn, moment, tables));
    if let Err(refusal) = &attached {
        tables.tallies.refuse(refusal.code);
    }
    attached
}

fn enter(
    admitted: &Admitted,
    identity: &Arc<Identity>,
    seat: Seat,
    drawn: SessionId,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Option<Attached>, Refusal> {
    let door = tables.door;
    let route = door.routes.of(admitted.route).ok_or(Code::NoSuchRoute)?;
    let Some(policy) = &route.sessions else { return Ok(None) };
    let Client { session: wanted, agent, device } = &admitted.client;
    let visit = Visit {
        identity,
        route: &route.name,
        address: admitted.address,
        agent: agent.as_deref(),
        device: device.as_deref(),
        seat,
    };
    let sessions = &mut tables.register.sessions;
    if admitted.needs == Needs::Waiting {
        // It was there a moment ago; its grace may have ended since.
        let lent = wanted.and_then(|id| Some((id, sessions.borrow(id, &visit, moment)?)));
        let (id, (resumed, ends_at)) = lent.ok_or(Code::SessionExpired)?;
        let lapses_in = Some(ends_at.saturating_duration_since(moment.now));
        let session::Resumed { place, replaced } = resumed;
        return Ok(Some(Attached { id, place, is_resumed: true, replaced, lapses_in }));
    }
    let resumed = wanted.and_then(|id| Some((id, sessions.resume(id, &visit, moment)?)));
    if let Some((id, session::Resumed { place, replaced })) = resumed {
        let (is_resumed, lapses_in) = (true, None);
        return Ok(Some(Attached { id, place, is_resumed, replaced, lapses_in }));
    }
    // It was there a moment ago, too.
    if admitted.needs == Needs::Session {
        return Err(Code::TokenExpired.into());
    }
    let started = sessions.start(drawn, &visit, policy, moment).map_err(|full| match full {
        Full::User => Refusal::new(Code::TooManySessions),
        Full::Server => Refusal::new(Code::ServerFull).after(Duration::from_secs(1)),
    })?;
    let session::Started { place, replaced } = started;
    Ok(Some(Attached { id: drawn, place, is_resumed: false, replaced, lapses_in: None }))
}

/// Whether a session is there that may be come back to with a token that has ended.
pub(crate) fn outlives(
    wanted: Option<SessionId>,
    owner: &Identity,
    route: &Route,
    moment: Moment,
    tables: &Tables<'_>,
) -> bool {
    let Some(id) = wanted.filter(|_| route.sessions.is_some()) else { return false };
    let until = owner.expires_at.0.saturating_add(route.expiry_grace.as_secs());
    let sessions = &tables.register.sessions;
    moment.wall.0 < until && sessions.is_theirs(id, &owner.user, &route.name, moment.now)
}

/// As whom a client comes in that has no more than its session: its token has ended (`owner` is
/// whom it named), or there is none, which only clients that speak our dialect may do. The identity
/// ends when the session's grace does.
pub(crate) fn standing(
    wanted: Option<SessionId>,
    owner: Option<&UserId>,
    route: &Route,
    moment: Moment,
    tables: &Tables<'_>,
) -> Option<Arc<Identity>> {
    if owner.is_none() && route.dialect != Dialect::Native {
        return None;
    }
    let id = wanted.filter(|_| route.sessions.is_some())?;
    let sessions = &tables.register.sessions;
    let (identity, until) = sessions.standing(id, owner, &route.name, moment.now)?;
    Some(Arc::new(Identity { expires_at: until, ..(**identity).clone() }))
}
