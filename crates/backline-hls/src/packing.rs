//! Samples into parts, for the leading track and for pictures that follow it.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use crate::event::{Sample, Warning};
use crate::fmp4::FragmentSample;
use crate::presentation::Presentation;
use crate::timeline::{Last, Place, ticks};

const NS_PER_MS: i64 = 1_000_000;

/// How the open segment stands to the next sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// It ends before the sample.
    Cut,
    /// It has to end before the sample, though no decoding can start there.
    Forced,
    /// The sample goes into it.
    Open,
}

impl Presentation {
    /// Places a sample of a track with a rendition of its own into the open part, and ends before it what has to end.
    /// Returns whether the part is full.
    pub(crate) fn pack(&mut self, now_ns: u64, index: usize, sync: bool, sample: Sample) -> bool {
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get_mut(index))
        else {
            return false;
        };
        let timescale = rendition.timescale;
        let due = self.epoch.ticks(sample.dts_ns, timescale);
        let left = self
            .targets
            .map_or(0, |targets| targets.segment_most(timescale))
            - rendition.segment_fill();
        let cutter = rendition.cutter;
        let last = rendition.part.last_duration().map(|duration| Last {
            duration,
            room: (cutter.cap - rendition.part.main.fill).min(left),
        });
        let Some(mut place) = track.timeline.place(due, last) else {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return false;
        };
        rendition.part.grow(place.grow);
        let frame = track.timeline.pace.frame();
        if self.cut_before(index, sync, &sample) {
            self.end_segment(now_ns, index, due, !sync);
        } else {
            self.make_room(now_ns, index, frame, &mut place);
        }
        self.push(now_ns, index, sync, sample, place)
    }

    /// Whether the segment ends before the sample; warns where that is not as it should be.
    fn cut_before(&mut self, index: usize, sync: bool, sample: &Sample) -> bool {
        if index > 0 {
            return self.follower_ends(index, sync, sample);
        }
        let ending = self.ending(sync, sample.dts_ns);
        if ending == Ending::Forced && !core::mem::replace(&mut self.reported_gop, true) {
            let (gop_ms, target_s) = self.gop(sample.dts_ns);
            self.warn(Warning::LongGop { gop_ms, target_s });
        }
        ending != Ending::Open
    }

    /// Ends the open part where the sample before had to be stretched so far that nothing more fits in.
    fn make_room(&mut self, now_ns: u64, index: usize, frame: i64, place: &mut Place) {
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get_mut(index))
        else {
            return;
        };
        let fill = rendition.part.main.fill;
        if rendition.part.is_empty() || (rendition.cutter.cap - fill) * 2 >= frame {
            return;
        }
        let stretch = rendition.cutter.stretch(fill);
        rendition.part.grow(stretch);
        track.timeline.extend(stretch);
        place.late -= stretch;
        place.want -= stretch;
        self.end_part(now_ns, index);
    }

    /// Appends the sample. Returns whether the part ends with it.
    fn push(
        &mut self,
        now_ns: u64,
        index: usize,
        sync: bool,
        sample: Sample,
        place: Place,
    ) -> bool {
        let moment = self.moment(now_ns);
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get_mut(index))
        else {
            return false;
        };
        let pace = &track.timeline.pace;
        // The segment must not become longer than playlists may say either (SEG-1).
        let left = moment.targets.segment_most(rendition.timescale) - rendition.segment_fill();
        let mut fit = rendition.cutter.fit(
            rendition.part.main.fill,
            place.want.min(left.max(1)),
            pace.frame(),
        );
        if fit.duration > left {
            // It ends with the next sample, and this part with it.
            fit.duration = left.max(1);
            fit.close = false;
        }
        let offset = ticks(i128::from(sample.composition_ns), rendition.timescale);
        let composition = match (track.is_sound(), place.on_grid) {
            (true, _) => 0,
            (false, true) => pace.on_grid(offset),
            (false, false) => offset + place.late,
        };
        let row = FragmentSample {
            duration: u32::try_from(fit.duration).unwrap_or(u32::MAX),
            size: u32::try_from(sample.data.len()).unwrap_or(u32::MAX),
            composition: i32::try_from(composition).unwrap_or(0),
            sync,
        };
        let unfit = pace.steady() && !track.is_sound() && !rendition.cutter.fits(pace.frame());
        let milli_fps = pace.milli_fps();
        let start = track.timeline.next();
        rendition.push(&moment, start, row, sample.data);
        track.timeline.extend(fit.duration);
        // The first picture after a return goes out at once; a part that starts with a sync sample may be short.
        let alone = core::mem::take(&mut track.fresh);
        if unfit && !core::mem::replace(&mut track.unfit, true) {
            let track = track.id;
            self.warn(Warning::RateUnfit { track, milli_fps });
        }
        fit.close || alone
    }

    /// How the leading track's segment stands to a sample (SEG-1, SEG-4).
    pub(crate) fn ending(&self, sync: bool, dts_ns: i64) -> Ending {
        let (Some(track), Some(rendition), Some(targets)) =
            (self.tracks.first(), self.renditions.first(), self.targets)
        else {
            return Ending::Open;
        };
        let Some(open) = rendition.open.as_ref() else {
            return Ending::Open;
        };
        if open.parts >= u64::try_from(self.config.limits.segment_parts).unwrap_or(u64::MAX) {
            return Ending::Cut;
        }
        let timescale = rendition.timescale;
        let frame = track.timeline.pace.frame();
        let fill = rendition.segment_fill();
        let target = ticks(
            i128::try_from(self.config.segment_target.as_nanos()).unwrap_or(0),
            timescale,
        );
        let td = i64::try_from(targets.target_s).unwrap_or(1) * i64::from(timescale);
        // Beyond this the duration would round to more than the Target Duration.
        let most = targets.segment_most(timescale) - frame;
        let gop = track
            .meter
            .key_interval_ns
            .map(|ns| ticks(i128::from(ns), timescale));
        let cut_if = |cut: bool, how: Ending| if cut { how } else { Ending::Open };
        if sync {
            let next_is_too_late =
                gop.is_some_and(|gop| fill + gop > most) && !track.is_sound() && fill * 2 >= target;
            return cut_if(fill >= target - frame / 2 || next_is_too_late, Ending::Cut);
        }
        if fill < td - frame / 2 {
            return Ending::Open;
        }
        let since_key_ns = track.meter.last_key_ns.map_or(0, |key| dts_ns - key);
        let until_key = gop.map(|gop| gop - ticks(i128::from(since_key_ns), timescale));
        if until_key.is_some_and(|until| until > 0 && fill + until <= most) {
            return cut_if(fill >= most, Ending::Cut);
        }
        Ending::Forced
    }

    /// Milliseconds since the leading track's last key frame, and the Target Duration in seconds.
    pub(crate) fn gop(&self, dts_ns: i64) -> (u64, u64) {
        let key_ns = self
            .tracks
            .first()
            .and_then(|track| track.meter.last_key_ns);
        let since_ms = key_ns.map_or(0, |key| dts_ns.saturating_sub(key) / NS_PER_MS);
        let target_s = self.targets.map_or(1, |targets| targets.target_s);
        (u64::try_from(since_ms).unwrap_or(0), target_s)
    }
}
