//! `[keys.NAME]` and `[tokens.NAME]`: what tokens are verified with, and what they must say.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use admission::Keys;
use token::{Algorithm, BadKey, JwksRules, Key, Keyring, Kid, Rules, Source};

use crate::{
    fault::{Wrong, suggest},
    profile::Profile,
    secret::{self, Strength},
    table::Table,
    value::{Choice, Claims},
};

/// One `[tokens.NAME]`: tokens of one issuer. Its index is its `VerifierId`.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub name: Arc<str>,
    /// Its keys and rules, as admission takes them.
    pub verifier: admission::Verifier,
    /// The first of its keys that can sign, for `tidegate token` and the development login.
    pub signing: Option<Key>,
    /// How its tokens are exchanged for newer ones; `None`: by their issuer.
    pub mint: Option<Mint>,
}

/// What newer tokens are signed with, and how long they live.
#[derive(Clone, Debug)]
pub struct Mint {
    pub key: Key,
    pub lifetime: Duration,
}

/// One `[keys.NAME]`.
#[derive(Clone, Debug)]
pub(crate) enum KeyEntry {
    Static(Key),
    Published {
        url: String,
    },
    /// Faulty, and told so. Known by name, so that whoever uses it is not told again.
    Faulty,
}

/// Keys by name.
pub(crate) type KeyTable = BTreeMap<String, KeyEntry>;

impl Choice for Algorithm {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Hs256.as_str(), Self::Hs256),
        (Self::Hs384.as_str(), Self::Hs384),
        (Self::Hs512.as_str(), Self::Hs512),
        (Self::Rs256.as_str(), Self::Rs256),
        (Self::Ps256.as_str(), Self::Ps256),
        (Self::Es256.as_str(), Self::Es256),
        (Self::EdDsa.as_str(), Self::EdDsa),
    ];
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn keys(root: &mut Table<'_>, profile: Profile) -> KeyTable {
    let says = "A key that tokens are verified with: one of `secret`, `public_key` and `jwks`.";
    let read = |name: &str, table: &mut Table<'_>| {
        Some((name.to_owned(), key(table, profile).unwrap_or(KeyEntry::Faulty)))
    };
    root.named("keys", says, read).into_iter().collect()
}

fn key(table: &mut Table<'_>, profile: Profile) -> Option<KeyEntry> {
    let secret = secret::read(
        table,
        "secret",
        Strength::Production(profile),
        "A shared secret, for HS256, HS384 and HS512.",
    );
    let public =
        secret::read_public(table, "public_key", "A public key in PEM: RSA, P-256 or Ed25519.");
    let jwks = table.maybe_table("jwks", "Keys that the issuer publishes.", jwks).flatten();
    let algorithms: Option<Vec<Algorithm>> = table.maybe(
        "algorithms",
        "What tokens may be signed with. The list belongs to the key, whatever a token says of \
         itself. Without it: HS256 for a secret, all that a public key can do.",
    );
    let kid: Option<String> =
        table.maybe("kid", "The key's name in the `kid` of tokens, where they have one.");
    if ["secret", "public_key", "jwks"].iter().filter(|it| table.has(it)).count() != 1 {
        let remedy = "Write one of secret, public_key and jwks.";
        table.fault("", Wrong::new("a key is exactly one thing", remedy));
        return None;
    }
    if table.has("jwks") {
        for key in ["algorithms", "kid"].into_iter().filter(|it| table.has(it)) {
            let remedy = "Remove it.";
            table.fault(key, Wrong::new("a published key set says this of each key", remedy));
        }
        return jwks;
    }
    let key = match (secret, public) {
        (Some(secret), _) => found(table, "secret", Key::hmac(secret.expose()))?,
        (None, Some(pem)) => {
            let pem = String::from_utf8_lossy(&pem);
            found(table, "public_key", Key::from_pem(&pem))?
        }
        (None, None) => return None,
    };
    let default = key.secret_bytes().map(|_| vec![Algorithm::Hs256]);
    let key = match algorithms.or(default) {
        Some(algorithms) => found(table, "algorithms", key.only(&algorithms))?,
        None => key,
    };
    match kid.map(|it| Kid::parse(&it).ok_or(BadKey::Kid)) {
        Some(kid) => Some(KeyEntry::Static(key.called(found(table, "kid", kid)?))),
        None => Some(KeyEntry::Static(key)),
    }
}

