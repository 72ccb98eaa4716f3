//! Signing in during development: the endpoints by which the existing front ends get their tokens.
//!
//! Mounted with `--dev` only. Its people and their passwords are in every copy of this repository,
//! and one endpoint lists them; a deployment brings tokens of its own issuer instead.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    routing::{get, post},
};
use proto::{Code, Identity, Refusal};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    gateway::{Gateway, Person},
    rest::{self, Given, Refused},
};

/// As long as the systems whose clients come here have it.
const ACCESS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const REFRESH_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Refresh tokens remembered at once. The oldest is forgotten; its owner signs in again.
const REFRESHES_MAX: usize = 1000;

/// Two names and a token fit many times over.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// The development login for these people.
///
/// - `POST /api/auth/login/` `{username, password}` → `{access, refresh, user}`
/// - `POST /api/auth/token/` `{username, password}` → `{access, refresh}`
/// - `POST /api/auth/token/refresh/` `{refresh}` → `{access, refresh}`
/// - `POST /api/auth/token/verify/` `{token}` → `{}`
/// - `GET /api/auth/me/` → the profile of the token's owner
/// - `GET /api/dev/people` → everyone who can sign in, and how
///
/// Access tokens are verified by the rules of `verifying_route`. A refresh token says
/// `token_type: refresh`, so a route that requires `access` refuses it.
pub fn router(gateway: Arc<dyn Gateway>, people: Vec<Person>, verifying_route: &str) -> Router {
    let desk = Desk { gateway, people, route: verifying_route.into(), refreshes: Mutex::default() };
    let mut router = Router::new();
    router = rest::route(router, "/api/auth/login", post(sign_in));
    router = rest::route(router, "/api/auth/token", post(pair));
    router = rest::route(router, "/api/auth/token/refresh", post(refresh));
    router = rest::route(router, "/api/auth/token/verify", post(verify));
    router = rest::route(router, "/api/auth/me", get(me));
    router = rest::route(router, "/api/dev/people", get(everyone));
    router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(Arc::new(desk))
}

struct Desk {
    gateway: Arc<dyn Gateway>,
    people: Vec<Person>,
    route: String,
    /// Refresh tokens as they were handed out, oldest first.
    ///
    /// Compared whole rather than verified: the rules of a route are for access tokens. They do not
    /// outlive the process.
    refreshes: Mutex<VecDeque<Refresh>>,
}

struct Refresh {
    token: String,
    person: usize,
    until: Instant,
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(alias = "refresh")]
    token: String,
}

async fn sign_in(State(desk): State<Arc<Desk>>, Given(who): Given<Credentials>) -> Answer {
    let person = desk.person(&who)?;
    let (access, refresh) = desk.tokens(person)?;
    let user = &desk.people[person].profile;
    Ok(Json(json!({ "access": access, "refresh": refresh, "user": user })))
}

async fn pair(State(desk): State<Arc<Desk>>, Given(who): Given<Credentials>) -> Answer {
    let (access, refresh) = desk.tokens(desk.person(&who)?)?;
    Ok(Json(json!({ "access": access, "refresh": refresh })))
}

/// The refresh token stays good until its end: one of the clients keeps only the new access token,
/// and two tabs may ask at the same time.
async fn refresh(State(desk): State<Arc<Desk>>, Given(shown): Given<Shown>) -> Answer {
    let person = desk.owner(&shown.token).ok_or(Code::InvalidToken)?;
    let access = desk.mint(person, "access", ACCESS_LIFETIME)?;
    Ok(Json(json!({ "access": access, "refresh": shown.token })))
}

async fn verify(State(desk): State<Arc<Desk>>, Given(shown): Given<Shown>) -> Answer {
    if desk.owner(&shown.token).is_none() {
        desk.gateway.identify(&desk.route, &shown.token).await?;
    }
    Ok(Json(json!({})))
}

async fn me(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Answer {
    let identity = desk.gateway.identify(&desk.route, rest::bearer(&headers)?).await?;
    let person = desk.people.iter().find(|it| is_of(&identity, it)).ok_or(Code::AuthFailed)?;
    Ok(Json(person.profile.clone()))
}

/// Passwords included, so that a page can sign in with one click; they are no secrets here.
async fn everyone(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let people = desk.people.iter().map(|it| {
        let Person { username, password, profile, .. } = it;
        json!({ "username": username, "password": password, "user": profile })
    });
    Json(json!({ "people": people.collect::<Vec<_>>() }))
}

type Answer = Result<Json<Value>, Refused>;

impl Desk {
    /// The same answer for a wrong name and a wrong password (threat A11).
    fn person(&self, who: &Credentials) -> Result<usize, Refusal> {
        let is_they = |it: &Person| it.username == who.username && it.password == who.password;
        self.people.iter().position(is_they).ok_or_else(|| {
            Refusal::new(Code::AuthFailed)
                .saying("No active account found with the given credentials.")
        })
    }

    fn tokens(&self, person: usize) -> Result<(String, String), Refusal> {
        let access = self.mint(person, "access", ACCESS_LIFETIME)?;
        let token = self.mint(person, "refresh", REFRESH_LIFETIME)?;

        let mut refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        if refreshes.len() == REFRESHES_MAX {
            refreshes.pop_front();
        }
        let until = Instant::now() + REFRESH_LIFETIME;
        refreshes.push_back(Refresh { token: token.clone(), person, until });
        Ok((access, token))
    }

    fn mint(&self, person: usize, kind: &str, lifetime: Duration) -> Result<String, Refusal> {
        let mut claims: Map<String, Value> = self.people[person].claims.clone();
        claims.insert("token_type".into(), kind.into());
        claims.insert("jti".into(), token_id()?.into());
        self.gateway.mint(claims, lifetime).ok_or_else(|| Code::AuthUnavailable.into())
    }

    /// Whose refresh token this is, if it is one and has not ended.
    fn owner(&self, token: &str) -> Option<usize> {
        let refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        let refresh = refreshes.iter().find(|it| it.token == token)?;
        (Instant::now() < refresh.until).then_some(refresh.person)
    }
}

/// A token is a person's if it says everything their tokens say.
fn is_of(identity: &Identity, person: &Person) -> bool {
    person.claims.iter().all(|(name, value)| identity.claim_value(name).as_ref() == Some(value))
}

/// 128 random bits as hexadecimal text.
fn token_id() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(Code::AuthUnavailable))?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}

#[cfg(test)]
mod tests;
