//! What a process is made of, put together in order: tables, applications, HTTP, shards.

use std::{
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, Weak, atomic::AtomicU32},
    thread,
    time::Instant,
};

use app::{App, Echo, Gateway};
use config::{AppKind, Config};
use engine::Rules;
use front::{ApiKeys, KeyRow, PageLink};
use limits::AdmissionLimits;
use monitor::{Build, Monitor};
use proto::{Epoch, ShardId};
use serde_json::{Map, Value, json};
use session::Register;
use store::Store;
use thiserror::Error;
use token::KeySets;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    driver,
    ground::{Ground, WaitingMax},
    hub::{Hub, Mint},
    inbox::{self, lock},
    keeper, polling,
    sockets::{Sockets, head_limits},
    tls::{Certificate, TlsError},
};

/// Sockets on their way from the shards to the HTTP side. It takes them faster than they can come.
const HANDOFFS_MAX: usize = 1024;

#[derive(Debug, Error)]
pub(crate) enum BootError {
    #[error("start the asynchronous side")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Bind(#[from] net::BindError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("make the data directory {path}")]
    DataDir { path: String, source: io::Error },
    #[error(transparent)]
    Store(#[from] store::OpenError),
    #[error("take back sessions and revocations")]
    Restore(#[from] store::ReadError),
    #[error("open application {name}")]
    Notifications { name: Arc<str>, source: notifications::OpenError },
    #[error("open application {name}")]
    Checkins { name: Arc<str>, source: checkins::OpenError },
    #[error("open application {name}")]
    Chat { name: Arc<str>, source: chat::OpenError },
    #[error("take the API keys")]
    ApiKeys(#[source] front::BadKey),
    #[error("start shard {shard}")]
    Thread { shard: u16, source: io::Error },
    #[error("draw random numbers")]
    Random(#[source] io::Error),
}

/// A running process.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) ground: Arc<Ground>,
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// One word for each shard that has ended.
    pub(crate) shards: mpsc::Receiver<io::Result<()>>,
    front: JoinHandle<()>,
    stop_front: oneshot::Sender<()>,
    keeping: JoinHandle<()>,
    stop_keeping: oneshot::Sender<()>,
}

impl House {
    /// Finishes what HTTP is answering.
    pub(crate) async fn close(self) {
        // The front may have ended by itself.
        let _ = self.stop_front.send(());
        let _ = self.front.await;
        // Whoever was here is away now; the next process is to know.
        let _ = self.stop_keeping.send(());
        let _ = self.keeping.await;
        // Everything is written, and the next process need not wonder.
        let store = self.ground.store.clone();
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

pub(crate) fn cores() -> u16 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX)
}

/// As many descriptors as we may have; answers how many. Each connection is one.
pub(crate) fn raise_descriptors() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Refused, we go on with what there is; the number is told either way.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, BootError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("front")
        .build()
        .map_err(BootError::Runtime)
}

/// Opens the gate. Runs inside the runtime.
pub(crate) fn open(config: Config, dev: bool) -> Result<House, BootError> {
    open_with(config, dev, open_apps)
}

/// With applications from wherever.
pub(crate) fn open_with(
    config: Config,
    dev: bool,
    open_apps: impl FnOnce(&Config, &Arc<Hub>, bool) -> Result<Vec<OpenApp>, BootError>,
) -> Result<House, BootError> {
    let shards = config.server.shards.unwrap_or_else(cores).clamp(1, SHARDS_MAX);
    let address = net::probe(config.server.listen)?;
    make_data_dir(&config)?;
    let store = open_store(&config)?;
    let certificate = config.server.tls.as_ref().map(Certificate::read).transpose()?;
    let tls = certificate.as_ref().map(Certificate::server_config).transpose()?;
    let sockets = Sockets::new(&config, address, tls);
    let inbox = inbox::Bounds {
        notes_max: config.server.inbox_max,
        bytes_max: config.server.inbox_bytes_max,
    };
    let mints = config.verifiers.iter().map(|it| it.mint.clone()).collect();
    let hub = Arc::new(Hub::new(shards, inbox, dev.then(|| mint(&config)).flatten(), mints));
    let apps = open_apps(&config, &hub, dev)?;
    let (handoffs, handed_off) = mpsc::channel(HANDOFFS_MAX);
    let ground = ground(&config, store, Arc::clone(&hub), &apps, handoffs);
    hub.belongs_to(&ground);
    keeper::restore(&ground)?;
    let (stop_keeping, told) = oneshot::channel();
    let keeping = tokio::spawn(keeper::run(Arc::clone(&ground), told));
    let (stop_front, stopped) = oneshot::channel();
    let front = serve(&config, &ground, apps, handed_off, stopped, dev)?;
    let rules = rules(&config, shards)?;
    let shards = start_shards(&ground, rules, &sockets)?;
    Ok(House { address, ground, certificate, shards, front, stop_front, keeping, stop_keeping })
}

/// Followers of a channel are a bit each.
const SHARDS_MAX: u16 = 64;

fn make_data_dir(config: &Config) -> Result<(), BootError> {
    let path = &config.server.data_dir;
    std::fs::create_dir_all(path)
        .map_err(|source| BootError::DataDir { path: path.display().to_string(), source })
}

/// The store of all logs and sessions. Nobody else may have it.
fn open_store(config: &Config) -> Result<Store, BootError> {
    let kept = |it: &engine::Namespace| store::Retention {
        messages: Some(it.log.keep.messages_max),
        age: Some(it.log.keep.age_max),
        bytes: Some(it.log.keep.bytes_max),
    };
    let options = store::Options {
        retention: config.namespaces.named.iter().map(|it| (it.0.clone(), kept(&it.1))).collect(),
        default_retention: kept(&config.namespaces.default),
        queue_jobs_max: config.store.queue_max,
        queue_bytes_max: config.store.queue_bytes_max,
        key_window: config.store.keys_for,
        cursors_max: engine::CURSORS_MAX,
        ..store::Options::default()
    };
    let seed = seed()?;
    let mut next = seed;
    let fresh = move || {
        next = next.wrapping_add(1);
        Epoch(next)
    };
    Ok(Store::open(&config.server.data_dir, options, fresh)?)
}

/// Where something random begins to count.
fn seed() -> Result<u64, BootError> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|it| BootError::Random(it.into()))?;
    Ok(u64::from_ne_bytes(seed))
}

