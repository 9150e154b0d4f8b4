//! What plays while the publisher is away, where the policy is [`Absence::Slate`](crate::Absence::Slate).
//!
//! `absence` calls these: `slate_begin` once at the deadline, after everything open was closed; `slate_due_ns` for the
//! time of the next call of `slate_play`; `slate_end` when the publisher's first picture is there, or at the end of the
//! show, after which nothing of the slate is open. What they list is set in `changed`; the caller makes it known. The
//! phase stays Waiting or Stopped, so that the publisher's next sync sample begins a discontinuity.
//!
//! A slate is a publisher of its own: its samples take the same way as those from outside, each when it is due on the
//! caller's clock. Its clock begins where the publisher was last heard, so that the time that passed until the absence
//! was certain is made up for, and viewers are no further behind than before.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "nanoseconds since construction, and a slate's times, which are at most days"
)]

use std::sync::Arc;

use crate::codec::{TrackConfig, TrackKind};
use crate::cutter::Cutter;
use crate::event::{Sample, Warning};
use crate::gather::init_of;
use crate::pace::Pace;
use crate::presentation::{Phase, Presentation};
use crate::rendition::Rendition;
use crate::silence::silence;
use crate::timeline::{ticks, to_ns};
use crate::track::Track;
use crate::{Slate, SlateTrack};

/// Target Durations that are made up for at most, so that parts that come at once are all listed: a caller that was not
/// awake for longer begins anew where it is.
const LATE_MAX: u64 = 2;

/// A slate on its way.
#[derive(Clone, Debug)]
pub(crate) struct Playing {
    slate: Arc<Slate>,
    /// Own clock at the first loop's beginning.
    origin_ns: u64,
    /// For each track of the presentation where it is in the slate.
    tracks: Vec<Option<Place>>,
    /// What each track was before.
    before: Vec<(TrackConfig, Pace)>,
}

/// The next sample of a track.
#[derive(Clone, Copy, Debug)]
struct Place {
    kind: TrackKind,
    round: i64,
    index: usize,
}

impl Playing {
    /// Decode time of a track's next sample, from the first loop's beginning.
    fn due_ns(&self, place: Place) -> Option<i64> {
        let sample = self.slate.track(place.kind)?.samples().get(place.index)?;
        let begin_ns = begin_ns(&self.slate);
        let length_ns = i64::try_from(self.slate.length().as_nanos()).ok()?;
        Some(place.round * length_ns + sample.dts_ns - begin_ns)
    }

    /// The track whose sample is due next, and when.
    fn next(&self) -> Option<(usize, i64)> {
        let places = self.tracks.iter().enumerate();
        places
            .filter_map(|(index, place)| Some((index, self.due_ns((*place)?)?)))
            .min_by_key(|(index, due_ns)| (*due_ns, *index))
    }

    /// Takes a track's next sample.
    fn take(&mut self, index: usize) -> Option<Sample> {
        let place = (*self.tracks.get(index)?)?;
        let dts_ns = self.due_ns(place)?;
        let length_ns = i64::try_from(self.slate.length().as_nanos()).ok()?;
        let track = self.slate.track(place.kind)?;
        let sample = track.samples().get(place.index)?.clone();
        let mut next = place;
        next.index += 1;
        // Sound that is longer than the picture would speak into the next loop.
        let fits = |sample: &Sample| sample.dts_ns - begin_ns(&self.slate) < length_ns;
        if !track.samples().get(next.index).is_some_and(fits) {
            next.round += 1;
            next.index = 0;
        }
        *self.tracks.get_mut(index)? = Some(next);
        Some(Sample { dts_ns, ..sample })
    }

    fn own_ns(&self, file_ns: i64) -> u64 {
        self.origin_ns
            .saturating_add_signed(file_ns)
            .max(self.origin_ns)
    }
}

impl Presentation {
    /// Gives the slate that [`Absence::Slate`](crate::Absence::Slate) shows, or takes it away. One that plays is played
    /// to the publisher's return.
    pub fn set_slate(&mut self, slate: Option<Arc<Slate>>) {
        self.slate = slate;
    }

    /// Whether a slate plays: what goes out is not the publisher's.
    #[must_use]
    pub fn shows_slate(&self) -> bool {
        self.playing.is_some()
    }

