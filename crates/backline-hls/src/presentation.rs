//! The machine: samples in; objects, playlists and decisions out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::about::About;
use crate::absence::Quiet;
use crate::captions::Captions;
use crate::clock::Clock;
use crate::codec::{Codec, TrackConfig, TrackKind};
use crate::config::{Config, Numbering};
use crate::cutter::Targets;
use crate::dates::Dates;
use crate::delivery::{Decision, Playlist};
use crate::error::{AboutProblem, Error};
use crate::event::{Event, Output, Point, Sample, TrackId, UnixMillis, Warning};
use crate::gather::Gathered;
use crate::live::Held;
use crate::playlist::View;
use crate::rendition::Rendition;
use crate::rendition_id::RenditionId;
use crate::slate::{Playing, Slate};
use crate::stats::Stats;
use crate::timeline::Epoch;
use crate::track::Track;

/// A live presentation: all renditions of one stage.
///
/// ```text
///            Start        enough media              Stop
///   Idle ----------> Gathering ----------> Live ----------> Stopped
///                                          ^  |  jump          | Start
///                               key frame  |  v                v
///                                         Waiting <------------+
///                        End, from anywhere: Ended
/// ```
///
/// The methods are of four kinds. `handle_*` tell it what happened, `poll_*` hand out what it wants done, verbs and
/// nouns are the rest. It opens no socket, reads no clock and starts no thread.
#[derive(Clone, Debug)]
pub struct Presentation {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) phase: Phase,
    pub(crate) outputs: VecDeque<Output>,
    /// The publisher's tracks: pictures by id, then sounds by id; the first one leads. Fixed once the first media is
    /// out.
    pub(crate) tracks: Vec<Track>,
    /// What the publisher says of its tracks.
    pub(crate) abouts: BTreeMap<TrackId, About>,
    /// Picture and sound share a rendition. Otherwise each track has one, in the order of the tracks.
    pub(crate) muxed: bool,
    pub(crate) gathered: Gathered,
    pub(crate) renditions: Vec<Rendition>,
    /// The text tracks by id, with their renditions.
    pub(crate) captions: Vec<Captions>,
    pub(crate) targets: Option<Targets>,
    pub(crate) epoch: Epoch,
    /// Wall clock and own clock at the publisher's start.
    pub(crate) start: (UnixMillis, u64),
    /// Samples of the leading track that wait for the followers.
    pub(crate) held: VecDeque<Held>,
    pub(crate) held_bytes: usize,
    /// The leading track's part is full, and waits for the followers.
    pub(crate) closing: bool,
    /// Whether viewers can get a playlist.
    pub(crate) playable: bool,
    /// Version of the multivariant playlist.
    pub(crate) version: u64,
    pub(crate) counts: Counts,
    pub(crate) changed: Changed,
    /// A long group of pictures that was already reported.
    pub(crate) reported_gop: bool,
    pub(crate) ignored: Vec<TrackId>,
    /// What stands in for an absent publisher, and how far it has come.
    pub(crate) slate: Option<Arc<Slate>>,
    pub(crate) playing: Option<Playing>,
    pub(crate) quiet: Quiet,
    /// Segments of a former life that are listed as absent before the first media.
    pub(crate) lost: u64,
    pub(crate) dates: Dates,
}

/// What only statistics need.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) dropped: u64,
    pub(crate) warnings: u64,
    pub(crate) discontinuities: u64,
}

/// What an event has changed and the viewers do not know yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changed {
    /// A segment was closed.
    pub(crate) closed: bool,
    /// A playlist has another text.
    pub(crate) listed: bool,
    /// A track has another configuration.
    pub(crate) tracks: bool,
}

/// Where a presentation is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// No publisher yet.
    Idle,
    /// The first samples are looked at: which tracks, what rate.
    Gathering,
    /// Media goes out.
    Live,
    /// A publisher is there; the next sync sample of the leading track begins a discontinuity.
    Waiting,
    /// The publisher is gone, what it sent is listed.
    Stopped,
    /// Nothing follows.
    Ended,
}

/// A playlist's text in one form and version.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rendered {
    /// The text.
    pub text: Bytes,
    /// The text as a gzip file, with the feature `gzip`.
    pub gzip: Option<Bytes>,
    /// The last part that it lists; [`Point::END`] after the end.
    pub listed: Point,
    /// The last closed segment that it lists; (0, 0) before the first; [`Point::END`] after the end.
    pub closed: Point,
    /// Grows with every change of the playlist.
    pub version: u64,
}

