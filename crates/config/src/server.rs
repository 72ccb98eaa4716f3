//! `[server]`: where we listen, whom we believe, and what the whole process may hold.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use admission::{ForwardedHeader, HostRule, Network, Proxies, normalised_origin};
use limits::{BackoffRules, ServerLimits};

use crate::{
    fault::Wrong,
    profile::Profile,
    secret,
    table::Table,
    units::{Bytes, GIB, KIB, MIB},
};

/// The listener and the process around it.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// `None`: one for each core.
    pub shards: Option<u16>,
    pub data_dir: PathBuf,
    /// Host headers that are answered.
    pub hosts: HostRule,
    /// Peers whose word about the client's address is taken (H9), and the header it stands in.
    pub proxies: Proxies,
    /// Connections from trusted proxies begin with a PROXY protocol header.
    pub proxy_protocol: bool,
    pub tls: Option<Tls>,
    /// Connections in all, addresses remembered, the handshake's deadline, the back-off.
    pub limits: ServerLimits,
    /// Bound on a request head, in bytes (H5).
    pub head_bytes_max: usize,
    pub headers_max: usize,
    /// From the first frame of a message to its last.
    pub message_within: Duration,
    /// Bytes that may wait for one slow reader (F10).
    pub outbox_bytes_max: usize,
    /// Frames that may wait for one slow reader.
    pub outbox_frames_max: usize,
    /// Inputs that may wait for one shard.
    pub inbox_max: usize,
    /// Bytes of payloads in them.
    pub inbox_bytes_max: usize,
    /// A drain spreads its goodbyes over this.
    pub drain_over: Duration,
    /// And ends after this, whoever is left.
    pub drain_within: Duration,
    pub http_connections_max: usize,
    /// Bound on the body of an HTTP request, in bytes.
    pub request_bytes_max: usize,
    /// Bound on all bodies held at once, in bytes.
    pub bodies_bytes_max: usize,
}

/// Where the certificate is. Both files exist and are readable; what is in them is read at boot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn read(table: &mut Table<'_>, profile: Profile) -> Server {
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);
    let listen = table.or("listen", loopback, "The address and port to listen on.");
    let shards = table.maybe_within(
        "shards",
        1..=1024,
        "Threads that own connections. Without it, one for each core.",
    );
    let data_dir = data_dir(table);
    let hosts = hosts(table);
    let (proxies, proxy_protocol) = proxies(table);
    let tls = table.maybe_table("tls", "Answer with TLS.", tls).flatten();
    let limits = limits(table);
    let head_bytes_max = table.within(
        "head_bytes_max",
        Bytes(16 * KIB),
        Bytes(KIB)..=Bytes(256 * KIB),
        "The largest request head. Larger ones are refused with 431.",
    );
    let headers_max =
        table.within("headers_max", 64, 8..=1024, "The most header fields a request may have.");
    let message_within = table.within(
        "message_within",
        SECOND * 10,
        SECOND..=HOUR,
        "A message that was begun must be finished in this time.",
    );
    let (outbox_bytes_max, outbox_frames_max) = outboxes(table);
    let (inbox_max, inbox_bytes_max) = inboxes(table);
    let (drain_over, drain_within) = drain(table);
    let http_connections_max = table.within(
        "http_connections_max",
        1024,
        1..=1_000_000,
        "HTTP connections at a time. Beyond it new ones are closed.",
    );
    let request_bytes_max = table.within(
        "request_bytes_max",
        Bytes(MIB),
        Bytes(KIB)..=Bytes(GIB),
        "The largest body of an HTTP request.",
    );
    let bodies_bytes_max = table.within(
        "bodies_bytes_max",
        Bytes(64 * MIB),
        Bytes(MIB)..=Bytes(64 * GIB),
        "All bodies of HTTP requests held at once. One that does not fit is answered with 503.",
    );
    let server = Server {
        listen,
        shards: shards.and_then(|it: u32| u16::try_from(it).ok()),
        data_dir,
        hosts,
        proxies,
        proxy_protocol,
        tls,
        limits,
        head_bytes_max: bytes(head_bytes_max),
        headers_max: count(headers_max),
        message_within,
        outbox_bytes_max: bytes(outbox_bytes_max),
        outbox_frames_max: count(outbox_frames_max),
        inbox_max: count(inbox_max),
        inbox_bytes_max: bytes(inbox_bytes_max),
        drain_over,
        drain_within,
        http_connections_max: count(http_connections_max),
        request_bytes_max: bytes(request_bytes_max),
        bodies_bytes_max: bytes(bodies_bytes_max),
    };
    refuse_plain_http(table, profile, &server);
    server
}

fn data_dir(table: &mut Table<'_>) -> PathBuf {
    let path = table.or(
        "data_dir",
        PathBuf::from("data"),
        "The folder for everything that is kept, relative to the configuration's folder. Made if \
         it is not there.",
    );
    table.resolve("data_dir", &path)
}

fn hosts(table: &mut Table<'_>) -> HostRule {
    let hosts: Option<Vec<String>> = table.maybe(
        "hosts",
        "Host names we answer for; `name` on every port, `name:port` on that one. Without it, or \
         with `\"*\"`, any.",
    );
    let Some(hosts) = hosts.filter(|it| it.iter().all(|host| host != "*")) else {
        return HostRule::Any;
    };
    for host in &hosts {
        // What admission could not compare would never be answered.
        if normalised_origin(&format!("http://{host}")).is_none() {
            let remedy =
                "Write the name alone, such as \"chat.example.com\", without scheme or path.";
            table.fault("hosts", Wrong::new(format!("{host:?} is not a host"), remedy));
        }
    }
    HostRule::Listed(hosts)
}