/// The development key, and what tokens need besides who they are for.
fn mint(config: &Config) -> Option<Mint> {
    let (key, verifier) = config.signing()?;
    let rules = &verifier.verifier.rules;
    let mut claims = Map::new();
    let first = |it: &Option<Vec<String>>| it.as_ref().and_then(|it| it.first().cloned());
    claims.extend(first(&rules.issuer).map(|it| ("iss".to_owned(), json!(it))));
    claims.extend(first(&rules.audience).map(|it| ("aud".to_owned(), json!(it))));
    let required = rules
        .required
        .iter()
        .filter_map(|(name, values)| Some((name.clone(), Value::String(values.first()?.clone()))));
    claims.extend(required);
    Some(Mint { key: key.clone(), claims })
}

/// An application under the name that routes call it by.
pub(crate) type OpenApp = (Arc<str>, AppKind, Arc<dyn App>);

fn open_apps(config: &Config, hub: &Arc<Hub>, dev: bool) -> Result<Vec<OpenApp>, BootError> {
    let mut apps = Vec::new();
    let data_dir = &config.server.data_dir;
    for entry in &config.apps {
        let gateway: Arc<dyn Gateway> = Arc::<Hub>::clone(hub);
        let name = Arc::clone(&entry.name);
        let app: Arc<dyn App> = match entry.kind {
            AppKind::Echo => Arc::new(Echo),
            AppKind::Notifications => notifications::Notifications::open(data_dir, gateway, dev)
                .map_err(|source| BootError::Notifications { name: name.clone(), source })?,
            AppKind::Checkins => checkins::Checkins::open(data_dir, gateway, dev)
                .map_err(|source| BootError::Checkins { name: name.clone(), source })?,
            AppKind::Chat => chat::Chat::open(data_dir, gateway, dev)
                .map_err(|source| BootError::Chat { name: name.clone(), source })?,
        };
        apps.push((name, entry.kind, app));
    }
    Ok(apps)
}

