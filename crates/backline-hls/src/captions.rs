//! Captions: cues that the caller gives become segments of WebVTT beside those of the leading rendition.
//!
//! A text rendition has no parts. Each time the leading rendition closes a segment, each text rendition gets one with
//! the same number, date, duration and discontinuity, and in it all cues of that time (section 3.1.4 of the draft); one
//! without cues is a file all the same. Cues keep their times in every segment that they stand in, so that players know
//! them again.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "file times are nanoseconds and milliseconds far below 2^63"
)]

mod playlist;
mod webvtt;

use std::collections::VecDeque;

use crate::cue::{Cue, milliseconds};
use crate::error::{CueProblem, Error};
use crate::event::{ObjectId, ObjectKind, Output, Point, TrackId, Warning};
use crate::kept::Kept;
use crate::presentation::{Phase, Presentation};
use crate::rendition::Moment;
use crate::rendition_id::RenditionId;
use crate::segment::Segment;
use crate::timeline::Epoch;

pub(crate) use playlist::media;

const NS_PER_MS: i64 = 1_000_000;

/// A text track and its rendition.
#[derive(Clone, Debug)]
pub(crate) struct Captions {
    pub(crate) track: TrackId,
    /// Its rendition; the place among the text tracks is not certain before the renditions are fixed.
    pub(crate) id: RenditionId,
    pub(crate) name: String,
    pub(crate) version: u64,
    closed: VecDeque<Page>,
    pub(crate) kept: Kept,
    /// Sequence number of the discontinuity of the first listed segment.
    discontinuity_sequence: u64,
    /// Cues on the publisher's clock that wait for media to be placed beside.
    early: Vec<Cue>,
    /// Cues in the order of their beginnings, those that are over left out.
    placed: Vec<Placed>,
    /// The media sequence number of the next segment, once there was one.
    next_msn: u64,
    /// Where in the file the last segment ends.
    end_ns: i64,
    /// The epoch that cues were placed in.
    epoch_ns: i64,
    /// Whether it was already reported that cues come late.
    late: bool,
    closed_units: u64,
    longest_units: u64,
}

/// A closed segment of captions.
#[derive(Clone, Debug)]
struct Page {
    msn: u64,
    units: u64,
    discontinuity: bool,
    date_ms: u64,
    /// It belongs to a former life and does not exist.
    absent: bool,
    appeared_ns: u64,
}

/// A cue with its times in the file, in milliseconds, as they are written.
#[derive(Clone, Debug)]
struct Placed {
    start_ms: u64,
    end_ms: u64,
    cue: Cue,
}

impl Captions {
    fn new(track: TrackId, numbering: crate::Numbering) -> Self {
        Self {
            track,
            id: RenditionId::text(0),
            name: String::new(),
            version: 0,
            closed: VecDeque::new(),
            kept: Kept::new(numbering.msn),
            discontinuity_sequence: numbering.discontinuity_sequence,
            early: Vec::new(),
            placed: Vec::new(),
            next_msn: 0,
            end_ns: 0,
            epoch_ns: 0,
            late: false,
            closed_units: 0,
            longest_units: 0,
        }
    }

    /// The last closed segment, in both series: there are no parts to wait for.
    pub(crate) fn points(&self) -> (Point, Point) {
        let last = self.closed.back().map(|page| Point {
            msn: page.msn,
            part: 0,
        });
        let last = last.unwrap_or_default();
        (last, last)
    }

    /// What may be asked for: the number after the last closed segment.
    pub(crate) fn next_msn(&self) -> u64 {
        self.closed.back().map_or(0, |page| page.msn + 1)
    }

    /// Whether a segment is listed and does not exist.
    pub(crate) fn is_absent(&self, msn: u64) -> bool {
        let mut pages = self.closed.iter();
        pages.any(|page| page.absent && page.msn == msn)
    }

    /// Forgets cues that wait for media: another publisher comes.
    fn forget(&mut self) {
        self.early.clear();
    }

    fn waiting(&self) -> usize {
        self.early.len() + self.placed.len()
    }

    /// Places a cue on the file's time. What has been closed is not changed: a cue that would be over is moved behind
    /// it. Returns how late it was.
    fn place(&mut self, epoch: &Epoch, cue: Cue) -> i64 {
        let (start_ns, end_ns) = in_file(epoch, &cue);
        let late_ns = (self.end_ns - start_ns).max(0);
        let (start_ns, end_ns) = if late_ns > 0 && end_ns <= self.end_ns {
            (self.end_ns, end_ns + late_ns)
        } else {
            (start_ns, end_ns)
        };
        // A publisher's time before the epoch's first picture belongs to no media.
        let start_ms = to_ms(start_ns.max(epoch.out_ns));
        let end_ms = to_ms(end_ns).max(start_ms + 1);
        let at = self
            .placed
            .partition_point(|placed| placed.start_ms <= start_ms);
        self.placed.insert(
            at,
            Placed {
                start_ms,
                end_ms,
                cue,
            },
        );
        late_ns
    }

