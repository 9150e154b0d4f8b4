//! Audio bodies.

use super::modex::{self, Types, Wrapped};
use super::tracks::{self, Read};
use super::{Head, Tracks};
use crate::read::Reader;
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

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
    /// Rate, sample size and channels, as a legacy body of MP3 or AAC says them: the lower four bits of its first byte
    /// (FLV, E.4.2.1). 15, which is 44.1 kHz, 16 bits and stereo, is right for all AAC and where nothing was said.
    pub quality: u8,
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

/// Legacy sound formats.
const FORMAT_MP3: u8 = 2;
const FORMAT_ENHANCED: u8 = 9;
const FORMAT_AAC: u8 = 10;
const FORMAT_MP3_8K: u8 = 14;
/// AAC is always said to be 44.1 kHz, 16 bits and stereo (FLV, E.4.2.1); the same fits MP3.
const LEGACY_QUALITY: u8 = 0x0F;
/// Legacy packet types of AAC.
const LEGACY_CONFIG: u8 = 0;
const LEGACY_FRAME: u8 = 1;
/// Enhanced RTMP packet types.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const MULTICHANNEL_CONFIG: u8 = 4;
const TYPES: Types = Types {
    multitrack: 5,
    modex: 7,
};

impl Audio {
    /// Makes a message of track 0 without an offset.
    #[must_use]
    pub const fn new(codec: AudioCodec, data: AudioData) -> Self {
        Self {
            track: 0,
            codec,
            data,
            offset_ns: 0,
            quality: LEGACY_QUALITY,
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
    pub(crate) fn read(body: &[u8], limits: &Limits) -> Result<Read<Self>, Error> {
        let mut reader = Reader::new(body);
        if body.is_empty() {
            let silence = Self::new(AudioCodec::Other(0), AudioData::Silence);
            return Ok(Read::One(silence, 0));
        }
        let first = reader.u8()?;
        let format = first >> 4;
        if format != FORMAT_ENHANCED {
            let head = legacy(&mut reader, first)?;
            return Ok(Read::One(head, reader.at()));
        }
        let (packet, offset_ns) = modex::modex(&mut reader, first & 0x0F, TYPES, limits)?;
        let at = reader.at();
        let make = |packet, track, fourcc| {
            let data = match packet {
                SEQUENCE_START => AudioData::Config(Bytes::new()),
                CODED_FRAMES => AudioData::Frame(Bytes::new()),
                SEQUENCE_END => AudioData::End,
                MULTICHANNEL_CONFIG => AudioData::Multichannel(Bytes::new()),
                packet => return Err(Error::PacketType { at, packet }),
            };
            Ok(Self {
                track,
                offset_ns,
                ..Self::new(AudioCodec::from_fourcc(fourcc), data)
            })
        };
        match modex::wrapper(&mut reader, packet, TYPES)? {
            Wrapped::One(packet, track, fourcc) => {
                Ok(Read::One(make(packet, track, fourcc)?, reader.at()))
            }
            Wrapped::Many(packet, of_all) => {
                let mut tracks = Vec::new();
                while !reader.is_empty() {
                    let at = reader.at();
                    let (fourcc, track, part) = modex::next_track(&mut reader, of_all)?;
                    let place = part.at()..reader.at();
                    let track = (make(packet, track, fourcc)?, place);
                    tracks::push(&mut tracks, track, at, limits)?;
                }
                Ok(Read::Many(tracks, at))
            }
        }
    }

    /// Puts what follows the header into the data that wants it; shares the body's bytes.
    pub(crate) fn with_rest(mut self, mut body: Bytes, at: usize) -> Self {
        if let AudioData::Config(rest) | AudioData::Frame(rest) | AudioData::Multichannel(rest) =
            &mut self.data
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
    /// elsewhere (Enhanced RTMP, "Multitrack").
    ///
    /// # Errors
    /// [`Error::TracksDiffer`] for packets that are no message together: none, more than 255, not all of the same
    /// kind and offset, silence, or one of 16 MiB and more.
    pub fn encode_tracks(tracks: &[Self]) -> Result<Bytes, Error> {
        let first = tracks.first();
        let kind = first.and_then(|first| Some((first.packet()?, first.offset_ns)));
        let (packet, offset_ns) = kind.ok_or(Error::TracksDiffer { track: 0 })?;
        let part = |audio: &Self| {
            if audio.packet() != Some(packet) || audio.offset_ns != offset_ns {
                return Err(Error::TracksDiffer { track: audio.track });
            }
            let fourcc = audio.codec.to_fourcc();
            Ok((fourcc, audio.track, Head::default(), audio.payload()))
        };
        let parts = tracks.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        modex::put_tracks(FORMAT_ENHANCED << 4, packet, offset_ns, &parts, TYPES)
    }

    /// Writes what stands before the payload. Together they are what [`encode`](Self::encode) joins.
    #[must_use]
    pub fn head(&self) -> Head {
        let mut out = Head::default();
        let Some(packet) = self.packet() else {
            return out;
        };
        if !self.put_legacy(&mut out) {
            let track = Some((self.track, self.codec.to_fourcc()));
            let first = FORMAT_ENHANCED << 4;
            modex::put_head(&mut out, first, packet, self.offset_ns, track, TYPES);
        }
        out
    }

    /// Returns what follows the head, sharing its bytes; empty where nothing does.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        match &self.data {
            AudioData::Config(rest) | AudioData::Frame(rest) | AudioData::Multichannel(rest) => {
                rest.clone()
            }
            AudioData::End | AudioData::Silence => Bytes::new(),
        }
    }

    /// Returns the packet type; none for silence, which is an empty message.
    const fn packet(&self) -> Option<u8> {
        Some(match self.data {
            AudioData::Config(_) => SEQUENCE_START,
            AudioData::End => SEQUENCE_END,
            AudioData::Multichannel(_) => MULTICHANNEL_CONFIG,
            AudioData::Frame(_) => CODED_FRAMES,
            AudioData::Silence => return None,
        })
    }

    /// Writes the head in legacy form, if that can say it.
    fn put_legacy(&self, out: &mut Head) -> bool {
        if self.track != 0 || self.offset_ns != 0 {
            return false;
        }
        let quality = self.quality & 0x0F;
        match (self.codec, &self.data) {
            (AudioCodec::Aac, AudioData::Config(_)) => {
                out.extend_from_slice(&[FORMAT_AAC << 4 | quality, LEGACY_CONFIG]);
            }
            (AudioCodec::Aac, AudioData::Frame(_)) => {
                out.extend_from_slice(&[FORMAT_AAC << 4 | quality, LEGACY_FRAME]);
            }
            (AudioCodec::Mp3, AudioData::Frame(_)) => out.push(FORMAT_MP3 << 4 | quality),
            (AudioCodec::Legacy(first), AudioData::Frame(_)) => out.push(first),
            _ => return false,
        }
        true
    }
}

/// Reads what follows the first byte of a legacy body.
fn legacy(reader: &mut Reader<'_>, first: u8) -> Result<Audio, Error> {
    let codec = match first >> 4 {
        FORMAT_AAC => AudioCodec::Aac,
        FORMAT_MP3 | FORMAT_MP3_8K => AudioCodec::Mp3,
        _ => AudioCodec::Legacy(first),
    };
    let audio = |data| Audio {
        quality: match codec {
            AudioCodec::Legacy(_) => LEGACY_QUALITY,
            _ => first & 0x0F,
        },
        ..Audio::new(codec, data)
    };
    if codec != AudioCodec::Aac {
        return Ok(audio(AudioData::Frame(Bytes::new())));
    }
    let at = reader.at();
    let data = match reader.u8()? {
        LEGACY_CONFIG => AudioData::Config(Bytes::new()),
        LEGACY_FRAME => AudioData::Frame(Bytes::new()),
        packet => return Err(Error::PacketType { at, packet }),
    };
    Ok(audio(data))
}

impl AudioCodec {
    /// Returns the codec of a FourCC; the case of its letters counts.
    #[must_use]
    pub const fn from_fourcc(fourcc: [u8; 4]) -> Self {
        match &fourcc {
            b".mp3" => Self::Mp3,
            b"Opus" => Self::Opus,
            b"ac-3" => Self::Ac3,
            b"ec-3" => Self::Eac3,
            b"fLaC" => Self::Flac,
            b"mp4a" => Self::Aac,
            _ => Self::Other(u32::from_be_bytes(fourcc)),
        }
    }

    /// Returns the FourCC; of a legacy codec, its number behind three zeros.
    #[must_use]
    pub const fn to_fourcc(self) -> [u8; 4] {
        match self {
            Self::Aac => *b"mp4a",
            Self::Ac3 => *b"ac-3",
            Self::Eac3 => *b"ec-3",
            Self::Flac => *b"fLaC",
            Self::Legacy(first) => [0, 0, 0, first],
            Self::Mp3 => *b".mp3",
            Self::Opus => *b"Opus",
            Self::Other(fourcc) => fourcc.to_be_bytes(),
        }
    }
}
