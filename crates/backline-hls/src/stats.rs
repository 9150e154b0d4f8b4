//! What the operator's page shows of a presentation.

use crate::codec::Codec;
use crate::config::Numbering;
use crate::event::TrackId;
use crate::presentation::{Phase, Presentation};

/// A snapshot of a presentation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Whether a publisher is started.
    pub live: bool,
    /// Whether the publisher's absence is being filled.
    pub absent: bool,
    /// Whether viewers can get a playlist.
    pub playable: bool,
    /// The publisher's tracks, picture first.
    pub tracks: Vec<TrackStats>,
    /// Parts published, over all renditions.
    pub parts: u64,
    /// Segments closed, over all renditions.
    pub segments: u64,
    /// Discontinuities after the first segment.
    pub discontinuities: u64,
    /// Samples that could not be placed: before the first sync sample, or behind the timeline.
    pub samples_dropped: u64,
    /// Warnings raised.
    pub warnings: u64,
    /// `now` arguments that were earlier than one before; they were clamped.
    pub clock_clamped: u64,
    /// Decode time of the last picture minus that of the last sound, in milliseconds: positive when sound is late.
    pub av_skew_ms: Option<i64>,
    /// The Part Target Duration in microseconds, once it is frozen.
    pub part_target_us: Option<u64>,
    /// The Target Duration in seconds, once it is frozen.
    pub target_duration_s: Option<u64>,
    /// The next numbers.
    pub numbering: Numbering,
}

/// A snapshot of one track.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrackStats {
    /// Which.
    pub track: TrackId,
    /// Its codec.
    pub codec: Codec,
    /// Its RFC 6381 string.
    pub codecs: String,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second in thousandths, measured.
    pub milli_fps: Option<u64>,
    /// Bits a second over the last seconds, measured on the publisher's clock.
    pub bitrate: Option<u64>,
    /// Milliseconds between the last two sync samples.
    pub key_interval_ms: Option<u64>,
    /// Samples taken.
    pub samples: u64,
    /// Bytes taken.
    pub bytes: u64,
}

pub(crate) fn snapshot(presentation: &Presentation) -> Stats {
    let tracks: Vec<TrackStats> = presentation
        .tracks
        .iter()
        .map(|track| TrackStats {
            track: track.id,
            codec: track.config.codec(),
            codecs: track.config.codecs().to_owned(),
            resolution: track.config.resolution(),
            milli_fps: track.meter.milli_fps,
            bitrate: track.meter.bitrate,
            key_interval_ms: track
                .meter
                .key_interval_ns
                .map(|ns| ns.unsigned_abs() / 1_000_000),
            samples: track.meter.samples,
            bytes: track.meter.bytes,
        })
        .collect();
    let newest = |sound: bool| {
        let mut tracks = presentation.tracks.iter();
        let first = tracks.find(|track| track.is_sound() == sound)?;
        first.meter.last_dts_ns
    };
    let av_skew_ms = newest(false)
        .zip(newest(true))
        .map(|(picture, sound)| picture.saturating_sub(sound) / 1_000_000);
    Stats {
        live: matches!(
            presentation.phase,
            Phase::Gathering | Phase::Live | Phase::Waiting
        ),
        absent: presentation.is_filling(),
        playable: presentation.playable,
        tracks,
        parts: presentation
            .renditions
            .iter()
            .map(|rendition| rendition.parts_made)
            .sum(),
        segments: presentation
            .renditions
            .iter()
            .map(|rendition| rendition.segments_made)
            .sum(),
        discontinuities: presentation.counts.discontinuities,
        samples_dropped: presentation.counts.dropped,
        warnings: presentation.counts.warnings,
        clock_clamped: presentation.clock.clamped(),
        av_skew_ms,
        part_target_us: presentation
            .targets
            .map(|targets| targets.part_units.saturating_mul(10)),
        target_duration_s: presentation.targets.map(|targets| targets.target_s),
        numbering: presentation.numbering(),
    }
}
