//! Video bodies.

use crate::amf0::Value;
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::Bytes;

/// One video message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Video {
    /// The track, 0 unless the message says otherwise.
    pub track: u8,
    /// How the picture is coded.
    pub codec: VideoCodec,
    /// What kind of frame it is.
    pub frame: VideoFrame,
    /// What the message carries.
    pub data: VideoData,
    /// Nanoseconds to add to this message's presentation time, below 1 000 000 (ModEx).
    pub offset_ns: u32,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VideoCodec {
    /// AV1.
    Av1,
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// A codec id of FLV's first years, such as 2 for Sorenson H.263.
    Legacy(u8),
    /// A FourCC that is not one of Enhanced RTMP.
    Other(u32),
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// H.266.
    Vvc,
}

/// What a video message carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VideoData {
    /// Start (0) or end (1) of a seek; there is no picture.
    Command(u8),
    /// The decoder's configuration record: avcC, hvcC, av1C, vpcC, vvcC.
    Config(Bytes),
    /// The sequence ends.
    End,
    /// A picture: length-prefixed NAL units, an AV1 temporal unit or a VP frame.
    Frame {
        /// Presentation time less decoding time, in milliseconds.
        composition_ms: i32,
        /// The access unit.
        data: Bytes,
    },
    /// Names and values that hold until they are sent again, such as `colorInfo`.
    Metadata(Vec<Value>),
    /// An AV1 configuration in the form of an MPEG-2 TS descriptor.
    TsConfig(Bytes),
}

/// What kind of frame a video message is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VideoFrame {
    /// Carries a command, no picture.
    Command,
    /// Nothing depends on it.
    Disposable,
    /// A key frame made by a server.
    GeneratedKey,
    /// Depends on earlier frames.
    Inter,
    /// Can be decoded alone.
    Key,
    /// A value that is not defined: 0, 6 or 7.
    Reserved(u8),
}

impl Video {
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
