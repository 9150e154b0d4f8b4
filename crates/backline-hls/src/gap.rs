//! Media that is absent, and listed so that the playlist's time goes on (section 6.2.1 of the draft).
//!
//! A part that does not exist is listed with `GAP=YES`, a segment of which nothing exists with `EXT-X-GAP`. Such a
//! part is named `g<media sequence number>-<index>.m4s`: the numbers of parts count only those that exist, so the hint
//! for the next one holds across a gap of any length, and whoever waits for it gets it. A segment in which some parts
//! exist is those parts, and no gap. Requests for what does not exist get 404 at once.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use crate::rendition::{Moment, Rendition};
use crate::text::units;
use crate::timeline::{ticks, to_ns};

impl Rendition {
    /// Lists what is missing from the end of the listed media to `until_ns` in the file as absent parts, each as long
    /// as a part may be, the last one as long as it has to be. The open part must be closed.
    ///
    /// Costs time in proportion to what is missing.
    pub(crate) fn gap_until(&mut self, moment: &Moment, until_ns: i64) {
        let until = ticks(i128::from(until_ns), self.timescale);
        let mut start = ticks(i128::from(self.end_ns), self.timescale);
        while start < until {
            let length = (until - start).min(self.cutter.cap.max(1));
            let printed = units(length.unsigned_abs(), self.timescale);
            self.open_segment(moment, start);
            if let Some(open) = &mut self.open {
                open.push_gap(length, printed, moment.now_ns);
            }
            start += length;
        }
        self.end_ns = self.end_ns.max(to_ns(until, self.timescale));
    }

    /// Whether a segment is listed and does not exist.
    pub(crate) fn is_gap(&self, msn: u64) -> bool {
        let first = self.closed.front().map_or(0, |segment| segment.msn);
        let segment = usize::try_from(msn.saturating_sub(first))
            .ok()
            .filter(|_| msn >= first)
            .and_then(|index| self.closed.get(index));
        segment.is_some_and(|segment| segment.msn == msn && segment.is_gap())
    }
}