impl Presentation {
    /// Makes a presentation with no media.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigRange`] or [`Error::NumberRange`] names the first field that is out of its bounds.
    pub fn new(config: Config, now: Instant) -> Result<Self, Error> {
        config.check()?;
        let mut config = config;
        // (0, 0) is the point before the first closed segment.
        config.numbering.msn = config.numbering.msn.max(1);
        let lost = config.numbering.lost;
        let parts = u64::try_from(config.limits.segment_parts).unwrap_or(u64::MAX);
        config.numbering.step_over(parts);
        Ok(Self {
            clock: Clock::new(now),
            config,
            phase: Phase::Idle,
            outputs: VecDeque::with_capacity(32),
            tracks: Vec::new(),
            abouts: BTreeMap::new(),
            muxed: false,
            gathered: Gathered::default(),
            renditions: Vec::new(),
            captions: Vec::new(),
            targets: None,
            epoch: Epoch::default(),
            start: (UnixMillis(0), 0),
            held: VecDeque::new(),
            held_bytes: 0,
            closing: false,
            playable: false,
            version: 0,
            counts: Counts::default(),
            changed: Changed::default(),
            reported_gop: false,
            ignored: Vec::new(),
            slate: None,
            playing: None,
            quiet: Quiet::default(),
            lost,
            dates: Dates::default(),
        })
    }

    /// Takes one event.
    ///
    /// # Errors
    ///
    /// [`Error::QueueFull`] if `limits.outputs` outputs wait: drain [`poll_output`](Self::poll_output) and call again.
    /// Every other error says what was wrong with the event. In each case nothing has changed.
    pub fn handle_event(&mut self, now: Instant, event: Event) -> Result<(), Error> {
        let now_ns = self.clock.advance(now);
        if self.outputs.len() >= self.config.limits.outputs.max(1) {
            return Err(Error::QueueFull {
                waiting: self.outputs.len(),
                limit: self.config.limits.outputs,
            });
        }
        if self.phase == Phase::Ended {
            return Err(Error::Ended);
        }
        let result = match event {
            Event::Announce { track, about } => self.expect_track(track, about),
            Event::Config {
                track,
                codec,
                record,
            } => self.configure(now_ns, track, codec, record),
            Event::Cue { track, cue } => self.cue(track, cue),
            Event::DateRange(range) => self.date_range(now_ns, range),
            Event::End => {
                self.end(now_ns);
                Ok(())
            }
            Event::Message(message) => self.message(&message),
            Event::Sample { track, sample } => {
                let result = self.sample(now_ns, track, sample);
                if self.tracks.first().is_some_and(|lead| lead.id == track) {
                    self.hear_lead(now_ns);
                }
                result
            }
            Event::Start { wall } => {
                self.begin(now_ns, wall);
                Ok(())
            }
            Event::Stop => {
                self.stop(now_ns);
                Ok(())
            }
        };
        self.announce(now_ns);
        result
    }

