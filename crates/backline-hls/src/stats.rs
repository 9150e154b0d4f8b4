//! What the operator's page shows of a presentation.

use crate::codec::Codec;
use crate::{Numbering, TrackId};

/// A snapshot of a presentation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Whether a publisher is started.
    pub live: bool,
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
