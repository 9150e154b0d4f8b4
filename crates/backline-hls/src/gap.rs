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

use crate::follow::SHORTEST_NS;
use crate::presentation::Presentation;
use crate::rendition::{Moment, Rendition};
use crate::segment::Segment;
use crate::text::{UNITS_PER_SECOND, units};
use crate::timeline::{ticks, to_ns};

impl Presentation {
    /// Lists the segments that a former life may have listed after its numbers were kept (SEG-10), as many as the
    /// window holds. The first media follows them behind a discontinuity.
    pub(crate) fn list_lost(&mut self) {
        let moment = self.moment(0);
        let length = self.config.segment_target.as_micros() / 10;
        let units = u64::try_from(length).unwrap_or(u64::MAX).max(1);
        let most = (moment.window_units / units).min(self.config.numbering.msn);
        let count = core::mem::take(&mut self.lost).min(most);
        let (wall, now_ns) = self.start;
        for rendition in &mut self.renditions {
            rendition.list_lost(count, units, wall.0, now_ns);
        }
    }
}

impl Rendition {
    /// Lists what is missing from the end of the listed media to `until_ns` in the file as absent parts, each as long
    /// as a part may be, the last one as long as it has to be. The open part must be closed.
    ///
    /// It stops where the segment would round to more than the Target Duration (SEG-1): what is left goes into the
    /// next.
    ///
    /// Costs time in proportion to what is missing.
    pub(crate) fn gap_until(&mut self, moment: &Moment, until_ns: i64) {
        let until = ticks(i128::from(until_ns), self.timescale);
        let mut start = ticks(i128::from(self.end_ns), self.timescale);
        let room = moment.targets.segment_most(self.timescale) - self.segment_fill();
        let until = until.min(start + room.max(0));
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

    /// Lists what is missing between the listed media and what begins at `start` as absent, so that no moment between
    /// two listed ones is listed nowhere. What begins a discontinuity, or is the first media, has its date.
    pub(crate) fn list_hole(&mut self, moment: &Moment, start: i64) {
        let start_ns = to_ns(start, self.timescale);
        let follows = self.open.is_some() || !(self.begins_anew() || self.closed.is_empty());
        if follows && self.part.is_empty() && start_ns - self.end_ns > SHORTEST_NS {
            self.gap_until(moment, start_ns);
        }
    }

    /// Lists whole segments that a former life may have listed, in order, dated up to `until_ms`.
    fn list_lost(&mut self, count: u64, units: u64, until_ms: u64, now_ns: u64) {
        for back in (1..=count).rev() {
            let msn = self.next_msn - back;
            let date_ms = until_ms.saturating_sub(back * units * 1_000 / UNITS_PER_SECOND);
            let mut segment = Segment::new(msn, false, self.init, date_ms);
            segment.appeared_ns = now_ns;
            segment.close(units);
            self.keep(segment);
        }
    }

    /// Something that is listed stands after the last listed line.
    pub(crate) fn mark(&mut self, mark: u64) {
        let open = self.open.as_mut().filter(|open| open.parts > 0);
        if let Some(last) = open.or_else(|| self.closed.back_mut()) {
            last.mark(mark);
        }
    }

    /// Media that a playlist would list, without what is absent, in units of 10 microseconds.
    pub(crate) fn media_units(&self) -> u64 {
        let exist = self.closed.iter().filter(|segment| !segment.is_gap());
        let closed: u64 = exist.map(|segment| segment.units).sum();
        let open = self.open.as_ref().filter(|open| !open.is_gap());
        closed + open.map_or(0, |open| units(open.ticks.unsigned_abs(), self.timescale))
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
