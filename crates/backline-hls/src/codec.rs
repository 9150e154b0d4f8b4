//! Codecs, and what a track's configuration record says of it.
//!
//! A record goes in as the publisher sent it, and comes out as what playlists and init segments need: the RFC 6381
//! string, the picture's size, the sound's rate. Nothing is copied out of a record but these facts, and no declared
//! count or length is trusted: everything that is read lies inside the record.

mod aac;
mod ac3;
mod av1;
mod avc;
mod bits;
mod cursor;
mod flac;
mod hevc;
mod opus;
mod vp9;

use core::num::NonZeroU32;
use core::ops::Range;

use bytes::Bytes;

use crate::{Error, Limits, RecordProblem};

pub(crate) use opus::Head as OpusHead;

/// A codec that a presentation can carry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Codec {
    /// AAC.
    Aac,
    /// AC-3.
    Ac3,
    /// AV1.
    Av1,
    /// H.264.
    Avc,
    /// Enhanced AC-3.
    Eac3,
    /// FLAC.
    Flac,
    /// H.265.
    Hevc,
    /// Opus.
    Opus,
    /// VP9.
    Vp9,
}

impl Codec {
    /// Whether it is picture or sound.
    #[must_use]
    pub fn kind(self) -> TrackKind {
        match self {
            Self::Av1 | Self::Avc | Self::Hevc | Self::Vp9 => TrackKind::Video,
            Self::Aac | Self::Ac3 | Self::Eac3 | Self::Flac | Self::Opus => TrackKind::Audio,
        }
    }
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[expect(
    clippy::exhaustive_enums,
    reason = "a presentation has these three kinds"
)]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Captions, which have no codec: they come as cues.
    Text,
    /// Picture.
    Video,
}

/// What a screen must be able to show (section 4.4.6.2 of the draft).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum VideoRange {
    /// Hybrid log-gamma.
    Hlg,
    /// Perceptual quantizer: HDR10 and Dolby Vision.
    Pq,
    /// Everything else.
    Sdr,
}

impl VideoRange {
    /// The value of `VIDEO-RANGE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
            Self::Sdr => "SDR",
        }
    }
}

/// What a configuration record says of its track.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrackConfig {
    codec: Codec,
    record: Bytes,
    facts: Facts,
    /// What goes into the sample entry's own box, where a sample said it and not the record.
    made: Option<Bytes>,
}

/// What the codecs' parsers find.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    /// RFC 6381.
    pub(crate) codecs: String,
    /// Width and height in pixels.
    pub(crate) resolution: Option<(u32, u32)>,
    /// Frames and seconds.
    pub(crate) frame_rate: Option<(u32, u32)>,
    /// Transfer characteristics of the picture (ITU-T H.273 8.2).
    pub(crate) transfer: Option<u8>,
    pub(crate) channels: Option<u16>,
    pub(crate) sample_rate: Option<NonZeroU32>,
    pub(crate) frame_samples: Option<u32>,
    /// Of uncompressed sound; 16 where the codec has no such thing.
    pub(crate) sample_bits: Option<u16>,
    /// What of the record goes into the sample entry's own box.
    pub(crate) body: Range<usize>,
}

impl Facts {
    /// Nothing known yet of a record that goes into the sample entry as a whole.
    fn of(record: &[u8]) -> Self {
        Self {
            body: 0..record.len(),
            ..Self::default()
        }
    }
}

impl TrackConfig {
    /// Reads a configuration record: avcC, hvcC, av1C, vpcC (with or without its version and flags),
    /// AudioSpecificConfig, OpusHead (or nothing: stereo), STREAMINFO (alone, as a metadata block, after `fLaC`, or as
    /// the content of dfLa), dac3 or dec3 (or nothing: the frames say it).
    ///
    /// Where the record does not say all that an init segment needs, [`with_sample`](Self::with_sample) does.
    ///
    /// Allocates once, for the RFC 6381 string; the record is kept by handle.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] says at which byte the record is wrong and what was expected there.
    pub fn parse(codec: Codec, record: Bytes, limits: &Limits) -> Result<Self, Error> {
        if record.len() > limits.config_bytes {
            let (size, limit) = (record.len(), limits.config_bytes);
            return Err(Error::Record {
                codec,
                at: 0,
                problem: RecordProblem::TooLarge { size, limit },
            });
        }
        let facts = match codec {
            Codec::Ac3 | Codec::Eac3 if record.is_empty() => Ok(Facts::default()),
            Codec::Aac => aac::parse(&record),
            Codec::Ac3 => ac3::parse(&record),
            Codec::Av1 => av1::parse(&record),
            Codec::Avc => avc::parse(&record, limits),
            Codec::Eac3 => ac3::parse_enhanced(&record),
            Codec::Flac => flac::parse(&record),
            Codec::Hevc => hevc::parse(&record, limits),
            Codec::Opus => opus::parse(&record),
            Codec::Vp9 => vp9::parse(&record),
        };
        match facts {
            Ok(facts) => Ok(Self {
                codec,
                record,
                facts,
                made: None,
            }),
            Err(Fault { at, problem }) => Err(Error::Record { codec, at, problem }),
        }
    }

    /// Gives the picture's size where the record does not: av1C may come without its sequence header, and vpcC never
    /// says it.
    #[must_use]
    pub fn with_resolution(mut self, width: u32, height: u32) -> Self {
        self.facts.resolution = Some((width, height));
        self
    }