    /// Begins the slate. `false`: there is none that fits, and the absence is filled with gaps.
    pub(crate) fn slate_begin(&mut self, now_ns: u64) -> bool {
        let Some(slate) = self.slate.clone() else {
            return false;
        };
        let before: Vec<_> = self
            .tracks
            .iter()
            .map(|track| (newest(track).clone(), track.timeline.pace.clone()))
            .collect();
        let configs = self.tracks.iter().map(|track| {
            let slate = slate.track(track.id.kind);
            slate.map(|slate| slate.config().clone())
        });
        let configs = configs.collect();
        if !self.slate_fits(&slate) || !self.change_configs(now_ns, configs) {
            self.warn(Warning::SlateUnfit);
            return false;
        }
        let origin_ns = self
            .heard_ns()
            .max(now_ns.saturating_sub(self.late_max_ns()));
        let phase = self.phase;
        self.warn(Warning::SlateShown);
        self.begin_epoch(origin_ns, 0);
        self.phase = phase;
        for track in &mut self.tracks {
            if let (false, Some(slate)) = (track.is_sound(), slate.track(track.id.kind)) {
                track.timeline.pace = pace(slate);
            }
        }
        let places = self.tracks.iter().map(|track| {
            let kind = track.id.kind;
            let place = Place {
                kind,
                round: 0,
                index: 0,
            };
            slate.track(kind).map(|_| place)
        });
        self.playing = Some(Playing {
            origin_ns,
            tracks: places.collect(),
            before,
            slate,
        });
        self.slate_play(now_ns);
        true
    }

    /// When the slate has something to do.
    pub(crate) fn slate_due_ns(&self) -> Option<u64> {
        let playing = self.playing.as_ref()?;
        let (_, due_ns) = playing.next()?;
        Some(playing.own_ns(due_ns))
    }

    /// Plays what is due.
    pub(crate) fn slate_play(&mut self, now_ns: u64) {
        let due_ns = self.slate_due_ns().unwrap_or(now_ns);
        if now_ns.saturating_sub(due_ns) > self.late_max_ns() {
            self.end_absence(now_ns);
            self.go_absent(now_ns);
            return;
        }
        // As many as the queue may hold: the rest is due at once.
        let outputs = self.config.limits.outputs.max(1);
        let phase = self.phase;
        // What the publisher has announced for his return does not concern the slate.
        let tracks = self.tracks.iter_mut();
        let announced: Vec<_> = tracks.map(|track| track.next_config.take()).collect();
        while self.slate_due_ns().is_some_and(|due_ns| due_ns <= now_ns)
            && self.outputs.len() < outputs
        {
            let next = self.playing.as_mut().and_then(|playing| {
                let (index, _) = playing.next()?;
                Some((index, playing.take(index)?))
            });
            let Some((index, sample)) = next else { break };
            let dts_ns = sample.dts_ns;
            self.phase = Phase::Live;
            // A sample that fits no part is left out, as a publisher's is.
            if self.live_sample(now_ns, index, sample).is_err() {
                self.counts.dropped = self.counts.dropped.saturating_add(1);
            }
            if index == 0 {
                self.slate_silence(dts_ns);
            }
            self.phase = phase;
        }
        for (track, config) in self.tracks.iter_mut().zip(announced) {
            track.next_config = config;
        }
    }

    /// Ends the slate: closes what is open of it, and gives the tracks back what they were.
    pub(crate) fn slate_end(&mut self, now_ns: u64) {
        let Some(playing) = self.playing.take() else {
            return;
        };
        self.flush(now_ns);
        let shown_ms = now_ns.saturating_sub(playing.origin_ns) / 1_000_000;
        self.warn(Warning::SlateOver { shown_ms });
        let mut configs = Vec::with_capacity(self.tracks.len());
        for (track, (config, pace)) in self.tracks.iter_mut().zip(playing.before) {
            if !track.is_sound() {
                track.timeline.pace = pace;
            }
            // The publisher may have sent a record meanwhile.
            configs.push(track.next_config.is_none().then_some(config));
        }
        if self.phase == Phase::Waiting {
            // There is room for it: the beginning has looked.
            self.change_configs(now_ns, configs);
        }
    }

    fn late_max_ns(&self) -> u64 {
        self.targets
            .map_or(0, |targets| targets.target_ns() * LATE_MAX)
    }

