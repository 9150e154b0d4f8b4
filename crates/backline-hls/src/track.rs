//! One track of the publisher.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::codec::{TrackConfig, TrackKind};
use crate::event::TrackId;
use crate::follow::Following;
use crate::meter::Meter;
use crate::pace::Pace;
use crate::silence::silence;
use crate::timeline::{Last, Timeline};

/// Frame length of sound whose configuration does not say it: 20 ms, what Opus encoders use.
const SOUND_FRAMES_PER_SECOND: u32 = 50;
/// Frame length of a picture that came alone.
const PICTURES_PER_SECOND: u32 = 30;

/// A sample with its place on the timeline that waits for its part.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) data: Bytes,
}

/// A track and everything that is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) config: TrackConfig,
    /// A changed configuration that the next discontinuity takes over.
    pub(crate) next_config: Option<TrackConfig>,
    /// A changed configuration that the next sync sample has to complete first.
    pub(crate) unsettled: Option<TrackConfig>,
    pub(crate) timeline: Timeline,
    pub(crate) meter: Meter,
    /// Sound that waits for the picture's next part.
    pub(crate) waiting: VecDeque<Placed>,
    pub(crate) waiting_bytes: usize,
    /// The newest sound of a publisher whose picture has not begun, with its decode times.
    pub(crate) early: VecDeque<(i64, Bytes)>,
    /// The newest sound, to fill a hole with where silence is not known.
    pub(crate) newest: Option<Bytes>,
    /// Whether it was already reported that this track is too far from the leading one.
    pub(crate) stepped: bool,
    /// Whether it was already reported that it stays away.
    pub(crate) missed: bool,
    /// The next sample opens a discontinuity's first part, which goes out alone.
    pub(crate) fresh: bool,
    /// Whether it was already reported that parts cannot hold its frames as they should.
    pub(crate) unfit: bool,
    /// Where it stands as a picture that does not lead.
    pub(crate) following: Following,
}

impl Track {
    pub(crate) fn new(id: TrackId, config: TrackConfig) -> Self {
        let timeline = Self::fresh_timeline(id.kind, &config, &[]);
        Self {
            id,
            config,
            next_config: None,
            unsettled: None,
            timeline,
            meter: Meter::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            early: VecDeque::new(),
            newest: None,
            stepped: false,
            missed: false,
            fresh: false,
            unfit: false,
            following: Following::default(),
        }
    }

    /// Makes a timeline that knows the rate of the first samples.
    pub(crate) fn learn(&mut self, times: &[i64]) {
        self.timeline = Self::fresh_timeline(self.id.kind, &self.config, times);
    }

    /// Takes over a changed configuration. The timeline goes on; sound may have another timescale.
    pub(crate) fn adopt_config(&mut self) -> bool {
        let Some(config) = self.next_config.take() else {
            return false;
        };
        if config.timescale() != self.config.timescale()
            || config.frame_samples() != self.config.frame_samples()
        {
            let next_ns = crate::timeline::to_ns(self.timeline.next(), self.config.timescale());
            self.timeline = Self::fresh_timeline(self.id.kind, &config, &[]);
            self.timeline.extend(
                crate::timeline::ticks(i128::from(next_ns), config.timescale()).saturating_add(1),
            );
        }
        self.config = config;
        self.newest = None;
        true
    }

    /// The configuration that the publisher sent last.
    pub(crate) fn newest_config(&self) -> &TrackConfig {
        let changed = self.unsettled.as_ref().or(self.next_config.as_ref());
        changed.unwrap_or(&self.config)
    }

    /// Whether its frames all have one exact length.
    pub(crate) fn exact(&self) -> bool {
        self.is_sound() && self.config.frame_samples().is_some()
    }

    /// Whether it is sound.
    pub(crate) fn is_sound(&self) -> bool {
        self.id.kind == TrackKind::Audio
    }

    /// A discontinuity: nothing that waits can be placed any more.
    pub(crate) fn restart(&mut self) {
        self.timeline.restart();
        self.meter.restart();
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.early.clear();
        self.stepped = false;
    }

    /// Places sound on the timeline, where it waits for its part. `false`: it is behind and was dropped.
    pub(crate) fn wait(&mut self, due: i64, data: Bytes, longest: i64) -> bool {
        self.newest = Some(data.clone());
        self.timeline.begin(due);
        if self.timeline.hole(due)
            && let Some(quiet) = silence(&self.config)
        {
            // To the nearest frame; what is left is within what sound may be off.
            let half = self.timeline.pace.frame() / 2;
            self.fill(due.saturating_sub(half), longest, &quiet);
        }
        let last = self.waiting.back().map(|last| Last {
            duration: last.duration,
            room: longest.saturating_sub(last.duration),
        });
        let Some(place) = self.timeline.place(due, last) else {
            return false;
        };
        if let Some(last) = self.waiting.back_mut() {
            last.duration = last.duration.saturating_add(place.grow);
        }
        self.push(place.want.clamp(1, longest), data);
        true
    }

    /// Fills the timeline up to `until` with silence, or with the newest sound where silence is not known.
    pub(crate) fn conceal(&mut self, until: i64, longest: i64) {
        if let Some(data) = silence(&self.config).or_else(|| self.newest.clone()) {
            self.fill(until, longest, &data);
        }
    }

    /// Takes the oldest waiting sound if it begins before `until` and lasts at most `room`.
    pub(crate) fn next_waiting(&mut self, until: i64, room: i64) -> Option<Placed> {
        let front = self.waiting.front()?;
        if front.start >= until || front.duration > room {
            return None;
        }
        let placed = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(placed.data.len());
        Some(placed)
    }

    /// Repeats a frame until the timeline has reached `until`.
    fn fill(&mut self, until: i64, longest: i64, data: &Bytes) {
        while self.timeline.next() < until {
            let frame = self.timeline.pace.step().clamp(1, longest);
            self.push(frame, data.clone());
        }
    }

    fn push(&mut self, duration: i64, data: Bytes) {
        let start = self.timeline.next();
        self.waiting_bytes = self.waiting_bytes.saturating_add(data.len());
        self.waiting.push_back(Placed {
            start,
            duration,
            data,
        });
        self.timeline.extend(duration);
    }

    fn fresh_timeline(kind: TrackKind, config: &TrackConfig, times: &[i64]) -> Timeline {
        let timescale = config.timescale();
        let pace = match (kind, config.frame_samples()) {
            (TrackKind::Audio, Some(frame)) => Pace::new(timescale, i64::from(frame)),
            (TrackKind::Audio, None) => Pace::learn(
                timescale,
                times,
                i64::from(timescale / SOUND_FRAMES_PER_SECOND),
            ),
            (TrackKind::Text | TrackKind::Video, _) => {
                Pace::learn(timescale, times, i64::from(timescale / PICTURES_PER_SECOND))
            }
        };
        Timeline::new(kind, timescale, pace)
    }
}
