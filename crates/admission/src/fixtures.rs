//! A gateway's door to knock at: routes, keys, tokens, requests.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use limits::{AdmissionLimits, BackoffRules, RouteIndex, RouteLimits, ServerLimits};
use permission::{PathPattern, Template};
use proto::{Dialect, UnixTime};
use serde_json::{Value, json};
use session::{Bounds, Register};
use token::{JwksRules, Key, KeySets, Keyring, Rules, Source, VerifiedCache, mint};
use wire::{Head, HeadLimits, parse_head};

use crate::{
    Admitted, Answer, Arrival, Compression, Door, Held, HostRule, Keys, Moment, OriginRule,
    RefusalStyle, Route, Routes, Tables, Tallies, TokenRules, TokenSource, Verdict, Verifier,
    VerifierId, admit, resume,
};

pub(crate) const SECRET: &[u8] = b"a secret that only the tests know";
pub(crate) const HOME: &str = "198.51.100.1";
/// 2026-11-21, some time.
pub(crate) const WALL: u64 = 1_795_000_000;

/// Parses a head and shows it.
pub(crate) fn head<T>(text: &str, look: impl FnOnce(&Head<'_>) -> T) -> T {
    let parsed = parse_head(text.as_bytes(), &HeadLimits::default());
    let (head, _) = parsed.unwrap_or_else(|it| panic!("{it}: {text:?}")).unwrap();
    look(&head)
}

/// Any time will do to count from.
#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
fn epoch() -> Instant {
    Instant::now()
}

/// A route that asks for no token and has no limits.
pub(crate) fn route(path: &str) -> Route {
    Route {
        name: path.into(),
        path: PathPattern::parse(path).unwrap(),
        app: None,
        dialect: Dialect::Plain,
        joins: Vec::new(),
        origins: OriginRule::SameOrigin,
        allow_missing_origin: false,
        tokens: None,
        require: BTreeMap::new(),
        refusal: RefusalStyle::Status,
        limits: RouteLimits::unlimited(),
        expiry_grace: Duration::ZERO,
        sessions: None,
        compression: Compression::Off,
        message_bytes_max: 65_536,
        fragments_max: 1024,
    }
}

/// A route that asks for a token in one of these places.
pub(crate) fn token_route(path: &str, sources: Vec<TokenSource>) -> Route {
    let tokens = Some(TokenRules { sources, verifier: VerifierId(0) });
    Route { tokens, joins: vec![template("user:{user}")], ..route(path) }
}

/// As System N has it.
pub(crate) fn query_then_bearer() -> Vec<TokenSource> {
    vec![TokenSource::Query("token".to_owned()), TokenSource::Bearer]
}

pub(crate) fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

/// A token of the tests' secret. `exp` is an hour away unless given.
pub(crate) fn token(claims: Value) -> String {
    let mut all = json!({ "exp": WALL + 3600, "token_type": "access" });
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    all.as_object_mut().unwrap().extend(claims);
    mint(all.as_object().unwrap(), &Key::hmac(SECRET).unwrap(), None).unwrap()
}

/// A request as text, line by line.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) target: String,
    pub(crate) host: &'static str,
    pub(crate) origin: Option<&'static str>,
    pub(crate) version: u8,
    pub(crate) is_upgrade: bool,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn get(target: &str) -> Request {
    Request {
        target: target.to_owned(),
        host: "gate.test",
        origin: Some("https://gate.test"),
        version: 13,
        is_upgrade: true,
        lines: Vec::new(),
    }
}

impl Request {
    pub(crate) fn with(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self { target, host, origin, version, is_upgrade, lines } = self;
        let mut text = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n");
        if let Some(origin) = origin {
            text.push_str(&format!("Origin: {origin}\r\n"));
        }
        if *is_upgrade {
            text.push_str("Upgrade: websocket\r\nConnection: Upgrade\r\n");
            text.push_str("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
            text.push_str(&format!("Sec-WebSocket-Version: {version}\r\n"));
        }
        lines.iter().for_each(|it| text.push_str(&format!("{it}\r\n")));
        text.push_str("\r\n");
        text
    }
}

/// The door with everything behind it.
pub(crate) struct World {
    pub(crate) door: Door,
    pub(crate) limits: AdmissionLimits,
    pub(crate) register: Register,
    pub(crate) cache: VerifiedCache,
    pub(crate) key_sets: KeySets,
    pub(crate) tallies: Tallies,
    pub(crate) fetches: Vec<Source>,
    pub(crate) moment: Moment,
    pub(crate) is_tls: bool,
    pub(crate) inside: Vec<Admitted>,
}

impl World {
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        // The first failure waits, so that one is enough to see it counted.
        let second = Duration::from_secs(1);
        let backoff =
            BackoffRules { failures: 3, window: second * 60, wait_min: second, wait_max: second };
        let server = ServerLimits {
            connections_max: 100,
            addresses_max: 1000,
            backoff: Some(backoff),
            ..ServerLimits::default()
        };
        let now = epoch();
        let of_routes = routes.iter().map(|it| it.limits.clone()).collect();
        let rules = Rules {
            user_claims: vec!["user_id".to_owned(), "sub".to_owned()],
            required: vec![("token_type".to_owned(), vec!["access".to_owned()])],
            ..Rules::default()
        };
        let ring = Keyring::new(vec![Key::hmac(SECRET).unwrap()]).unwrap();
        let source = published();
        let verifiers = [Keys::Ring(Arc::new(ring)), Keys::Published(source.clone())]
            .map(|keys| Verifier { rules: rules.clone(), keys })
            .to_vec();
        Self {
            door: Door {
                routes: Routes::new(routes),
                hosts: HostRule::Listed(vec!["gate.test".to_owned()]),
                verifiers,
                ..Door::default()
            },
            limits: AdmissionLimits::new(server, of_routes, now),
            register: Register::new(Bounds::of_connections(100)),
            cache: VerifiedCache::default(),
            key_sets: KeySets::new([source], JwksRules::default()),
            tallies: Tallies::default(),
            fetches: Vec::new(),
            moment: Moment { now, wall: UnixTime(WALL) },
            is_tls: true,
            inside: Vec::new(),
        }
    }

    pub(crate) fn tables(&mut self) -> Tables<'_> {
        Tables {
            door: &self.door,
            limits: &mut self.limits,
            register: &mut self.register,
            cache: &mut self.cache,
            key_sets: &mut self.key_sets,
            tallies: &mut self.tallies,
            fetches: &mut self.fetches,
        }
    }

    pub(crate) fn verdict(&mut self, request: &Request, peer: &str) -> Verdict {
        self.judge(request, peer, None)
    }

    pub(crate) fn resumed(&mut self, request: &Request, peer: &str, held: Held) -> Verdict {
        self.judge(request, peer, Some(held))
    }

    fn judge(&mut self, request: &Request, peer: &str, held: Option<Held>) -> Verdict {
        let peer: IpAddr = peer.parse().unwrap();
        let (moment, tls) = (self.moment, self.is_tls);
        let mut tables = self.tables();
        head(&request.text(), |head| {
            let arrival = Arrival { head, peer, tls, moment };
            match held {
                Some(held) => resume(&arrival, held, &mut tables),
                None => admit(&arrival, &mut tables),
            }
        })
    }

    /// Knocks, stays inside if let in, and says in a word what came of it.
    pub(crate) fn knock(&mut self, request: &Request, peer: &str) -> String {
        let verdict = self.verdict(request, peer);
        self.said(verdict)
    }

    pub(crate) fn said(&mut self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Admit(admitted) => {
                let user = admitted.identity.as_ref().map_or("anyone", |it| it.user.as_str());
                let channels: Vec<&str> = admitted.channels.iter().map(|it| it.as_str()).collect();
                let said = format!("{user} joins {}", channels.join(" "));
                self.inside.push(*admitted);
                said.trim_end().to_owned()
            }
            Verdict::AwaitToken(admitted) => {
                assert!(admitted.identity.is_none() && admitted.channels.is_empty());
                self.inside.push(*admitted);
                "await".to_owned()
            }
            Verdict::Refuse(refused) => {
                let code = refused.refusal.code;
                match refused.answer {
                    Answer::Status(bytes) => {
                        let status = String::from_utf8(bytes).unwrap()[9..12].to_owned();
                        assert_eq!(status, code.http().to_string());
                        format!("{status} {code}")
                    }
                    Answer::Upgrade(bytes) => {
                        assert!(bytes.starts_with(b"HTTP/1.1 101 "));
                        format!("close {} {code}", code.close())
                    }
                }
            }
            Verdict::NeedKeys(held) => {
                held.release(&mut self.limits);
                "need keys".to_owned()
            }
            Verdict::PassOn => "pass on".to_owned(),
        }
    }

    /// Everyone leaves, and then nothing may be counted as here.
    pub(crate) fn close(mut self) {
        assert_eq!(self.limits.connections() as usize, self.inside.len());
        for admitted in self.inside.drain(..) {
            self.limits.release(admitted.seat);
        }
        assert_eq!(self.limits.connections(), 0);
        for (route, _) in self.door.routes.iter() {
            let route = RouteIndex(route.0);
            for (address, user) in [(HOME, "42"), ("198.51.100.2", "43"), ("203.0.113.9", "44")] {
                let address: IpAddr = address.parse().unwrap();
                assert_eq!(self.limits.connections_from(route, address.into()), 0);
                assert_eq!(self.limits.connections_of(route, user), 0);
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.moment.now += time;
        self.moment.wall.0 += time.as_secs();
    }
}

/// Where the second verifier's keys are.
pub(crate) fn published() -> Source {
    Source { issuer: "https://id.test".to_owned(), url: "https://id.test/jwks".to_owned() }
}
