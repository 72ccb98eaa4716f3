//! `[[routes]]`: which paths there are, and what each asks of whoever comes.

use std::{sync::Arc, time::Duration};

use admission::{
    Compression, OriginRule, RefusalStyle, Route, TokenRules, TokenSource, VerifierId,
};
use engine::Policy;
use permission::{PathPattern, Placeholder, Template};
use proto::Dialect;

use crate::{
    apps::{AppEntry, AppKind},
    fault::{Wrong, suggest},
    policy,
    profile::Profile,
    sessions,
    table::Table,
    value::Claims,
};

/// A route as admission sees it, and as the engine does. Its index is its `RouteId`.
#[derive(Clone, Debug)]
pub struct RouteEntry {
    pub route: Route,
    pub policy: Policy,
    /// What the file says of recovery; `None`: nothing. The policy has what comes of it.
    pub(crate) recovers: Option<bool>,
}

/// What routes may name.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) profile: Profile,
    /// Their names, in the order of their ids.
    pub(crate) verifiers: &'a [String],
    /// Whether the server answers for any host name.
    pub(crate) any_host: bool,
}

pub(crate) fn read(
    root: &mut Table<'_>,
    known: &Known<'_>,
    apps: &mut Vec<AppEntry>,
) -> Vec<RouteEntry> {
    let mut entries: Vec<RouteEntry> = Vec::new();
    let says = "The paths that answer. Literal segments win over captures; a trailing slash may be \
                missing or extra.";
    root.each("routes", says, |table| {
        let earlier = entries.len();
        for entry in route(table, known, apps).into_iter().flatten() {
            let key = if entries.len() == earlier { "path" } else { "aliases" };
            refuse_twin_paths(table, key, &entries, &entry);
            refuse_twin_names(table, &entries[..earlier], &entry);
            entries.push(entry);
        }
        Some(())
    });
    entries
}

/// Beyond a month a token might as well live longer.
const EXPIRY_GRACE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// One entry for the path and one for each alias.
fn route(
    table: &mut Table<'_>,
    known: &Known<'_>,
    apps: &mut Vec<AppEntry>,
) -> Option<Vec<RouteEntry>> {
    let path: Option<PathPattern> = table
        .need("path", "The path, such as `\"/ws/projects/{id}/\"`; `{id}` captures one segment.");
    let aliases: Vec<PathPattern> =
        table.or("aliases", Vec::new(), "Further paths of the same route. They share its limits.");
    let name: Option<String> = table.maybe(
        "name",
        "The route's name in logs, counters and applications. Without it, its path.",
    );
    let app = app(table, known, apps);
    let dialect = table.or(
        "dialect",
        Dialect::Plain,
        "`native`: our JSON protocol with commands and replies. `plain`: the application's own. \
         `socketio`: Socket.IO 5 over Engine.IO 4, by WebSocket and long polling.",
    );
    let tokens = tokens(table, known, dialect);
    let joins = table.or(
        "joins",
        Vec::<Template>::new(),
        "Channels joined at once: text, `{user}`, `{claims.NAME}` and captures of the path, in \
         parts between colons. One that names a claim the token lacks is passed over.",
    );
    let require = table.or(
        "require",
        Claims::default(),
        "Claims a user must have, each with one of the values, else FORBIDDEN.",
    );
    let refusal = table.or(
        "refusal",
        RefusalStyle::Status,
        "How a refusal over the token is told. `status`: 401 or 403 before the upgrade. `close`: \
         after it, as a frame, with close code 4001. All other refusals come before the upgrade.",
    );
    let (origins, allow_missing_origin) = origins(table, known, tokens.as_ref());
    let expiry_grace = table.within(
        "expiry_grace",
        Duration::ZERO,
        Duration::ZERO..=EXPIRY_GRACE_MAX,
        "How long a connection may go on after its token's end, and its session be come back to \
         with that token: for clients that never show a newer one. A revocation ends both.",
    );
    let compression = table.or(
        "compression",
        Compression::Off,
        "permessage-deflate. Costs processor time for each message; worth it where they are large.",
    );
    let fragments_max = table.within(
        "fragments_max",
        1024,
        1..=1_000_000,
        "The most fragments of one message; empty ones count.",
    );
    let (limits, policy) = policy::read(table, dialect, app.is_some());
    let asks_for_tokens = !matches!(tokens, Some(None));
    let (sessions, recovers) = sessions::read(table, dialect, asks_for_tokens);
    require_tokens(table, tokens.as_ref(), &joins);
    let paths: Vec<PathPattern> = [path?].into_iter().chain(aliases).collect();
    check_captures(table, &paths, &joins);
    let name: Arc<str> = name.unwrap_or_else(|| paths[0].to_string()).into();
    let entry = |path| RouteEntry {
        route: Route {
            name: Arc::clone(&name),
            path,
            app: app.clone(),
            dialect,
            joins: joins.clone(),
            origins: origins.clone(),
            allow_missing_origin,
            tokens: tokens.clone().flatten(),
            require: require.0.clone(),
            refusal,
            message_bytes_max: usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX),
            limits: limits.clone(),
            expiry_grace,
            sessions,
            compression,
            fragments_max,
        },
        policy: policy.clone(),
        recovers,
    };
    Some(paths.into_iter().map(entry).collect())
}

