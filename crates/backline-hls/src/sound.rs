//! Sound beside the picture: it waits for the picture's part, is cut with it, and is filled in where it is missing.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use std::collections::VecDeque;

use bytes::Bytes;

use crate::Error;
use crate::cutter::Cutter;
use crate::event::{Sample, Warning};
use crate::follow::SHORTEST_NS;
use crate::presentation::{Phase, Presentation};
use crate::timeline::{ticks, to_ns};
use crate::track::Track;

const NS_PER_MS: i64 = 1_000_000;
/// Sound that is kept before a picture begins: of this much, a frame reaches the picture's beginning.
const EARLY_FRAMES: usize = 8;

impl Presentation {
    /// Takes sound that goes beside a picture; it waits for the picture's part.
    pub(crate) fn sound(&mut self, index: usize, sample: Sample) -> Result<(), Error> {
        let (Some(targets), Some(lead)) = (self.targets, self.tracks.first()) else {
            return Ok(());
        };
        let lead_ns = self.seen_ns(lead);
        let step_ns = i64::try_from(self.config.limits.step_forward.as_nanos()).unwrap_or(i64::MAX);
        let Some(track) = self.tracks.get_mut(index) else {
            return Ok(());
        };
        let (id, limits) = (track.id, &self.config.limits);
        let (count, bytes) = (
            track.waiting.len(),
            track.waiting_bytes.saturating_add(sample.data.len()),
        );
        if self.phase != Phase::Live || track.next_config.is_some() {
            self.sound_before(index, sample);
            return Ok(());
        }
        let timescale = track.config.timescale();
        let due = self.epoch.ticks(sample.dts_ns, timescale);
        let ahead_ns = to_ns(due, timescale) - lead_ns;
        if ahead_ns.abs() > step_ns {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            if !core::mem::replace(&mut track.stepped, true) {
                let step = track
                    .meter
                    .last_dts_ns
                    .map(|last| sample.dts_ns.saturating_sub(last));
                // Sound that came evenly so far has not jumped: the picture stays behind.
                let even = step.is_some_and(|step| step.saturating_abs() <= step_ns);
                let by_ms = ahead_ns / NS_PER_MS;
                self.warn(match u64::try_from(by_ms) {
                    Ok(behind_ms) if even => Warning::VideoMissing { behind_ms },
                    _ => Warning::Jump { track: id, by_ms },
                });
            }
            return Ok(());
        }
        if ahead_ns.abs() < step_ns / 2 {
            track.stepped = false;
        }
        if count >= limits.part_samples {
            let (value, limit) = (count.saturating_add(1), limits.part_samples);
            return Err(Error::PartTooLarge {
                track: id,
                what: "samples",
                value,
                limit,
            });
        }
        if bytes > limits.part_bytes {
            return Err(Error::PartTooLarge {
                track: id,
                what: "bytes",
                value: bytes,
                limit: limits.part_bytes,
            });
        }
        track.meter.see(sample.dts_ns, sample.data.len(), false);
        let origin = ticks(i128::from(self.epoch.out_ns), timescale);
        let early = due + track.timeline.pace.frame() / 2 < origin;
        let longest = Cutter::new(&targets, timescale).cap;
        if early || !track.wait(due, sample.data, longest) {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
        } else {
            track.missed = false;
        }
        Ok(())
    }

    /// Takes sound of a publisher whose picture has not begun.
    fn sound_before(&mut self, index: usize, sample: Sample) {
        let keeps = self.muxed && self.phase == Phase::Waiting && self.playing.is_none();
        let bytes_max = self.config.limits.part_bytes;
        let dropped = match self.tracks.get_mut(index) {
            Some(track) if keeps => track.keep_early(sample, bytes_max),
            _ => 1,
        };
        self.counts.dropped = self.counts.dropped.saturating_add(dropped);
    }

    /// Begins the sound of an epoch with the frame that is heard as its picture begins, in a rendition of both.
    ///
    /// Browsers that find a hole in the sound behind a key frame wait for the next key frame, with the picture too: the
    /// sound begins no later than the picture (`early` is what came before it).
    pub(crate) fn begin_sound(&mut self, index: usize, early: VecDeque<(i64, Bytes)>) {
        let epoch = self.epoch;
        let (Some(targets), Some(track)) = (self.targets, self.tracks.get_mut(index)) else {
            return;
        };
        let timescale = track.config.timescale();
        let longest = Cutter::new(&targets, timescale).cap;
        let origin = ticks(i128::from(epoch.out_ns), timescale);
        let frame = track.timeline.pace.frame();
        for (dts_ns, data) in early {
            let due = epoch.ticks(dts_ns, timescale);
            let heard = due + frame > origin && due <= origin + longest;
            if !heard || !track.wait(due, data, longest) {
                self.counts.dropped = self.counts.dropped.saturating_add(1);
            }
        }
    }

