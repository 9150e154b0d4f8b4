//! The state of the stages as JSON, for the audience page and for whoever looks after the box.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use backline_hls::Stats;
use serde::Serialize;

use super::stage::Stage;

#[derive(Serialize)]
struct Status<'a> {
    stages: Vec<StageStatus<'a>>,
}

/// Bit rates in bit/s, times in seconds.
#[derive(Serialize)]
struct StageStatus<'a> {
    name: &'a str,
    /// `waiting`, `starting`, `live`, `away` or `ended`.
    state: &'static str,
    /// RFC 6381 strings, picture first.
    codecs: Vec<String>,
    resolution: Option<Resolution>,
    frame_rate: Option<f64>,
    bitrate: Option<u64>,
    key_frame_interval: Option<f64>,
    /// Positive when sound is late.
    av_skew: Option<f64>,
    parts: u64,
    segments: u64,
    discontinuities: u64,
    part_target: Option<f64>,
    viewers: usize,
    bytes: Traffic,
}

#[derive(Serialize)]
struct Resolution {
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct Traffic {
    received: u64,
    sent: u64,
}

/// Writes the state of all stages.
pub(crate) fn write(stages: &[Arc<Stage>]) -> Vec<u8> {
    let status = Status {
        stages: stages.iter().map(|stage| of(stage)).collect(),
    };
    // Numbers and strings always have a JSON form.
    serde_json::to_vec(&status).unwrap_or_default()
}

fn of(stage: &Stage) -> StageStatus<'_> {
    let stats = stage.origin.with(|origin, _| origin.presentation().stats());
    let picture = stats.tracks.iter().find(|track| track.resolution.is_some());
    StageStatus {
        name: &stage.name,
        state: state(stage, &stats),
        codecs: stats
            .tracks
            .iter()
            .map(|track| track.codecs.clone())
            .collect(),
        resolution: picture
            .and_then(|track| track.resolution)
            .map(|(width, height)| Resolution { width, height }),
        frame_rate: picture.and_then(|track| track.milli_fps).map(thousandths),
        bitrate: stats.tracks.iter().map(|track| track.bitrate).sum(),
        key_frame_interval: picture
            .and_then(|track| track.key_interval_ms)
            .map(thousandths),
        av_skew: stats.av_skew_ms.map(|skew| {
            thousandths(skew.unsigned_abs()).copysign(if skew < 0 { -1.0 } else { 1.0 })
        }),
        parts: stats.parts,
        segments: stats.segments,
        discontinuities: stats.discontinuities,
        part_target: stats
            .part_target_us
            .map(|target| thousandths(target) / 1_000.0),
        viewers: stage.audience.count(Instant::now()),
        bytes: Traffic {
            received: stage.received.load(Ordering::Relaxed),
            sent: stage.sent.load(Ordering::Relaxed),
        },
    }
}

/// `away`: there was a publisher and he may come back.
fn state(stage: &Stage, stats: &Stats) -> &'static str {
    match (
        stage.ended.load(Ordering::Relaxed),
        stats.live,
        stats.playable,
    ) {
        (true, ..) => "ended",
        (_, true, true) => "live",
        (_, true, false) => "starting",
        (_, false, true) => "away",
        (_, false, false) => "waiting",
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and intervals are far below 2^53"
)]
fn thousandths(value: u64) -> f64 {
    value as f64 / 1_000.0
}
