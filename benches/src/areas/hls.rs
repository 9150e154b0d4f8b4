//! HLS: parts out of samples, a crowd that waits for one playlist, a publisher that returns.

mod crowd;
mod footprint;
mod live;
mod parts;

use crate::counted;
use crate::peers::fragments::{Fragments, Frame, Mp4Atom, ShiguredoMp4, TICKS, Transmux, verify};
use crate::peers::ours::OurFragments;
use crate::report::{Figure, Progress, Report, Row, Target};
use crate::timing::{Contestant, Timing, race};
use crate::wire::Noise;
use std::hint::black_box;
use std::time::Duration;

/// The parts that are written: name and samples. One sample is a part of a very low latency, six are 200 ms.
pub const PARTS: [(&str, usize); 2] = [("part of 6 samples", 6), ("part of 1 sample", 1)];

/// Adds the rows of this area.
pub fn score(report: &mut Report, progress: &mut Progress, full: bool) {
    report.notes.push("hls: made data".to_owned());
    let budget = Duration::from_millis(if full { 10_000 } else { 1_500 });
    for (name, count) in PARTS {
        progress.show(name);
        muxing(report, name, &frames(count), budget);
    }
    counted::score(report, "hls", |_| Some(Target::AtMost(3.0)));
    live::score(report, progress, full);
}

fn muxing(report: &mut Report, name: &str, frames: &[Frame], budget: Duration) {
    let timings = race(
        &mut [
            contestant::<OurFragments>(frames),
            contestant::<Mp4Atom>(frames),
            contestant::<ShiguredoMp4>(frames),
            contestant::<Transmux>(frames),
        ],
        budget,
    );
    let cost = |timing: &Timing| timing.best.as_secs_f64() * 1e6 / f64::from(BATCH);
    report.rows.push(
        Row::cost(format!("muxing a {name}"), cost(&timings[0]), "us")
            .against(timings[1..].iter().map(|timing| Figure {
                who: timing.who,
                value: cost(timing),
            }))
            .target(Target::AtMost(2.0)),
    );
}

/// Parts in one timed repetition: a single one is too short for the clock.
const BATCH: u32 = 200;

/// Writes parts in batches, after it has shown that they are right and that payloads are lent.
fn contestant<'a, F: Fragments + 'a>(frames: &'a [Frame]) -> Contestant<'a> {
    let mut writer = F::new(frames);
    let first = writer.part(1, 0);
    verify(&first, frames, 1, 0);
    if F::LENDS {
        for (piece, frame) in first[1..].iter().zip(frames) {
            assert_eq!(
                piece.as_ptr(),
                frame.data.as_ptr(),
                "{} copied a payload",
                F::WHO
            );
        }
    }
    let mut sequence = 1;
    Contestant::new(F::WHO, move || {
        for _ in 0..BATCH {
            sequence += 1;
            black_box(writer.part(sequence, u64::from(sequence) * u64::from(TICKS)));
        }
    })
}

/// A part of `count` samples of 4 Mb/s at 30 a second, B-frames among them.
#[must_use]
pub fn frames(count: usize) -> Vec<Frame> {
    let mut noise = Noise::new(count as u64);
    (0..count)
        .map(|index| Frame {
            composition: [3000, 6000, 0][index % 3],
            data: noise.bytes(16_000 + 100 * index).into(),
            sync: index == 0,
        })
        .collect()
}

#[cfg(test)]
mod tests;