    /// Whether the slate can stand in for all tracks.
    fn slate_fits(&self, slate: &Slate) -> bool {
        let (Some(lead), Some(rendition)) = (self.tracks.first(), self.renditions.first()) else {
            return false;
        };
        let Some(leads) = slate.track(lead.id.kind) else {
            return false;
        };
        // A frame that lasts longer than a part has no place in it.
        let cap_ns = to_ns(rendition.cutter.cap, rendition.timescale);
        let quiet = self.tracks.iter().all(|track| {
            let spoken = slate.track(track.id.kind).is_some();
            spoken || (track.is_sound() && silence(newest(track)).is_some())
        });
        let limit = self.config.limits.init_generations;
        let room = |rendition: &Rendition| rendition.inits_alive().saturating_add(2) <= limit;
        longest_ns(leads) <= cap_ns && quiet && self.renditions.iter().all(room)
    }

    /// Announces other configurations of tracks, which the next discontinuity takes over. `false`: one of them makes no
    /// init segment, and nothing has changed.
    fn change_configs(&mut self, now_ns: u64, configs: Vec<Option<TrackConfig>>) -> bool {
        let muxed = self.muxed;
        let mut tracks = self.tracks.clone();
        let mut changed = vec![false; self.renditions.len()];
        for (index, (track, config)) in tracks.iter_mut().zip(configs).enumerate() {
            let Some(config) = config else { continue };
            let newest = newest(track);
            if newest.codec() != config.codec() || newest.record() != config.record() {
                track.next_config = Some(config);
                if let Some(changed) = changed.get_mut(if muxed { 0 } else { index }) {
                    *changed = true;
                }
            }
        }
        let mut inits = Vec::new();
        for (which, _) in changed.iter().enumerate().filter(|(_, changed)| **changed) {
            let Ok(body) = init_of(&tracks, which, muxed) else {
                return false;
            };
            inits.push((which, body));
        }
        self.tracks = tracks;
        let moment = self.moment(now_ns);
        for (which, body) in inits {
            if let Some(rendition) = self.renditions.get_mut(which) {
                rendition.announce_init(&moment, body, &mut self.outputs);
                self.changed.listed = true;
            }
        }
        true
    }

    /// Fills the sound that the slate does not have.
    fn slate_silence(&mut self, dts_ns: i64) {
        let Some(playing) = &self.playing else { return };
        let Some(targets) = self.targets else { return };
        let epoch = self.epoch;
        for (track, place) in self.tracks.iter_mut().zip(&playing.tracks) {
            if place.is_none() && track.is_sound() {
                let timescale = track.config.timescale();
                let origin = ticks(i128::from(epoch.out_ns), timescale);
                track.timeline.begin(origin);
                let until = epoch.ticks(dts_ns, timescale);
                track.conceal(until, Cutter::new(&targets, timescale).cap);
            }
        }
    }
}

/// The configuration that a track will have at the next discontinuity.
fn newest(track: &Track) -> &TrackConfig {
    track.next_config.as_ref().unwrap_or(&track.config)
}

/// Where a slate's clock begins: with the first sample of its leading track.
fn begin_ns(slate: &Slate) -> i64 {
    let lead = slate.tracks().first();
    let first = lead.and_then(|lead| lead.samples().first());
    first.map_or(0, |first| first.dts_ns)
}

/// A picture's frame length.
fn pace(slate: &SlateTrack) -> Pace {
    let timescale = slate.config().timescale();
    let times = slate.samples().iter().take(PACE_SAMPLES);
    let times: Vec<i64> = times
        .map(|sample| ticks(i128::from(sample.dts_ns), timescale))
        .collect();
    Pace::learn(timescale, &times, i64::from(timescale / 30))
}

/// The longest time from one sample to the next, over the end of the loop too.
fn longest_ns(slate: &SlateTrack) -> i64 {
    let samples = slate.samples();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return 0;
    };
    let length_ns = i64::try_from(slate.length().as_nanos()).unwrap_or(i64::MAX);
    let steps = samples.iter().zip(samples.iter().skip(1));
    let longest = steps.map(|(one, next)| next.dts_ns - one.dts_ns).max();
    longest
        .unwrap_or(0)
        .max(length_ns.saturating_sub(last.dts_ns - first.dts_ns))
}

/// Frames that a rate is told from.
const PACE_SAMPLES: usize = 64;
