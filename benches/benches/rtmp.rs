//! Chunk demuxing and muxing, and the whole session, against the peers.

use backline_benches::areas::rtmp::{Recording, counted, pass};
use backline_benches::peers::ours::{OurSession, Ours};
use backline_benches::peers::{
    Demux, LibRtmp2, RmlRtmp, RmlSession, Session, Shiguredo, ShiguredoSession,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn demux(criterion: &mut Criterion) {
    for (name, stream) in counted() {
        let mut group = criterion.benchmark_group(format!("demux {name}"));
        group.throughput(Throughput::Bytes(stream.payload_size as u64));
        group.bench_function(Ours::WHO, |bencher| bencher.iter(|| pass::<Ours>(&stream)));
        group.bench_function(RmlRtmp::WHO, |bencher| {
            bencher.iter(|| pass::<RmlRtmp>(&stream))
        });
        group.bench_function(LibRtmp2::WHO, |bencher| {
            bencher.iter(|| pass::<LibRtmp2>(&stream))
        });
        group.bench_function(Shiguredo::WHO, |bencher| {
            bencher.iter(|| pass::<Shiguredo>(&stream))
        });
        group.finish();
    }
}

fn session(criterion: &mut Criterion) {
    let recording = Recording::new();
    let mut group = criterion.benchmark_group("session, 10 s of 6 Mb/s");
    group.throughput(Throughput::Bytes(recording.size as u64));
    group.bench_function(OurSession::WHO, |bencher| {
        bencher.iter(|| recording.run::<OurSession>())
    });
    group.bench_function(RmlSession::WHO, |bencher| {
        bencher.iter(|| recording.run::<RmlSession>())
    });
    group.bench_function(ShiguredoSession::WHO, |bencher| {
        bencher.iter(|| recording.run::<ShiguredoSession>())
    });
    group.finish();
}

criterion_group!(benches, demux, session);
criterion_main!(benches);
