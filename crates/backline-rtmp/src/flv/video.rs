//! Video bodies.

use super::modex::{self, Types, Wrapped};
use super::tracks::{self, Read};
use super::{Head, Tracks};
use crate::amf0::{self, Decoder, Value};
use crate::read::Reader;
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// One video message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Video {
    /// The track, 0 unless the message says otherwise.
    pub track: u8,
    /// How the picture is coded.
    pub codec: VideoCodec,
    /// What kind of frame it is. [`VideoFrame::Command`] fits commands and metadata alone: anything else that says so
    /// is written as a frame that depends on others, and what is no frame as if it were of a key frame.
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

/// Set in the first byte of an Enhanced RTMP body.
const ENHANCED: u8 = 0x80;
/// Legacy codec ids. FLV defines 7; 12 is what encoders used before Enhanced RTMP.
const CODEC_AVC: u8 = 7;
const CODEC_HEVC: u8 = 12;
/// Legacy packet types of AVC, in the byte after the codec.
const LEGACY_CONFIG: u8 = 0;
const LEGACY_FRAME: u8 = 1;
const LEGACY_END: u8 = 2;
/// Enhanced RTMP packet types.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const TS_SEQUENCE_START: u8 = 5;
const TYPES: Types = Types {
    multitrack: 6,
    modex: 7,
};

impl Video {
    /// Makes a message of track 0 without an offset.
    #[must_use]
    pub const fn new(codec: VideoCodec, frame: VideoFrame, data: VideoData) -> Self {
        Self {
            track: 0,
            codec,
            frame,
            data,
            offset_ns: 0,
        }
    }

    /// Reads a body with one track.
    ///
    /// # Errors
    /// A body that is cut off, an unknown packet type, several tracks, or a breached cap.
    pub fn decode(body: Bytes, limits: &Limits) -> Result<Self, Error> {
        match Self::read(&body, limits)? {
            Read::One(head, at) => Ok(head.with_rest(body, at)),
            Read::Many(_, at) => Err(modex::several(&body, at)),
        }
    }

    /// Reads a body with any number of tracks.
    ///
    /// # Errors
    /// A body that is cut off, an unknown packet type, or a breached cap.
    pub fn decode_tracks(body: Bytes, limits: &Limits) -> Result<Tracks<Self>, Error> {
        let read = Self::read(&body, limits)?;
        Ok(read.with_payloads(body, Self::with_rest))
    }