fn found<T>(table: &Table<'_>, key: &str, result: Result<T, BadKey>) -> Option<T> {
    result
        .map_err(|bad| {
            let remedy = "Check that this is the key that was meant, and that its kind fits.";
            table.fault(key, Wrong::new(bad.to_string(), remedy));
        })
        .ok()
}

fn jwks(table: &mut Table<'_>) -> Option<KeyEntry> {
    let url: Option<String> = table.need("url", "The address of the issuer's key set.");
    let url = url?;
    let is_local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|it| url.strip_prefix(it).is_some_and(|rest| rest.starts_with([':', '/'])));
    // A name before the host would be sent along, and `127.0.0.1:x@elsewhere` is elsewhere.
    if url.contains('@') {
        let remedy = "Key sets are public: leave out the name and everything up to the @.";
        table.fault("url", Wrong::new("an address with a name in it", remedy));
        return None;
    }
    if !url.starts_with("https://") && !is_local {
        let remedy = "Keys that travel in the clear can be exchanged on the way. Use https://.";
        table.fault("url", Wrong::new("not an https address", remedy));
        return None;
    }
    Some(KeyEntry::Published { url })
}

/// `[jwks]`: one for all published key sets.
pub(crate) fn jwks_rules(table: &mut Table<'_>) -> JwksRules {
    let default = JwksRules::default();
    JwksRules {
        pause: table.within(
            "pause",
            default.pause,
            SECOND..=DAY,
            "At least this long between two fetches of a set.",
        ),
        refresh: table.within(
            "refresh",
            default.refresh,
            SECOND * 10..=DAY,
            "After this long a set is fetched again.",
        ),
        stale_max: table.within(
            "stale_max",
            default.stale_max,
            SECOND * 10..=DAY * 30,
            "When fetching fails, the last good keys are used for this long.",
        ),
        absent: table.within(
            "absent",
            default.absent,
            SECOND..=DAY,
            "A key that was not in a set just fetched causes no further fetch for this long.",
        ),
    }
}

pub(crate) fn verifiers(root: &mut Table<'_>, keys: &KeyTable) -> Vec<Option<Verifier>> {
    let says = "What tokens must say to be believed. Routes name one of these.";
    root.named("tokens", says, |name, table| Some(verifier(name, table, keys)))
}

fn verifier(name: &str, table: &mut Table<'_>, keys: &KeyTable) -> Option<Verifier> {
    let names: Option<Vec<String>> =
        table.need("keys", "The names of the `[keys.NAME]` to verify with.");
    let issuer = table.maybe(
        "issuer",
        "`iss` must be one of these. Without it any issuer will do: the key says enough.",
    );
    let audience = table.maybe(
        "audience",
        "`aud` must contain one of these. Without it only tokens without an audience are taken.",
    );
    let default = Rules::default();
    let user_claims = table.or(
        "user",
        default.user_claims,
        "The first of these claims that the token has names the user; text or an integer.",
    );
    let require = table.or(
        "require",
        Claims::default(),
        "Claims a token must have, each with one of the values: `{ token_type = [\"access\"] }` \
         keeps refresh tokens out.",
    );
    let leeway = table.within(
        "leeway",
        default.leeway,
        Duration::ZERO..=Rules::LEEWAY_MAX,
        "How far the issuer's clock may be from ours.",
    );
    let mint: Option<String> = table.maybe(
        "mint",
        "One of `keys`, a secret, with which the gateway signs a newer token for one that is still \
         good (`POST /api/tokens/refresh`). Without it only their issuer makes tokens.",
    );
    let lifetime = table.within(
        "lifetime",
        SECOND * 15 * 60,
        SECOND * 60..=DAY,
        "How long such a token lives.",
    );
    let rules = Rules {
        issuer,
        audience,
        user_claims,
        required: require.0.into_iter().collect(),
        leeway,
        token_bytes_max: default.token_bytes_max,
    };
    if table.reading().is_explaining() {
        return None;
    }
    let names = names?;
    let mint = mint.and_then(|it| minting(table, &it, &names, keys));
    let (keys, signing) = ring(table, &names, keys, rules.issuer.as_deref())?;
    let verifier = admission::Verifier { rules, keys };
    let mint = mint.map(|key| Mint { key, lifetime });
    Some(Verifier { name: name.into(), verifier, signing, mint })
}