fn ground(
    config: &Config,
    store: Store,
    hub: Arc<Hub>,
    apps: &[OpenApp],
    handoffs: mpsc::Sender<front::Handoff>,
) -> Arc<Ground> {
    let shards = hub.shard_count();
    let route_limits = config.routes.iter().map(|it| it.route.limits.clone()).collect();
    let limits = AdmissionLimits::new(config.server.limits.clone(), route_limits, Instant::now());
    let bounds = session::Bounds::of_connections(config.server.limits.connections_max);
    let named = |name: &str| apps.iter().find(|it| &*it.0 == name).map(|it| Arc::clone(&it.2));
    let apps = config.routes.iter().map(|it| it.route.app.as_deref().and_then(named)).collect();
    let build = Build {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("TIDEGATE_COMMIT").unwrap_or("unknown"),
    };
    Arc::new_cyclic(|this: &Weak<Ground>| {
        let this = Weak::clone(this);
        let counts = move || {
            let ground = this.upgrade();
            ground.map_or_else(Default::default, |it| lock(&it.limits).counts().clone())
        };
        Ground {
            door: config.door(),
            head_limits: head_limits(config),
            waiting_max: WaitingMax {
                packets: config.server.outbox_frames_max,
                bytes: config.server.outbox_bytes_max,
            },
            limits: Mutex::new(limits),
            register: Mutex::new(Register::new(bounds)),
            keeper: keeper::Keeper::new(store.clone()),
            store,
            key_sets: Mutex::new(KeySets::new(config.sources().cloned(), config.jwks)),
            apps,
            hub,
            lives: AtomicU32::new(0),
            monitor: Arc::new(Monitor::new(shards, build, counts)),
            runtime: tokio::runtime::Handle::current(),
            handoffs,
        }
    })
}

fn serve(
    config: &Config,
    ground: &Arc<Ground>,
    apps: Vec<OpenApp>,
    handed_off: mpsc::Receiver<front::Handoff>,
    stopped: oneshot::Receiver<()>,
    dev: bool,
) -> Result<JoinHandle<()>, BootError> {
    let gateway: Arc<dyn Gateway> = Arc::<Hub>::clone(&ground.hub);
    let bounds = front::Bounds {
        connections_max: config.server.http_connections_max,
        head_bytes_max: config.server.head_bytes_max,
        request_bytes_max: config.server.request_bytes_max,
        bodies_bytes_max: config.server.bodies_bytes_max,
        ..front::Bounds::default()
    };
    let people: Vec<app::Person> = apps.iter().flat_map(|it| it.2.people()).collect();
    let login = login_route(config).filter(|_| dev);
    let parts = front::Parts {
        gateway: Arc::clone(&gateway),
        logs: Arc::<Hub>::clone(&ground.hub),
        register: Arc::<Hub>::clone(&ground.hub),
        monitor: Arc::clone(&ground.monitor),
        keys: api_keys(config)?,
        admin: config.monitoring.admins.as_ref().map(admin_rule),
        metrics: match config.monitoring.metrics {
            config::MetricsAccess::Admin => front::MetricsAccess::Admin,
            config::MetricsAccess::Loopback => front::MetricsAccess::Loopback,
            config::MetricsAccess::Public => front::MetricsAccess::Public,
        },
        lines: polling::router(ground, config.server.tls.is_some(), config.server.bodies_bytes_max),
        dev: login.map(|route| app::login::router(gateway, people, &route)),
        pages: apps.iter().filter_map(|it| page(it.1)).collect(),
        apps: apps.into_iter().map(|it| it.2).collect(),
        hosts: match &config.server.hosts {
            admission::HostRule::Any => None,
            admission::HostRule::Listed(hosts) => Some(hosts.clone()),
        },
        origins: origins(config),
        connect_also: Vec::new(),
        key_failures: config.server.limits.backoff.unwrap_or(KEY_FAILURES),
        bounds,
    };
    let router = front::router(parts);
    let metrics = Arc::clone(ground.monitor.front());
    Ok(tokio::spawn(front::serve(handed_off, router, bounds, metrics, async {
        // The end of the one who could say so is a stop as well.
        let _ = stopped.await;
    })))
}

/// When an address that shows wrong API keys has to wait, where tokens have no such rule (A12).
const KEY_FAILURES: limits::BackoffRules = limits::BackoffRules {
    failures: 10,
    window: std::time::Duration::from_secs(60),
    wait_min: std::time::Duration::from_secs(1),
    wait_max: std::time::Duration::from_secs(60),
};

