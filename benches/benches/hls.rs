//! Parts against the peers; pictures through a presentation and playlists out of it.
#![expect(clippy::arithmetic_side_effects, reason = "a few million parts")]

use backline_benches::areas::hls::{PARTS, frames};
use backline_benches::peers::fragments::{
    Fragments, Frame, Mp4Atom, ShiguredoMp4, Transmux, verify,
};
use backline_benches::peers::ours::OurFragments;
use backline_benches::scenarios::SCENARIOS;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn parts(criterion: &mut Criterion) {
    for (name, count) in PARTS {
        let frames = frames(count);
        let mut group = criterion.benchmark_group(name);
        part::<OurFragments>(&mut group, &frames);
        part::<Mp4Atom>(&mut group, &frames);
        part::<ShiguredoMp4>(&mut group, &frames);
        part::<Transmux>(&mut group, &frames);
        group.finish();
    }
}

fn part<F: Fragments>(group: &mut BenchmarkGroup<'_, WallTime>, frames: &[Frame]) {
    let mut writer = F::new(frames);
    verify(&writer.part(1, 0), frames, 1, 0);
    let mut sequence = 1;
    group.bench_function(F::WHO, |bencher| {
        bencher.iter(|| {
            sequence += 1;
            black_box(writer.part(sequence, u64::from(sequence)))
        });
    });
}

fn presentation(criterion: &mut Criterion) {
    for (name, prepare) in SCENARIOS {
        if name.starts_with("presentation") || name.starts_with("playlist") {
            let mut operation = prepare();
            criterion.bench_function(name, |bencher| bencher.iter(&mut operation));
        }
    }
}

criterion_group!(benches, parts, presentation);
criterion_main!(benches);
