//! A publisher that is silent or gone, and what goes out instead (SEG-6, SEG-7).
//!
//! ```text
//!   Live    --deadline-->  Waiting, filling   --key frame-->  Live, behind a discontinuity
//!   Waiting --deadline-->  Waiting, filling       (Start, Stop and End are what they are without filling)
//!   Stopped --deadline-->  Stopped, filling
//! ```
//!
//! The deadline is `absence_patience` after the leading track was last heard, or earlier, so that a segment is listed
//! within one and a half Target Durations of the one before. From then on absent parts are listed for all renditions at
//! once, each when its time has passed on the caller's clock; those that the deadline is late for come with it. Absent
//! segments change neither encoding nor timeline: they need no discontinuity. Media that returns begins one.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "nanoseconds since construction and file times are far below 2^63"
)]

use crate::config::Absence;
use crate::event::Warning;
use crate::presentation::{Phase, Presentation};
use crate::timeline::{ticks, to_ns};

/// A rest that no absent part is made for.
const REST_NS: i64 = 20_000_000;
/// A publisher whose long segment is due to end is not taken for absent before this silence.
const SILENCE_MIN_NS: u64 = 500_000_000;

/// When the leading track was heard, and what was listed in its absence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quiet {
    /// Own clock when its last sample came.
    heard_ns: u64,
    /// Where in the file that sample began.
    file_ns: i64,
    fill: Option<Fill>,
}

/// An absence that is being filled.
#[derive(Clone, Copy, Debug)]
struct Fill {
    /// Own clock minus file time.
    offset_ns: i64,
    /// File time of the end of the next absent part, and the length of those after it.
    next_ns: i64,
    step_ns: i64,
    /// A slate plays; no absent parts are made.
    slate: bool,
}

impl Fill {
    fn due_ns(&self) -> u64 {
        u64::try_from(self.next_ns + self.offset_ns).unwrap_or(0)
    }

    fn file_ns(&self, now_ns: u64) -> i64 {
        i64::try_from(now_ns).unwrap_or(i64::MAX / 4) - self.offset_ns
    }
}

impl Presentation {
    /// The leading track's sample came.
    pub(crate) fn hear_lead(&mut self, now_ns: u64) {
        let Some(lead) = self.tracks.first().filter(|_| self.phase == Phase::Live) else {
            return;
        };
        if let Some(dts_ns) = lead.meter.last_dts_ns {
            let timescale = lead.config.timescale();
            self.quiet.heard_ns = now_ns;
            self.quiet.file_ns = to_ns(self.epoch.ticks(dts_ns, timescale), timescale);
        }
    }

    /// When something has to be done about an absence.
    pub(crate) fn absence_due_ns(&self) -> Option<u64> {
        let waits = matches!(self.phase, Phase::Live | Phase::Waiting | Phase::Stopped);
        // Before the first playlist there is nobody to fill for, and it must not begin with what is absent (quirk 10).
        if self.config.absence == Absence::Wait || !waits || !self.playable {
            return None;
        }
        match self.quiet.fill {
            Some(fill) if fill.slate => self.slate_due_ns(),
            Some(fill) => Some(fill.due_ns()),
            None => {
                let (lead, targets) = (self.renditions.first()?, self.targets?);
                let ns = |duration: core::time::Duration| u64::try_from(duration.as_nanos());
                let patience_ns = ns(self.config.absence_patience).unwrap_or(u64::MAX / 4);
                let due_ns = self.quiet.heard_ns + patience_ns;
                let segment_ns = targets.target_ns() * 3 / 2;
                if patience_ns > segment_ns {
                    // Whoever waits longer than a segment may take has decided against SEG-6.
                    return Some(due_ns);
                }
                let soonest_ns = self.quiet.heard_ns + patience_ns.min(SILENCE_MIN_NS);
                Some(due_ns.min(lead.closed_ns + segment_ns).max(soonest_ns))
            }
        }
    }

    /// Does what is due. The caller makes it known.
    pub(crate) fn fill_absence(&mut self, now_ns: u64) {
        if self.absence_due_ns().is_none_or(|due_ns| now_ns < due_ns) {
            return;
        }
        if self.quiet.fill.is_none() {
            self.go_absent(now_ns);
        }
        match self.quiet.fill {
            Some(fill) if fill.slate => self.slate_play(now_ns),
            Some(fill) => self.list_gaps(now_ns, fill),
            None => {}
        }
    }

