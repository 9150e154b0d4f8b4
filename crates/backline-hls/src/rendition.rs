//! One rendition: its open part, its open segment, and the window of closed segments.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks and numbers are far below 2^63"
)]

use std::collections::VecDeque;

use bytes::Bytes;

use crate::clock::Clock;
use crate::cutter::{Cutter, Targets};
use crate::event::{ObjectId, ObjectKind, Output, Point};
use crate::fmp4::{FragmentSample, Run, Styp, part_header, prft};
use crate::kept::Kept;
use crate::part::{OpenPart, sound_sample};
use crate::rendition_id::RenditionId;
use crate::segment::Segment;
use crate::text::units;
use crate::timeline::{Epoch, to_ns};
use crate::track::{Placed, Track};

/// `track_ID` of a rendition's own track, and of sound beside a picture.
pub(crate) const MAIN_TRACK: u32 = 1;
pub(crate) const SOUND_TRACK: u32 = 2;

/// What every step of a rendition needs to know of the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now_ns: u64,
    pub(crate) epoch: Epoch,
    pub(crate) targets: Targets,
    pub(crate) clock: Clock,
    pub(crate) window_units: u64,
    pub(crate) window_segments: usize,
    /// Whose parts say the wall clock.
    pub(crate) reference: Option<RenditionId>,
}

/// The live state of one rendition.
#[derive(Clone, Debug)]
pub(crate) struct Rendition {
    pub(crate) id: RenditionId,
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) timescale: u32,
    pub(crate) cutter: Cutter,
    pub(crate) part: OpenPart,
    pub(crate) open: Option<Segment>,
    pub(crate) closed: VecDeque<Segment>,
    pub(crate) next_msn: u64,
    pub(crate) next_part: u64,
    /// Generation of the init segment of the media that comes in now, and of an announced one.
    pub(crate) init: u64,
    pub(crate) next_init: Option<u64>,
    /// Sequence number of the discontinuity of the first listed segment.
    pub(crate) discontinuity_sequence: u64,
    /// Segments from here on are listed with their parts.
    pub(crate) parts_from_msn: u64,
    pub(crate) version: u64,
    pub(crate) peak_bits: u64,
    pub(crate) total_bytes: u64,
    pub(crate) total_units: u64,
    pub(crate) parts_kept: Kept,
    pub(crate) segments_kept: Kept,
    pub(crate) inits_kept: Kept,
    pub(crate) parts_made: u64,
    pub(crate) segments_made: u64,
    /// Where in the file its listed media ends, absent media included.
    pub(crate) end_ns: i64,
    /// When its last segment was closed.
    pub(crate) closed_ns: u64,
    /// The next segment begins a discontinuity.
    discontinuous: bool,
    closed_units: u64,
    longest_units: u64,
    promised: Option<u64>,
    sequence: u32,
}

impl Rendition {
    pub(crate) fn new(
        id: RenditionId,
        timescale: u32,
        targets: &Targets,
        numbering: crate::Numbering,
    ) -> Self {
        Self {
            id,
            name: id.name(),
            content_type: id.content_type(),
            timescale,
            cutter: Cutter::new(targets, timescale),
            part: OpenPart::default(),
            open: None,
            closed: VecDeque::new(),
            next_msn: numbering.msn,
            next_part: numbering.part,
            init: numbering.init,
            next_init: None,
            discontinuity_sequence: numbering.discontinuity_sequence,
            parts_from_msn: numbering.msn,
            version: 0,
            peak_bits: 0,
            total_bytes: 0,
            total_units: 0,
            parts_kept: Kept::new(numbering.part),
            segments_kept: Kept::new(numbering.msn),
            inits_kept: Kept::new(numbering.init),
            parts_made: 0,
            segments_made: 0,
            end_ns: 0,
            closed_ns: 0,
            discontinuous: false,
            closed_units: 0,
            longest_units: 0,
            promised: None,
            sequence: 0,
        }
    }

    pub(crate) fn object(&self, kind: ObjectKind, number: u64) -> ObjectId {
        ObjectId {
            rendition: self.id,
            kind,
            number,
        }
    }

    /// Appends a sample of the rendition's own track.
    pub(crate) fn push(
        &mut self,
        moment: &Moment,
        start: i64,
        sample: FragmentSample,
        data: Bytes,
    ) {
        self.open_segment(moment, start);
        self.part.push(start, sample, data);
    }