fn proxies(table: &mut Table<'_>) -> (Proxies, bool) {
    let networks: Vec<Network> = table.or(
        "trusted_proxies",
        Vec::new(),
        "Peers whose word about the client's address is taken. The client is the right-most \
         address that is not one of them.",
    );
    let header = table.or(
        "forwarded",
        ForwardedHeader::XForwardedFor,
        "The header in which trusted proxies tell the client's address. The other one is ignored.",
    );
    let proxy_protocol = table.or(
        "proxy_protocol",
        false,
        "Connections from trusted proxies begin with a PROXY protocol header.",
    );
    for key in ["proxy_protocol", "forwarded"] {
        if table.has(key) && networks.is_empty() && (key != "proxy_protocol" || proxy_protocol) {
            let remedy = "List the proxy in trusted_proxies, or remove this key.";
            table.fault(key, Wrong::new("no proxy is trusted, so nothing would be read", remedy));
        }
    }
    (Proxies { networks, header }, proxy_protocol)
}

fn tls(table: &mut Table<'_>) -> Option<Tls> {
    let certificate: Option<PathBuf> =
        table.need("certificate", "The certificate chain, in PEM, ours first.");
    let key: Option<PathBuf> = table.need("key", "The certificate's private key, in PEM.");
    let certificate = certificate.map(|it| table.resolve("certificate", &it));
    let key = key.map(|it| table.resolve("key", &it));
    let certificate = certificate.filter(|it| secret::readable(table, "certificate")(it));
    let key = key.filter(|it| secret::readable(table, "key")(it));
    Some(Tls { certificate: certificate?, key: key? })
}

fn limits(table: &mut Table<'_>) -> ServerLimits {
    let default = ServerLimits::default();
    ServerLimits {
        connections_max: table.within(
            "connections_max",
            default.connections_max,
            1..=10_000_000,
            "Open WebSocket connections in all.",
        ),
        addresses_max: table.within(
            "addresses_max",
            default.addresses_max,
            1..=10_000_000,
            "Client addresses that are remembered for limits; the idlest is forgotten first.",
        ),
        handshake: table.within(
            "handshake_within",
            default.handshake,
            SECOND..=SECOND * 60,
            "From accept to the end of the request head, TLS included.",
        ),
        backoff: backoff(table, default.backoff.unwrap_or_default()),
    }
}

/// `backoff = "none"`, or a table of its numbers.
fn backoff(table: &mut Table<'_>, default: BackoffRules) -> Option<BackoffRules> {
    let says = "The wait of an address after failed authentications. `\"none\"`: no wait.";
    table.table_or_none("backoff", says, |it| {
        let rules = BackoffRules {
            failures: it.within(
                "failures",
                default.failures,
                1..=100_000,
                "Failures that start a wait.",
            ),
            window: it.within(
                "within",
                default.window,
                SECOND..=HOUR * 24,
                "How long a failure counts.",
            ),
            wait_min: it.within("wait_min", default.wait_min, SECOND..=HOUR, "The first wait."),
            wait_max: it.within(
                "wait_max",
                default.wait_max,
                SECOND..=HOUR * 24,
                "The longest wait; each is twice the one before.",
            ),
        };
        if rules.wait_max < rules.wait_min {
            let remedy = "Make wait_max longer than wait_min.";
            it.fault("wait_max", Wrong::new("shorter than wait_min", remedy));
        }
        rules
    })
}

fn outboxes(table: &mut Table<'_>) -> (Bytes, u32) {
    let bytes = table.within(
        "outbox_bytes_max",
        Bytes(MIB),
        Bytes(4 * KIB)..=Bytes(GIB),
        "Bytes that may wait for one connection that reads slowly. Then its namespace's `slow` \
         says what happens.",
    );
    let frames = table.within(
        "outbox_frames_max",
        1000,
        1..=1_000_000,
        "Frames that may wait for one connection that reads slowly.",
    );
    (bytes, frames)
}

fn inboxes(table: &mut Table<'_>) -> (u32, Bytes) {
    let count = table.within(
        "inbox_max",
        65_536,
        1024..=10_000_000,
        "Messages from other threads that may wait for one shard. Then publishing answers BUSY.",
    );
    let bytes = table.within(
        "inbox_bytes_max",
        Bytes(64 * MIB),
        Bytes(MIB)..=Bytes(64 * GIB),
        "Bytes of payloads in them. Then publishing answers BUSY.",
    );
    (count, bytes)
}

fn drain(table: &mut Table<'_>) -> (Duration, Duration) {
    let over = table.within(
        "drain_over",
        SECOND * 10,
        Duration::ZERO..=HOUR,
        "When stopping, connections are told to come back spread over this time.",
    );
    let within = table.within(
        "drain_within",
        SECOND * 30,
        SECOND..=HOUR,
        "And after this we stop, whoever is left.",
    );
    if within < over {
        let key = if table.has("drain_within") { "drain_within" } else { "drain_over" };
        let remedy = "Make drain_within longer than drain_over.";
        table.fault(key, Wrong::new("drain_within is shorter than drain_over", remedy));
    }
    (over, within)
}

/// Tokens would cross the network in the clear.
fn refuse_plain_http(table: &Table<'_>, profile: Profile, server: &Server) {
    let is_open = !server.listen.ip().is_loopback();
    if is_open && server.tls.is_none() && server.proxies.networks.is_empty() {
        let what = format!("plain HTTP on {}", server.listen);
        let remedy = "Add [server.tls], list the proxy that ends TLS in trusted_proxies, or listen \
                      on 127.0.0.1.";
        profile.object(table.reading(), &table.at("listen"), Wrong::new(what, remedy));
    }
}

/// Bounds keep every size below what a `usize` holds.
pub(crate) fn bytes(size: Bytes) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}

pub(crate) fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