    /// Reads all but the payload, and returns where that begins.
    pub(crate) fn read<'a>(body: &'a [u8], limits: &'a Limits) -> Result<Read<Self>, Error> {
        let mut reader = Reader::new(body);
        let first = reader.u8()?;
        let frame = VideoFrame::from_bits((first >> 4) & 0x07);
        if first & ENHANCED == 0 {
            let head = legacy(&mut reader, first & 0x0F, frame)?;
            return Ok(Read::One(head, reader.at()));
        }
        let (packet, offset_ns) = modex::modex(&mut reader, first & 0x0F, TYPES, limits)?;
        // FFmpeg sends its colour metadata with the frame type of a command: the packet type decides.
        if frame == VideoFrame::Command && packet != METADATA {
            let data = VideoData::Command(reader.u8()?);
            let head = Self {
                offset_ns,
                ..Self::new(VideoCodec::Other(0), frame, data)
            };
            return Ok(Read::One(head, reader.at()));
        }
        let at = reader.at();
        // The caps on values hold for the whole message, however many tracks it has.
        let mut values = Decoder::new(&[], limits);
        let mut make = |reader: &mut Reader<'a>, packet, track, fourcc| {
            let codec = VideoCodec::from_fourcc(fourcc);
            let data = packet_data(reader, packet, codec, at, &mut values)?;
            Ok(Self {
                track,
                offset_ns,
                ..Self::new(codec, frame, data)
            })
        };
        match modex::wrapper(&mut reader, packet, TYPES)? {
            Wrapped::One(packet, track, fourcc) => {
                let head = make(&mut reader, packet, track, fourcc)?;
                Ok(Read::One(head, reader.at()))
            }
            Wrapped::Many(packet, of_all) => {
                let mut tracks = Vec::new();
                while !reader.is_empty() {
                    let at = reader.at();
                    let (fourcc, track, mut part) = modex::next_track(&mut reader, of_all)?;
                    let head = make(&mut part, packet, track, fourcc)?;
                    tracks::push(&mut tracks, (head, part.at()..reader.at()), at, limits)?;
                }
                Ok(Read::Many(tracks, at))
            }
        }
    }

    /// Puts what follows the header into the data that wants it; shares the body's bytes.
    pub(crate) fn with_rest(mut self, mut body: Bytes, at: usize) -> Self {
        if let VideoData::Config(rest)
        | VideoData::TsConfig(rest)
        | VideoData::Frame { data: rest, .. } = &mut self.data
        {
            // A handle that moves costs nothing; a second handle would be an allocation.
            body.advance(at);
            *rest = body;
        }
        self
    }

    /// Writes the body again: legacy where FLV can say it, Enhanced RTMP elsewhere.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        Bytes::from([&*self.head(), &self.payload()].concat())
    }

    /// Writes the packets of several tracks as one body: ManyTracks where all have the same codec, ManyTracksManyCodecs
    /// elsewhere (Enhanced RTMP, "Multitrack"). Frames go out with their composition time, if any of them has one.
    ///
    /// # Errors
    /// [`Error::TracksDiffer`] for packets that are no message together: none, more than 255, not all of the same
    /// kind, frame type and offset, a command, or one of 16 MiB and more.
    pub fn encode_tracks(tracks: &[Self]) -> Result<Bytes, Error> {
        let Some(first) = tracks.first() else {
            return Err(Error::TracksDiffer { track: 0 });
        };
        let (packet, frame, offset_ns) = (first.packet(), first.frame, first.offset_ns);
        // Without a composition time a frame is of another packet type; the longer form can say both.
        let is_frame = |video: &Self| matches!(video.data, VideoData::Frame { .. });
        let packet = match packet {
            CODED_FRAMES_X if tracks.iter().any(|video| video.composition().is_some()) => {
                CODED_FRAMES
            }
            // Codecs without composition times have the one type alone, which all of them can go by then.
            CODED_FRAMES_X if tracks.iter().any(|video| !video.codec.has_composition()) => {
                CODED_FRAMES
            }
            other => other,
        };
        let part = |video: &Self| {
            let same = video.packet() == packet || (is_frame(first) && is_frame(video));
            let command = matches!(video.data, VideoData::Command(_));
            if !same || command || video.frame != frame || video.offset_ns != offset_ns {
                return Err(Error::TracksDiffer { track: video.track });
            }
            let mut head = Head::default();
            if packet == CODED_FRAMES && is_frame(video) && video.codec.has_composition() {
                let [_, a, b, c] = video.composition().unwrap_or(0).to_be_bytes();
                head.extend_from_slice(&[a, b, c]);
            }
            Ok((video.codec.to_fourcc(), video.track, head, video.payload()))
        };
        let parts = tracks.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        let first = ENHANCED | first.frame_bits(true) << 4;
        modex::put_tracks(first, packet, offset_ns, &parts, TYPES)
    }

    /// Writes what stands before the payload. Together they are what [`encode`](Self::encode) joins.
    #[must_use]
    pub fn head(&self) -> Head {
        let mut out = Head::default();
        if !self.put_legacy(&mut out) {
            self.put_enhanced(&mut out);
        }
        out
    }

    /// Returns what follows the head, sharing its bytes; empty where nothing does.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        match &self.data {
            VideoData::Config(rest)
            | VideoData::TsConfig(rest)
            | VideoData::Frame { data: rest, .. } => rest.clone(),
            VideoData::Metadata(values) => amf0::encode(values),
            VideoData::Command(_) | VideoData::End => Bytes::new(),
        }
    }

    /// Writes the head in legacy form, if that can say it.
    fn put_legacy(&self, out: &mut Head) -> bool {
        if self.track != 0 || self.offset_ns != 0 {
            return false;
        }
        let frame = self.frame_bits(true) << 4;
        match (self.codec, &self.data) {
            (codec, VideoData::Command(command)) => {
                // The enhanced form of a command names no codec.
                let codec = match codec {
                    VideoCodec::Avc => CODEC_AVC,
                    VideoCodec::Hevc => CODEC_HEVC,
                    VideoCodec::Legacy(codec) => codec & 0x0F,
                    _ => return false,
                };
                out.extend_from_slice(&[frame | codec, *command]);
            }
            (VideoCodec::Legacy(codec), _) => out.push(frame | codec & 0x0F),
            (VideoCodec::Avc, data) => {
                let (packet, composition_ms) = match data {
                    VideoData::Config(_) => (LEGACY_CONFIG, 0),
                    VideoData::Frame { composition_ms, .. } => (LEGACY_FRAME, *composition_ms),
                    VideoData::End => (LEGACY_END, 0),
                    _ => return false,
                };
                let [_, a, b, c] = composition_ms.to_be_bytes();
                out.extend_from_slice(&[frame | CODEC_AVC, packet, a, b, c]);
            }
            _ => return false,
        }
        true
    }

    /// Returns the composition time, where the wire says one.
    fn composition(&self) -> Option<i32> {
        match &self.data {
            VideoData::Frame { composition_ms, .. }
                if *composition_ms != 0 && self.codec.has_composition() =>
            {
                Some(*composition_ms)
            }
            _ => None,
        }
    }

    /// Returns the frame type that says no more than what is carried: a reader takes all that has the frame type of a
    /// command for one, but for metadata without a multitrack wrapper.
    const fn frame_bits(&self, wrapped: bool) -> u8 {
        let frame = match (&self.data, self.frame) {
            (VideoData::Command(_), _) => VideoFrame::Command,
            (VideoData::Frame { .. }, VideoFrame::Command) => VideoFrame::Inter,
            (VideoData::Metadata(_), VideoFrame::Command) if !wrapped => VideoFrame::Command,
            (_, VideoFrame::Command) => VideoFrame::Key,
            (_, frame) => frame,
        };
        frame.to_bits()
    }

    /// Returns the packet type.
    fn packet(&self) -> u8 {
        match &self.data {
            VideoData::Config(_) | VideoData::Command(_) => SEQUENCE_START,
            VideoData::Frame { .. } if self.composition().is_some() => CODED_FRAMES,
            VideoData::Frame { .. } if self.codec.has_composition() => CODED_FRAMES_X,
            VideoData::Frame { .. } => CODED_FRAMES,
            VideoData::End => SEQUENCE_END,
            VideoData::Metadata(_) => METADATA,
            VideoData::TsConfig(_) => TS_SEQUENCE_START,
        }
    }

    fn put_enhanced(&self, out: &mut Head) {
        let (packet, composition) = (self.packet(), self.composition());
        let first = ENHANCED | self.frame_bits(self.track != 0) << 4;
        if let VideoData::Command(command) = self.data {
            modex::put_head(out, first, packet, self.offset_ns, None, TYPES);
            out.push(command);
            return;
        }
        let track = Some((self.track, self.codec.to_fourcc()));
        modex::put_head(out, first, packet, self.offset_ns, track, TYPES);
        if let Some(composition_ms) = composition {
            let [_, a, b, c] = composition_ms.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
        }
    }
}