    /// Ends the open part, if it holds anything.
    pub(crate) fn close_part(&mut self, moment: &Moment, outputs: &mut VecDeque<Output>) {
        if self.part.is_empty() {
            return;
        }
        let Some(header) = self.header(moment) else {
            return;
        };
        let header_bytes = header.len();
        let (ticks, independent) = (self.part.main.fill, self.part.independent);
        let bytes = u64::try_from(self.part.bytes + header_bytes).unwrap_or(u64::MAX);
        self.end_ns = to_ns(self.part.main.base + ticks, self.timescale);
        let body = self.part.take(header);
        let number = self.next_part;
        self.next_part += 1;
        self.parts_made += 1;
        // The promise is kept.
        self.promised = self.promised.filter(|promised| *promised != number);
        if let Some(segment) = &mut self.open {
            let printed = units(ticks.unsigned_abs(), self.timescale);
            segment.push_part(number, ticks, printed, bytes, independent, moment.now_ns);
        }
        outputs.push_back(Output::Part {
            object: self.object(ObjectKind::Part, number),
            body,
        });
    }

    /// Cuts waiting sound that begins before `until` into parts. One part a call is enough unless the segment ends
    /// here.
    pub(crate) fn take_sound(
        &mut self,
        moment: &Moment,
        sound: &mut Track,
        until: i64,
        flush: bool,
        outputs: &mut VecDeque<Output>,
    ) {
        loop {
            let mut left = 0;
            if let Some(front) = sound.waiting.front().filter(|front| front.start < until) {
                self.list_hole(moment, front.start);
            }
            // Sound that comes back after a hole must not make a segment longer than playlists may say (SEG-1).
            let room = moment.targets.segment_most(self.timescale) - self.segment_fill();
            let room = room.min(self.cutter.cap);
            while let Some(placed) = sound.next_waiting(until, room - self.part.main.fill) {
                let Placed {
                    start,
                    duration,
                    data,
                } = placed;
                self.push(moment, start, sound_sample(duration, data.len()), data);
            }
            if let Some(front) = sound.waiting.front() {
                left = until - front.start;
            }
            if self.part.is_empty() {
                return;
            }
            self.close_part(moment, outputs);
            if left <= 0 || (!flush && left < self.cutter.cap) {
                return;
            }
        }
    }

    /// Ends the open segment, if it has parts, and drops what has left the window.
    pub(crate) fn close_segment(&mut self, moment: &Moment, outputs: &mut VecDeque<Output>) {
        let Some(mut segment) = self.open.take_if(|segment| segment.parts > 0) else {
            return;
        };
        segment.close(units(segment.ticks.unsigned_abs(), self.timescale));
        self.next_msn = segment.msn + 1;
        self.closed_ns = moment.now_ns;
        if segment.is_gap() {
            self.keep(segment);
            return;
        }
        self.segments_made += 1;
        self.total_units += segment.units;
        self.total_bytes = self.total_bytes.saturating_add(segment.bytes);
        if segment.units > 0 {
            let bits = u128::from(segment.bytes) * 800_000 / u128::from(segment.units);
            // A stub at a publisher's stop says nothing about the stream's peak.
            if self.peak_bits == 0
                || segment.units * 2 > moment.targets.target_s * crate::text::UNITS_PER_SECOND
            {
                self.peak_bits = self.peak_bits.max(u64::try_from(bits).unwrap_or(u64::MAX));
            }
        }
        let parts = segment.part_objects(self.id).collect();
        outputs.push_back(Output::Segment {
            object: self.object(ObjectKind::Segment, segment.msn),
            parts,
        });
        self.keep(segment);
    }

    /// Lists a closed segment.
    pub(crate) fn keep(&mut self, segment: Segment) {
        self.closed_units += segment.units;
        self.longest_units = self.longest_units.max(self.closed_units);
        self.closed.push_back(segment);
    }

    /// Drops part lines that are old enough (PL-5).
    pub(crate) fn expire_parts(&mut self, moment: &Moment, outputs: &mut VecDeque<Output>) {
        let edge_units = moment.targets.target_s * 3 * crate::text::UNITS_PER_SECOND;
        let mut from_end = self.listed_units();
        // Taken out so that lines can be dropped while segments are looked at.
        let closed = core::mem::take(&mut self.closed);
        for segment in &closed {
            from_end -= segment.units;
            if from_end <= edge_units {
                break;
            }
            if segment.msn >= self.parts_from_msn {
                self.drop_parts(moment, segment, outputs);
            }
        }
        self.closed = closed;
    }

