//! Where parts end: never beyond the Part Target Duration, and never below 85 % of it without need (SEG-2, SEG-3).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "durations are below a minute of ticks"
)]

use core::time::Duration;

use crate::text::UNITS_PER_SECOND;

/// What RTMP's whole milliseconds may add to a part of constant frames, in units of 10 microseconds.
const JITTER_UNITS: u64 = 100;

/// The durations that are frozen before the first playlist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Targets {
    /// Part Target Duration in units of 10 microseconds.
    pub(crate) part_units: u64,
    /// Target Duration in seconds.
    pub(crate) target_s: u64,
}

impl Targets {
    /// A whole number of frames of `frame` ticks that is nearest to what is wanted (reference 2.3).
    pub(crate) fn solve(
        want: Duration,
        segment: Duration,
        frame: i64,
        timescale: u32,
        exact: bool,
    ) -> Self {
        let scale = u128::from(timescale.max(1));
        let frame = u128::from(frame.max(1).unsigned_abs());
        let want_ticks = want.as_nanos() * scale / 1_000_000_000;
        let frames = ((want_ticks + frame / 2) / frame).max(1);
        let units = (frames * frame * u128::from(UNITS_PER_SECOND)).div_ceil(scale);
        let slack = if exact { 0 } else { JITTER_UNITS };
        let part_units = u64::try_from(units).unwrap_or(u64::MAX / 2) + slack;
        let segment_s = u64::try_from(segment.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
        // A publisher with less than a frame a second still gets a part below the Target Duration.
        Self {
            part_units,
            target_s: segment_s.max(part_units.div_ceil(UNITS_PER_SECOND)).max(1),
        }
    }

    /// `PART-HOLD-BACK`: exactly three parts (PL-2).
    pub(crate) fn hold_back_units(&self) -> u64 {
        self.part_units * 3
    }

    /// The longest segment whose duration rounds to the Target Duration, in ticks (SEG-1).
    pub(crate) fn segment_most(&self, timescale: u32) -> i64 {
        let half_seconds = self.target_s * 2 + 1;
        i64::try_from(half_seconds * u64::from(timescale) / 2).unwrap_or(i64::MAX) - 2
    }

    /// The Target Duration in nanoseconds.
    pub(crate) fn target_ns(&self) -> u64 {
        self.target_s * 1_000_000_000
    }

    /// The longest hold of a request (DEL-7).
    pub(crate) fn hold(&self, cap: Duration) -> Duration {
        Duration::from_secs(self.target_s * 3).min(cap)
    }

    /// Whether a part so far beyond the last one is refused (DEL-6): three seconds, or three parts of a second and
    /// more.
    pub(crate) fn beyond_advance(&self, parts: u64) -> bool {
        if self.part_units < UNITS_PER_SECOND {
            parts.saturating_mul(self.part_units) > 3 * UNITS_PER_SECOND
        } else {
            parts > 3
        }
    }
}

/// The bounds of one rendition's parts in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutter {
    /// The longest part that still prints at most the Part Target Duration.
    pub(crate) cap: i64,
    /// The shortest part that needs no exemption.
    pub(crate) floor: i64,
}

/// A sample's duration, and whether the part ends with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fit {
    pub(crate) duration: i64,
    pub(crate) close: bool,
}

impl Cutter {
    pub(crate) fn new(targets: &Targets, timescale: u32) -> Self {
        let scale = u64::from(timescale);
        let cap = targets.part_units * scale / UNITS_PER_SECOND;
        let floor_units = (targets.part_units * 85).div_ceil(100);
        let floor = (floor_units * scale).div_ceil(UNITS_PER_SECOND).min(cap);
        Self {
            cap: i64::try_from(cap).unwrap_or(i64::MAX),
            floor: i64::try_from(floor).unwrap_or(i64::MAX),
        }
    }

    /// Places a sample that would last `want` into a part of `fill`, when samples usually last `frame`.
    ///
    /// The duration is a container's matter here: a squeezed or stretched one moves the next decode time, and the
    /// composition offset of the next sample keeps its presentation time exact.
    pub(crate) fn fit(&self, fill: i64, want: i64, frame: i64) -> Fit {
        let room = (self.cap - fill).max(1);
        let duration = want.clamp((frame / 8).clamp(1, room), room);
        let left = room - duration;
        if left >= frame {
            return Fit {
                duration,
                close: false,
            };
        }
        if fill + duration >= self.floor {
            return Fit {
                duration,
                close: true,
            };
        }
        // Neither does another frame fit nor is the part long enough: squeeze the next one in if at least half of it
        // fits.
        if left * 2 >= frame {
            return Fit {
                duration,
                close: false,
            };
        }
        Fit {
            duration: self.floor - fill,
            close: true,
        }
    }

    /// How much the last sample of a part of `fill` must be stretched so that it can end here.
    pub(crate) fn stretch(&self, fill: i64) -> i64 {
        (self.floor - fill).max(0)
    }
}

#[cfg(test)]
mod tests;
