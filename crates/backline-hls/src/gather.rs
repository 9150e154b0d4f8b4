//! The first samples: which tracks there are and how long a frame lasts decides what can never change later.

use std::collections::VecDeque;

use crate::Error;
use crate::codec::TrackKind;
use crate::config::Layout;
use crate::cutter::{Rate, Targets};
use crate::event::{ObjectId, ObjectKind, Output, Sample, TrackId, Warning};
use crate::fmp4::{Brand, init};
use crate::presentation::{Phase, Presentation};
use crate::rendition::{MAIN_TRACK, Rendition, SOUND_TRACK};
use crate::rendition_id::RenditionId;
use crate::timeline::Epoch;
use crate::track::Track;

/// Pictures that a rate is told from.
const PICTURES_MIN: usize = 4;
/// Samples of a track that are kept until the leading track's first.
const EARLY_MAX: usize = 16;
/// A publisher whose first samples span more than this has jumped.
const SPAN_MAX_NS: i64 = 10_000_000_000;

/// Samples that wait for the decision, with the time at which each came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    samples: Vec<(u64, TrackId, Sample)>,
    /// Samples from before the leading track's first.
    early: VecDeque<(u64, TrackId, Sample)>,
    /// Decode time of the first of it, and whether it was reported that the picture does not come.
    early_since: Option<i64>,
    early_reported: bool,
    bytes: usize,
}

impl Gathered {
    fn times(&self, id: TrackId) -> impl Iterator<Item = i64> {
        self.samples
            .iter()
            .filter(move |(_, track, _)| *track == id)
            .map(|(_, _, sample)| sample.dts_ns)
    }

    fn has(&self, id: TrackId) -> bool {
        self.samples.iter().any(|(_, track, _)| *track == id)
    }
}

impl Presentation {
    /// Keeps a first sample; decides once there are enough.
    pub(crate) fn gather(
        &mut self,
        now_ns: u64,
        index: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        let Some(lead) = self.tracks.first().map(|track| track.id) else {
            return Ok(());
        };
        let Some(track) = self.tracks.get_mut(index) else {
            return Ok(());
        };
        let id = track.id;
        let led = self.gathered.has(lead);
        if id.kind == TrackKind::Audio {
            track.newest = Some(sample.data.clone());
        }
        if !led && id != lead {
            self.gather_early(now_ns, id, sample);
            self.pass_lead(lead);
            return Ok(());
        }
        if !led && id.kind == TrackKind::Video && !sample.sync {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return Ok(());
        }
        let first = self.gathered.times(id).next().unwrap_or(sample.dts_ns);
        if !(0..SPAN_MAX_NS).contains(&sample.dts_ns.saturating_sub(first)) {
            self.gathered = Gathered::default();
            return Ok(());
        }
        self.gathered.bytes = self.gathered.bytes.saturating_add(sample.data.len());
        self.gathered.samples.push((now_ns, id, sample));
        // The leading track's first sample decides where time begins, so it comes first.
        let early = core::mem::take(&mut self.gathered.early);
        self.gathered.samples.extend(early);
        if self.decided(lead) {
            return self.freeze();
        }
        Ok(())
    }

    /// A leading picture that does not come, while another one does, is not waited for.
    fn pass_lead(&mut self, lead: TrackId) {
        let gathered = &self.gathered;
        let mut times = gathered
            .early
            .iter()
            .filter(|(_, id, _)| id.kind == TrackKind::Video);
        let newest = times.next_back().map_or(0, |(_, _, sample)| sample.dts_ns);
        let since = gathered.early_since.unwrap_or(newest);
        let patience = self.config.track_wait.max(self.config.probe);
        if u128::from(newest.saturating_sub(since).max(0).unsigned_abs()) > patience.as_nanos() {
            self.tracks.retain(|track| track.id != lead);
            self.abouts.remove(&lead);
            self.gathered = Gathered::default();
            self.ignore(lead);
        }
    }

    /// Of what comes before the leading track only a few samples can go with it.
    fn gather_early(&mut self, now_ns: u64, id: TrackId, sample: Sample) {
        let gathered = &mut self.gathered;
        let since = *gathered.early_since.get_or_insert(sample.dts_ns);
        let behind_ns = sample.dts_ns.saturating_sub(since).max(0).unsigned_abs();
        let early = &mut gathered.early;
        early.push_back((now_ns, id, sample));
        let mut bytes: usize = early.iter().map(|(_, _, sound)| sound.data.len()).sum();
        while early.len() > EARLY_MAX.saturating_mul(self.tracks.len())
            || bytes > self.config.limits.part_bytes
        {
            let Some((_, _, sound)) = early.pop_front() else {
                break;
            };
            bytes = bytes.saturating_sub(sound.data.len());
            self.counts.dropped = self.counts.dropped.saturating_add(1);
        }
        let patience = self.config.limits.step_forward;
        if id.kind == TrackKind::Audio
            && u128::from(behind_ns) > patience.as_nanos()
            && !core::mem::replace(&mut gathered.early_reported, true)
        {
            let behind_ms = behind_ns / 1_000_000;
            self.warn(Warning::VideoMissing { behind_ms });
        }
    }

