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
use crate::gather::init_of;
use crate::packing::Ending;
use crate::presentation::{Phase, Presentation};
use crate::timeline::{Epoch, to_ns};
use crate::track::Track;

/// Decode time of the first sample ever: composition offsets below zero still give a presentation time above it.
const ORIGIN_NS: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// A sample of the leading track that waits for the followers.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) sample: Sample,
    pub(crate) sync: bool,
    /// A segment may end before it: the followers' samples of that time have to be there.
    pub(crate) barrier: bool,
}

impl Presentation {
    /// Takes a sample of a known track once the renditions are fixed.
    pub(crate) fn live_sample(
        &mut self,
        now_ns: u64,
        index: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        match self.tracks.get(index) {
            Some(track) if index == 0 => self.lead(now_ns, track.is_sound(), sample),
            Some(track) if track.is_sound() => self.sound(index, sample),
            Some(_) => self.follower(now_ns, index, sample),
            None => Ok(()),
        }
    }

    /// Takes a sample of the leading track, which decides where parts and segments end.
    fn lead(&mut self, now_ns: u64, is_sound: bool, sample: Sample) -> Result<(), Error> {
        self.fits(&sample)?;
        let sync = sample.sync || is_sound;
        if self.phase == Phase::Live {
            let jump_ns = self.jump_ns(sample.dts_ns);
            let reconfigured = sync && self.tracks.iter().any(|track| track.next_config.is_some());
            // What was refused left a hole, which no frame may be stretched over.
            let broken = self.config.independent_segments && sync && self.lags(sample.dts_ns);
            let reconfigured = reconfigured || broken;
            if jump_ns.is_none() && !reconfigured {
                self.keeps_promise(sync, &sample)?;
            }
            if let (Some(by_ns), Some(track)) = (jump_ns, self.tracks.first()) {
                let (track, by_ms) = (track.id, by_ns / NS_PER_MS);
                self.warn(Warning::Jump { track, by_ms });
            }
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
        let begins = self.phase == Phase::Waiting;
        if begins {
            self.begin_epoch(now_ns, sample.dts_ns);
        }
        self.held_bytes = self.held_bytes.saturating_add(sample.data.len());
        self.held.push_back(Held {
            sample,
            barrier: sync && !begins,
            sync,
        });
        self.settle(now_ns);
        Ok(())
    }

    /// Whether the timeline is more than a part behind a sample of the leading track.
    fn lags(&self, dts_ns: i64) -> bool {
        let (Some(track), Some(rendition)) = (self.tracks.first(), self.renditions.first()) else {
            return false;
        };
        let due = self.epoch.ticks(dts_ns, rendition.timescale);
        self.held.is_empty() && due - track.timeline.next() > rendition.cutter.cap
    }

    /// Where a key frame is promised for every segment, one that would have to begin without is an error, and the
    /// segment does not end (MV-3).
    fn keeps_promise(&self, sync: bool, sample: &Sample) -> Result<(), Error> {
        let Some(track) = self.tracks.first().filter(|track| !track.is_sound()) else {
            return Ok(());
        };
        let broken = self.config.independent_segments
            && !sync
            && self.ending(sync, sample.dts_ns) != Ending::Open;
        if !broken {
            return Ok(());
        }
        let (since_ms, target_s) = self.gop(sample.dts_ns);
        Err(Error::KeyFrameLate {
            track: track.id,
            since_ms,
            target_s,
        })
    }

    /// Places what the leading track holds back, as far as the followers have come.
    pub(crate) fn settle(&mut self, now_ns: u64) {
        loop {
            if self.closing {
                if !self.followers_reached(self.lead_end_ns(), false) {
                    return;
                }
                self.closing = false;
                self.end_part(now_ns, 0);
            }
            let Some(next) = self.held.front() else {
                return;
            };
            if next.barrier {
                let scale = self
                    .tracks
                    .first()
                    .map_or(1, |lead| lead.config.timescale());
                let due = self.epoch.ticks(next.sample.dts_ns, scale);
                if !self.followers_reached(to_ns(due, scale), true) {
                    return;
                }
            }
            self.place_held(now_ns);
        }
    }

    /// Places the oldest sample that is held back.
    fn place_held(&mut self, now_ns: u64) {
        let Some(Held { sample, sync, .. }) = self.held.pop_front() else {
            return;
        };
        self.held_bytes = self.held_bytes.saturating_sub(sample.data.len());
        if let Some(track) = self.tracks.first_mut() {
            track.meter.see(sample.dts_ns, sample.data.len(), sync);
        }
        self.closing = self.pack(now_ns, 0, sync, sample);
    }

    /// By how much the leading track's clock has left the timeline, if that is more than the limits allow.
    ///
    /// It also leaves it little by little: frames that last longer than a part, which none may.
    fn jump_ns(&self, dts_ns: i64) -> Option<i64> {
        let track = self.tracks.first()?;
        let limits = &self.config.limits;
        let ns = |duration: core::time::Duration| i64::try_from(duration.as_nanos());
        let held = self.held.back().map(|held| held.sample.dts_ns);
        let step_ns = held
            .or(track.meter.last_dts_ns)
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
        let bytes = held
            .saturating_add(self.held_bytes)
            .saturating_add(sample.data.len());
        let samples = samples.saturating_add(self.held.len());
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
        let Some(track) = self.tracks.get_mut(index) else {
            return Ok(());
        };
        let newest = track.newest_config();
        if newest.codec() == codec && *newest.record() == record {
            return Ok(());
        }
        let config = TrackConfig::parse(codec, record, &self.config.limits)?;
        if newest.goes_on_as(&config) {
            return Ok(());
        }
        if self.phase != Phase::Gathering && !config.is_complete() {
            track.unsettled = Some(config);
            return Ok(());
        }
        self.replace_config(now_ns, index, config)
    }

    /// Takes what a sample says of its track itself, where the record leaves it open. Returns whether the track is
    /// known well enough for the sample to be shown.
    pub(crate) fn settle_config(
        &mut self,
        now_ns: u64,
        index: usize,
        sample: &Sample,
    ) -> Result<bool, Error> {
        let Some(track) = self.tracks.get(index) else {
            return Ok(false);
        };
        let newest = track.newest_config();
        let complete = newest.is_complete();
        let told = if sample.sync || track.is_sound() {
            newest.with_sample(&sample.data)
        } else {
            Ok(None)
        };
        match told {
            Ok(Some(config)) if config.is_complete() => {
                self.replace_config(now_ns, index, config).map(|()| true)
            }
            // What cannot be read of a sample that was not needed for it is the decoder's concern.
            Ok(_) => Ok(complete),
            Err(_) if complete => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn replace_config(
        &mut self,
        now_ns: u64,
        index: usize,
        config: TrackConfig,
    ) -> Result<(), Error> {
        let muxed = self.muxed;
        let Some(track) = self.tracks.get_mut(index) else {
            return Ok(());
        };
        if self.phase == Phase::Gathering {
            *track = Track::new(track.id, config);
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
            track.unsettled = None;
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
        while !self.held.is_empty() {
            self.settle_late(now_ns);
        }
        self.closing = false;
        self.close_lead_part(now_ns);
        if self
            .renditions
            .first()
            .is_some_and(|lead| lead.open.is_some())
        {
            self.follow(now_ns, true);
            self.fill_sounds(now_ns);
        }
        self.close_segments(now_ns);
        if let Some(msn) = self.renditions.first().map(|lead| lead.next_msn) {
            for index in 1..self.tracks.len() {
                self.catch_up(now_ns, index, msn);
            }
        }
        // Little was listed yet, but no more will come for a while.
        self.playable |= self
            .renditions
            .iter()
            .all(|rendition| rendition.media_units() > 0);
    }

    /// Places the oldest sample that is held back without waiting for the followers.
    fn settle_late(&mut self, now_ns: u64) {
        if core::mem::take(&mut self.closing) {
            self.end_part(now_ns, 0);
        }
        self.place_held(now_ns);
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
        // Whole milliseconds convert to every timescale without falling before the end. At least one lies between, so
        // that whoever stores parts can tell by their times where the discontinuity is.
        let out_ns = if first {
            ORIGIN_NS
        } else {
            ((end_ns + 2 * NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS).max(ORIGIN_NS)
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
        let (epoch, step_ns) = (self.epoch, self.step_ns());
        let mut early = Vec::new();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            // Codecs and resolution stand in the multivariant playlist.
            let new = track.adopt_config();
            self.changed.tracks |= new;
            let kept = core::mem::take(&mut track.early);
            track.restart();
            if !kept.is_empty() && !new && !first {
                early.push((index, kept));
            }
            track.fresh = !first && (index == 0 || !track.is_sound());
            let half_ns = to_ns(track.timeline.pace.frame(), track.config.timescale()) / 2;
            let dropped = track.following.begin_epoch(&epoch, half_ns, step_ns, new);
            self.counts.dropped = self.counts.dropped.saturating_add(dropped);
        }
        let muxed = self.muxed;
        for (index, rendition) in self.renditions.iter_mut().enumerate() {
            rendition.restart(&moment, &mut self.outputs);
            rendition.end_ns = out_ns;
            let track = self.tracks.get(if muxed { 0 } else { index });
            if let (Some(track), Some(targets)) = (track, targets) {
                rendition.timescale = track.config.timescale();
                rendition.cutter = Cutter::new(&targets, rendition.timescale);
            }
        }
        for (index, kept) in early {
            self.begin_sound(index, kept);
        }
        self.reported_gop = false;
        self.phase = Phase::Live;
    }
}
