//! `[api]` and `[monitoring]`: who may use the HTTP API and the operator's endpoints.

use std::{collections::BTreeMap, sync::Arc};

use admission::VerifierId;

use crate::{
    fault::Wrong,
    routes::{self, Known, RouteEntry},
    secret::{self, Secret, Strength},
    table::Table,
    value::{Choice, Claims},
};

/// The HTTP API.
#[derive(Clone, Debug, Default)]
pub struct Api {
    pub keys: Vec<ApiKey>,
}

/// One backend's key. Its secret has at least [`crate::SECRET_BYTES_MIN`] bytes (D1).
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// For logs and counters.
    pub name: Arc<str>,
    pub secret: Secret,
    pub scopes: Vec<Scope>,
}

/// What an API key is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// `POST /api/publish` and `/api/broadcast`.
    Publish,
    /// `GET /api/channels/{name}`.
    Read,
    /// `POST /api/disconnect`.
    Disconnect,
    /// The monitoring endpoints.
    Admin,
}

impl Choice for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("publish", Self::Publish),
        ("read", Self::Read),
        ("disconnect", Self::Disconnect),
        ("admin", Self::Admin),
    ];
}

/// Who may read the operator's endpoints, besides API keys with [`Scope::Admin`] (R99).
#[derive(Clone, Debug, Default)]
pub struct Monitoring {
    pub admins: Option<Admins>,
    pub metrics: MetricsAccess,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetricsAccess {
    /// Whoever may read the operator's endpoints.
    #[default]
    Admin,
    /// Programs on this machine too.
    Loopback,
    Public,
}

impl Choice for MetricsAccess {
    const WORDS: &'static [(&'static str, Self)] =
        &[("admin", Self::Admin), ("loopback", Self::Loopback), ("public", Self::Public)];
}

/// Users whose token says that they are administrators.
#[derive(Clone, Debug)]
pub struct Admins {
    pub verifier: VerifierId,
    /// A route whose tokens that verifier verifies, for whoever asks by route.
    pub route: Arc<str>,
    /// One of these claims with one of its values is enough.
    pub any_of: BTreeMap<String, Vec<String>>,
}

/// Each request is compared with all.
const KEYS_MAX: usize = 1000;

pub(crate) fn api(table: &mut Table<'_>) -> Api {
    let mut earlier: Vec<(String, Secret)> = Vec::new();
    let says = "Keys of backends, sent as `Authorization: Bearer …`.";
    let keys = table.each("keys", says, |it| {
        let name: Option<String> = it.need("name", "A name for logs and counters.");
        let says = "The key itself, 32 bytes or more.";
        let secret = secret::read(it, "secret", Strength::Always, says);
        let scopes: Option<Vec<Scope>> = it.need(
            "scopes",
            "What it is good for: publishing, reading about channels, disconnecting. `admin` \
             includes the others and the operator's endpoints.",
        );
        if !it.has("secret") {
            let remedy = "Add secret = { env = \"TIDEGATE_API_KEY\" }.";
            it.fault("secret", Wrong::new("is missing", remedy));
        }
        let (name, secret) = (name?, secret?);
        if earlier.iter().any(|it| it.0 == name) {
            let what = format!("{name:?} is the name of an earlier key too");
            it.fault("name", Wrong::new(what, "Give each key a name of its own."));
        }
        if let Some((twin, _)) = earlier.iter().find(|it| it.1 == secret) {
            let what = format!("the same secret as the key {twin:?}");
            it.fault("secret", Wrong::new(what, "Give each key a secret of its own."));
        }
        earlier.push((name.clone(), secret.clone()));
        Some(ApiKey { name: name.into(), secret, scopes: scopes? })
    });
    if KEYS_MAX < keys.len() {
        let what = format!("{} keys are too many", keys.len());
        table.fault("keys", Wrong::new(what, format!("{KEYS_MAX} are the most.")));
    }
    Api { keys }
}

pub(crate) fn monitoring(
    table: &mut Table<'_>,
    known: &Known<'_>,
    routes: &[RouteEntry],
) -> Monitoring {
    let tokens: Option<String> = table.maybe(
        "tokens",
        "The `[tokens.NAME]` that administrators' tokens are verified by. Without it only API keys \
         with the scope `admin` may read the operator's endpoints.",
    );
    let both = [("role", "Admin"), ("is_staff", "true")];
    let default = both.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    let any_of = table.or(
        "admins",
        Claims(default.into()),
        "Whoever has one of these claims with one of its values is an administrator.",
    );
    let metrics = table.or(
        "metrics",
        MetricsAccess::Admin,
        "Who may read `/metrics`: administrators, programs on this machine too, or anyone.",
    );
    let verifier = tokens.and_then(|it| routes::verifier_named(table, "tokens", &it, known));
    let admins = verifier.and_then(|verifier| {
        let is_used = |it: &&RouteEntry| {
            it.route.tokens.as_ref().is_some_and(|tokens| tokens.verifier == verifier)
        };
        let Some(entry) = routes.iter().find(is_used) else {
            let remedy = "Name the [tokens.NAME] of a route.";
            table.fault("tokens", Wrong::new("no route takes these tokens", remedy));
            return None;
        };
        Some(Admins { verifier, route: Arc::clone(&entry.route.name), any_of: any_of.0 })
    });
    Monitoring { admins, metrics }
}