    /// Drops segments that are old enough (PL-6, PL-7): where the leading rendition has dropped some, the same ones,
    /// but never so many that less than three Target Durations stay. Returns the first that is still listed.
    pub(crate) fn expire(
        &mut self,
        moment: &Moment,
        lead: Option<u64>,
        outputs: &mut VecDeque<Output>,
    ) -> Option<u64> {
        self.parts_kept.forget(moment.now_ns);
        self.segments_kept.forget(moment.now_ns);
        self.inits_kept.forget(moment.now_ns);
        let least_units = moment.targets.target_s * 3 * crate::text::UNITS_PER_SECOND;
        let keep_units = moment.window_units.max(least_units);
        while let Some(first) = self.closed.front() {
            let left_units = self.closed_units - first.units;
            let old = match lead {
                Some(lead) => first.msn < lead && left_units >= least_units,
                None => left_units >= keep_units,
            };
            if !old && self.closed.len() <= moment.window_segments {
                return Some(first.msn);
            }
            let first = self.closed.pop_front()?;
            self.closed_units = left_units;
            self.drop_segment(moment, &first, outputs);
        }
        None
    }

    /// Says how long a segment that is listed no more, and all that only it needs, must be kept.
    fn drop_segment(&mut self, moment: &Moment, segment: &Segment, outputs: &mut VecDeque<Output>) {
        if segment.msn >= self.parts_from_msn {
            self.drop_parts(moment, segment, outputs);
        }
        // Each unit of duration is 10 us of availability.
        let until_ns = (segment.appeared_ns + (segment.units + self.longest_units) * 10_000)
            .max(moment.now_ns);
        let available_until = moment.clock.instant(until_ns);
        self.segments_kept.leave(segment.msn, until_ns);
        if !segment.is_gap() {
            outputs.push_back(Output::Expired {
                object: self.object(ObjectKind::Segment, segment.msn),
                available_until,
            });
        }
        let next = self.closed.front().or(self.open.as_ref());
        let next_init = next.map_or(self.init, |next| next.init);
        if segment.init < next_init {
            // Generations between the two were never listed and have expired before.
            self.inits_kept.leave(next_init - 1, until_ns);
            outputs.push_back(Output::Expired {
                object: self.object(ObjectKind::Init, segment.init),
                available_until,
            });
        }
        // The tag of the segment that is now first stays; its number counts the one that has gone.
        self.discontinuity_sequence += u64::from(segment.discontinuity);
    }

    /// Says how long parts whose lines have gone must be kept.
    fn drop_parts(&mut self, moment: &Moment, segment: &Segment, outputs: &mut VecDeque<Output>) {
        let until_ns = moment.now_ns + moment.targets.target_ns() * 3;
        let available_until = moment.clock.instant(until_ns);
        self.parts_from_msn = segment.msn + 1;
        if segment.is_gap() {
            return;
        }
        self.parts_kept
            .leave(segment.first_part + segment.made - 1, until_ns);
        outputs.extend(segment.part_objects(self.id).map(|object| Output::Expired {
            object,
            available_until,
        }));
    }

    /// Announces the next part, unless it is announced.
    pub(crate) fn promise(&mut self, outputs: &mut VecDeque<Output>) {
        if self.promised != Some(self.next_part) {
            self.promised = Some(self.next_part);
            outputs.push_back(Output::Promised {
                object: self.object(ObjectKind::Part, self.next_part),
            });
        }
    }

    /// Takes back the announcement: the show is over.
    pub(crate) fn retract(&mut self, outputs: &mut VecDeque<Output>) {
        if let Some(number) = self.promised.take() {
            outputs.push_back(Output::Retracted {
                object: self.object(ObjectKind::Part, number),
            });
        }
    }

    /// The next segment begins a discontinuity, if there was media before; an announced init segment takes over.
    pub(crate) fn restart(&mut self, moment: &Moment, outputs: &mut VecDeque<Output>) {
        self.discontinuous = self.open.is_some() || !self.closed.is_empty();
        // Their times are those of the media before.
        self.part.messages.clear();
        let Some(init) = self.next_init.take() else {
            return;
        };
        let mut listed = self.closed.iter().rev().take(1).chain(self.open.as_ref());
        if !listed.any(|segment| segment.init == self.init) {
            self.expire_unlisted(moment, self.init, outputs);
        }
        self.init = init;
    }

    /// Makes the init segment of a changed configuration known. One that was announced and never used is not kept.
    pub(crate) fn announce_init(
        &mut self,
        moment: &Moment,
        body: Bytes,
        outputs: &mut VecDeque<Output>,
    ) {
        let newest = self.next_init.unwrap_or(self.init);
        if self.next_init.is_some() {
            self.expire_unlisted(moment, newest, outputs);
        }
        self.next_init = Some(newest + 1);
        outputs.push_back(Output::Init {
            object: self.object(ObjectKind::Init, newest + 1),
            body,
        });
    }