/// Reads what stands before the payload of one packet; the packet type was read at `at`.
fn packet_data<'a>(
    reader: &mut Reader<'a>,
    packet: u8,
    codec: VideoCodec,
    at: usize,
    values: &mut Decoder<'a>,
) -> Result<VideoData, Error> {
    Ok(match packet {
        SEQUENCE_START => VideoData::Config(Bytes::new()),
        CODED_FRAMES if codec.has_composition() => VideoData::Frame {
            composition_ms: reader.i24()?,
            data: Bytes::new(),
        },
        CODED_FRAMES | CODED_FRAMES_X => VideoData::Frame {
            composition_ms: 0,
            data: Bytes::new(),
        },
        SEQUENCE_END => VideoData::End,
        METADATA => {
            values.reader = reader.clone();
            VideoData::Metadata(values.by_ref().collect::<Result<_, _>>()?)
        }
        TS_SEQUENCE_START => VideoData::TsConfig(Bytes::new()),
        packet => return Err(Error::PacketType { at, packet }),
    })
}

/// Reads what follows the first byte of a legacy body.
fn legacy(reader: &mut Reader<'_>, codec: u8, frame: VideoFrame) -> Result<Video, Error> {
    let codec = match codec {
        CODEC_AVC => VideoCodec::Avc,
        CODEC_HEVC => VideoCodec::Hevc,
        other => VideoCodec::Legacy(other),
    };
    if frame == VideoFrame::Command {
        return Ok(Video::new(codec, frame, VideoData::Command(reader.u8()?)));
    }
    if let VideoCodec::Legacy(_) = codec {
        let data = VideoData::Frame {
            composition_ms: 0,
            data: Bytes::new(),
        };
        return Ok(Video::new(codec, frame, data));
    }
    let at = reader.at();
    let packet = reader.u8()?;
    let data = match packet {
        LEGACY_CONFIG => {
            reader.i24()?;
            VideoData::Config(Bytes::new())
        }
        LEGACY_FRAME => VideoData::Frame {
            composition_ms: reader.i24()?,
            data: Bytes::new(),
        },
        LEGACY_END => VideoData::End,
        packet => return Err(Error::PacketType { at, packet }),
    };
    Ok(Video::new(codec, frame, data))
}

