//! Live media: samples onto the timeline, parts and segments out of it, all renditions in one step.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use bytes::Bytes;

use crate::Error;
use crate::codec::{Codec, TrackConfig};
use crate::cutter::Cutter;
use crate::event::{Sample, Warning};
use crate::fmp4::FragmentSample;
use crate::gather::init_of;
use crate::presentation::{Phase, Presentation};
use crate::timeline::{Epoch, Last, Place, ticks, to_ns};
use crate::track::Track;

/// Decode time of the first sample ever: composition offsets below zero still give a presentation time above it.
const ORIGIN_NS: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;

impl Presentation {
    /// Takes a sample of a known track once the renditions are fixed.
    pub(crate) fn live_sample(
        &mut self,
        now_ns: u64,
        index: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        if index > 0 {
            return self.sound(index, sample);
        }
        self.fits(&sample)?;
        let Some(track) = self.tracks.first() else {
            return Ok(());
        };
        let sync = sample.sync || track.is_sound();
        if self.phase == Phase::Live {
            let jump_ns = self.jump_ns(sample.dts_ns);
            if let Some(by_ns) = jump_ns {
                let (track, by_ms) = (track.id, by_ns / NS_PER_MS);
                self.warn(Warning::Jump { track, by_ms });
            }
            let reconfigured = sync && self.tracks.iter().any(|track| track.next_config.is_some());
            if jump_ns.is_some() || reconfigured {
                self.flush(now_ns);
                self.phase = Phase::Waiting;
                self.tracks.iter_mut().for_each(|track| track.restart());
            }
        }
        let unready = self
            .tracks
            .first()
            .is_some_and(|track| track.next_config.is_some());
        if !sync && (unready || self.phase == Phase::Waiting) {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return Ok(());
        }
        if self.phase == Phase::Waiting {
            self.begin_epoch(now_ns, sample.dts_ns);
        }
        if let Some(track) = self.tracks.first_mut() {
            track.meter.see(sample.dts_ns, sample.data.len(), sync);
        }
        self.lead(now_ns, sync, sample);
        Ok(())
    }

    /// By how much the leading track's clock has left the timeline, if that is more than the limits allow.
    ///
    /// It also leaves it little by little: frames that last longer than a part, which none may.
    fn jump_ns(&self, dts_ns: i64) -> Option<i64> {
        let track = self.tracks.first()?;
        let limits = &self.config.limits;
        let ns = |duration: core::time::Duration| i64::try_from(duration.as_nanos());
        let step_ns = track
            .meter
            .last_dts_ns
            .map_or(0, |last| dts_ns.saturating_sub(last));
        let timescale = track.config.timescale();
        let behind = self.epoch.ticks(dts_ns, timescale) - track.timeline.next();
        let ahead_ns = step_ns.max(to_ns(behind, timescale));
        if ahead_ns > ns(limits.step_forward).unwrap_or(i64::MAX) {
            return Some(ahead_ns);
        }
        (step_ns < -ns(limits.step_back).unwrap_or(i64::MAX)).then_some(step_ns)
    }

    /// Whether a sample of the leading track fits into the open part under its caps.
    fn fits(&self, sample: &Sample) -> Result<(), Error> {
        let (Some(track), Some(rendition)) = (self.tracks.first(), self.renditions.first()) else {
            return Ok(());
        };
        let limits = &self.config.limits;
        // A sample from beyond the open part ends it, so what a flood has filled is not full for ever.
        let due = self.epoch.ticks(sample.dts_ns, rendition.timescale);
        let part = &rendition.part;
        let (held, samples) = if due - part.main.base >= rendition.cutter.cap {
            (0, 0)
        } else {
            (part.bytes, part.main.samples.len())
        };
        let bytes = held.saturating_add(sample.data.len());
        let (what, value, limit) = if bytes > limits.part_bytes {
            ("bytes", bytes, limits.part_bytes)
        } else if samples >= limits.part_samples {
            ("samples", samples.saturating_add(1), limits.part_samples)
        } else {
            return Ok(());
        };
        Err(Error::PartTooLarge {
            track: track.id,
            what,
            value,
            limit,
        })
    }

    /// A track's record came again. Unless it is the same, the next sync sample begins a discontinuity with it.
    pub(crate) fn reconfigure(
        &mut self,
        now_ns: u64,
        index: usize,
        codec: Codec,
        record: Bytes,
    ) -> Result<(), Error> {
        let muxed = self.muxed;
        let Some(track) = self.tracks.get(index) else {
            return Ok(());
        };
        let newest = track.next_config.as_ref().unwrap_or(&track.config);
        if newest.codec() == codec && *newest.record() == record {
            return Ok(());
        }
        let config = TrackConfig::parse(codec, record, &self.config.limits)?;
        if self.phase == Phase::Gathering {
            if let Some(track) = self.tracks.get_mut(index) {
                *track = Track::new(track.id, config);
            }
            return Ok(());
        }
        let which = if muxed { 0 } else { index };
        let Some(rendition) = self.renditions.get(which) else {
            return Ok(());
        };
        let (alive, limit) = (rendition.inits_alive(), self.config.limits.init_generations);
        if alive >= limit {
            return Err(Error::ConfigFlapping {
                track: track.id,
                alive,
                limit,
            });
        }
        let mut tracks = self.tracks.clone();
        if let Some(track) = tracks.get_mut(index) {
            track.next_config = Some(config);
        }
        let body = init_of(&tracks, which, muxed)?;
        self.tracks = tracks;
        let moment = self.moment(now_ns);
        if let Some(rendition) = self.renditions.get_mut(which) {
            rendition.announce_init(&moment, body, &mut self.outputs);
        }
        // The hint for it (PL-8).
        self.changed.listed = true;
        Ok(())
    }