    /// Media from `out_ns` on belongs to another clock, and so do its cues.
    fn cut(&mut self, out_ns: i64) {
        if core::mem::replace(&mut self.epoch_ns, out_ns) == out_ns {
            return;
        }
        let out_ms = to_ms(out_ns);
        self.placed.retain(|placed| placed.start_ms < out_ms);
        for placed in &mut self.placed {
            placed.end_ms = placed.end_ms.min(out_ms);
        }
    }

    /// Places the cues that came before the media of their time. Returns how many have none.
    fn settle(&mut self, epoch: &Epoch, newest_ns: i64, span_ns: i64) -> u64 {
        let mut dropped = 0;
        for cue in core::mem::take(&mut self.early) {
            let (start_ns, end_ns) = in_file(epoch, &cue);
            if end_ns <= epoch.out_ns || start_ns - newest_ns > span_ns {
                dropped += 1;
            } else {
                self.place(epoch, cue);
            }
        }
        dropped
    }

    /// Closes the segment that goes with one of the leading rendition.
    fn close(&mut self, segment: &Segment, now_ns: u64, outputs: &mut VecDeque<Output>) {
        // Segments of a former life are listed without media.
        let absent = segment.ticks == 0;
        let start_ns = segment.start_ns;
        if !absent {
            let length_ns = i64::try_from(segment.units * 10_000).unwrap_or(i64::MAX / 4);
            let end_ns = start_ns + length_ns;
            let body = webvtt::body(&self.placed, start_ns, end_ns);
            outputs.push_back(Output::Text {
                object: self.object(segment.msn),
                body: body.into(),
            });
            let end_ms = to_ms(end_ns);
            self.placed.retain(|placed| placed.end_ms > end_ms);
            self.end_ns = end_ns;
        }
        self.next_msn = segment.msn + 1;
        self.closed_units += segment.units;
        self.longest_units = self.longest_units.max(self.closed_units);
        self.closed.push_back(Page {
            msn: segment.msn,
            units: segment.units,
            discontinuity: segment.discontinuity,
            date_ms: segment.date_ms,
            absent,
            appeared_ns: now_ns,
        });
    }

    /// Drops the segments before `first`, which the leading rendition has dropped (PL-6, PL-7).
    fn expire(&mut self, moment: &Moment, first: u64, outputs: &mut VecDeque<Output>) {
        self.kept.forget(moment.now_ns);
        while let Some(page) = self.closed.front().filter(|page| page.msn < first) {
            let page = page.clone();
            self.closed.pop_front();
            self.closed_units -= page.units;
            // Each unit of duration is 10 us of availability.
            let kept_ns = (page.units + self.longest_units) * 10_000;
            let until_ns = (page.appeared_ns + kept_ns).max(moment.now_ns);
            self.kept.leave(page.msn, until_ns);
            self.discontinuity_sequence += u64::from(page.discontinuity);
            if !page.absent {
                outputs.push_back(Output::Expired {
                    object: self.object(page.msn),
                    available_until: moment.clock.instant(until_ns),
                });
            }
        }
    }

    fn object(&self, msn: u64) -> ObjectId {
        ObjectId {
            rendition: self.id,
            kind: ObjectKind::Segment,
            number: msn,
        }
    }
}

impl Presentation {
    /// A text track was announced. There is room for it: the caller has looked.
    pub(crate) fn expect_captions(&mut self, track: TrackId) {
        let at = self.captions.partition_point(|one| one.track < track);
        if self.captions.get(at).is_none_or(|one| one.track != track) {
            let captions = Captions::new(track, self.config.numbering);
            self.captions.insert(at, captions);
        }
    }

    /// The set of renditions is fixed: text tracks are numbered by their ids.
    pub(crate) fn name_captions(&mut self) {
        for (index, captions) in self.captions.iter_mut().enumerate() {
            captions.id = RenditionId::text(u8::try_from(index).unwrap_or(u8::MAX));
            captions.name = captions.id.name();
        }
    }

    /// The captions of a rendition, once it has its name.
    pub(crate) fn captioned(&self, id: RenditionId) -> Option<&Captions> {
        let mut named = self.captions.iter().filter(|one| !one.name.is_empty());
        named.find(|one| one.id == id)
    }

