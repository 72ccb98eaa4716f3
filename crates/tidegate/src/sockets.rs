//! How each shard's sockets are made, at the start and when one starts afresh.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use admission::Proxies;
use config::Config;
use net::{Limits, Net, Proxy, ProxyHeaders};
use rustls::ServerConfig;
use wire::{Bounds, HeadLimits};

/// How long the peer may take to answer a close frame. Browsers answer at once.
const GOODBYE_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);
/// How long a socket may take nothing of what waits for it (F10).
const STALL_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    address: SocketAddr,
    limits: Limits,
    bounds: Vec<Bounds>,
    tls: Option<Arc<ServerConfig>>,
    /// Whose connections begin with a PROXY header, where any do.
    proxies: Option<Proxies>,
}

impl Sockets {
    /// `address` is bound already by nobody else: see [`net::probe`].
    pub(crate) fn new(
        config: &Config,
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let server = &config.server;
        let connections = usize::try_from(server.limits.connections_max).unwrap_or(usize::MAX);
        let limits = Limits {
            head: head_limits(config),
            head_within: server.limits.handshake,
            message_within: server.message_within,
            stall_within: STALL_WITHIN,
            goodbye_within: GOODBYE_WITHIN,
            outbox_bytes_max: server.outbox_bytes_max,
            outbox_frames_max: server.outbox_frames_max,
            // Room for those who knock and for those who leave, beside those who are in.
            sockets_max: connections.saturating_add(connections / 4).saturating_add(64),
        };
        let bounds = config.routes.iter().map(|it| Bounds {
            message_bytes_max: it.route.message_bytes_max,
            fragments_max: it.route.fragments_max,
            ..Bounds::default()
        });
        Self {
            address,
            limits,
            bounds: bounds.collect(),
            tls,
            proxies: server.proxy_protocol.then(|| server.proxies.clone()),
        }
    }

    pub(crate) fn open(&self, first_life: u32, now: Instant) -> io::Result<Net> {
        let listener = net::bind(self.address).map_err(io::Error::other)?;
        let (limits, bounds) = (self.limits.clone(), self.bounds.clone());
        let mut net = Net::new(listener, limits, bounds, first_life, now)?;
        if let Some(tls) = &self.tls {
            net.speak_tls(Arc::clone(tls));
        }
        if let Some(proxies) = &self.proxies {
            net.require_proxy_header(Box::new(Trusted(proxies.clone())));
        }
        Ok(net)
    }
}

pub(crate) fn head_limits(config: &Config) -> HeadLimits {
    HeadLimits { bytes_max: config.server.head_bytes_max, headers_max: config.server.headers_max }
}

#[derive(Debug)]
struct Trusted(Proxies);

impl ProxyHeaders for Trusted {
    fn are_from(&self, peer: IpAddr) -> bool {
        self.0.trusts(peer)
    }

    fn parse(&self, bytes: &[u8]) -> Proxy {
        match admission::parse_proxy_header(bytes) {
            Ok(admission::Proxied::Incomplete) => Proxy::Incomplete,
            Ok(admission::Proxied::For { source, consumed }) => {
                Proxy::Whole { source: Some(source), bytes: consumed }
            }
            Ok(admission::Proxied::Local { consumed }) => {
                Proxy::Whole { source: None, bytes: consumed }
            }
            Err(_) => Proxy::Malformed,
        }
    }
}
