//! Audio bodies.

use crate::{Error, Limits};
use bytes::Bytes;

/// One audio message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Audio {
    /// The track, 0 unless the message says otherwise.
    pub track: u8,
    /// How the sound is coded.
    pub codec: AudioCodec,
    /// What the message carries.
    pub data: AudioData,
    /// Nanoseconds to add to this message's presentation time, below 1 000 000 (ModEx).
    pub offset_ns: u32,
}

/// How sound is coded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AudioCodec {
    /// AAC.
    Aac,
    /// AC-3.
    Ac3,
    /// E-AC-3.
    Eac3,
    /// FLAC.
    Flac,
    /// The first byte of a legacy body: format, rate, size and channels.
    Legacy(u8),
    /// MP3.
    Mp3,
    /// Opus.
    Opus,
    /// A FourCC that is not one of Enhanced RTMP.
    Other(u32),
}

/// What an audio message carries.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AudioData {
    /// The decoder's configuration: `AudioSpecificConfig`, `OpusHead`, STREAMINFO; may be empty.
    Config(Bytes),
    /// The sequence ends.
    End,
    /// One coded frame.
    Frame(Bytes),
    /// The layout of the channels: order, count and what follows (Enhanced RTMP, "MultichannelConfig").
    Multichannel(Bytes),
    /// An empty message: nothing is heard from here on.
    Silence,
}

impl Audio {
    /// Reads a body.
    ///
    /// # Errors
    /// A body that is cut off, an unknown packet type, several tracks, or a breached cap.
    pub fn decode(body: Bytes, limits: &Limits) -> Result<Self, Error> {
        let _ = (body, limits);
        Err(Error::Closed)
    }

    /// Writes the body again: legacy where FLV can say it, Enhanced RTMP elsewhere.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        Bytes::new()
    }
}