fn app(table: &mut Table<'_>, known: &Known<'_>, apps: &mut Vec<AppEntry>) -> Option<Arc<str>> {
    let name: String = table.maybe(
        "app",
        "The application that is asked what messages mean: an `[apps.NAME]`, or a kind of them. \
         Without it clients of the plain dialect only listen.",
    )?;
    let kind = match apps.iter().find(|it| *it.name == *name) {
        Some(app) => app.kind,
        None => {
            let Some(kind) = AppKind::named(&name) else {
                let all = apps.iter().map(|it| &*it.name);
                let known: Vec<&str> = all.chain(["echo", "notifications", "checkins"]).collect();
                let what = format!("there is no application {name:?}");
                table.fault("app", Wrong::new(what, suggest(&name, &known)));
                return None;
            };
            apps.push(AppEntry { name: name.as_str().into(), kind });
            kind
        }
    };
    if kind == AppKind::Echo {
        let remedy = "It sends back whatever anyone sends. Remove the route, or use development.";
        let wrong = Wrong::new("echo is for development", remedy);
        known.profile.refuse(table.reading(), &table.at("app"), wrong);
    }
    Some(name.as_str().into())
}

/// `None`: faulty. `Some(None)`: no token is asked for.
fn tokens(
    table: &mut Table<'_>,
    known: &Known<'_>,
    dialect: Dialect,
) -> Option<Option<TokenRules>> {
    let name: Option<Option<String>> = table.need(
        "tokens",
        "The `[tokens.NAME]` that users' tokens are verified by, or `\"none\"` to let anyone in.",
    );
    let default = match dialect {
        Dialect::Native | Dialect::Plain => TokenSource::Query("token".to_owned()),
        Dialect::SocketIo => TokenSource::FirstMessage,
    };
    let sources = table.or(
        "from",
        vec![default, TokenSource::Bearer],
        "Where a token is looked for. The first source present decides; no other is consulted. \
         For `socketio`, `\"message\"` is `auth.token` of the client, and the first of all.",
    );
    if sources.is_empty() {
        let remedy = "Write a source, such as [\"query:token\"], or tokens = \"none\".";
        table.fault("from", Wrong::new("no token could ever be found", remedy));
    }
    match name? {
        None => Some(None),
        Some(name) => {
            let verifier = verifier_named(table, "tokens", &name, known)?;
            Some(Some(TokenRules { sources, verifier }))
        }
    }
}

/// The verifier of this name, or a fault at `key`.
pub(crate) fn verifier_named(
    table: &Table<'_>,
    key: &str,
    name: &str,
    known: &Known<'_>,
) -> Option<VerifierId> {
    let found = known.verifiers.iter().position(|it| it == name);
    if found.is_none() {
        let all: Vec<&str> = known.verifiers.iter().map(String::as_str).collect();
        let what = format!("there is no [tokens.{name}]");
        table.fault(key, Wrong::new(what, suggest(name, &all)));
    }
    let index = u16::try_from(found?).ok();
    if index.is_none() {
        table.fault(key, Wrong::new("too many [tokens.NAME]", "65536 are the most."));
    }
    index.map(VerifierId)
}