    /// Takes from a sample what the record leaves open: the size of a VP9 picture, and of an AV1 picture whose record
    /// has no sequence header, from a key frame; everything about AC-3 and Enhanced AC-3 without a record from any
    /// frame. `None` if the sample says nothing new.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] with the byte of the sample at which its header is wrong.
    pub fn with_sample(&self, sample: &[u8]) -> Result<Option<Self>, Error> {
        let told = match self.codec {
            Codec::Av1 if self.facts.resolution.is_none() => av1::of_sample(sample, &self.facts)
                .map(|facts| {
                    let mut told = self.clone();
                    told.facts = facts;
                    Some(told)
                }),
            Codec::Vp9 => vp9::frame_size(sample).map(|size| {
                let known = self.facts.resolution == Some(size);
                (!known).then(|| self.clone().with_resolution(size.0, size.1))
            }),
            Codec::Ac3 if self.record.is_empty() => {
                ac3::of_frame(sample).map(|made| self.made(made))
            }
            Codec::Eac3 if self.record.is_empty() => {
                ac3::of_enhanced_frame(sample).map(|made| self.made(made))
            }
            _ => Ok(None),
        };
        let codec = self.codec;
        told.map_err(|Fault { at, problem }| Error::Record { codec, at, problem })
    }

    /// Whether an init segment can be made of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self.codec {
            Codec::Ac3 | Codec::Eac3 => self.facts.sample_rate.is_some(),
            Codec::Av1 | Codec::Vp9 => self.facts.resolution.is_some(),
            _ => true,
        }
    }

    /// Whether a decoder that was set up for this one goes on with `other`. FFmpeg sends STREAMINFO again at its end,
    /// with the length and the signature that it knows by then.
    pub(crate) fn goes_on_as(&self, other: &Self) -> bool {
        let same = self.codec == other.codec && self.facts == other.facts;
        let blocks = |config: &Self| config.entry_record().get(..FLAC_BLOCKS).map(<[u8]>::to_vec);
        same && self.codec == Codec::Flac && blocks(self) == blocks(other)
    }

    /// The configuration that a frame of sound says, if it is another one. A bit rate may vary.
    fn made(&self, (facts, entry): (Facts, Bytes)) -> Option<Self> {
        let same = self.facts.channels == facts.channels
            && self.facts.sample_rate == facts.sample_rate
            && self.facts.frame_samples == facts.frame_samples;
        (!same).then(|| Self {
            codec: self.codec,
            record: self.record.clone(),
            facts,
            made: Some(entry),
        })
    }

    /// Picture or sound.
    #[must_use]
    pub fn kind(&self) -> TrackKind {
        self.codec.kind()
    }

    /// The codec.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The RFC 6381 string for `CODECS`, such as `avc1.64001F`.
    #[must_use]
    pub fn codecs(&self) -> &str {
        &self.facts.codecs
    }

    /// Ticks a second of the track's media times: 90,000 for picture, the sample rate for sound.
    #[must_use]
    pub fn timescale(&self) -> u32 {
        self.facts
            .sample_rate
            .map_or(VIDEO_TIMESCALE, NonZeroU32::get)
    }

    /// Width and height of the picture in pixels, after cropping.
    #[must_use]
    pub fn resolution(&self) -> Option<(u32, u32)> {
        self.facts.resolution
    }

    /// Frames and the seconds that they take, such as (30000, 1001), where the record promises a rate.
    #[must_use]
    pub fn frame_rate(&self) -> Option<(u32, u32)> {
        self.facts.frame_rate
    }

    /// What the record says of the picture's transfer characteristics; standard range where it says nothing.
    #[must_use]
    pub fn video_range(&self) -> VideoRange {
        match self.facts.transfer {
            Some(TRANSFER_HLG) => VideoRange::Hlg,
            Some(TRANSFER_PQ) => VideoRange::Pq,
            _ => VideoRange::Sdr,
        }
    }

    /// Channels of the sound.
    #[must_use]
    pub fn channels(&self) -> Option<u16> {
        self.facts.channels
    }

    /// Samples a second of the sound.
    #[must_use]
    pub fn sample_rate(&self) -> Option<u32> {
        self.facts.sample_rate.map(NonZeroU32::get)
    }

    /// Ticks of one frame of sound where all frames are alike: AAC 1,024, 960 or 2,048, AC-3 1,536, most FLAC.
    #[must_use]
    pub fn frame_samples(&self) -> Option<u32> {
        self.facts.frame_samples
    }

    /// The record as it came.
    #[must_use]
    pub fn record(&self) -> &Bytes {
        &self.record
    }

    /// What goes into the sample entry's own box.
    pub(crate) fn entry_record(&self) -> &[u8] {
        match &self.made {
            Some(made) => made,
            None => self.record.get(self.facts.body.clone()).unwrap_or(&[]),
        }
    }

    /// The header that an Opus track's record is, or stands for.
    pub(crate) fn opus_head(&self) -> OpusHead<'_> {
        OpusHead::read(&self.record).unwrap_or_default()
    }

    /// Bits of a sample as a sample entry gives them.
    pub(crate) fn sample_bits(&self) -> u16 {
        self.facts.sample_bits.unwrap_or(16)
    }
}

/// A record's fault before the codec's name is joined to it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: RecordProblem,
}

/// Bytes of STREAMINFO that hold the block sizes.
const FLAC_BLOCKS: usize = 4;
/// RTMP's milliseconds become ticks by a whole factor of 90.
const VIDEO_TIMESCALE: u32 = 90_000;
/// ITU-T H.273, table 3.
const TRANSFER_PQ: u8 = 16;
const TRANSFER_HLG: u8 = 18;