    /// A generation that no segment ever used goes after the time in which a hint may have been followed.
    fn expire_unlisted(&self, moment: &Moment, init: u64, outputs: &mut VecDeque<Output>) {
        let until_ns = moment.now_ns + moment.targets.target_ns() * 3;
        outputs.push_back(Output::Expired {
            object: self.object(ObjectKind::Init, init),
            available_until: moment.clock.instant(until_ns),
        });
    }

    /// Init generations that are listed, in use or announced.
    pub(crate) fn inits_alive(&self) -> usize {
        let mut alive = 1 + usize::from(self.next_init.is_some());
        let mut newest = self.init;
        for segment in self.open.iter().chain(self.closed.iter().rev()) {
            alive += usize::from(segment.init != newest);
            newest = segment.init;
        }
        alive
    }

    /// The last listed part and the last closed segment; (0, 0) before the first.
    pub(crate) fn points(&self) -> (Point, Point) {
        let last_closed = self.closed.back();
        let closed = last_closed
            .map(|segment| Point {
                msn: segment.msn,
                part: 0,
            })
            .unwrap_or_default();
        let listed = self
            .open
            .as_ref()
            .and_then(|open| {
                Some(Point {
                    msn: open.msn,
                    part: open.last_part()?,
                })
            })
            .or_else(|| {
                last_closed.and_then(|last| {
                    Some(Point {
                        msn: last.msn,
                        part: last.last_part()?,
                    })
                })
            })
            .unwrap_or_default();
        (listed, closed)
    }

    /// Media that a playlist would list, in units of 10 microseconds.
    pub(crate) fn listed_units(&self) -> u64 {
        let open = self
            .open
            .as_ref()
            .map_or(0, |open| units(open.ticks.unsigned_abs(), self.timescale));
        self.closed_units + open
    }

    /// Whether the next segment begins a discontinuity.
    pub(crate) fn begins_anew(&self) -> bool {
        self.discontinuous
    }

    /// How much of the open segment is filled, the open part included.
    pub(crate) fn segment_fill(&self) -> i64 {
        self.open.as_ref().map_or(0, |open| open.ticks) + self.part.main.fill
    }

    pub(crate) fn open_segment(&mut self, moment: &Moment, start: i64) {
        if self.open.is_none() {
            let date_ms = moment.epoch.date_ms(start, self.timescale);
            let discontinuity = core::mem::take(&mut self.discontinuous);
            let mut segment = Segment::new(self.next_msn, discontinuity, self.init, date_ms);
            segment.start_ns = to_ns(start, self.timescale);
            self.open = Some(segment);
        }
    }

    fn header(&mut self, moment: &Moment) -> Option<Bytes> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let main = Run {
            track_id: MAIN_TRACK,
            base_decode_time: self.part.main.base.unsigned_abs(),
            samples: &self.part.main.samples,
        };
        let sound = Run {
            track_id: SOUND_TRACK,
            base_decode_time: self.part.sound.base.unsigned_abs(),
            samples: &self.part.sound.samples,
        };
        let runs = [main, sound];
        let used = if self.part.sound.samples.is_empty() {
            1
        } else {
            2
        };
        let first = self.open.as_ref().is_none_or(|open| open.parts == 0);
        let styp = match (used, first, self.part.independent) {
            (2, _, _) => Styp::Iso6,
            (_, true, true) => Styp::Segment,
            (_, false, true) => Styp::Fragment,
            (_, _, false) => Styp::Chunk,
        };
        // Cannot fail: the limits keep a part far below what the format can say.
        let mut timed = Vec::new();
        let before = if moment.reference == Some(self.id) {
            timed.push(self.reference_time(moment));
            timed.extend(self.part.messages.iter().cloned());
            &timed
        } else {
            &self.part.messages
        };
        part_header(self.sequence, Some(styp), before, runs.get(..used)?).ok()
    }

    /// The wall clock at the first sample of the open part.
    fn reference_time(&self, moment: &Moment) -> Bytes {
        let first = self.part.main.samples.first();
        let offset = first.map_or(0, |sample| i64::from(sample.composition));
        let media_time = (self.part.main.base + offset).max(0);
        let since_ns = to_ns(media_time, self.timescale) - moment.epoch.out_ns;
        let wall_ns = moment.epoch.wall_ms.saturating_mul(1_000_000);
        let wall_ns = wall_ns.saturating_add_signed(since_ns);
        prft(MAIN_TRACK, wall_ns, media_time.unsigned_abs())
    }
}
