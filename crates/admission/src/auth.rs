//! Who is it, and may they? The same for handshakes, first messages and refreshed tokens.

use std::{net::IpAddr, sync::Arc};

use limits::{Limit, Seat};
use permission::Captures;
use proto::{ChannelName, Code, Identity, Refusal, SessionId};
use session::Moment;
use token::{Keyring, Kid, Lookup, Source, TokenFault, Unverified};

use crate::{
    attach,
    route::{Route, RouteId, TokenSource, VerifierId},
    source::Found,
    tables::{Keys, Tables},
    verdict::{Admitted, Needs},
};

/// Why there is no identity (yet).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unmet {
    Refused(Refusal),
    /// The keys are being fetched. Ask again when they were, or refuse with `AUTH_UNAVAILABLE` when
    /// that takes too long.
    NeedKeys(VerifierId),
}

/// The token came in the first message: fills in `identity` and `channels`.
///
/// Whatever the answer, the seat stays with the connection and goes back when that ends.
pub fn authenticate(
    token: &str,
    admitted: &mut Admitted,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<(), Unmet> {
    let door = tables.door;
    let route = door.routes.of(admitted.route).ok_or(Code::NoSuchRoute)?;
    if admitted.identity.is_some() {
        return Err(Refusal::new(Code::BadCommand).saying("A token was shown already.").into());
    }
    let verified = shown(token, admitted.client.session, route, admitted.address, moment, tables);
    let entered = verified.and_then(|word| {
        let channels = enter(word.identity(), route, &admitted.captures)?;
        seat_user(word.identity(), &mut admitted.seat, tables)?;
        Ok((word, channels))
    });
    let (word, channels) = tallied(entered, tables)?;
    admitted.needs = word.needs();
    admitted.identity = Some(word.into_identity());
    admitted.channels = channels;
    Ok(())
}

/// A Socket.IO client joins a namespace: fills in `identity` and `channels`.
///
/// The token that it tells as it joins decides, with or without `Bearer ` before it; where it tells
/// none, the one that came with its request. What the route does not take is not looked at.
pub fn join(
    told: Option<&str>,
    admitted: &mut Admitted,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<(), Unmet> {
    let door = tables.door;
    let route = door.routes.of(admitted.route).ok_or(Code::NoSuchRoute)?;
    let Some(rules) = &route.tokens else {
        let channels = joined(None, route, &admitted.captures);
        admitted.channels = tallied(channels.map_err(Unmet::from), tables)?;
        return Ok(());
    };
    let told = told.filter(|_| rules.sources.contains(&TokenSource::FirstMessage));
    let found = told.map(|it| Found::of(it.strip_prefix("Bearer ").unwrap_or(it).trim()));
    let code = match found.unwrap_or_else(|| admitted.shown.clone()) {
        Found::Token(token) => return authenticate(token.expose(), admitted, moment, tables),
        Found::Nothing | Found::Blank | Found::Later => Code::AuthRequired,
        Found::Garbled => {
            tables.limits.authentication_failed(moment.now, admitted.address.into());
            Code::InvalidToken
        }
    };
    tallied(Err(code.into()), tables)
}

/// A newer token for a live connection on `route`, shown from `address`. It must have the claims
/// that the route requires; channels stay as they are. Whether it is the same user's is the
/// engine's to see, which knows whose connection it is and parts with it otherwise (A8).
pub fn refresh(
    token: &str,
    route: RouteId,
    address: IpAddr,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Arc<Identity>, Unmet> {
    let door = tables.door;
    let route = door.routes.of(route).ok_or(Code::NoSuchRoute)?;
    let verified = shown(token, None, route, address, moment, tables);
    let fit = verified.and_then(|word| {
        require(word.identity(), route)?;
        Ok(word.into_identity())
    });
    tallied(fit, tables)
}

/// Whom a token names by the rules of a route, as a handshake would find. Nothing is counted.
pub fn identify(
    token: &str,
    route: RouteId,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Arc<Identity>, Unmet> {
    let door = tables.door;
    let route = door.routes.of(route).ok_or(Code::NoSuchRoute)?;
    let rules = route.tokens.as_ref().ok_or(Code::NotAccepted)?;
    let identity = identify_by(token, rules.verifier, moment, tables)?;
    require(&identity, route)?;
    Ok(identity)
}

/// Whom a token names by one `[tokens.NAME]`, whatever a route would ask besides.
pub fn identify_by(
    token: &str,
    verifier: VerifierId,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Arc<Identity>, Unmet> {
    let identity = verify(token, verifier, moment, tables).map_err(|it| match it {
        Setback::Fault(fault) => Unmet::from(fault.code()),
        Setback::NeedKeys => Unmet::NeedKeys(verifier),
    })?;
    believe(&identity, None, moment, tables)?;
    Ok(identity)
}

/// On what word somebody comes in.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    /// A token that is good.
    Token(Arc<Identity>),
    /// Their session's, which is away and waits for them.
    Session(Arc<Identity>),
    /// A token that has ended and their session's, which may outlive it on this route.
    Outlived(Arc<Identity>),
}

impl Word {
    pub(crate) const fn identity(&self) -> &Arc<Identity> {
        match self {
            Self::Token(identity) | Self::Session(identity) | Self::Outlived(identity) => identity,
        }
    }

    /// What there has to be when the connection opens.
    pub(crate) const fn needs(&self) -> Needs {
        match self {
            Self::Token(_) => Needs::Nothing,
            Self::Session(_) => Needs::Waiting,
            Self::Outlived(_) => Needs::Session,
        }
    }

    pub(crate) fn into_identity(self) -> Arc<Identity> {
        match self {
            Self::Token(identity) | Self::Session(identity) | Self::Outlived(identity) => identity,
        }
    }
}

/// Unless they were revoked (A9). Asked of everyone whose signature is good, on every way in.
pub(crate) fn believe(
    identity: &Identity,
    session: Option<SessionId>,
    moment: Moment,
    tables: &Tables<'_>,
) -> Result<(), Refusal> {
    match tables.register.revocations.check(identity, session, moment.wall) {
        None => Ok(()),
        Some(revocation) => Err(match &revocation.reason {
            Some(reason) => Refusal::new(Code::TokenRevoked).saying(reason.to_string()),
            None => Code::TokenRevoked.into(),
        }),
    }
}

/// A token shown from `address` on `route`: verified and counted, a suspicious one against the
/// address (A12). One that is merely over is good enough to go on with the `wanted` session of the
/// same user, while that waits, or for as long as the route lets sessions outlive their tokens.
pub(crate) fn shown(
    token: &str,
    wanted: Option<SessionId>,
    route: &Route,
    address: IpAddr,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Word, Unmet> {
    let rules = route.tokens.as_ref().ok_or(Code::NotAccepted)?;
    match verify(token, rules.verifier, moment, tables) {
        Ok(identity) => {
            believe(&identity, wanted, moment, tables)?;
            tables.tallies.verified += 1;
            Ok(Word::Token(identity))
        }
        Err(Setback::Fault(TokenFault::Expired)) => {
            let owner = wanted.and_then(|_| owner(token, rules.verifier, moment, tables));
            let owner = owner.ok_or(Code::TokenExpired)?;
            believe(&owner, wanted, moment, tables)?;
            if attach::outlives(wanted, &owner, route, moment, tables) {
                return Ok(Word::Outlived(Arc::new(owner)));
            }
            let standing = attach::standing(wanted, Some(&owner.user), route, moment, tables);
            let identity = standing.ok_or(Code::TokenExpired)?;
            believe(&identity, wanted, moment, tables)?;
            Ok(Word::Session(identity))
        }
        Err(Setback::NeedKeys) => Err(Unmet::NeedKeys(rules.verifier)),
        Err(Setback::Fault(fault)) => {
            if fault.is_suspicious() {
                tables.limits.authentication_failed(moment.now, address.into());
            }
            Err(fault.code().into())
        }
    }
}

/// The channels of the route, if the token has the claims it requires.
///
/// This comes before the limit of the user's connections: what no waiting can mend is told first.
pub(crate) fn enter(
    identity: &Identity,
    route: &Route,
    captures: &Captures,
) -> Result<Vec<ChannelName>, Refusal> {
    require(identity, route)?;
    joined(Some(identity), route, captures)
}

/// The channels of the route, each once.
pub(crate) fn joined(
    who: Option<&Identity>,
    route: &Route,
    captures: &Captures,
) -> Result<Vec<ChannelName>, Refusal> {
    let mut channels = Vec::with_capacity(route.joins.len());
    for template in &route.joins {
        // A user `1:admin` belongs into no channel of another shape, nor into half of its channels.
        let unfit = "The token or the path names what cannot be part of a channel's name.";
        let filled = template.fill(who, captures);
        let channel = filled.map_err(|_| Refusal::new(Code::Forbidden).saying(unfit))?;
        channels.extend(channel.filter(|it| !channels.contains(it)));
    }
    Ok(channels)
}

/// The last thing asked, so that nothing can refuse after it.
pub(crate) fn seat_user(
    identity: &Identity,
    seat: &mut Seat,
    tables: &mut Tables<'_>,
) -> Result<(), Refusal> {
    tables.limits.seat_user(seat, identity.user.as_str()).map_err(limited)
}

/// What a client is told of a limit.
pub fn limited(refused: limits::Refused) -> Refusal {
    let code = match refused.limit {
        Limit::Server => Code::ServerFull,
        Limit::ConnectionsPerAddress => Code::TooManyConnections,
        Limit::AttemptsPerAddress => Code::TooManyAttempts,
        Limit::FailedAuthentication => Code::AuthBackoff,
        Limit::ConnectionsPerUser => Code::TooManyForUser,
        Limit::Messages | Limit::Typing => Code::TooFast,
        Limit::MessageBytes => Code::MessageTooBig,
        Limit::Handshake => Code::HandshakeLate,
        Limit::FirstMessage => Code::FirstMessageLate,
        Limit::Idle => Code::Idle,
    };
    Refusal::new(code).after(refused.retry_after)
}

fn require(identity: &Identity, route: &Route) -> Result<(), Refusal> {
    match permission::holds(Some(identity), &route.require) {
        true => Ok(()),
        false => Err(Code::Forbidden.into()),
    }
}

fn tallied<T>(answer: Result<T, Unmet>, tables: &mut Tables<'_>) -> Result<T, Unmet> {
    if let Err(Unmet::Refused(refusal)) = &answer {
        tables.tallies.refuse(refusal.code);
    }
    answer
}

enum Setback {
    Fault(TokenFault),
    NeedKeys,
}

fn verify(
    token: &str,
    id: VerifierId,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Arc<Identity>, Setback> {
    let door = tables.door;
    // The configuration is checked before anyone comes; without keys nobody is believed.
    let verifier = door.verifiers.get(usize::from(id.0)).ok_or(TokenFault::KeysUnavailable)?;
    let scope = u32::from(id.0);
    if let Some(identity) = tables.cache.find(scope, token, moment.wall) {
        tables.tallies.remembered += 1;
        return Ok(identity);
    }
    let unverified = Unverified::parse(token, &verifier.rules)?;
    let keys = match &verifier.keys {
        Keys::Ring(ring) => Arc::clone(ring),
        Keys::Published(source) => published(&unverified, source, moment, tables)?,
    };
    let identity = Arc::new(unverified.verify(&keys, &verifier.rules, moment.wall)?);
    tables.cache.remember(scope, token, Arc::clone(&identity), &verifier.rules);
    Ok(identity)
}

/// Whom a token named whose time is over.
fn owner(token: &str, id: VerifierId, moment: Moment, tables: &mut Tables<'_>) -> Option<Identity> {
    let door = tables.door;
    let verifier = door.verifiers.get(usize::from(id.0))?;
    let unverified = Unverified::parse(token, &verifier.rules).ok()?;
    let keys = match &verifier.keys {
        Keys::Ring(ring) => Arc::clone(ring),
        Keys::Published(source) => published(&unverified, source, moment, tables).ok()?,
    };
    unverified.verify_expired(&keys, &verifier.rules, moment.wall).ok()
}

/// The keys of a published set, as far as they are known.
fn published(
    unverified: &Unverified<'_>,
    source: &Source,
    moment: Moment,
    tables: &mut Tables<'_>,
) -> Result<Arc<Keyring>, Setback> {
    let set = tables.key_sets.of(source).ok_or(TokenFault::KeysUnavailable)?;
    let (keys, fetch) = match set.wants(moment.now, unverified.kid()) {
        Lookup::Ready { keys, fetch } => (Ok(keys), fetch),
        Lookup::Wait { fetch } => (Err(Setback::NeedKeys), fetch),
        Lookup::Unavailable => (Err(TokenFault::KeysUnavailable.into()), false),
        Lookup::Unknown => {
            let unknown = |kid: &Kid| TokenFault::UnknownKey { kid: kid.clone() };
            let fault = unverified.kid().map_or(TokenFault::BadSignature, unknown);
            (Err(fault.into()), false)
        }
    };
    if fetch {
        tables.fetches.push(source.clone());
    }
    keys
}

impl From<TokenFault> for Setback {
    fn from(fault: TokenFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for Unmet {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Code> for Unmet {
    fn from(code: Code) -> Self {
        Self::Refused(code.into())
    }
}
