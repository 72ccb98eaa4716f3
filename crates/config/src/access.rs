//! `[api]` and `[monitoring]`: who may use the HTTP API and the operator's endpoints.

use std::{collections::BTreeMap, sync::Arc};

use admission::VerifierId;

use crate::{
    fault::Wrong,
    reader::Table,
    routes::{self, Known},
    secret::{self, Secret, Strength},
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
    Channels,
    /// `POST /api/disconnect`.
    Disconnect,
    /// The monitoring endpoints.
    Admin,
}

impl Choice for Scope {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("publish", Self::Publish),
        ("channels", Self::Channels),
        ("disconnect", Self::Disconnect),
        ("admin", Self::Admin),
    ];
}

/// Who may read the operator's endpoints, besides API keys with [`Scope::Admin`] (R99).
#[derive(Clone, Debug, Default)]
pub struct Monitoring {
    pub admins: Option<Admins>,
}

/// Users whose token says that they are administrators.
#[derive(Clone, Debug)]
pub struct Admins {
    pub verifier: VerifierId,
    /// One of these claims with one of its values is enough.
    pub any_of: BTreeMap<String, Vec<String>>,
}

pub(crate) fn api(table: &mut Table<'_>) -> Api {
    let mut names: Vec<String> = Vec::new();
    let says = "Keys of backends, sent as `Authorization: Bearer …`.";
    let keys = table.each("keys", says, |it| {
        let name: Option<String> = it.need("name", "a name for logs and counters.");
        let secret =
            secret::read(it, "secret", Strength::Always, "The key itself, 32 bytes or more.");
        let scopes: Option<Vec<Scope>> =
            it.need("scopes", "what it is good for, such as [\"publish\"].");
        if !it.has("secret") {
            let remedy = "Add secret = { env = \"TIDEGATE_API_KEY\" }.";
            it.fault("secret", Wrong::new("is missing", remedy));
        }
        if let Some(name) = name.as_ref().filter(|it| names.contains(it)) {
            let what = format!("{name:?} is the name of an earlier key too");
            it.fault("name", Wrong::new(what, "Give each key a name of its own."));
        }
        names.extend(name.clone());
        Some(ApiKey { name: name?.into(), secret: secret?, scopes: scopes? })
    });
    Api { keys }
}

pub(crate) fn monitoring(table: &mut Table<'_>, known: &Known<'_>) -> Monitoring {
    let tokens: Option<String> = table.maybe(
        "tokens",
        "The [tokens.NAME] that administrators' tokens are verified by. Without it only API keys \
         with the scope `admin` may read the operator's endpoints.",
    );
    let both = [("role", "Admin"), ("is_staff", "true")];
    let default = both.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    let any_of = table.or(
        "admins",
        Claims(default.into()),
        "Whoever has one of these claims with one of its values is an administrator.",
    );
    let verifier = tokens.and_then(|it| routes::verifier_named(table, "tokens", &it, known));
    Monitoring { admins: verifier.map(|verifier| Admins { verifier, any_of: any_of.0 }) }
}
