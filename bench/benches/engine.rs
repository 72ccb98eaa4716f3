//! What the engine decides, without a socket: opening, publishing, hearing, deadlines.
//!
//! `cargo bench -p bench --bench engine`

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use engine::{
    Draft, Effect, Errand, Input, Namespaces, Opened, Policy, Proof, Rules, Shard, Ticket,
};
use limits::Mode;
use proto::{ChannelName, ConnId, Dialect, Identity, ShardId, UnixTime, UserId};

/// Connections of a busy shard.
const CROWD: u32 = 10_000;

fn rules() -> Rules {
    let policy = Policy {
        typing: None,
        dialect: Dialect::Plain,
        has_app: false,
        recovers: false,
        messages: None,
        messages_mode: Mode::Enforce,
        ping_every: Duration::from_secs(25),
        pong_within: Duration::from_secs(20),
        idle_after: None,
        first_message_within: Duration::from_secs(10),
        expiry_notice: Duration::from_secs(30),
        channels_max: 100,
        asks_waiting_max: 16,
    };
    Rules {
        keys_for: Duration::from_secs(120),
        log_bytes_max: 64 << 20,
        row_last: 0,
        shard: ShardId(0),
        shards: 1,
        epoch_seed: 1,
        policies: Arc::new([policy]),
        namespaces: Arc::new(Namespaces::default()),
        permissions: Arc::new(permission::Rules::default()),
    }
}

fn room() -> ChannelName {
    ChannelName::parse("room").expect("it is a name")
}

fn opened() -> Box<Opened> {
    let identity = Arc::new(Identity {
        user: UserId::parse("1").expect("it is an id"),
        expires_at: UnixTime(4_102_444_800),
        issued_at: None,
        token_id: None,
        claims: "{}".into(),
    });
    let expires_in = Duration::from_secs(86_400);
    let proof = Some(Proof { identity, expires_in, channels: Vec::new(), session: None });
    Box::new(Opened {
        policy: 0,
        proof,
        awaits_token: false,
        channels: vec![room()],
        device: None,
        returning: None,
    })
}

/// A shard with this many connections, all in one room.
fn crowded(count: u32, now: Instant) -> Shard {
    let mut shard = Shard::new(rules(), now);
    let mut effects = Vec::new();
    for slot in 0..count {
        let conn = ConnId::new(slot, 0);
        shard.handle(now, Input::Opened { conn, opened: opened() }, &mut effects);
        effects.clear();
    }
    shard
}

fn publication() -> Input {
    let draft = Draft {
        key: None,
        channel: room(),
        payload: r#"{"text":"the tide comes in"}"#.into(),
        from: None,
        except: None,
        except_conn: None,
        event: None,
        is_signal: false,
    };
    Input::Sought { ticket: Ticket(1), errand: Errand::Publish(draft) }
}

/// Coming in and leaving again, where others are.
fn opening(criterion: &mut Criterion) {
    let now = Instant::now();
    let mut shard = crowded(CROWD, now);
    let mut effects = Vec::new();
    let conn = ConnId::new(CROWD, 0);
    criterion.bench_function("open, join and close beside 10,000", |bencher| {
        bencher.iter_batched(
            opened,
            |opened| {
                shard.handle(now, Input::Opened { conn, opened }, &mut effects);
                shard.handle(now, Input::Closed { conn }, &mut effects);
                effects.clear();
            },
            BatchSize::SmallInput,
        );
    });
}

/// A publication with its list of members read, as the driver does. It costs the engine the same
/// for any number of them but for that walk.
fn publishing(criterion: &mut Criterion) {
    let now = Instant::now();
    for count in [1, 100, 1000] {
        let mut shard = crowded(count, now);
        let mut effects = Vec::new();
        criterion.bench_function(&format!("publish to {count}"), |bencher| {
            bencher.iter_batched(
                publication,
                |input| {
                    shard.handle(now, input, &mut effects);
                    for effect in effects.drain(..) {
                        if let Effect::Deliver { publication, .. } = effect {
                            let members = shard.members(&publication.channel, Dialect::Plain);
                            members.iter().for_each(|it| {
                                black_box(it.conn);
                            });
                        }
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
}

/// A pong of somebody.
fn hearing(criterion: &mut Criterion) {
    let now = Instant::now();
    let mut shard = crowded(CROWD, now);
    let mut effects = Vec::new();
    let mut slot = 0;
    criterion.bench_function("heard, of 10,000", |bencher| {
        bencher.iter(|| {
            slot = (slot + 7919) % CROWD;
            shard.handle(now, Input::Heard { conn: ConnId::new(slot, 0) }, &mut effects);
        });
    });
}

/// A whole interval of pings to 10,000 silent connections, and their answers.
fn watching(criterion: &mut Criterion) {
    let mut now = Instant::now();
    let mut shard = crowded(CROWD, now);
    let mut effects = Vec::new();
    criterion.bench_function("ping 10,000 and hear them", |bencher| {
        bencher.iter(|| {
            now += Duration::from_secs(25);
            shard.handle(now, Input::Woke, &mut effects);
            for effect in effects.drain(..) {
                black_box(effect);
            }
            for slot in 0..CROWD {
                shard.handle(now, Input::Heard { conn: ConnId::new(slot, 0) }, &mut effects);
            }
        });
    });
}

criterion_group!(benches, opening, publishing, hearing, watching);
criterion_main!(benches);
