//! How long a frame lasts, told from timestamps in whole milliseconds.
//!
//! A known frame length is what lets a part go out with its last frame instead of one frame later.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62 and frames are below 2^40"
)]

/// Fraction bits of a frame length: 59.94 frames/s is 1501.5 ticks.
const FRACTION: u32 = 8;
/// Deltas that are remembered.
const RECENT: usize = 8;
/// Deltas in a row that make a rate steady.
const STEADY_RUN: u32 = 4;
/// Frame rates of cameras and encoders as (frames, seconds), whole ones first: a short look cannot tell 30 from 29.97.
const RATES: [(i64, i64); 20] = [
    (30, 1),
    (25, 1),
    (60, 1),
    (50, 1),
    (24, 1),
    (15, 1),
    (20, 1),
    (10, 1),
    (12, 1),
    (48, 1),
    (100, 1),
    (120, 1),
    (5, 1),
    (30_000, 1_001),
    (60_000, 1_001),
    (24_000, 1_001),
    (15_000, 1_001),
    (48_000, 1_001),
    (120_000, 1_001),
    (1, 1),
];

/// The running estimate of one track's frame length.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    timescale: i64,
    /// Frame length in ticks with `FRACTION` bits after the point.
    frame: i64,
    /// What the frames handed out so far owe to the fraction.
    carry: i64,
    recent: [i64; RECENT],
    recent_used: usize,
    run: u32,
    /// Where the long measurement began, and how many frames ago.
    base: i64,
    base_frames: i64,
    last: Option<i64>,
}

impl Pace {
    /// Starts with a frame length in ticks.
    pub(crate) fn new(timescale: u32, frame: i64) -> Self {
        Self {
            timescale: i64::from(timescale),
            frame: frame.max(1) << FRACTION,
            carry: 0,
            recent: [0; RECENT],
            recent_used: 0,
            run: 0,
            base: 0,
            base_frames: 0,
            last: None,
        }
    }

    /// Learns from times in ticks, as many as there are before the first part.
    pub(crate) fn learn(timescale: u32, times: &[i64], fallback: i64) -> Self {
        let mut pace = Self::new(timescale, fallback);
        let mut deltas: Vec<i64> = times
            .windows(2)
            .filter_map(|w| Some(w.get(1)? - w.first()?))
            .collect();
        deltas.retain(|delta| *delta > 0);
        deltas.sort_unstable();
        let Some(median) = deltas.get(deltas.len() / 2).copied() else {
            return pace;
        };
        // A dropped frame doubles a delta; it says nothing about the rate.
        deltas.retain(|delta| *delta * 2 < median * 3 && *delta * 3 > median * 2);
        let count = i64::try_from(deltas.len()).unwrap_or(1).max(1);
        let mean = (deltas.iter().sum::<i64>() << FRACTION) / count;
        pace.frame = pace.nearest(mean, pace.slack() / count);
        let steady = deltas
            .iter()
            .all(|delta| ((delta << FRACTION) - pace.frame).abs() <= pace.slack() * 4 / 3);
        pace.run = if steady && deltas.len() > 3 {
            STEADY_RUN
        } else {
            0
        };
        pace
    }

    /// Sees the next time in ticks.
    pub(crate) fn observe(&mut self, time: i64) {
        let Some(last) = self.last.replace(time) else {
            self.rebase(time);
            return;
        };
        let delta = time - last;
        if ((delta << FRACTION) - self.frame).abs() <= self.slack() * 4 / 3 {
            self.run = self.run.saturating_add(1);
            // What does not fit counts only while it is the rule.
            self.recent_used = self.recent_used.saturating_sub(1);
            self.base_frames += 1;
            self.refine(time);
            return;
        }
        self.run = 0;
        self.rebase(time);
        if let Some(slot) = self.recent.get_mut(self.recent_used) {
            *slot = delta;
        }
        self.recent_used += 1;
        if self.recent_used == RECENT {
            self.recent_used = 0;
            self.adopt();
        }
    }

    /// Forgets where the last frame was: the clock has jumped.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// The length of the next frame in whole ticks; the fraction is paid over time.
    pub(crate) fn step(&mut self) -> i64 {
        let exact = self.frame + self.carry;
        let ticks = exact >> FRACTION;
        self.carry = exact - (ticks << FRACTION);
        ticks
    }

    /// The frame length, rounded up.
    pub(crate) fn frame(&self) -> i64 {
        (self.frame + (1 << FRACTION) - 1) >> FRACTION
    }

    /// Whether the last frames came at the known rate.
    pub(crate) fn steady(&self) -> bool {
        self.run >= STEADY_RUN
    }

    /// How far a whole-millisecond time may be from a steady frame's true time, in ticks.
    pub(crate) fn snap(&self) -> i64 {
        self.timescale * 3 / 2_000
    }

    /// A composition offset on the grid of whole frames, if it is as near as rounded times can be.
    pub(crate) fn on_grid(&self, offset: i64) -> i64 {
        let frames = ((offset << FRACTION) + self.frame / 2).div_euclid(self.frame);
        let ideal = (frames * self.frame) >> FRACTION;
        if (ideal - offset).abs() <= self.snap() {
            ideal
        } else {
            offset
        }
    }

    /// Frames a second in thousandths.
    pub(crate) fn milli_fps(&self) -> u64 {
        u64::try_from(((self.timescale * 1_000) << FRACTION) / self.frame.max(1)).unwrap_or(0)
    }

    /// The error of one delta of two rounded times: 1.2 ms in ticks with fraction.
    fn slack(&self) -> i64 {
        ((self.timescale << FRACTION) * 12) / 10_000
    }

    /// Makes the estimate sharper the longer it holds.
    fn refine(&mut self, time: i64) {
        let frames = self.base_frames;
        if (64..=1 << 20).contains(&frames) && frames & (frames - 1) == 0 {
            let mean = ((time - self.base) << FRACTION) / frames;
            let error = self.slack() / frames;
            if (mean - self.frame).abs() > error {
                self.frame = self.nearest(mean, error);
            }
        }
    }

    /// Takes the median of what did not fit: the rate has changed.
    fn adopt(&mut self) {
        let mut sorted = self.recent;
        sorted.sort_unstable();
        let median = sorted.get(RECENT / 2).copied().unwrap_or(0).max(1);
        let spread = sorted
            .iter()
            .all(|delta| (delta - median) << FRACTION <= self.slack());
        let mean = (sorted.iter().sum::<i64>() << FRACTION) / 8;
        let target = if spread { mean } else { median << FRACTION };
        self.frame = self.nearest(target, self.slack() / 4).max(1 << FRACTION);
        self.carry = 0;
    }

    fn rebase(&mut self, time: i64) {
        self.base = time;
        self.base_frames = 0;
    }

    /// The well-known rate within `error` of `mean`, or `mean`.
    fn nearest(&self, mean: i64, error: i64) -> i64 {
        let scale = self.timescale << FRACTION;
        RATES
            .iter()
            .map(|(frames, seconds)| scale * seconds / frames)
            .find(|ideal| (ideal - mean).abs() <= error.max(1))
            .unwrap_or(mean)
    }
}

#[cfg(test)]
mod tests;