    /// Whether the set of tracks and the rate can be fixed.
    fn decided(&self, lead: TrackId) -> bool {
        let gathered = &self.gathered;
        let limits = &self.config.limits;
        if gathered.samples.len() >= limits.part_samples || gathered.bytes >= limits.part_bytes {
            return true;
        }
        let first = gathered.times(lead).next().unwrap_or(0);
        let last = gathered.times(lead).last().unwrap_or(0);
        let span = u128::from(last.saturating_sub(first).unsigned_abs());
        let came = |id: &TrackId| self.tracks.iter().any(|track| track.id == *id);
        // Captions may come at any time, or never.
        let mut expected = self
            .abouts
            .keys()
            .filter(|id| id.kind != TrackKind::Text)
            .peekable();
        let expected = if expected.peek().is_none() {
            self.tracks.len() > 1
        } else {
            expected.all(came)
        };
        let complete = expected && self.tracks.iter().all(|track| self.heard(track));
        let waited = span >= self.config.track_wait.as_nanos();
        let enough = lead.kind == TrackKind::Audio
            || gathered
                .times(lead)
                .nth(PICTURES_MIN.saturating_sub(1))
                .is_some();
        span >= self.config.probe.as_nanos() && enough && (complete || waited)
    }

    fn heard(&self, track: &Track) -> bool {
        track.newest.is_some() || self.gathered.has(track.id)
    }

    /// The renditions of the tracks, in their order.
    fn renditions_of(&self, tracks: &[Track], targets: &Targets, muxed: bool) -> Vec<Rendition> {
        let mut renditions = Vec::with_capacity(tracks.len());
        let mut next = [0u8; 2];
        for track in tracks.iter().take(if muxed { 1 } else { tracks.len() }) {
            let [sounds, pictures] = &mut next;
            let (count, named): (_, fn(u8) -> RenditionId) = if track.is_sound() {
                (sounds, RenditionId::audio)
            } else {
                (pictures, RenditionId::video)
            };
            let id = if muxed {
                RenditionId::MUXED
            } else {
                named(*count)
            };
            *count = count.saturating_add(1);
            renditions.push(Rendition::new(
                id,
                track.config.timescale(),
                targets,
                self.config.numbering,
            ));
        }
        renditions
    }

    /// The durations that fit the pictures best, or the sound where it leads.
    fn targets_of(&self, tracks: &[Track]) -> Targets {
        let rate = |track: &Track| Rate {
            frame: track.timeline.pace.frame(),
            timescale: track.config.timescale(),
            exact: track.exact(),
        };
        let pictures = tracks.iter().filter(|track| !track.is_sound());
        let mut rates: Vec<Rate> = pictures.map(rate).collect();
        if rates.is_empty() {
            rates.extend(tracks.first().map(rate));
        }
        let (part, segment) = (self.config.part_target, self.config.segment_target);
        Targets::solve(part, segment, &rates)
    }

    /// Fixes tracks, rate, targets and renditions, then plays what was gathered.
    fn freeze(&mut self) -> Result<(), Error> {
        let (tracks, silent): (Vec<_>, Vec<_>) = self
            .tracks
            .iter()
            .cloned()
            .partition(|track| self.heard(track));
        let mut tracks = tracks;
        for track in &mut tracks {
            let first = self.gathered.times(track.id).next().unwrap_or(0);
            let epoch = Epoch {
                in_ns: first,
                ..Epoch::default()
            };
            let timescale = track.config.timescale();
            let times: Vec<i64> = self
                .gathered
                .times(track.id)
                .map(|ns| epoch.ticks(ns, timescale))
                .collect();
            track.learn(&times);
        }
        if tracks.is_empty() {
            return Ok(());
        }
        let targets = self.targets_of(&tracks);
        let of_kind = |kind| tracks.iter().filter(|track| track.id.kind == kind).count();
        // A player cannot choose among the tracks of one rendition.
        let single = of_kind(TrackKind::Video) <= 1 && of_kind(TrackKind::Audio) <= 1;
        let muxed = single && self.config.layout == Layout::Muxed;
        let renditions = self.renditions_of(&tracks, &targets, muxed);
        let mut inits = Vec::with_capacity(renditions.len());
        for (index, rendition) in renditions.iter().enumerate() {
            let body = init_of(&tracks, index, muxed)?;
            let object = ObjectId {
                rendition: rendition.id,
                kind: ObjectKind::Init,
                number: rendition.init,
            };
            inits.push(Output::Init { object, body });
        }
        self.tracks = tracks;
        self.muxed = muxed;
        self.renditions = renditions;
        self.targets = Some(targets);
        self.outputs.extend(inits);
        self.name_captions();
        self.phase = Phase::Waiting;
        self.list_lost();
        let known = |id: &TrackId| {
            id.kind == TrackKind::Text || self.tracks.iter().any(|track| track.id == *id)
        };
        let absent = self.abouts.keys().filter(|id| !known(id)).copied();
        let ignored: Vec<TrackId> = silent.iter().map(|track| track.id).chain(absent).collect();
        for id in ignored {
            self.abouts.remove(&id);
            self.ignore(id);
        }
        let gathered = core::mem::take(&mut self.gathered);
        for (came_ns, id, sample) in gathered.samples {
            let Some(index) = self.tracks.iter().position(|track| track.id == id) else {
                continue;
            };
            // A sample beyond a limit was taken once already and can only be left out now.
            if self.live_sample(came_ns, index, sample).is_err() {
                self.counts.dropped = self.counts.dropped.saturating_add(1);
            }
        }
        Ok(())
    }
}

/// The init segment of a rendition, with the configurations that come next.
pub(crate) fn init_of(
    tracks: &[Track],
    rendition: usize,
    muxed: bool,
) -> Result<bytes::Bytes, Error> {
    let config = |index: usize| {
        let track = tracks.get(index)?;
        Some(track.next_config.as_ref().unwrap_or(&track.config))
    };
    let Some(main) = config(rendition) else {
        return Ok(bytes::Bytes::new());
    };
    match config(1).filter(|_| muxed) {
        Some(sound) => init(&[(MAIN_TRACK, main), (SOUND_TRACK, sound)], Brand::Iso6),
        None => init(&[(MAIN_TRACK, main)], Brand::Cmaf),
    }
}
