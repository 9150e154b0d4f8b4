//! What is counted of one track.

use super::histogram::Histogram;
use super::{Codec, Jitter, Keys, Steps, TrackReport};

/// Steps from which the usual one is taken.
const USUAL_STEPS: usize = 16;
/// A step is a gap when it is longer than so many intervals and than so many milliseconds.
const GAP_INTERVALS: f64 = 3.0;
const GAP_MIN_MS: u64 = 100;
/// A step of this many milliseconds is a clock that was set.
const JUMP_MS: u64 = 10_000;

/// One frame as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Since the first packet of the publication.
    pub(super) arrival_us: u64,
    /// Since the first frame of the publication, by the timestamps.
    pub(super) after_ms: u64,
    pub(super) timestamp_ms: u64,
    pub(super) bytes: u64,
    pub(super) is_key: bool,
}

#[derive(Debug)]
pub(super) struct Track {
    number: u8,
    codec: Codec,
    starts_after_ms: u64,
    frames: u64,
    bytes: u64,
    config: Option<u64>,
    config_changes: u64,
    latest: Option<Frame>,
    media_ms: u64,
    steps: UsualSteps,
    backward: Steps,
    jumps: Steps,
    arrival_jitter_us: Option<f64>,
    arrival_longest_us: Option<u64>,
    rates: Histogram,
    second: u64,
    second_bytes: u64,
    keys: KeyFrames,
}

/// Steps beside the usual one.
#[derive(Debug)]
struct UsualSteps {
    /// The first steps and the timestamps at their ends, until the usual one is known.
    first: [(u64, u64); USUAL_STEPS],
    filled: usize,
    /// Sum and number of the steps near the usual one.
    near: (f64, f64),
    measured: u64,
    uneven: u64,
    missing: f64,
    off_us: Histogram,
    off_sum_us: f64,
    off_count: f64,
    gaps: Steps,
}

#[derive(Debug, Default)]
struct KeyFrames {
    count: u64,
    latest_at_ms: u64,
    first: Option<u64>,
    latest: Option<u64>,
    min: Option<u64>,
    max: u64,
    sum: u64,
}

impl Track {
    pub(super) fn new(number: u8, codec: Codec) -> Self {
        Self {
            number,
            codec,
            starts_after_ms: 0,
            frames: 0,
            bytes: 0,
            config: None,
            config_changes: 0,
            latest: None,
            media_ms: 0,
            steps: UsualSteps {
                first: [(0, 0); USUAL_STEPS],
                filled: 0,
                near: (0.0, 0.0),
                measured: 0,
                uneven: 0,
                missing: 0.0,
                off_us: Histogram::new(),
                off_sum_us: 0.0,
                off_count: 0.0,
                gaps: Steps::default(),
            },
            backward: Steps::default(),
            jumps: Steps::default(),
            arrival_jitter_us: None,
            arrival_longest_us: None,
            rates: Histogram::new(),
            second: 0,
            second_bytes: 0,
            keys: KeyFrames::default(),
        }
    }

    /// Returns whether this is the track of that number and medium; its codec may change.
    pub(super) const fn is(&self, number: u8, codec: Codec) -> bool {
        self.number == number
            && matches!(
                (self.codec, codec),
                (Codec::Audio(_), Codec::Audio(_)) | (Codec::Video(_), Codec::Video(_))
            )
    }

    pub(super) const fn codec(&self) -> Codec {
        self.codec
    }

    pub(super) const fn number(&self) -> u8 {
        self.number
    }

    pub(super) const fn media_ms(&self) -> u64 {
        self.media_ms
    }

    pub(super) const fn has_frames(&self) -> bool {
        self.frames > 0
    }

    pub(super) fn latest_ms(&self) -> Option<u64> {
        self.latest.map(|frame| frame.timestamp_ms)
    }

