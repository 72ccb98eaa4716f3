//! What a message costs on the wire: decoding it, framing it, compressing it.
//!
//! Each iteration decodes a fresh copy, as unmasking writes into it. Making the copy, from cache
//! into cache, is in the time: it stands for the read that would have brought the bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wire::{Bounds, Decoder, Deflater, HeadLimits, Inflater, Opcode, client};

const SIZES: [(&str, usize); 3] = [("128 B", 128), ("1 KiB", 1024), ("64 KiB", 64 * 1024)];

/// JSON as a chat sends it, of this length.
fn json(bytes: usize) -> String {
    let message = |index: usize| {
        format!(
            "{{\"type\":\"message\",\"id\":\"{:08x}\",\"from\":\"user{}\",\"text\":\"hello {}\"}},",
            index.wrapping_mul(2_654_435_761) & 0xffff_ffff,
            index * 31,
            index * index
        )
    };
    (0..).map(message).flat_map(|it| it.into_bytes()).take(bytes).map(char::from).collect()
}

/// Decodes all of a buffer, as a shard does with what it has read.
fn decode(stream: &mut [u8], inflater: &mut Inflater) -> usize {
    let bounds = Bounds::default();
    let mut decoder = Decoder::default();
    let mut at = 0;
    let mut count = 0;
    loop {
        let rest = stream.get_mut(at..).unwrap_or_default();
        let step = decoder.next(rest, &bounds, Some(inflater)).expect("we wrote it");
        at += step.consumed;
        match black_box(step.arrived) {
            Some(_) => count += 1,
            None => return count,
        }
    }
}

/// What a read from the socket does. In small pieces, or the copy would cost more than the decoding
/// wherever two buffers lie badly to each other; `wire::copy` says why.
fn refill(read: &mut [u8], stream: &[u8]) {
    for (to, from) in read.chunks_mut(2048).zip(stream.chunks(2048)) {
        to.copy_from_slice(from);
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut inflater = Inflater::new();
    let mut group = criterion.benchmark_group("decode");
    for (name, bytes) in SIZES {
        let frame = client::frame(Opcode::Text, json(bytes).as_bytes(), [0x1f, 0xa2, 0x33, 0xc4]);
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut read = frame.clone();
        group.bench_function(format!("text {name}"), |bencher| {
            bencher.iter(|| {
                refill(&mut read, &frame);
                decode(&mut read, &mut inflater)
            });
        });
    }
    // A read that brought many messages of one client.
    let frames = client::frame(Opcode::Text, json(128).as_bytes(), [1, 2, 3, 4]).repeat(400);
    let mut read = frames.clone();
    group.throughput(Throughput::Elements(400));
    group.bench_function("text 400 × 128 B", |bencher| {
        bencher.iter(|| {
            refill(&mut read, &frames);
            assert_eq!(decode(&mut read, &mut inflater), 400);
        });
    });
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let mut out = Vec::new();
    for (name, bytes) in SIZES {
        let payload = json(bytes);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                wire::frame_into(&mut out, Opcode::Text, black_box(payload.as_bytes()), false);
                out.len()
            });
        });
    }
    group.finish();
}

fn compressing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deflate");
    let payload = json(1024);
    let mut out = Vec::new();
    group.throughput(Throughput::Bytes(1024));
    for bits in [15, 12, 9] {
        let mut deflater = Deflater::new(bits);
        group.bench_function(format!("1 KiB in a window of {bits} bits"), |bencher| {
            bencher.iter(|| {
                out.clear();
                deflater.compress(black_box(payload.as_bytes()), &mut out);
                out.len()
            });
        });
    }
    let mut kept = Deflater::with_takeover(15);
    group.bench_function("1 KiB with context kept", |bencher| {
        bencher.iter(|| {
            out.clear();
            kept.compress(black_box(payload.as_bytes()), &mut out);
            out.len()
        });
    });
    let mut wire = Vec::new();
    Deflater::new(15).compress(payload.as_bytes(), &mut wire);
    let mut inflater = Inflater::new();
    let bounds = Bounds::default();
    group.bench_function("1 KiB back", |bencher| {
        bencher.iter(|| inflater.inflate(black_box(&wire), &bounds).map(<[u8]>::len));
    });
    group.finish();
}

fn shaking_hands(criterion: &mut Criterion) {
    let headers = [
        ("Origin", "https://app.example.test"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Accept-Language", "en-US,en;q=0.9"),
        ("Sec-WebSocket-Protocol", "tidegate.v1"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    ];
    let request = client::request("gateway.example.test", "/ws?token=abc", [7; 16], &headers);
    let limits = HeadLimits::default();
    let policy = wire::deflate::DeflatePolicy::default();
    criterion.bench_function("handshake", |bencher| {
        bencher.iter(|| {
            let parsed = wire::parse_head(black_box(&request), &limits).expect("we wrote it");
            let (head, _) = parsed.expect("it is whole");
            let upgrade = wire::upgrade(&head, Some(&policy)).expect("we wrote it");
            wire::response_101(&upgrade, Some("tidegate.v1"), upgrade.deflate.as_ref())
        });
    });
}

criterion_group!(benches, decoding, encoding, compressing, shaking_hands);
criterion_main!(benches);