/// A route by whose rules the login's own tokens are verified.
fn login_route(config: &Config) -> Option<String> {
    let with_tokens = config.routes.iter().find(|it| it.route.tokens.is_some());
    with_tokens.map(|it| it.route.name.to_string())
}

fn api_keys(config: &Config) -> Result<ApiKeys, BootError> {
    let rows = config.api.keys.iter().map(|it| KeyRow {
        name: it.name.to_string(),
        secret: it.secret.expose().to_vec(),
        scopes: it.scopes.iter().map(|it| scope(*it)).collect(),
    });
    ApiKeys::new(rows.collect()).map_err(BootError::ApiKeys)
}

const fn scope(scope: config::Scope) -> front::Scope {
    match scope {
        config::Scope::Publish => front::Scope::Publish,
        config::Scope::Read => front::Scope::Read,
        config::Scope::Disconnect => front::Scope::Disconnect,
        config::Scope::Admin => front::Scope::Admin,
    }
}

fn admin_rule(admins: &config::Admins) -> front::AdminRule {
    let claimed = |(claim, one_of): (&String, &Vec<String>)| front::Claimed {
        claim: claim.clone(),
        one_of: one_of.clone(),
    };
    front::AdminRule {
        route: admins.route.to_string(),
        any: admins.any_of.iter().map(claimed).collect(),
    }
}

fn page(kind: AppKind) -> Option<PageLink> {
    let (path, title) = match kind {
        AppKind::Echo => return None,
        AppKind::Notifications => ("/notifications/", "Notifications"),
        AppKind::Checkins => ("/checkins/", "Check-ins"),
        AppKind::Chat => ("/chat/", "Chat"),
    };
    Some(PageLink { path: path.to_owned(), title: title.to_owned() })
}

/// Pages that may open a WebSocket may call the API.
fn origins(config: &Config) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for entry in &config.routes {
        if let admission::OriginRule::Listed(listed) = &entry.route.origins {
            origins.extend(listed.iter().cloned());
        }
    }
    origins.sort_unstable();
    origins.dedup();
    origins
}

fn rules(config: &Config, shards: u16) -> Result<Rules, BootError> {
    Ok(Rules {
        shard: ShardId(0),
        shards,
        // Room for as many epochs as a process can need before two shards meet.
        epoch_seed: seed()?,
        policies: config.routes.iter().map(|it| it.policy.clone()).collect(),
        namespaces: Arc::new(config.namespaces.clone()),
        permissions: Arc::new(config.permissions.clone()),
        keys_for: config.store.keys_for,
        log_bytes_max: config.store.memory_bytes_max as u64 / u64::from(shards),
        // Each shard asks the store when it begins.
        row_last: 0,
    })
}

fn start_shards(
    ground: &Arc<Ground>,
    rules: Rules,
    sockets: &Sockets,
) -> Result<mpsc::Receiver<io::Result<()>>, BootError> {
    let (ended, all_ended) = mpsc::channel(usize::from(rules.shards));
    // Said once by each shard, so it never has more than these.
    let (opened, all_opened) = std::sync::mpsc::sync_channel(usize::from(rules.shards));
    for shard in 0..rules.shards {
        let (ground, sockets, ended) = (Arc::clone(ground), sockets.clone(), ended.clone());
        let opened = opened.clone();
        let epoch_seed = rules.epoch_seed.wrapping_add(u64::from(shard) << 48);
        let rules = Rules { shard: ShardId(shard), epoch_seed, ..rules.clone() };
        let body = move || {
            // Inside it every bug has been caught but those of replacing a shard.
            let run = AssertUnwindSafe(|| driver::run(&ground, &rules, &sockets, opened));
            let lost = |_| Err(io::Error::other("the shard could not be replaced"));
            let outcome = catch_unwind(run).unwrap_or_else(lost);
            // Nobody listens any more when the process is ending.
            let _ = ended.blocking_send(outcome);
        };
        thread::Builder::new()
            .name(format!("shard-{shard}"))
            .spawn(body)
            .map_err(|source| BootError::Thread { shard, source })?;
    }
    drop(opened);
    // Whoever is told that we are open comes at once. One that cannot open says so as it ends.
    all_opened.iter().for_each(drop);
    Ok(all_ended)
}
