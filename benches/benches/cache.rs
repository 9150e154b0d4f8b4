//! A hit in the live window against general caches that hold the same parts.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a bench that meets something odd must stop"
)]

use backline_benches::scenarios::SCENARIOS;
use backline_cache::{Cache, Config, Key, Kind};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Instant;

/// Half a minute of 200 ms parts.
const PARTS: u64 = 150;
const PART_SIZE: usize = 20_000;

/// An order that no prefetcher likes.
const fn next(seq: u64) -> u64 {
    (seq + 37) % PARTS
}

fn hits(criterion: &mut Criterion) {
    let key = |seq: u64| Key::new(1, 0, Kind::Part, seq);
    let now = Instant::now();
    let mut ours = Cache::new(Config::default(), now).unwrap();
    let quick = quick_cache::sync::Cache::new(1000);
    let moka = moka::sync::Cache::new(1000);
    for seq in 0..PARTS {
        let body = Bytes::from(vec![0; PART_SIZE]);
        ours.publish(now, key(seq), std::slice::from_ref(&body))
            .unwrap();
        quick.insert(key(seq), body.clone());
        moka.insert(key(seq), body);
    }
    let mut group = criterion.benchmark_group("hit of a part");
    let mut seq = 0;
    group.bench_function("backline-cache, get", |bencher| {
        bencher.iter(|| {
            seq = next(seq);
            let body = ours.get(&key(seq)).cloned().unwrap();
            assert_eq!(body.len(), PART_SIZE as u64);
            black_box(body)
        });
    });
    group.bench_function("quick_cache 0.7.0", |bencher| {
        bencher.iter(|| {
            seq = next(seq);
            let body: Bytes = quick.get(&key(seq)).unwrap();
            assert_eq!(body.len(), PART_SIZE);
            black_box(body)
        });
    });
    group.bench_function("moka 0.12.16", |bencher| {
        bencher.iter(|| {
            seq = next(seq);
            let body: Bytes = moka.get(&key(seq)).unwrap();
            assert_eq!(body.len(), PART_SIZE);
            black_box(body)
        });
    });
    group.finish();
}

/// The whole request, with its counters and its clock.
fn requests(criterion: &mut Criterion) {
    for (name, prepare) in SCENARIOS {
        if name.starts_with("cache") {
            let mut operation = prepare();
            criterion.bench_function(name, |bencher| bencher.iter(&mut operation));
        }
    }
}

criterion_group!(benches, hits, requests);
criterion_main!(benches);
