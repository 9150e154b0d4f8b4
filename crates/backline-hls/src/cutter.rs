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

/// How long a track's frames last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// In ticks.
    pub(crate) frame: i64,
    pub(crate) timescale: u32,
    /// All frames have exactly this length.
    pub(crate) exact: bool,
}

impl Rate {
    /// Parts of whole frames: the nearest to what is wanted, then with one frame more and one less.
    fn parts_near(self, want: Duration) -> [u64; 3] {
        let frame = self.frame_ticks();
        let scale = u128::from(self.timescale.max(1));
        let want_ticks = want.as_nanos() * scale / 1_000_000_000;
        let frames = ((want_ticks + frame / 2) / frame).max(1);
        [frames, frames + 1, (frames - 1).max(1)].map(|frames| {
            let units = (frames * frame * u128::from(UNITS_PER_SECOND)).div_ceil(scale);
            let slack = if self.exact { 0 } else { JITTER_UNITS };
            u64::try_from(units).unwrap_or(u64::MAX / 2) + slack
        })
    }

    fn frame_ticks(self) -> u128 {
        u128::from(self.frame.max(1).unsigned_abs())
    }
}

impl Targets {
    /// A whole number of frames that is nearest to what is wanted (reference 2.3): frames of the first track, or of
    /// another one where only that gives parts which all of them fit into.
    pub(crate) fn solve(want: Duration, segment: Duration, rates: &[Rate]) -> Self {
        let want_units = u64::try_from(want.as_micros() / 10).unwrap_or(u64::MAX);
        let unfit = |units: u64| {
            let fits = |rate: &&Rate| Cutter::of(units, rate.timescale).fits(rate.frame);
            rates.iter().filter(|rate| !fits(rate)).count()
        };
        let all = || rates.iter().flat_map(|rate| rate.parts_near(want));
        let lead = all().next().unwrap_or(want_units);
        // Half as much again is as far as the latency may go for a slow one.
        let best = all()
            .filter(|units| *units <= want_units + want_units / 2)
            .min_by_key(|units| (unfit(*units), units.abs_diff(want_units)));
        let part_units = best.filter(|_| unfit(lead) > 0).unwrap_or(lead);
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
        Self::of(targets.part_units, timescale)
    }

    fn of(part_units: u64, timescale: u32) -> Self {
        let scale = u64::from(timescale);
        let cap = part_units * scale / UNITS_PER_SECOND;
        let floor_units = (part_units * 85).div_ceil(100);
        let floor = (floor_units * scale).div_ceil(UNITS_PER_SECOND).min(cap);
        Self {
            cap: i64::try_from(cap).unwrap_or(i64::MAX),
            floor: i64::try_from(floor).unwrap_or(i64::MAX),
        }
    }

    /// Whether a whole number of frames makes a part that needs no exemption.
    pub(crate) fn fits(&self, frame: i64) -> bool {
        let frame = frame.max(1);
        self.cap / frame * frame >= self.floor
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
