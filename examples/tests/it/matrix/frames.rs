//! The current FFmpeg reads what went in and what came out, and finds the same frames at the same times.

use std::collections::BTreeMap;
use std::process::Command;

use super::cases::Case;
use crate::harness::collect::Recording;
use crate::harness::readers::{all_samples, playable_bytes};
use crate::harness::tools::{current_ffmpeg, text, try_run};

/// RTMP's times are whole milliseconds, and frames of a steady rate are put back onto its grid: within a frame of 60 a
/// second. Where the rate changes, the grid is found anew within one more.
const OFF_US: i64 = 18_000;
/// Sound begins with the picture's first part, so its first frame may be moved by half a frame.
const SOUND_OFF_US: i64 = 24_000;
/// What comes of sound after the last picture goes with the publisher: composition delays and the encoder's own.
const TAIL_US: i64 = 250_000;

/// A decoded frame: its time in microseconds, and the hash of its bytes.
type Frame = (i64, String);

/// Frames by the kind of their stream, and what FFmpeg had to say.
struct Decoded {
    frames: BTreeMap<String, Vec<Frame>>,
    said: String,
}

pub(super) fn findings(case: &Case, flv: &[u8], recording: &Recording) -> Vec<String> {
    let source = decode(flv);
    let mut found = Vec::new();
    let (mut came, mut times) = (BTreeMap::new(), BTreeMap::new());
    for rendition in &recording.renditions {
        let decoded = decode(&playable_bytes(rendition));
        let lines = decoded.said.lines();
        found.extend(lines.map(|line| format!("{}: current ffmpeg: {line}", rendition.uri)));
        came.extend(decoded.frames);
        // FFmpeg moves all times where a composition offset is negative: those of another reader count.
        for sample in all_samples(rendition) {
            let sound = rendition.uri.starts_with('a') || sample.track == 2;
            let (kind, scale) = if sound {
                ("audio", case.hertz)
            } else {
                ("video", 90_000)
            };
            let of_kind: &mut Vec<i64> = times.entry(kind).or_default();
            of_kind.push(sample.pts * 1_000_000 / i64::from(scale));
        }
    }
    let mut shifts = BTreeMap::new();
    for (kind, frames) in &source.frames {
        let ours: &[Frame] = came.get(kind).map_or(&[], Vec::as_slice);
        let mut times = times.remove(kind.as_str()).unwrap_or_default();
        times.sort_unstable();
        if let Err(why) = compare(kind, frames, ours, &times).map(|range| {
            shifts.insert(kind, range);
        }) {
            found.push(format!("{kind}: {why}"));
        }
    }
    let middles = shifts.values().map(|(low, high)| (low + high) / 2);
    let apart = middles
        .clone()
        .max()
        .zip(middles.min())
        .map_or(0, |(max, min)| max - min);
    if apart > SOUND_OFF_US {
        found.push(format!("sound has moved by {apart} us to the picture"));
    }
    found
}

/// Finds our frames in the source's, and by how much they were moved, at least and at most.
fn compare(kind: &str, from: &[Frame], to: &[Frame], times: &[i64]) -> Result<(i64, i64), String> {
    let counts = format!(
        "{} of {} frames, {} samples",
        to.len(),
        from.len(),
        times.len()
    );
    // A frame of sound may come before the first picture.
    let head = usize::from(kind == "audio");
    let first = to.first().ok_or("nothing came out")?;
    let skipped = from
        .iter()
        .take(head + 1)
        .position(|frame| frame.1 == first.1);
    let skipped = skipped.ok_or_else(|| format!("another first frame: {counts}"))?;
    let same = from
        .iter()
        .skip(skipped)
        .zip(to)
        .all(|(from, to)| from.1 == to.1);
    let missing = from
        .len()
        .checked_sub(skipped + to.len())
        .ok_or("more than went in")?;
    let tail = from
        .last()
        .map_or(0, |last| last.0 - from[from.len() - 1 - missing].0);
    let most = if kind == "audio" { TAIL_US } else { 0 };
    if !same || tail > most || times.len() != to.len() {
        return Err(format!(
            "not the same frames: {counts}, {tail} us missing at the end"
        ));
    }
    let moved = from
        .iter()
        .skip(skipped)
        .zip(times)
        .map(|(from, time)| time - from.0);
    let (low, high) = (moved.clone().min(), moved.max());
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
    if high - low > 2 * OFF_US {
        return Err(format!("moved by {low} to {high} us"));
    }
    Ok((low, high))
}

/// Pictures are decoded. Sound is not: a decoder's noise depends on all that it has heard before. Other readers
/// decode it.
fn decode(file: &[u8]) -> Decoded {
    let mut command = Command::new(current_ffmpeg());
    command
        .args("-hide_banner -v warning -copyts -i pipe:0 -map 0 -fps_mode passthrough".split(' '));
    command.args("-c:a copy -f framehash -hash md5 -".split(' '));
    let output = try_run(&mut command, file);
    let listed = text(&output.stdout);
    let (mut kinds, mut ticks, mut frames) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in listed.lines() {
        if let Some(kind) = line.strip_prefix("#media_type ") {
            kinds.push(kind.split(' ').next_back().unwrap_or_default().to_owned());
        } else if let Some(base) = line.strip_prefix("#tb ") {
            let base = base.split(' ').next_back().unwrap_or_default();
            let (seconds, parts) = base.split_once('/').expect("a fraction");
            let number = |text: &str| text.parse::<i64>().expect("a number");
            ticks.push((number(seconds), number(parts)));
        } else if !line.starts_with('#') {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let stream: usize = fields[0].parse().expect("a stream");
            let pts: i64 = fields[2].parse().expect("a time");
            let (seconds, parts) = ticks[stream];
            let of_kind: &mut Vec<Frame> = frames.entry(kinds[stream].clone()).or_default();
            of_kind.push((pts * seconds * 1_000_000 / parts, fields[5].to_owned()));
        }
    }
    let mut said = text(&output.stderr);
    if !output.status.success() {
        said.push_str(&output.status.to_string());
    }
    Decoded { frames, said }
}