    /// Ends what is open in all renditions. The next sample begins a discontinuity.
    pub(crate) fn flush(&mut self, now_ns: u64) {
        self.close_lead_part(now_ns);
        self.close_segments(now_ns);
        // Little was listed yet, but no more will come for a while.
        self.playable |= self
            .renditions
            .iter()
            .all(|rendition| rendition.media_units() > 0);
    }

    pub(crate) fn begin_epoch(&mut self, now_ns: u64, dts_ns: i64) {
        self.end_absence(now_ns);
        let ends = self
            .tracks
            .iter()
            .map(|track| to_ns(track.timeline.next(), track.config.timescale()));
        let end_ns = ends.max().unwrap_or(0);
        let first = self
            .renditions
            .iter()
            .all(|rendition| rendition.listed_units() == 0);
        let (wall, start_ns) = self.start;
        let wall_ms = wall
            .0
            .saturating_add(now_ns.saturating_sub(start_ns) / NS_PER_MS.unsigned_abs());
        // Whole milliseconds convert to every timescale without falling before the end.
        let out_ns = if first {
            ORIGIN_NS
        } else {
            ((end_ns + NS_PER_MS) / NS_PER_MS * NS_PER_MS).max(ORIGIN_NS)
        };
        let before_ms = if first {
            0
        } else {
            self.epoch.date_ms(out_ns / NS_PER_MS, 1_000)
        };
        // A publisher that sent faster than time passes must not make dates ambiguous (SEG-8).
        self.epoch = Epoch {
            in_ns: dts_ns,
            out_ns,
            wall_ms: wall_ms.max(before_ms),
        };
        if !first {
            self.counts.discontinuities = self.counts.discontinuities.saturating_add(1);
        }
        let targets = self.targets;
        let moment = self.moment(now_ns);
        for track in &mut self.tracks {
            // Codecs and resolution stand in the multivariant playlist.
            self.changed.tracks |= track.adopt_config();
            track.restart();
        }
        let muxed = self.muxed;
        for (index, rendition) in self.renditions.iter_mut().enumerate() {
            rendition.restart(&moment, &mut self.outputs);
            let track = self.tracks.get(if muxed { 0 } else { index });
            if let (Some(track), Some(targets)) = (track, targets) {
                rendition.timescale = track.config.timescale();
                rendition.cutter = Cutter::new(&targets, rendition.timescale);
            }
        }
        self.fresh = !first;
        self.reported_gop = false;
        self.phase = Phase::Live;
    }

    /// Places a sample of the leading track, which decides where parts and segments end.
    fn lead(&mut self, now_ns: u64, sync: bool, sample: Sample) {
        let (Some(track), Some(rendition)) = (self.tracks.first_mut(), self.renditions.first_mut())
        else {
            return;
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
            return;
        };
        rendition.part.grow(place.grow);
        let frame = track.timeline.pace.frame();
        if self.segment_ends(sync, sample.dts_ns) {
            self.close_lead_part(now_ns);
            self.close_segments(now_ns);
        } else {
            self.make_room(now_ns, frame, &mut place);
        }
        let fresh = core::mem::take(&mut self.fresh);
        let full = self.push_lead(now_ns, sync, sample, place, fresh);
        if full {
            self.close_lead_part(now_ns);
            self.sound_parts(now_ns, false);
        }
    }

    /// Ends the open part where the sample before had to be stretched so far that nothing more fits in.
    fn make_room(&mut self, now_ns: u64, frame: i64, place: &mut Place) {
        let (Some(track), Some(rendition)) = (self.tracks.first_mut(), self.renditions.first_mut())
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
        self.close_lead_part(now_ns);
        self.sound_parts(now_ns, false);
    }

    /// Appends the sample. Returns whether the part ends with it.
    fn push_lead(
        &mut self,
        now_ns: u64,
        sync: bool,
        sample: Sample,
        place: Place,
        alone: bool,
    ) -> bool {
        let moment = self.moment(now_ns);
        let (Some(track), Some(rendition)) = (self.tracks.first_mut(), self.renditions.first_mut())
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
        let start = track.timeline.next();
        rendition.push(&moment, start, row, sample.data);
        track.timeline.extend(fit.duration);
        // The first picture after a return goes out at once; a part that starts with a sync sample may be short.
        fit.close || alone
    }

    /// Whether the open segment ends before a sample (SEG-1, SEG-4). Warns of a group of pictures that is too long.
    fn segment_ends(&mut self, sync: bool, dts_ns: i64) -> bool {
        let (Some(track), Some(rendition), Some(targets)) =
            (self.tracks.first(), self.renditions.first(), self.targets)
        else {
            return false;
        };
        let Some(open) = rendition.open.as_ref() else {
            return false;
        };
        if open.parts >= u64::try_from(self.config.limits.segment_parts).unwrap_or(u64::MAX) {
            return true;
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
        if sync {
            let next_is_too_late =
                gop.is_some_and(|gop| fill + gop > most) && !track.is_sound() && fill * 2 >= target;
            return fill >= target - frame / 2 || next_is_too_late;
        }
        if fill < td - frame / 2 {
            return false;
        }
        let since_key_ns = track.meter.last_key_ns.map_or(0, |key| dts_ns - key);
        let until_key = gop.map(|gop| gop - ticks(i128::from(since_key_ns), timescale));
        if until_key.is_some_and(|until| until > 0 && fill + until <= most) {
            return fill >= most;
        }
        if !core::mem::replace(&mut self.reported_gop, true) {
            let gop_ms = u64::try_from(since_key_ns / NS_PER_MS).unwrap_or(0);
            self.warn(Warning::LongGop {
                gop_ms,
                target_s: targets.target_s,
            });
        }
        true
    }
}