impl VideoCodec {
    /// Returns whether a frame of it says its composition time.
    const fn has_composition(self) -> bool {
        matches!(self, Self::Avc | Self::Hevc | Self::Vvc)
    }

    /// Returns the codec of a FourCC; the case of its letters counts.
    #[must_use]
    pub const fn from_fourcc(fourcc: [u8; 4]) -> Self {
        match &fourcc {
            b"av01" => Self::Av1,
            b"avc1" => Self::Avc,
            b"hvc1" => Self::Hevc,
            b"vp08" => Self::Vp8,
            b"vp09" => Self::Vp9,
            b"vvc1" => Self::Vvc,
            _ => Self::Other(u32::from_be_bytes(fourcc)),
        }
    }

    /// Returns the FourCC; of a legacy codec, its number behind three zeros.
    #[must_use]
    pub const fn to_fourcc(self) -> [u8; 4] {
        match self {
            Self::Av1 => *b"av01",
            Self::Avc => *b"avc1",
            Self::Hevc => *b"hvc1",
            Self::Legacy(codec) => [0, 0, 0, codec],
            Self::Other(fourcc) => fourcc.to_be_bytes(),
            Self::Vp8 => *b"vp08",
            Self::Vp9 => *b"vp09",
            Self::Vvc => *b"vvc1",
        }
    }
}

impl VideoFrame {
    const fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Self::Key,
            2 => Self::Inter,
            3 => Self::Disposable,
            4 => Self::GeneratedKey,
            5 => Self::Command,
            other => Self::Reserved(other),
        }
    }

    const fn to_bits(self) -> u8 {
        match self {
            Self::Command => 5,
            Self::Disposable => 3,
            Self::GeneratedKey => 4,
            Self::Inter => 2,
            Self::Key => 1,
            Self::Reserved(bits) => bits & 0x07,
        }
    }
}
