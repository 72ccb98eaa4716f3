//! The configuration as meant, and the one function that reads it.

use admission::{Door, Keys, Routes};
use toml::de::DeTable;

use crate::{
    access::{self, Api, Monitoring},
    apps::{self, AppEntry},
    channels,
    fault::{Fault, Wrong},
    keys::{self, Verifier},
    log::{self, Log},
    profile::Profile,
    reader::Reading,
    routes::{self, Known, RouteEntry},
    server::{self, Server},
    store::{self, Store},
};

/// Everything the gateway is told before it starts. Nothing in it needs checking again.
#[derive(Clone, Debug)]
pub struct Config {
    pub profile: Profile,
    pub server: Server,
    /// One per `[tokens.NAME]`, at its `VerifierId`.
    pub verifiers: Vec<Verifier>,
    /// For all key sets that issuers publish.
    pub jwks: token::JwksRules,
    pub api: Api,
    pub monitoring: Monitoring,
    pub apps: Vec<AppEntry>,
    /// One per path, at its `RouteId`.
    pub routes: Vec<RouteEntry>,
    pub namespaces: engine::Namespaces,
    pub store: Store,
    pub permissions: permission::Rules,
    pub log: Log,
    /// What is allowed and should not stay so. To be logged at the start.
    pub warnings: Vec<Fault>,
}

impl Config {
    /// The first key that can sign tokens, for `tidegate token` and the development login, and the
    /// verifier whose rules such a token must satisfy.
    pub fn signing(&self) -> Option<(&token::Key, &Verifier)> {
        self.verifiers.iter().find_map(|it| Some((it.signing.as_ref()?, it)))
    }

    /// What admission looks verdicts up in.
    pub fn door(&self) -> Door {
        Door {
            routes: Routes::new(self.routes.iter().map(|it| it.route.clone()).collect()),
            hosts: self.server.hosts.clone(),
            proxies: self.server.proxies.clone(),
            verifiers: self.verifiers.iter().map(|it| it.verifier.clone()).collect(),
        }
    }

    /// The addresses of key sets that issuers publish, to be fetched.
    pub fn sources(&self) -> impl Iterator<Item = &token::Source> {
        self.verifiers.iter().filter_map(|it| match &it.verifier.keys {
            Keys::Published(source) => Some(source),
            Keys::Ring(_) => None,
        })
    }
}

/// Routes are numbered with sixteen bits.
const ROUTES_MAX: usize = u16::MAX as usize;

/// Reads the document; `None` if it is only asked about, or faulty. Faults are the reading's.
pub(crate) fn read<'a>(reading: &'a Reading<'a>, root: Option<&'a DeTable<'a>>) -> Option<Config> {
    let config = reading.document(root, |root| {
        let profile = root.or(
            "profile",
            Profile::Production,
            "`development` warns where `production` refuses: short secrets, plain HTTP in the \
             open, the echo application.",
        );
        let says = "The listener, and what the whole process may hold.";
        let prefix = Some("TIDEGATE_SERVER_");
        let server =
            root.table_or_variables("server", prefix, says, |it| server::read(it, profile));
        let keys = keys::keys(root, profile);
        let verifiers = keys::verifiers(root, &keys);
        let names = root.names("tokens");
        let any_host = server.hosts == admission::HostRule::Any;
        let known = Known { profile, verifiers: &names, any_host };
        let says = "How often key sets that issuers publish are fetched.";
        let jwks = root.table("jwks", says, keys::jwks_rules);
        let api = root.table("api", "The HTTP API for backends.", access::api);
        let mut apps = apps::read(root);
        let mut routes = routes::read(root, &known, &mut apps);
        if routes.len() > ROUTES_MAX {
            root.fault("routes", Wrong::new("too many routes", "65535 paths are the most."));
        }
        let says = "Who may read the operator's endpoints.";
        let monitoring =
            root.table("monitoring", says, |it| access::monitoring(it, &known, &routes));
        let namespaces = channels::namespaces(root);
        // Where nothing is kept there is nothing to go on with, and events stay as they are.
        for route in &mut routes {
            route.policy.recovers = route.recovers.unwrap_or_else(|| namespaces.has_logs());
        }
        let says = "Logs: what they may take of the machine.";
        let store = root.table("store", says, store::read);
        let permissions = channels::permissions(root);
        let log = root.table("log", "How much is written, and in which form.", log::read);
        Some(Config {
            profile,
            server,
            verifiers: verifiers.into_iter().collect::<Option<_>>()?,
            jwks,
            api,
            monitoring,
            apps,
            routes,
            namespaces,
            store,
            permissions,
            log,
            warnings: Vec::new(),
        })
    });
    reading.refuse_unknown_variables("TIDEGATE_SERVER_");
    config
}