    /// Takes a cue.
    pub(crate) fn cue(&mut self, track: TrackId, cue: Cue) -> Result<(), Error> {
        if matches!(self.phase, Phase::Idle | Phase::Stopped) {
            return Err(Error::NotStarted { track });
        }
        let refused = |problem| Error::Cue { track, problem };
        let limits = &self.config.limits;
        cue.check(limits).map_err(refused)?;
        let limit = limits.cues;
        let span_ns = i64::try_from(limits.cue_span.as_nanos()).unwrap_or(i64::MAX / 4);
        let limit_ms = milliseconds(limits.cue_span);
        let (epoch, live) = (self.epoch, self.phase == Phase::Live);
        let newest_ns = self.lead_newest_ns();
        let Some(captions) = self.captions.iter_mut().find(|one| one.track == track) else {
            return if self.ignored.contains(&track) {
                Ok(())
            } else {
                Err(refused(CueProblem::Unannounced))
            };
        };
        if captions.waiting() >= limit {
            return Err(refused(CueProblem::TooMany { limit }));
        }
        if !live {
            captions.early.push(cue);
            return Ok(());
        }
        let by_ns = in_file(&epoch, &cue).0 - newest_ns;
        if by_ns.abs() > span_ns {
            let by_ms = by_ns / NS_PER_MS;
            return Err(refused(CueProblem::TooFar { by_ms, limit_ms }));
        }
        let late_ns = captions.place(&epoch, cue);
        let reported = core::mem::replace(&mut captions.late, late_ns > 0);
        if late_ns > 0 && !reported {
            let late_ms = u64::try_from(late_ns / NS_PER_MS).unwrap_or(0);
            self.warn(Warning::CueLate { track, late_ms });
        }
        Ok(())
    }

    /// Another publisher comes: what the one before said of times means nothing any more.
    pub(crate) fn forget_cues(&mut self) {
        self.captions.iter_mut().for_each(Captions::forget);
    }

    /// Says that the playlists of captions have grown, or changed by what they report of others.
    pub(crate) fn advance_captions(&mut self) {
        for captions in &mut self.captions {
            captions.version += 1;
            let (listed, closed) = captions.points();
            self.outputs.push_back(Output::Advanced {
                rendition: captions.id,
                listed,
                closed,
            });
        }
    }

    /// Drops the captions before `first`, which the leading rendition has dropped.
    pub(crate) fn expire_captions(&mut self, moment: &Moment, first: Option<u64>) {
        for captions in &mut self.captions {
            captions.expire(moment, first.unwrap_or(0), &mut self.outputs);
        }
    }

    /// Gives every text rendition the segments that the leading one has closed.
    pub(crate) fn close_captions(&mut self, now_ns: u64) {
        let Some(lead) = self
            .renditions
            .first()
            .filter(|_| !self.captions.is_empty())
        else {
            return;
        };
        let epoch = self.epoch;
        // While a slate plays, the publisher's clock has no place in the file.
        let live = self.phase == Phase::Live && self.playing.is_none();
        let newest_ns = self.lead_newest_ns();
        let span_ns = i64::try_from(self.config.limits.cue_span.as_nanos());
        let span_ns = span_ns.unwrap_or(i64::MAX / 4);
        for captions in &mut self.captions {
            captions.cut(epoch.out_ns);
            if live && !captions.early.is_empty() {
                let dropped = captions.settle(&epoch, newest_ns, span_ns);
                self.counts.dropped = self.counts.dropped.saturating_add(dropped);
            }
            let next_msn = captions.next_msn;
            let fresh = lead.closed.iter().rev();
            let fresh = fresh.take_while(|segment| segment.msn >= next_msn).count();
            for segment in lead.closed.iter().skip(lead.closed.len() - fresh) {
                captions.close(segment, now_ns, &mut self.outputs);
            }
        }
    }
}

/// A cue's beginning and end in the file.
fn in_file(epoch: &Epoch, cue: &Cue) -> (i64, i64) {
    let place = |ns: i64| {
        let file_ns = i128::from(ns) - i128::from(epoch.in_ns) + i128::from(epoch.out_ns);
        // Far beyond any span, and room to count on.
        i64::try_from(file_ns.clamp(-FAR_NS, FAR_NS)).unwrap_or(0)
    };
    (place(cue.start_ns), place(cue.end_ns))
}

/// 2^61 ns are 73 years.
const FAR_NS: i128 = 1 << 61;

/// Milliseconds of a file time, to the nearest.
fn to_ms(ns: i64) -> u64 {
    u64::try_from((ns + NS_PER_MS / 2) / NS_PER_MS).unwrap_or(0)
}