fn origins(
    table: &mut Table<'_>,
    known: &Known<'_>,
    tokens: Option<&Option<TokenRules>>,
) -> (OriginRule, bool) {
    let sources = tokens.and_then(Option::as_ref).map_or(&[][..], |it| &it.sources);
    let cookies = sources.iter().any(|it| matches!(it, TokenSource::Cookie(_)));
    let origins = table.or(
        "origins",
        OriginRule::SameOrigin,
        "Which pages may connect: `\"same\"` (the page's host is ours), a list such as \
         `[\"https://app.example.com\"]`, or `\"*\"` for any.",
    );
    let missing = table.maybe(
        "allow_missing_origin",
        "Whether requests without an Origin may connect. Browsers always send one; programs do \
         not. Without it: yes, unless a cookie can bring the token.",
    );
    if cookies && origins == OriginRule::Any {
        let remedy = "Any page could connect with its visitors' cookies. List the origins.";
        table.fault("origins", Wrong::new("any origin together with cookies", remedy));
    }
    if cookies && missing == Some(true) {
        let remedy = "Remove it, or take cookies out of `from`.";
        let wrong = Wrong::new("a cookie without an Origin proves nothing", remedy);
        table.fault("allow_missing_origin", wrong);
    }
    if cookies && origins == OriginRule::SameOrigin && known.any_host {
        let remedy = "Write server.hosts, or a list of origins: a name that is pointed at this \
                      server (DNS rebinding) would count as the same origin.";
        let wrong = Wrong::new("the same origin as any host, together with cookies", remedy);
        known.profile.object(table.reading(), &table.at("origins"), wrong);
    }
    (origins, missing.unwrap_or(!cookies))
}

/// What only a token can answer needs one.
fn require_tokens(table: &Table<'_>, tokens: Option<&Option<TokenRules>>, joins: &[Template]) {
    if !matches!(tokens, Some(None)) {
        return;
    }
    let remedy = "Name a [tokens.NAME] in tokens, or remove this.";
    for key in ["require", "from"] {
        if table.has(key) {
            table.fault(key, Wrong::new("means nothing without tokens", remedy));
        }
    }
    for template in joins {
        let asks = |it: &Placeholder| !matches!(it, Placeholder::Capture(_));
        if template.placeholders().any(asks) {
            let what = format!("\"{template}\" means nothing without tokens");
            table.fault("joins", Wrong::new(what, remedy));
        }
    }
}

fn check_captures(table: &Table<'_>, paths: &[PathPattern], joins: &[Template]) {
    for template in joins {
        for placeholder in template.placeholders() {
            let Placeholder::Capture(name) = placeholder else { continue };
            let lacking = paths.iter().find(|path| path.captures().all(|it| it != &**name));
            if let Some(path) = lacking {
                let what = format!("{placeholder} in \"{template}\" is not captured by {path}");
                let known: Vec<&str> = path.captures().chain(["user"]).collect();
                table.fault("joins", Wrong::new(what, suggest(name, &known)));
            }
        }
    }
}

fn refuse_twin_paths(table: &Table<'_>, key: &str, earlier: &[RouteEntry], entry: &RouteEntry) {
    let path = &entry.route.path;
    if let Some(twin) = earlier.iter().find(|it| it.route.path.conflicts(path)) {
        let what = format!("{path} claims the same paths as {}", twin.route.path);
        table.fault(key, Wrong::new(what, "Remove one of the two."));
    }
}

/// `earlier` without the aliases of the same route, which share its name.
fn refuse_twin_names(table: &Table<'_>, earlier: &[RouteEntry], entry: &RouteEntry) {
    let own = &entry.route.name;
    // Without a name of its own it is the path's, and the path has been told.
    if table.has("name") && earlier.iter().any(|it| it.route.name == *own) {
        let what = format!("{own:?} is the name of an earlier route too");
        table.fault("name", Wrong::new(what, "Give each route a name of its own."));
    }
}
