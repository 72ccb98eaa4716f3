//! What a handshake costs before the socket is ours: the token, and the limits at the door.
//!
//! `cargo bench -p bench --bench admission`

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use limits::{
    AddressKey, AdmissionLimits, Budget, Pace, Rate, RouteIndex, RouteLimits, ServerLimits,
};
use proto::UnixTime;
use token::{Key, Keyring, Kid, Rules, VerifiedCache, verify};

const NOW: UnixTime = UnixTime(1_795_262_400);
const SECRET: &[u8] = b"the tide comes in, the tide goes out";
const HS256: &str = include_str!("../../crates/token/testdata/hs256.token");
const RSA: &str = include_str!("../../crates/token/testdata/rsa.public.pem");
const RS256: &str = include_str!("../../crates/token/testdata/rs256.token");
const ED25519: &str = include_str!("../../crates/token/testdata/ed25519.public.pem");
const EDDSA: &str = include_str!("../../crates/token/testdata/eddsa.token");

/// Each token with the one key that verifies it.
fn tokens() -> [(&'static str, &'static str, Keyring); 3] {
    let kid = || Kid::parse("bench-1").expect("it is a word");
    let ring = |key: Key| Keyring::new(vec![key.called(kid())]).expect("one key is a ring");
    let secret = Key::hmac(SECRET).expect("it is not empty");
    let rsa = Key::from_pem(RSA).expect("a test key is a key");
    let ed25519 = Key::from_pem(ED25519).expect("a test key is a key");
    [("hs256", HS256, ring(secret)), ("rs256", RS256, ring(rsa)), ("eddsa", EDDSA, ring(ed25519))]
}

fn verifying(c: &mut Criterion) {
    let rules = Rules::default();
    for (name, token, keys) in tokens() {
        c.bench_function(&format!("verify/{name}"), |b| {
            b.iter(|| verify(black_box(token), &keys, &rules, NOW).expect("it is good"));
        });
        let mut cache = VerifiedCache::default();
        let identity = verify(token, &keys, &rules, NOW).expect("it is good");
        cache.remember(0, token, Arc::new(identity), &rules);
        c.bench_function(&format!("verify/{name} cached"), |b| {
            b.iter(|| cache.find(0, black_box(token), NOW).expect("it is known"));
        });
    }
}

fn limiting(c: &mut Criterion) {
    let epoch = Instant::now();
    let route = RouteIndex(0);
    let rate = Rate::new(1_000_000, Duration::from_secs(1)).expect("it is a rate");
    let routes = vec![RouteLimits { attempts_per_address: Some(rate), ..RouteLimits::default() }];
    let mut door = AdmissionLimits::new(ServerLimits::default(), routes, epoch);
    let mut now = epoch;
    let mut next = 0_u32;
    c.bench_function("limits/admit, seat and release, 50,000 addresses", |b| {
        b.iter(|| {
            now += Duration::from_millis(1);
            next = (next + 1) % 50_000;
            let address = AddressKey::from(IpAddr::from(Ipv4Addr::from_bits(next)));
            let mut seat = door.admit(now, route, address).expect("there is room");
            door.seat_user(&mut seat, "ann").expect("there is room");
            door.release(seat);
        });
    });

    let pace = Pace::new(rate, epoch);
    let mut budget = Budget::default();
    c.bench_function("limits/spend", |b| {
        b.iter(|| {
            now += Duration::from_millis(1);
            black_box(&mut budget).spend(&pace, now)
        });
    });
}

criterion_group!(benches, verifying, limiting);
criterion_main!(benches);
