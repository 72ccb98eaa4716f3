//! Who may make a request: checked before anything of it but its head is looked at.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use limits::AddressKey;
use proto::{Code, Identity, Refusal};

use crate::{
    access::{KeyIndex, Scope},
    handoff::Sender,
    problem::Problem,
    shared::Shared,
};

/// Who may use a route. Each row of the table of routes says it (D1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Anyone.
    Public,
    /// An API key with this scope.
    Key(Scope),
    /// An API key with the scope `admin`, or the token of an administrator (R99, R100).
    Admin,
    /// As the configuration says for metrics.
    Metrics,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetricsAccess {
    #[default]
    Admin,
    /// Sockets from this machine too, unless a proxy on it speaks for somebody else.
    Loopback,
    Public,
}

/// Whose tokens are an administrator's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminRule {
    /// The route by whose rules the token is verified.
    pub route: String,
    /// Any one of these suffices.
    pub any: Vec<Claimed>,
}

/// A claim and the values of it that suffice, as [`Identity::claim`] words them: `true`, `Admin`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claimed {
    pub claim: String,
    pub one_of: Vec<String>,
}

impl AdminRule {
    fn admits(&self, identity: &Identity) -> bool {
        self.any.iter().any(|it| {
            let value = identity.claim(&it.claim);
            value.is_some_and(|value| it.one_of.contains(&value))
        })
    }
}

/// Which API key a request came with. Absent on requests admitted without one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) KeyIndex);

/// The layer in front of one route.
pub(crate) async fn gate(
    State((shared, access)): State<(Arc<Shared>, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    if access == Access::Public || shared.is_open(access, &request) {
        return next.run(request).await;
    }
    let shown = shown(request.headers());
    let client = request.extensions().get::<Sender>().map(|it| it.client);
    match shared.admit(access, shown, client).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

/// What a request shows to prove who it is.
enum Shown {
    Nothing,
    Unreadable,
    Secret(String),
}

/// `Authorization: Bearer …`, else `X-API-Key: …`. The first present decides; none may come twice.
fn shown(headers: &HeaderMap) -> Shown {
    let mut bearers = headers.get_all(header::AUTHORIZATION).iter();
    let mut keys = headers.get_all("x-api-key").iter();
    let secret = match (bearers.next(), bearers.next(), keys.next(), keys.next()) {
        (None, _, None, _) => return Shown::Nothing,
        (Some(one), None, _, _) => one.to_str().ok().and_then(|it| bearer(it)),
        (None, _, Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    secret.filter(|it| !it.is_empty()).map_or(Shown::Unreadable, |it| Shown::Secret(it.into()))
}

/// The scheme is read in any case (RFC 9110 section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Shared {
    fn is_open(&self, access: Access, request: &Request) -> bool {
        match self.metrics_access {
            _ if access != Access::Metrics => false,
            MetricsAccess::Admin => false,
            MetricsAccess::Public => true,
            MetricsAccess::Loopback => {
                // A proxy on this machine is not the one who asks, whether it is trusted or not.
                let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"];
                let is_near = |it: &Sender| it.peer.is_loopback() && it.client.is_loopback();
                request.extensions().get::<Sender>().is_some_and(is_near)
                    && !forwarded.iter().any(|it| request.headers().contains_key(*it))
            }
        }
    }

    async fn admit(
        &self,
        access: Access,
        shown: Shown,
        client: Option<IpAddr>,
    ) -> Result<Option<Caller>, Refusal> {
        let client = client.map(AddressKey::from);
        // Before the key is looked at: were a good one let through, guessing could go on for ever.
        if let Some(wait) = client.and_then(|it| self.failures().wait(Instant::now(), it)) {
            return Err(Refusal::new(Code::AuthBackoff).after(wait));
        }
        let answer = self.verify(access, shown).await;
        if let Err(refusal) = &answer {
            self.monitor.front().authentication_failed();
            // What shows nothing guesses nothing, and an expired token carries a good signature.
            if let (Code::InvalidToken, Some(client)) = (refusal.code, client) {
                self.failures().failed(Instant::now(), client);
            }
        }
        answer
    }

    async fn verify(&self, access: Access, shown: Shown) -> Result<Option<Caller>, Refusal> {
        let secret = match shown {
            Shown::Nothing => {
                let how = "Send a key: Authorization: Bearer <key>.";
                return Err(Refusal::new(Code::AuthRequired).saying(how));
            }
            Shown::Unreadable => return Err(not_valid()),
            Shown::Secret(secret) => secret,
        };
        let scope = match access {
            Access::Key(scope) => scope,
            Access::Public | Access::Admin | Access::Metrics => Scope::Admin,
        };
        if let Some(key) = self.keys.find(secret.as_bytes()) {
            return match self.keys.may(key, scope) {
                true => Ok(Some(Caller(key))),
                false => Err(lacks(scope)),
            };
        }
        let rule = match access {
            Access::Admin | Access::Metrics => self.admin.as_ref(),
            Access::Public | Access::Key(_) => None,
        };
        let Some(rule) = rule else { return Err(not_valid()) };
        let identity = self.gateway.identify(&rule.route, &secret).await?;
        match rule.admits(&identity) {
            true => Ok(None),
            false => Err(Refusal::new(Code::Forbidden).saying("This is for administrators.")),
        }
    }
}

fn not_valid() -> Refusal {
    Refusal::new(Code::InvalidToken).saying("The key is not valid here.")
}

fn lacks(scope: Scope) -> Refusal {
    let scope = scope.as_str();
    Refusal::new(Code::Forbidden).saying(format!("The key lacks the scope \"{scope}\"."))
}
