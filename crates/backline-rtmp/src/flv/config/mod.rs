//! Configuration records, read to typed values: what a sequence start holds.
//!
//! A publisher that says nothing (FFmpeg's AC-3 has an empty sequence start) has no configuration, which is no error.

mod aac;
mod ac3;
mod av1;
mod avc;
mod bits;
mod flac;
mod hevc;
mod opus;
mod vpx;

pub use aac::AacConfig;
pub use ac3::Ac3Config;
pub use av1::Av1Config;
pub use avc::AvcConfig;
pub use flac::FlacConfig;
pub use hevc::HevcConfig;
pub use opus::OpusConfig;
pub use vpx::VpxConfig;

use super::{AudioCodec, VideoCodec};
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::Bytes;

/// What a decoder of pictures is told before the first one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VideoConfig {
    /// AV1.
    Av1(Av1Config),
    /// H.264.
    Avc(AvcConfig),
    /// H.265.
    Hevc(HevcConfig),
    /// A codec whose record is not read here, such as H.266; the record as it came.
    Other(Bytes),
    /// VP8 or VP9.
    Vpx(VpxConfig),
}

/// What a decoder of sound is told before the first frame.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AudioConfig {
    /// AAC.
    Aac(AacConfig),
    /// AC-3 or Enhanced AC-3.
    Ac3(Ac3Config),
    /// FLAC.
    Flac(FlacConfig),
    /// Opus.
    Opus(OpusConfig),
    /// A codec whose record is not read here; the record as it came.
    Other(Bytes),
}

/// What a sequence of pictures looks like.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Picture {
    /// Width in pixels, of what is shown.
    pub width: u32,
    /// Height in pixels, of what is shown.
    pub height: u32,
    /// How colour is sampled.
    pub chroma: Chroma,
    /// Bits of a sample of luma.
    pub bit_depth: u8,
    /// Frames and seconds in lowest terms, where the record promises a rate.
    pub frame_rate: Option<(u32, u32)>,
    /// Width and height of a pixel, where the record says that.
    pub sample_aspect: Option<(u32, u32)>,
    /// What the colours mean, where the record says that.
    pub color: Option<Color>,
}

/// How colour is sampled.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Chroma {
    /// No colour.
    Monochrome,
    /// One sample for four pixels.
    #[default]
    Yuv420,
    /// One sample for two pixels.
    Yuv422,
    /// One sample a pixel.
    Yuv444,
}

/// What the colours mean: numbers of ITU-T H.273.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Color {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Whether samples use their full range.
    pub full_range: bool,
}

impl VideoConfig {
    /// Reads the record of a sequence start; none, if it is empty.
    ///
    /// # Errors
    /// [`Error::Record`] or [`Error::Truncated`] with the byte and the field that is wrong, or a breached cap.
    pub fn decode(
        codec: VideoCodec,
        record: &Bytes,
        limits: &Limits,
    ) -> Result<Option<Self>, Error> {
        if record.is_empty() {
            return Ok(None);
        }
        Ok(Some(match codec {
            VideoCodec::Av1 => Self::Av1(Av1Config::decode(record)?),
            VideoCodec::Avc => Self::Avc(AvcConfig::decode(record, limits)?),
            VideoCodec::Hevc => Self::Hevc(HevcConfig::decode(record, limits)?),
            VideoCodec::Vp8 | VideoCodec::Vp9 => Self::Vpx(VpxConfig::decode(record)?),
            _ => Self::Other(record.clone()),
        }))
    }

    /// Returns what the pictures look like, as far as the record says: that of VP8 and VP9 has no size.
    #[must_use]
    pub const fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Av1(config) => config.picture.as_ref(),
            Self::Avc(config) => Some(&config.picture),
            Self::Hevc(config) => Some(&config.picture),
            Self::Other(_) | Self::Vpx(_) => None,
        }
    }
}

impl AudioConfig {
    /// Reads the record of a sequence start; none, if it is empty.
    ///
    /// # Errors
    /// [`Error::Record`] or [`Error::Truncated`] with the byte and the field that is wrong.
    pub fn decode(codec: AudioCodec, record: &Bytes) -> Result<Option<Self>, Error> {
        if record.is_empty() {
            return Ok(None);
        }
        Ok(Some(match codec {
            AudioCodec::Aac => Self::Aac(AacConfig::decode(record)?),
            AudioCodec::Ac3 => Self::Ac3(Ac3Config::decode(record)?),
            AudioCodec::Eac3 => Self::Ac3(Ac3Config::decode_enhanced(record)?),
            AudioCodec::Flac => Self::Flac(FlacConfig::decode(record)?),
            AudioCodec::Opus => Self::Opus(OpusConfig::decode(record)?),
            _ => Self::Other(record.clone()),
        }))
    }

    /// Reads what a frame says of itself: AC-3 and Enhanced AC-3 need no record. None for other codecs.
    ///
    /// # Errors
    /// [`Error::Record`] or [`Error::Truncated`] with the byte and the field that is wrong.
    pub fn from_frame(codec: AudioCodec, frame: &[u8]) -> Result<Option<Self>, Error> {
        match codec {
            AudioCodec::Ac3 | AudioCodec::Eac3 => {
                Ok(Some(Self::Ac3(Ac3Config::from_frame(frame)?)))
            }
            _ => Ok(None),
        }
    }

    /// Returns samples a second of what is heard.
    #[must_use]
    pub const fn sample_rate(&self) -> Option<u32> {
        match self {
            Self::Aac(config) => Some(config.sample_rate),
            Self::Ac3(config) => Some(config.sample_rate),
            Self::Flac(config) => Some(config.sample_rate),
            Self::Opus(_) => Some(OpusConfig::SAMPLE_RATE),
            Self::Other(_) => None,
        }
    }

    /// Returns how many channels are heard.
    #[must_use]
    pub const fn channels(&self) -> Option<u8> {
        match self {
            Self::Aac(config) => Some(config.channels),
            Self::Ac3(config) => Some(config.channels),
            Self::Flac(config) => Some(config.channels),
            Self::Opus(config) => Some(config.channels),
            Self::Other(_) => None,
        }
    }
}

impl Chroma {
    const fn of(format: u32) -> Self {
        match format {
            0 => Self::Monochrome,
            1 => Self::Yuv420,
            2 => Self::Yuv422,
            _ => Self::Yuv444,
        }
    }
}

/// Reads a parameter set behind its length of two bytes.
fn parameter_set(
    bits: &mut bits::Bits<'_>,
    record: &Bytes,
    sets: &mut Vec<Bytes>,
    all: &mut u16,
    limits: &Limits,
) -> Result<(), Error> {
    let at = bits.at();
    *all = all.saturating_add(1);
    if *all > limits.parameter_sets {
        return Err(Error::ParameterSets {
            at,
            limit: limits.parameter_sets,
        });
    }
    let length = bits.u(16, "parameter set length")?;
    let place = bits.bytes(length as usize)?;
    sets.push(record.slice(place));
    Ok(())
}