    /// Does what is due: lists what is absent, where [`Config::absence`] says so. Nothing happens while
    /// `limits.outputs` outputs wait: drain them and call again.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.clock.advance(now);
        if self.outputs.len() < self.config.limits.outputs.max(1) {
            self.fill_absence(now_ns);
            self.announce(now_ns);
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); it moves with every event.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.absence_due_ns().map(|ns| self.clock.instant(ns))
    }

    /// Decides what a request gets. `path` is relative to the presentation: `index.m3u8`, `v0/index.m3u8`,
    /// `v0/p123.m4s`, `v0/s7.m4s`, `v0/i0.mp4`; `query` is what follows the `?`.
    ///
    /// The same arguments in the same state give the same answer.
    #[must_use]
    pub fn decide(&self, now: Instant, path: &str, query: Option<&str>) -> Decision {
        crate::delivery::decide(self, now, path, query)
    }

    /// Renders a playlist in one form; `None` before there is one. The text is made anew by every call: store it
    /// until the rendition advances (PL-15).
    #[must_use]
    pub fn render(&self, playlist: Playlist) -> Option<Rendered> {
        let targets = self.targets.as_ref().filter(|_| self.playable)?;
        let ended = self.phase == Phase::Ended;
        let independent = self.config.independent_segments;
        let (text, points, version) = match playlist.rendition {
            None => {
                let text = crate::multivariant::multivariant(self);
                (text, self.renditions.first()?.points(), self.version)
            }
            Some(id) if id.is_text() => {
                let captions = self.captioned(id)?;
                let text = crate::captions::media(self, captions, playlist.form)?;
                (text, captions.points(), captions.version)
            }
            Some(id) => {
                let rendition = self.rendition(id)?;
                let all = &self.renditions;
                let text = crate::playlist::media(&View {
                    rendition,
                    others: all,
                    captions: &self.captions,
                    targets,
                    dates: &self.dates,
                    form: playlist.form,
                    ended,
                    independent,
                    now_ns: self.clock.last_ns(),
                });
                (text, rendition.points(), rendition.version)
            }
        };
        let (listed, closed) = if ended {
            (Point::END, Point::END)
        } else {
            points
        };
        #[cfg(feature = "gzip")]
        let gzip = Some(Bytes::from(crate::gzip::gzip(text.as_bytes())));
        #[cfg(not(feature = "gzip"))]
        let gzip = None;
        Some(Rendered {
            text: Bytes::from(text),
            gzip,
            listed,
            closed,
            version,
        })
    }

    /// The next numbers, to be kept over a restart.
    #[must_use]
    pub fn numbering(&self) -> Numbering {
        let mut numbering = self.config.numbering;
        for rendition in &self.renditions {
            let open = rendition
                .open
                .as_ref()
                .map_or(rendition.next_msn, |open| open.msn.saturating_add(1));
            numbering.msn = numbering.msn.max(open);
            numbering.part = numbering.part.max(rendition.next_part);
            let init = rendition
                .next_init
                .unwrap_or(rendition.init)
                .saturating_add(1);
            numbering.init = numbering.init.max(init);
        }
        // The restart itself is a discontinuity.
        if !self.renditions.is_empty() {
            let crossed = self.counts.discontinuities.saturating_add(1);
            numbering.discontinuity_sequence =
                numbering.discontinuity_sequence.saturating_add(crossed);
        }
        numbering
    }

    /// A snapshot for the operator.
    #[must_use]
    pub fn stats(&self) -> Stats {
        crate::stats::snapshot(self)
    }

    /// A new publisher. The one before it may not have said goodbye.
    fn begin(&mut self, now_ns: u64, wall: UnixMillis) {
        self.start = (wall, now_ns);
        self.forget_cues();
        match self.phase {
            Phase::Idle | Phase::Gathering => {
                self.tracks.clear();
                self.captions.clear();
                self.abouts.clear();
                self.gathered = Gathered::default();
                self.ignored.clear();
                self.phase = Phase::Gathering;
            }
            Phase::Live => {
                self.flush(now_ns);
                self.phase = Phase::Waiting;
            }
            Phase::Stopped | Phase::Waiting => self.phase = Phase::Waiting,
            Phase::Ended => {}
        }
        // A slate plays on until the first picture, which restarts them.
        let slate = self.shows_slate();
        for track in &mut self.tracks {
            if !slate {
                track.restart();
            }
            track.following.forget();
        }
    }

    fn stop(&mut self, now_ns: u64) {
        match self.phase {
            Phase::Gathering => {
                self.tracks.clear();
                self.captions.clear();
                self.abouts.clear();
                self.gathered = Gathered::default();
                self.phase = Phase::Idle;
            }
            Phase::Live => {
                self.flush(now_ns);
                self.phase = Phase::Stopped;
            }
            Phase::Waiting => self.phase = Phase::Stopped,
            Phase::Ended | Phase::Idle | Phase::Stopped => {}
        }
    }

    fn end(&mut self, now_ns: u64) {
        if self.phase == Phase::Live {
            self.flush(now_ns);
        }
        self.end_absence(now_ns);
        self.close_captions(now_ns);
        // One advance, to the end.
        self.changed = Changed::default();
        self.phase = Phase::Ended;
        self.version = self.version.saturating_add(1);
        for rendition in &mut self.renditions {
            rendition.version = rendition.version.saturating_add(1);
            rendition.retract(&mut self.outputs);
        }
        // Also where nothing was ever listed: requests that wait for a first playlist must not wait on.
        let ids = self
            .renditions
            .iter()
            .map(|rendition| rendition.id)
            .chain(self.captions.iter().map(|captions| captions.id))
            .chain([RenditionId::MULTIVARIANT]);
        self.outputs.extend(ids.map(|rendition| Output::Advanced {
            rendition,
            listed: Point::END,
            closed: Point::END,
        }));
        self.outputs.push_back(Output::Ended);
    }

    fn configure(
        &mut self,
        now_ns: u64,
        id: TrackId,
        codec: Codec,
        record: Bytes,
    ) -> Result<(), Error> {
        if matches!(self.phase, Phase::Idle | Phase::Stopped) {
            return Err(Error::NotStarted { track: id });
        }
        if codec.kind() != id.kind {
            return Err(Error::CodecKind { track: id, codec });
        }
        if let Some(index) = self.tracks.iter().position(|track| track.id == id) {
            return self.reconfigure(now_ns, index, codec, record);
        }
        let config = TrackConfig::parse(codec, record, &self.config.limits)?;
        if self.phase != Phase::Gathering {
            self.ignore(id);
            return Ok(());
        }
        self.room_for(id, self.tracks.len())?;
        let place = |track: &TrackId| (track.kind == TrackKind::Audio, track.id);
        let at = self
            .tracks
            .partition_point(|track| place(&track.id) < place(&id));
        self.tracks.insert(at, Track::new(id, config));
        Ok(())
    }

    /// Takes what the publisher says of a track.
    fn expect_track(&mut self, id: TrackId, about: About) -> Result<(), Error> {
        if matches!(self.phase, Phase::Idle | Phase::Stopped) {
            return Err(Error::NotStarted { track: id });
        }
        about.check(id, &self.config.limits)?;
        let same = |(other, was): &(&TrackId, &About)| {
            **other != id && other.kind == id.kind && was.name == about.name
        };
        let named = !about.name.is_empty() && id.kind != TrackKind::Video;
        if let Some((other, _)) = self.abouts.iter().find(same).filter(|_| named) {
            return Err(Error::About {
                track: id,
                field: "name",
                problem: AboutProblem::Taken { other: *other },
            });
        }
        let there = self.tracks.iter().any(|track| track.id == id)
            || self.captions.iter().any(|captions| captions.track == id);
        if self.phase != Phase::Gathering && !there {
            self.ignore(id);
            return Ok(());
        }
        if !self.abouts.contains_key(&id) {
            self.room_for(id, self.abouts.len())?;
        }
        if id.kind == TrackKind::Text {
            self.expect_captions(id);
        }
        let before = self.abouts.insert(id, about.clone());
        self.changed.tracks |= self.phase != Phase::Gathering && before != Some(about);
        Ok(())
    }

    fn room_for(&self, track: TrackId, tracks: usize) -> Result<(), Error> {
        let limit = self.config.limits.renditions;
        if tracks < limit {
            Ok(())
        } else {
            Err(Error::TooManyTracks { track, limit })
        }
    }

    fn sample(&mut self, now_ns: u64, id: TrackId, sample: Sample) -> Result<(), Error> {
        if matches!(self.phase, Phase::Idle | Phase::Stopped) {
            return Err(Error::NotStarted { track: id });
        }
        let limit = self.config.limits.sample_bytes;
        if sample.data.len() > limit {
            return Err(Error::SampleTooLarge {
                track: id,
                size: sample.data.len(),
                limit,
            });
        }
        let Sample {
            dts_ns,
            composition_ns,
            ..
        } = sample;
        if sample.data.is_empty() {
            return Err(Error::SampleEmpty { track: id, dts_ns });
        }
        if dts_ns.unsigned_abs() > MAX_DTS_NS || composition_ns.unsigned_abs() > MAX_COMPOSITION_NS
        {
            return Err(Error::SampleTime {
                track: id,
                dts_ns,
                composition_ns,
            });
        }
        let Some(index) = self.tracks.iter().position(|track| track.id == id) else {
            return if self.ignored.contains(&id) {
                Ok(())
            } else {
                Err(Error::SampleBeforeConfig { track: id })
            };
        };
        if !self.settle_config(now_ns, index, &sample)? {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return Ok(());
        }
        if self.phase == Phase::Gathering {
            return self.gather(now_ns, index, sample);
        }
        self.live_sample(now_ns, index, sample)
    }

    /// A track that is not shown; said once.
    pub(crate) fn ignore(&mut self, track: TrackId) {
        if !self.ignored.contains(&track) && self.ignored.len() < IGNORED_MAX {
            self.ignored.push(track);
            self.warn(Warning::TrackIgnored { track });
        }
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.counts.warnings = self.counts.warnings.saturating_add(1);
        self.outputs.push_back(Output::Warning(warning));
    }

    pub(crate) fn rendition(&self, id: RenditionId) -> Option<&Rendition> {
        self.renditions.iter().find(|rendition| rendition.id == id)
    }
}

/// 2^62 ns are 146 years.
const MAX_DTS_NS: u64 = 1 << 62;
/// FLV's composition offset is a signed 24-bit number of milliseconds; no codec reorders over more than this.
const MAX_COMPOSITION_NS: u64 = 16_000_000_000;
/// Ignored tracks that are remembered: more come from a broken publisher.
const IGNORED_MAX: usize = 32;
