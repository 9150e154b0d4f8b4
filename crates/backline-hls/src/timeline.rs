//! From a publisher's timestamps to decode times that never have a hole.
//!
//! Decode time in the file is ours to choose as long as it grows; what a viewer sees is decode time plus composition
//! offset. So a sample's duration is predicted when it arrives, the part that it fills goes out at once, and what
//! the prediction missed goes into the next sample's composition offset until later durations have made up for it.
//! Sound has no composition offsets: there a hole becomes a longer duration.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use crate::codec::TrackKind;
use crate::pace::Pace;

const NS_PER_SECOND: i128 = 1_000_000_000;

/// Where one run of continuous media sits: publisher's time, file time and wall time of the same moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epoch {
    /// Decode time on the publisher's clock.
    pub(crate) in_ns: i64,
    /// The same moment in the file.
    pub(crate) out_ns: i64,
    /// The same moment on the wall.
    pub(crate) wall_ms: u64,
}

impl Epoch {
    /// The file time of a publisher's time, in ticks.
    pub(crate) fn ticks(&self, dts_ns: i64, timescale: u32) -> i64 {
        ticks(
            i128::from(dts_ns) - i128::from(self.in_ns) + i128::from(self.out_ns),
            timescale,
        )
    }

    /// The wall time of a file time.
    pub(crate) fn date_ms(&self, ticks: i64, timescale: u32) -> u64 {
        let since_ms = (to_ns(ticks, timescale) - self.out_ns + 500_000) / 1_000_000;
        self.wall_ms.saturating_add_signed(since_ms)
    }
}

/// Nanoseconds as ticks, to the nearest.
pub(crate) fn ticks(ns: i128, timescale: u32) -> i64 {
    let scaled = ns * i128::from(timescale);
    i64::try_from((scaled + NS_PER_SECOND / 2).div_euclid(NS_PER_SECOND)).unwrap_or(i64::MAX / 4)
}

/// Ticks as nanoseconds, to the nearest.
pub(crate) fn to_ns(ticks: i64, timescale: u32) -> i64 {
    let scale = i128::from(timescale.max(1));
    i64::try_from((i128::from(ticks) * NS_PER_SECOND + scale / 2).div_euclid(scale))
        .unwrap_or(i64::MAX / 4)
}

/// The sample before, while its part is still open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last {
    /// Its duration so far.
    pub(crate) duration: i64,
    /// How much longer it may become.
    pub(crate) room: i64,
}

/// Where a sample goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// By how much the sample before changes its duration.
    pub(crate) grow: i64,
    /// How much later than its decode time the sample was due: belongs to the composition offset.
    pub(crate) late: i64,
    /// The duration that would bring the next sample to its time.
    pub(crate) want: i64,
    /// Whether the sample is on the grid of a constant rate, so that its composition offset is too.
    pub(crate) on_grid: bool,
}

/// One track's decode times.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    pub(crate) pace: Pace,
    kind: TrackKind,
    timescale: u32,
    next: i64,
    started: bool,
    /// Smoothed distance of the publisher's time from ours, in 1/64 tick.
    drift: i64,
}

impl Timeline {
    pub(crate) fn new(kind: TrackKind, timescale: u32, pace: Pace) -> Self {
        Self {
            pace,
            kind,
            timescale,
            next: 0,
            started: false,
            drift: 0,
        }
    }

    /// Decode time of the next sample.
    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// A discontinuity: the next sample is placed where it says, but never before the last one's end.
    pub(crate) fn restart(&mut self) {
        self.started = false;
        self.drift = 0;
        self.pace.restart();
    }

    /// The first sample after a discontinuity is due at `due`.
    pub(crate) fn begin(&mut self, due: i64) {
        if !self.started {
            self.started = true;
            self.next = self.next.max(due);
        }
    }

    /// What was missing is listed as absent up to `at`: the next sample follows from there.
    pub(crate) fn skip_to(&mut self, at: i64) {
        self.next = self.next.max(at);
        self.started = true;
        self.drift = 0;
        self.pace.restart();
    }

    /// Moves the next decode time.
    pub(crate) fn extend(&mut self, by: i64) {
        self.next += by;
    }

    /// Finds the place of a sample that is due at `due`. `None`: it lies behind the timeline and cannot be shown.
    pub(crate) fn place(&mut self, due: i64, last: Option<Last>) -> Option<Place> {
        self.begin(due);
        match self.kind {
            TrackKind::Audio => self.place_sound(due, last),
            TrackKind::Text | TrackKind::Video => Some(self.place_picture(due, last)),
        }
    }

    fn place_picture(&mut self, due: i64, last: Option<Last>) -> Place {
        self.pace.observe(due);
        let error = due - self.next;
        if self.pace.steady() && error.abs() <= self.pace.snap() {
            let nudge = self.nudge(error);
            return Place {
                grow: 0,
                late: 0,
                want: self.pace.step() + nudge,
                on_grid: true,
            };
        }
        let grow = last.map_or(0, |last| {
            error.clamp((1 - last.duration).min(0), last.room.max(0))
        });
        self.next += grow;
        self.drift = 0;
        let late = due - self.next;
        Place {
            grow,
            late,
            want: self.pace.step() + late,
            on_grid: false,
        }
    }

    fn place_sound(&mut self, due: i64, last: Option<Last>) -> Option<Place> {
        let tolerance = self.tolerance();
        let error = due - self.next;
        if error < -tolerance {
            return None;
        }
        if error <= tolerance {
            let nudge = self.nudge(error);
            return Some(Place {
                grow: 0,
                late: 0,
                want: self.pace.step() + nudge,
                on_grid: true,
            });
        }
        let grow = last.map_or(0, |last| error.min(last.room.max(0)));
        self.next += grow;
        self.drift = 0;
        Some(Place {
            grow,
            late: 0,
            want: self.pace.step() + error - grow,
            on_grid: false,
        })
    }

    /// Whether sound that is due at `due` leaves a hole behind what came before.
    pub(crate) fn hole(&self, due: i64) -> bool {
        due - self.next > self.tolerance()
    }

    /// How far sound may be from its time before something is done about it: 40 ms, or one and a half frames.
    fn tolerance(&self) -> i64 {
        (self.pace.frame() * 3 / 2).max(i64::from(self.timescale) / 25)
    }

    /// Follows a publisher's clock that runs a little faster or slower than its frame rate says.
    fn nudge(&mut self, error: i64) -> i64 {
        self.drift += ((error << 6) - self.drift) / 32;
        let drift = self.drift >> 6;
        let (dead, step) = match self.kind {
            // 8 ms are inaudible; one step of 1 ms at a time.
            TrackKind::Audio => (
                i64::from(self.timescale) / 125,
                i64::from(self.timescale) / 1_000,
            ),
            // Less than the rounding of a millisecond means nothing; 0.5 % of a frame is invisible.
            TrackKind::Text | TrackKind::Video => (
                i64::from(self.timescale) * 6 / 10_000,
                self.pace.frame() / 200,
            ),
        };
        if drift.abs() <= dead {
            return 0;
        }
        let nudge = drift.signum() * step.clamp(1, drift.abs());
        self.drift -= nudge << 6;
        nudge
    }
}

#[cfg(test)]
mod tests;
