//! The cache: hits of the live window beside general caches, misses of the orders of eviction beside libcachesim.

mod eviction;

use crate::report::{Figure, Progress, Report, Row, Target};
use crate::timing::{Contestant, race};
use backline_cache::{Cache, Config, Key, Kind};
use bytes::Bytes;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Adds the rows of this area. `trace` is a file of requests to evict by, besides the one that is made.
///
/// # Errors
///
/// A sentence that says what is wrong with `trace`.
pub fn score(
    report: &mut Report,
    progress: &mut Progress,
    trace: Option<&Path>,
    full: bool,
) -> Result<(), String> {
    progress.show("hits");
    hits(
        report,
        Duration::from_millis(if full { 12_000 } else { 3_000 }),
    );
    eviction::score(report, progress, trace)
}

/// Half a minute of 200 ms parts.
const PARTS: u64 = 150;
const PART_SIZE: usize = 100_000;
/// Hits of one timed repetition.
const BATCH: u32 = 100_000;

/// An order that no prefetcher likes.
const fn next(seq: u64) -> u64 {
    (seq + 37) % PARTS
}

/// The same keys in the same order, and each hit hands out a counted handle to the same 100 kB.
fn hits(report: &mut Report, budget: Duration) {
    let key = |seq: u64| Key::new(1, 0, Kind::Part, seq);
    let now = Instant::now();
    let mut ours = Cache::new(Config::default(), now).unwrap();
    let quick = quick_cache::sync::Cache::new(1000);
    let mut alone = quick_cache::unsync::Cache::new(1000);
    let moka = moka::sync::Cache::new(1000);
    for seq in 0..PARTS {
        let body = Bytes::from(vec![0; PART_SIZE]);
        ours.publish(now, key(seq), std::slice::from_ref(&body))
            .unwrap();
        quick.insert(key(seq), body.clone());
        alone.insert(key(seq), body.clone());
        moka.insert(key(seq), body);
    }
    let timings = race(
        &mut [
            Contestant::new("a handle", || {
                batch(|seq| {
                    let body = ours.get(&key(seq)).cloned().unwrap();
                    black_box(body).len()
                });
            }),
            Contestant::new("lent", || {
                batch(|seq| black_box(ours.get(&key(seq)).unwrap()).len());
            }),
            Contestant::new("quick_cache 0.7.0, unsync, lent", || {
                batch(|seq| black_box(alone.get(&key(seq)).unwrap()).len() as u64);
            }),
            Contestant::new("quick_cache 0.7.0", || {
                batch(|seq| {
                    let body: Bytes = quick.get(&key(seq)).unwrap();
                    black_box(body).len() as u64
                });
            }),
            Contestant::new("moka 0.12.16", || {
                batch(|seq| {
                    let body: Bytes = moka.get(&key(seq)).unwrap();
                    black_box(body).len() as u64
                });
            }),
        ],
        budget,
    );
    let rate: Vec<f64> = timings
        .iter()
        .map(|timing| f64::from(BATCH) / timing.best.as_secs_f64() / 1e6)
        .collect();
    let figure = |at: usize| Figure {
        who: timings[at].who,
        value: rate[at],
    };
    // Each as it is cheapest: we and one peer lend what is found, the others can only hand out a handle.
    report.rows.push(
        Row::rate("window hits, found and read, one core", rate[1], "M/s")
            .against([figure(2), figure(3), figure(4)])
            .target(Target::Times(3.0)),
    );
    // Counting up and down again is most of the time, ours and theirs.
    report.rows.push(
        Row::rate("window hits, a counted handle each", rate[0], "M/s")
            .against([figure(3), figure(4)])
            .target(Target::Times(3.0)),
    );
    report.rows.push(
        Row::rate("the same, whatever the peers do", rate[0], "M/s").target(Target::AtLeast(50.0)),
    );
}

fn batch(mut hit: impl FnMut(u64) -> u64) {
    let (mut seq, mut bytes) = (0, 0);
    for _ in 0..BATCH {
        seq = next(seq);
        bytes += hit(seq);
    }
    assert_eq!(bytes, u64::from(BATCH) * PART_SIZE as u64, "a hit was lost");
}