    /// Ends the filling where the clock is: media is back, or the show is over. The last absent segment is closed.
    pub(crate) fn end_absence(&mut self, now_ns: u64) {
        let Some(fill) = self.quiet.fill.take() else {
            return;
        };
        if fill.slate {
            self.slate_end(now_ns);
            return;
        }
        let end_ns = fill.next_ns - fill.step_ns;
        let until_ns = fill.file_ns(now_ns).min(fill.next_ns);
        if until_ns - end_ns >= REST_NS {
            self.gap(now_ns, until_ns);
        }
        self.close_gaps(now_ns);
    }

    /// Own clock when the leading track was last heard.
    pub(crate) fn heard_ns(&self) -> u64 {
        self.quiet.heard_ns
    }

    /// Whether an absence is being filled.
    pub(crate) fn is_filling(&self) -> bool {
        self.quiet.fill.is_some()
    }

    /// Ends what is open; from here on the absence is filled.
    pub(crate) fn go_absent(&mut self, now_ns: u64) {
        let Quiet {
            heard_ns, file_ns, ..
        } = self.quiet;
        if self.phase == Phase::Live {
            self.flush(now_ns);
            self.tracks.iter_mut().for_each(|track| track.restart());
            self.phase = Phase::Waiting;
        }
        let silent_ms = now_ns.saturating_sub(heard_ns) / 1_000_000;
        self.warn(Warning::PublisherAbsent { silent_ms });
        let slate = self.config.absence == Absence::Slate && self.slate_begin(now_ns);
        // Two ticks less than a part may last, so that no rounding makes one longer.
        let step_ns = self
            .renditions
            .iter()
            .map(|rendition| to_ns((rendition.cutter.cap - 2).max(1), rendition.timescale))
            .min()
            .unwrap_or(1);
        let ends = self.renditions.iter().map(|rendition| rendition.end_ns);
        let first_ns = ends.min().unwrap_or(file_ns);
        self.quiet.fill = Some(Fill {
            offset_ns: i64::try_from(heard_ns).unwrap_or(i64::MAX / 4) - file_ns,
            next_ns: first_ns + step_ns,
            step_ns,
            slate,
        });
    }

    /// Lists all absent parts whose time has passed.
    fn list_gaps(&mut self, now_ns: u64, mut fill: Fill) {
        // Of an absence that nobody was awake for, only what still would be listed is made.
        let window = self.config.window.saturating_mul(2).as_nanos();
        let late_ns =
            fill.file_ns(now_ns) - fill.next_ns - i64::try_from(window).unwrap_or(i64::MAX / 4);
        fill.offset_ns += late_ns.max(0);
        let segment_ns = i64::try_from(self.config.segment_target.as_nanos()).unwrap_or(0);
        while fill.due_ns() <= now_ns {
            self.gap(now_ns, fill.next_ns);
            fill.next_ns += fill.step_ns;
            // One that ended a little before the others fills more.
            let fills = self.renditions.iter().map(|rendition| {
                to_ns(rendition.segment_fill(), rendition.timescale) + fill.step_ns
            });
            if fills.max().is_some_and(|filled_ns| filled_ns > segment_ns) {
                self.close_gaps(now_ns);
            }
        }
        self.quiet.fill = Some(fill);
    }

    /// Lists absent parts of all renditions up to a file time, and moves all tracks there.
    fn gap(&mut self, now_ns: u64, until_ns: i64) {
        let moment = self.moment(now_ns);
        for rendition in &mut self.renditions {
            rendition.gap_until(&moment, until_ns);
        }
        for track in &mut self.tracks {
            let until = ticks(i128::from(until_ns), track.config.timescale());
            let behind = until - track.timeline.next();
            track.timeline.extend(behind.max(0));
        }
        self.changed.listed = true;
    }

    fn close_gaps(&mut self, now_ns: u64) {
        let moment = self.moment(now_ns);
        for rendition in &mut self.renditions {
            rendition.close_segment(&moment, &mut self.outputs);
        }
        self.changed.closed = true;
        self.changed.listed = true;
    }
}
