//! What is shown while the publisher is away: samples that were encoded before the show.

mod play;

use core::time::Duration;

use crate::codec::{TrackConfig, TrackKind};
use crate::event::Sample;
use crate::{Error, Limits, SlateProblem};

pub(crate) use play::Playing;

/// A picture, a sound or both, to be played in a loop in place of a silent publisher (MUX-9).
///
/// It is plain data: [`read_slate`](crate::progressive::read_slate) makes one of a file (feature `progressive`), and a
/// caller may make one of anything else. The samples are shared by handle with every part that is cut of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slate {
    tracks: Vec<SlateTrack>,
}

/// One track of a slate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SlateTrack {
    config: TrackConfig,
    samples: Vec<Sample>,
    length: Duration,
}

impl SlateTrack {
    /// Joins what a track is with its samples in decode order. Decode times count from the slate's beginning and may
    /// begin below zero; `length` is from the first sample's decode time to where the next loop's first would be.
    #[must_use]
    pub fn new(config: TrackConfig, samples: Vec<Sample>, length: Duration) -> Self {
        Self {
            config,
            samples,
            length,
        }
    }

    /// What the configuration record says.
    #[must_use]
    pub fn config(&self) -> &TrackConfig {
        &self.config
    }

    /// In decode order.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// From the first sample's decode time to the end of the last one.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.length
    }

    fn check(&self, limits: &Limits) -> Result<(), SlateProblem> {
        let kind = self.config.kind();
        let Some(first) = self.samples.first() else {
            return Err(SlateProblem::Empty { kind });
        };
        if kind == TrackKind::Video && !first.sync {
            return Err(SlateProblem::NoSync);
        }
        let mut last_ns = first.dts_ns;
        for (index, sample) in self.samples.iter().enumerate() {
            let size = sample.data.len();
            if size == 0 || size > limits.sample_bytes {
                let limit = limits.sample_bytes;
                return Err(SlateProblem::SampleSize {
                    kind,
                    index,
                    size,
                    limit,
                });
            }
            let far = sample.dts_ns.unsigned_abs() > TIME_MAX_NS
                || sample.composition_ns.unsigned_abs() > COMPOSITION_MAX_NS;
            if far || sample.dts_ns < last_ns {
                return Err(SlateProblem::Time {
                    kind,
                    index,
                    dts_ns: sample.dts_ns,
                });
            }
            last_ns = sample.dts_ns;
        }
        let since_ns = u128::from(last_ns.saturating_sub(first.dts_ns).unsigned_abs());
        if self.length.as_nanos() <= since_ns || self.length.as_nanos() > u128::from(TIME_MAX_NS) {
            let length = self.length;
            return Err(SlateProblem::Length { kind, length });
        }
        Ok(())
    }
}

impl Slate {
    /// Takes at most one picture and at most one sound track, and at least one of the two.
    ///
    /// # Errors
    ///
    /// [`Error::Slate`] says what cannot be played: no track or two of a kind, a track without samples, a picture that
    /// does not begin with a sync sample, times that go back or lie beyond a day, or a cap of `limits`.
    pub fn new(tracks: Vec<SlateTrack>, limits: &Limits) -> Result<Self, Error> {
        let mut tracks = tracks;
        // Picture first, as in a presentation.
        tracks.sort_by_key(|track| track.config.kind() == TrackKind::Audio);
        Self::check(&tracks, limits)
            .map(|()| Self { tracks })
            .map_err(|problem| Error::Slate { problem })
    }

    /// Picture first.
    #[must_use]
    pub fn tracks(&self) -> &[SlateTrack] {
        &self.tracks
    }

    /// The track of a kind.
    #[must_use]
    pub fn track(&self, kind: TrackKind) -> Option<&SlateTrack> {
        self.tracks.iter().find(|track| track.config.kind() == kind)
    }

    /// How long one loop lasts: as long as its picture, or as its sound where there is no picture.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.tracks
            .first()
            .map_or(Duration::ZERO, |lead| lead.length)
    }

    fn check(tracks: &[SlateTrack], limits: &Limits) -> Result<(), SlateProblem> {
        let (samples, bytes) = tracks.iter().flat_map(SlateTrack::samples).fold(
            (0usize, 0usize),
            |(samples, bytes), sample| {
                let bytes = bytes.saturating_add(sample.data.len());
                (samples.saturating_add(1), bytes)
            },
        );
        let rows = [
            ("samples", samples, limits.slate_samples),
            ("bytes", bytes, limits.slate_bytes),
        ];
        for (what, value, limit) in rows {
            if value > limit {
                return Err(SlateProblem::TooLarge { what, value, limit });
            }
        }
        let mut kinds = tracks.iter().map(|track| track.config.kind());
        let (first, second) = (kinds.next(), kinds.next());
        if first.is_none() || first == second || kinds.next().is_some() {
            return Err(SlateProblem::Tracks {
                tracks: tracks.len(),
            });
        }
        tracks.iter().try_for_each(|track| track.check(limits))
    }
}

/// A day: a slate is a loop of seconds.
const TIME_MAX_NS: u64 = 86_400_000_000_000;
/// As of any sample.
const COMPOSITION_MAX_NS: u64 = 16_000_000_000;