    /// Cuts the sound that goes with the picture so far.
    pub(crate) fn sound_parts(&mut self, now_ns: u64, flush: bool) {
        if self.muxed {
            return;
        }
        let moment = self.moment(now_ns);
        let until_ns = self.lead_end_ns();
        for index in 1..self.tracks.len() {
            self.fill_sound_hole(index, until_ns);
            let (Some(track), Some(rendition)) =
                (self.tracks.get_mut(index), self.renditions.get_mut(index))
            else {
                continue;
            };
            if !track.is_sound() {
                continue;
            }
            let until = ticks(i128::from(until_ns), rendition.timescale);
            rendition.take_sound(&moment, track, until, flush, &mut self.outputs);
            if flush && rendition.open.is_none() {
                // A segment cannot be empty: the picture's segment ends, so the sound's has to exist.
                track
                    .timeline
                    .begin(ticks(i128::from(self.epoch.out_ns), rendition.timescale));
                track.conceal(until, rendition.cutter.cap);
                rendition.take_sound(&moment, track, until, flush, &mut self.outputs);
            }
            if flush && rendition.open.is_none() {
                // Nothing is known to fill it with, or what there is lies behind its end.
                rendition.gap_until(&moment, until_ns);
                let end = ticks(i128::from(rendition.end_ns), rendition.timescale);
                track.timeline.skip_to(end);
            }
        }
    }

    /// Fills all sound up to where the picture ends: nothing that comes later can be shown.
    pub(crate) fn fill_sounds(&mut self, now_ns: u64) {
        if self.muxed {
            return;
        }
        let moment = self.moment(now_ns);
        let until_ns = self.lead_end_ns();
        let rows = self.tracks.iter_mut().zip(&mut self.renditions);
        for (track, rendition) in rows.skip(1).filter(|(track, _)| track.is_sound()) {
            let timescale = rendition.timescale;
            let until = ticks(i128::from(until_ns), timescale);
            let origin = ticks(i128::from(self.epoch.out_ns), timescale);
            track.timeline.begin(origin);
            let frame = track.timeline.pace.frame();
            if until - track.timeline.next() > frame {
                track.conceal(until, rendition.cutter.cap);
            }
            rendition.take_sound(&moment, track, until, true, &mut self.outputs);
            let end = ticks(i128::from(rendition.end_ns), timescale);
            if until_ns - to_ns(end, timescale) > SHORTEST_NS {
                // Nothing is known to fill it with.
                rendition.gap_until(&moment, until_ns);
                track.timeline.skip_to(until);
            }
        }
    }

    /// Fills sound that is too far behind the picture, so that the viewers' buffers do not run dry.
    pub(crate) fn fill_sound_hole(&mut self, index: usize, until_ns: i64) {
        let Some(targets) = self.targets else { return };
        let patience_ns = i64::try_from(self.config.audio_patience.as_nanos()).unwrap_or(i64::MAX);
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        if !track.is_sound() {
            return;
        }
        let timescale = track.config.timescale();
        let behind_ns = until_ns - to_ns(track.timeline.next(), timescale).max(self.epoch.out_ns);
        if behind_ns <= patience_ns {
            return;
        }
        let until = ticks(i128::from(until_ns - patience_ns), timescale);
        track
            .timeline
            .begin(ticks(i128::from(self.epoch.out_ns), timescale));
        track.conceal(until, Cutter::new(&targets, timescale).cap);
        let id = track.id;
        if !core::mem::replace(&mut track.missed, true) {
            let behind_ms = u64::try_from(behind_ns / NS_PER_MS).unwrap_or(0);
            self.warn(Warning::AudioMissing {
                track: id,
                behind_ms,
            });
        }
    }

    /// Where the picture is: its timeline may lag behind frames that last longer than a part.
    fn seen_ns(&self, lead: &Track) -> i64 {
        let scale = lead.config.timescale();
        let seen = lead
            .meter
            .last_dts_ns
            .map_or(0, |dts_ns| self.epoch.ticks(dts_ns, scale));
        to_ns(lead.timeline.next().max(seen), scale)
    }
}

impl Track {
    /// Keeps the newest sound of a publisher whose picture has not begun. Returns how many frames were left out.
    fn keep_early(&mut self, sample: Sample, bytes_max: usize) -> u64 {
        self.early.push_back((sample.dts_ns, sample.data));
        let mut bytes: usize = self.early.iter().map(|(_, data)| data.len()).sum();
        let mut dropped = 0;
        while self.early.len() > EARLY_FRAMES || bytes > bytes_max {
            let Some((_, data)) = self.early.pop_front() else {
                break;
            };
            bytes -= data.len();
            dropped += 1;
        }
        dropped
    }
}