    pub(super) fn config(&mut self, codec: Codec, config: &[u8]) {
        self.codec = codec;
        // FNV-1a: a number to tell configurations apart without keeping them.
        let number = config.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let before = self.config.replace(number);
        if before.is_some_and(|before| before != number) {
            self.config_changes = self.config_changes.saturating_add(1);
        }
    }

    pub(super) fn frame(&mut self, codec: Codec, frame: Frame) {
        self.codec = codec;
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(frame.bytes);
        match self.latest.replace(frame) {
            None => self.starts_after_ms = frame.after_ms,
            Some(before) => self.step(before, frame),
        }
        self.second_bytes = self.second_bytes.saturating_add(frame.bytes);
        if frame.is_key {
            self.keys.add(self.media_ms);
        }
    }

    fn step(&mut self, before: Frame, frame: Frame) {
        let arrival_us = frame.arrival_us.saturating_sub(before.arrival_us);
        self.arrival_longest_us = self.arrival_longest_us.max(Some(arrival_us));
        let Some(step_ms) = frame.timestamp_ms.checked_sub(before.timestamp_ms) else {
            let back = before.timestamp_ms.saturating_sub(frame.timestamp_ms);
            return self.backward.add(back, frame.timestamp_ms);
        };
        if step_ms >= JUMP_MS {
            return self.jumps.add(step_ms, frame.timestamp_ms);
        }
        let difference_us = (arrival_us as f64 - step_ms as f64 * 1000.0).abs();
        let jitter = self.arrival_jitter_us.unwrap_or(0.0);
        self.arrival_jitter_us = Some(jitter + (difference_us - jitter) / 16.0);
        self.media_ms = self.media_ms.saturating_add(step_ms);
        // A step is shorter than a jump, so this is at most ten seconds long.
        while self.second < self.media_ms / 1000 {
            let kilobits = self.second_bytes.saturating_mul(8) / 1000;
            self.rates.add(u32::try_from(kilobits).unwrap_or(u32::MAX));
            self.second = self.second.saturating_add(1);
            self.second_bytes = 0;
        }
        self.steps.add(step_ms, frame.timestamp_ms);
    }

    pub(super) fn report(&self, kbps: Option<f64>, rate: Option<f64>) -> TrackReport {
        // The latest frame has no time of its own yet.
        let latest = self.latest.map_or(0, |frame| frame.bytes);
        let bits = self.bytes.saturating_sub(latest).saturating_mul(8);
        let interval = self.steps.interval_ms();
        let varies = self.steps.varies();
        TrackReport {
            arrival_jitter_ms: self.arrival_jitter_us.map(|us| us / 1000.0),
            arrival_longest_ms: self.arrival_longest_us.map(|us| us / 1000),
            backward: self.backward,
            bytes: self.bytes,
            codec: self.codec,
            config_changes: self.config_changes,
            bitrate_kbps: (self.media_ms >= 1000).then(|| bits as f64 / self.media_ms as f64),
            bitrate_p95_kbps: self.rates.p95(),
            declared_kbps: kbps,
            declared_rate: rate,
            frames: self.frames,
            gaps: self.steps.gaps,
            jitter: self.steps.jitter(),
            jumps: self.jumps,
            keys: self.keys.report(self.media_ms),
            key_frames: self.keys.count,
            media_ms: self.media_ms,
            missing: self.steps.missing().filter(|_| !varies),
            rate: interval.map(|interval| 1000.0 / interval),
            starts_after_ms: self.starts_after_ms,
            track: self.number,
            varies,
        }
    }
}