/// The key to sign with. What it signs must be found good here, so it is one of those that verify.
fn minting(table: &Table<'_>, name: &str, names: &[String], keys: &KeyTable) -> Option<Key> {
    let Some(entry) = keys.get(name).filter(|_| names.iter().any(|it| it == name)) else {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = format!("{name:?} is not one of its keys");
        table.fault("mint", Wrong::new(what, suggest(name, &known)));
        return None;
    };
    match entry {
        KeyEntry::Static(key) if can_sign(key) => Some(key.clone()),
        KeyEntry::Faulty => None,
        KeyEntry::Static(_) | KeyEntry::Published { .. } => {
            let remedy = "Name a [keys.NAME] with a secret that may be used for HS256.";
            let what = format!("{name:?} cannot sign");
            table.fault("mint", Wrong::new(what, remedy));
            None
        }
    }
}

fn can_sign(key: &Key) -> bool {
    key.secret_bytes().is_some() && key.permits(Algorithm::Hs256)
}

/// The named keys: any number of static ones, or one published set.
fn ring(
    table: &Table<'_>,
    names: &[String],
    keys: &KeyTable,
    issuer: Option<&[String]>,
) -> Option<(Keys, Option<Key>)> {
    let known: Vec<&str> = keys.keys().map(String::as_str).collect();
    let mut ring = Vec::new();
    let mut is_whole = true;
    for name in names {
        match keys.get(name) {
            Some(KeyEntry::Static(key)) => ring.push(key.clone()),
            Some(KeyEntry::Published { url }) if names.len() == 1 => {
                return published(table, url, issuer).map(|it| (it, None));
            }
            Some(KeyEntry::Published { .. }) => {
                let remedy = "Make a [tokens.NAME] of its own for each issuer.";
                let what = format!("{name:?} is published and must stand alone");
                table.fault("keys", Wrong::new(what, remedy));
                is_whole = false;
            }
            Some(KeyEntry::Faulty) => is_whole = false,
            None => {
                let what = format!("there is no [keys.{name}]");
                table.fault("keys", Wrong::new(what, suggest(name, &known)));
                is_whole = false;
            }
        }
    }
    if !is_whole {
        return None;
    }
    let signing = ring.iter().find(|it| can_sign(it)).cloned();
    match Keyring::new(ring) {
        Ok(ring) => Some((Keys::Ring(Arc::new(ring)), signing)),
        Err(bad) => {
            let remedy = "Name at least one [keys.NAME].";
            table.fault("keys", Wrong::new(bad.to_string(), remedy));
            None
        }
    }
}

fn published(table: &Table<'_>, url: &str, issuer: Option<&[String]>) -> Option<Keys> {
    let Some([issuer]) = issuer else {
        let remedy = "Write issuer = [\"…\"] as it stands in the `iss` of its tokens.";
        table.fault("issuer", Wrong::new("published keys need exactly one issuer", remedy));
        return None;
    };
    Some(Keys::Published(Source { issuer: issuer.clone(), url: url.to_owned() }))
}
