//! Capture reliability: what a publication says about the encoder and the link that made it.
//!
//! A [`Meter`] sees each packet once and keeps counters alone; a [`Report`] says what they mean. Nothing is
//! decoded, and nothing is said that was not seen: what is unknown is `None`.

mod finding;
mod fit;
mod histogram;
mod meter;
mod track;

use crate::flv::{AudioCodec, VideoCodec};
use alloc::vec::Vec;

pub use finding::{Finding, Severity, Verdict};
pub use meter::Meter;

/// What was measured so far.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// Time between the first packet and the last, by the caller's clock, in milliseconds.
    pub duration_ms: u64,
    /// What is wrong, in the order of the tracks.
    pub findings: Vec<Verdict>,
    /// The picture's time less the sound's; `None` without both.
    pub skew: Option<Skew>,
    /// The tracks in the order in which they came.
    pub tracks: Vec<TrackReport>,
    /// Packets of tracks beyond the eighth, which are not measured.
    pub unmeasured: u64,
}

/// One track.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TrackReport {
    /// Jitter of arrival in milliseconds: J += (|D| - J) / 16, where D is the difference between the steps of
    /// arrival time and of media time (RFC 3550, 6.4.1).
    pub arrival_jitter_ms: Option<f64>,
    /// Longest time between two arrivals, in milliseconds.
    pub arrival_longest_ms: Option<u64>,
    /// Times that the timestamps went backwards.
    pub backward: Steps,
    /// Bytes of all frames.
    pub bytes: u64,
    /// How it is coded.
    pub codec: Codec,
    /// Configurations that were not the same as the one before.
    pub config_changes: u64,
    /// Bits of a second on average, in kb/s.
    pub bitrate_kbps: Option<f64>,
    /// Bits of a second of media time in kb/s, which 95 % of the seconds do not pass; up to 12.5 % too high.
    pub bitrate_p95_kbps: Option<u32>,
    /// Bits of a second as the metadata declared them, in kb/s; `None` for all tracks but number 0.
    pub declared_kbps: Option<f64>,
    /// Frames of a second as the metadata declared them; `None` for sound, and for all tracks but number 0.
    pub declared_rate: Option<f64>,
    /// Frames in all.
    pub frames: u64,
    /// Steps longer than three intervals and 100 ms.
    pub gaps: Steps,
    /// How far the steps are from the interval.
    pub jitter: Option<Jitter>,
    /// Steps forward of 10 s or more: the clock was set, no time has passed.
    pub jumps: Steps,
    /// Key frames; `None` for sound, and before the second key frame.
    pub keys: Option<Keys>,
    /// Key frames in all.
    pub key_frames: u64,
    /// Time of media, gaps included and jumps left out, in milliseconds.
    pub media_ms: u64,
    /// Frames that the interval asks for and that did not come, by estimate, gaps included; `None` before 16 steps and
    /// where the rate varies.
    pub missing: Option<u64>,
    /// Frames of a second, from the steps that are near the usual one; `None` before 16 steps.
    pub rate: Option<f64>,
    /// Time between the first frame of the publication and the first of this track, by the timestamps.
    pub starts_after_ms: u64,
    /// The track's number.
    pub track: u8,
    /// Whether more than a fifth of the steps are more than a quarter away from the usual one.
    pub varies: bool,
}

/// How a track is coded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Codec {
    /// Sound.
    Audio(AudioCodec),
    /// Pictures.
    Video(VideoCodec),
}

/// Steps of one kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Steps {
    /// How many.
    pub count: u64,
    /// Timestamp at the end of the longest, in milliseconds.
    pub longest_at_ms: Option<u64>,
    /// The longest, in milliseconds.
    pub longest_ms: Option<u64>,
    /// All of them together, in milliseconds.
    pub total_ms: u64,
}

/// How far the steps of decoding time are from the interval, gaps left out. Timestamps are whole milliseconds, so up
/// to 1 ms is no fault.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Jitter {
    /// The most, in microseconds.
    pub max_us: u32,
    /// The mean of what each is off, in microseconds.
    pub mean_us: f64,
    /// What 95 % do not pass, in microseconds; up to 12.5 % too high.
    pub p95_us: u32,
}

/// Time between key frames, in milliseconds of media time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Keys {
    /// The latest interval less the first.
    pub drift_ms: f64,
    /// The longest, the one that still runs included.
    pub max_ms: u64,
    /// The mean.
    pub mean_ms: f64,
    /// The shortest.
    pub min_ms: u64,
}

/// The timestamp of the first track of pictures less the latest of the first track of sound, as they come: means of
/// one second of media time. How a muxer interleaves shows here too, by up to a frame of each.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Skew {
    /// How it grows, in milliseconds a minute, by least squares; `None` before ten seconds.
    pub drift_ms_per_min: Option<f64>,
    /// The latest, in milliseconds.
    pub latest_ms: f64,
    /// The most, in milliseconds.
    pub max_ms: f64,
    /// The least, in milliseconds.
    pub min_ms: f64,
}

#[cfg(feature = "serde")]
impl serde::Serialize for Codec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Audio(codec) => serializer.collect_str(&format_args!("{codec:?}")),
            Self::Video(codec) => serializer.collect_str(&format_args!("{codec:?}")),
        }
    }
}