impl UsualSteps {
    fn add(&mut self, step_ms: u64, at_ms: u64) {
        if let Some(slot) = self.first.get_mut(self.filled) {
            *slot = (step_ms, at_ms);
            self.filled = self.filled.saturating_add(1);
            if self.filled == USUAL_STEPS {
                let mut sorted = self.first.map(|(step_ms, _)| step_ms);
                sorted.sort_unstable();
                let usual = sorted.get(USUAL_STEPS / 2).copied().unwrap_or(0).max(1) as f64;
                let near = sorted.iter().map(|step_ms| *step_ms as f64);
                let near = near.filter(|step| is_near(*step, usual));
                self.near = near.fold((0.0, 0.0), |(sum, count), step| (sum + step, count + 1.0));
                // What was learned from these steps was counted above.
                let (sum, count) = self.near;
                for (step_ms, at_ms) in self.first {
                    self.measure(step_ms, at_ms);
                }
                self.near = (sum, count);
            }
        } else {
            self.measure(step_ms, at_ms);
        }
    }

    fn measure(&mut self, step_ms: u64, at_ms: u64) {
        let Some(interval) = self.interval_ms() else {
            return;
        };
        let step = step_ms as f64;
        self.measured = self.measured.saturating_add(1);
        if is_near(step, interval) {
            self.near = (self.near.0 + step, self.near.1 + 1.0);
        } else if step > interval {
            self.missing += (step / interval).round() - 1.0;
        }
        if step_ms > GAP_MIN_MS && step > interval * GAP_INTERVALS {
            return self.gaps.add(step_ms, at_ms);
        }
        let off = (step - interval).abs();
        if off > interval / 4.0 && off > 2.0 {
            self.uneven = self.uneven.saturating_add(1);
        }
        let off_us = off * 1000.0;
        self.off_sum_us += off_us;
        self.off_count += 1.0;
        self.off_us.add(to_u32(off_us));
    }

    fn interval_ms(&self) -> Option<f64> {
        let interval = self.near.0 / self.near.1;
        (self.near.1 > 0.0 && interval > 0.0).then_some(interval)
    }

    fn jitter(&self) -> Option<Jitter> {
        let p95_us = self.off_us.p95()?;
        Some(Jitter {
            max_us: self.off_us.max(),
            mean_us: self.off_sum_us / self.off_count,
            p95_us,
        })
    }

    const fn varies(&self) -> bool {
        self.uneven.saturating_mul(5) > self.measured
    }

    fn missing(&self) -> Option<u64> {
        self.interval_ms()?;
        Some(u64::from(to_u32(self.missing)))
    }
}

impl KeyFrames {
    fn add(&mut self, at_ms: u64) {
        if self.count > 0 {
            let interval = at_ms.saturating_sub(self.latest_at_ms);
            self.first.get_or_insert(interval);
            self.latest = Some(interval);
            self.min = Some(self.min.map_or(interval, |min| min.min(interval)));
            self.max = self.max.max(interval);
            self.sum = self.sum.saturating_add(interval);
        }
        self.latest_at_ms = at_ms;
        self.count = self.count.saturating_add(1);
    }

    fn report(&self, now_ms: u64) -> Option<Keys> {
        let (first, latest, min_ms) = (self.first?, self.latest?, self.min?);
        let intervals = self.count.saturating_sub(1);
        Some(Keys {
            drift_ms: latest as f64 - first as f64,
            max_ms: self.max.max(now_ms.saturating_sub(self.latest_at_ms)),
            mean_ms: self.sum as f64 / intervals as f64,
            min_ms,
        })
    }
}

impl Steps {
    fn add(&mut self, step_ms: u64, at_ms: u64) {
        self.count = self.count.saturating_add(1);
        self.total_ms = self.total_ms.saturating_add(step_ms);
        if self.longest_ms.is_none_or(|longest| step_ms > longest) {
            self.longest_ms = Some(step_ms);
            self.longest_at_ms = Some(at_ms);
        }
    }
}

/// Returns whether a step is the usual one, give or take what no missing frame would explain.
fn is_near(step: f64, interval: f64) -> bool {
    step >= interval * 0.5 && step <= interval * 1.5
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float stays within the range of the integer"
)]
const fn to_u32(value: f64) -> u32 {
    value as u32
}
