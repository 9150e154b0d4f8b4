//! Habits of encoders that we know, and what they mean for a server.

use std::collections::BTreeSet;

use backline_rtmp::amf0::Value;
use backline_rtmp::flv::{
    AudioCodec, AudioData, Media, Packet, StreamInfo, VideoCodec, VideoData, VideoFrame,
};

use super::wire::Seen;

/// A habit that was recognised.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Quirk {
    PlainHandshake,
    SignedHandshake,
    SparseConnect,
    ExtendedAbsent,
    NegativeDelta,
    FreshFormat1,
    FreshFormat2,
    ControlElsewhere,
    Interleaved,
    LargeChunks,
    ShortContinuation,
    BigEndianStream,
    SilentAudio,
    UnknownTypes,
    ConfigBeforeMetadata,
    RepeatedConfig,
    NoMetadata,
    CodecIdSwapped,
    CodecIdWrong,
    CompositionNegative,
    ColorAsCommand,
    FlacBare,
    ConfigEmpty,
    QueryInName,
}

impl Quirk {
    /// The number in our list of habits, and what it is about.
    pub(crate) const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::PlainHandshake => ("Q31", "plain handshake, as librtmp and OBS do it"),
            Self::SignedHandshake => (
                "Q28",
                "signed (digest) handshake, as FFmpeg and Flash do it",
            ),
            Self::SparseConnect => ("Q46", "connect says nothing but where to; as curl does"),
            Self::ExtendedAbsent => (
                "Q01",
                "continuations leave the extended timestamp out, as librtmp before 2015 and OBS before 30.1 do: some servers lose the picture after 4 h 39 min",
            ),
            Self::NegativeDelta => ("Q06", "timestamps step back by a negative difference"),
            Self::FreshFormat1 => (
                "Q08",
                "a chunk stream begins with a header of format 1, as librtmp's ping does",
            ),
            Self::FreshFormat2 => (
                "Q09",
                "a chunk stream begins with a header of format 2 or 3, as DJI cameras do",
            ),
            Self::ControlElsewhere => (
                "Q12",
                "control messages on another chunk stream than 2, as PTZ cameras do",
            ),
            Self::Interleaved => ("Q14", "chunks of sound and picture are interleaved"),
            Self::LargeChunks => (
                "Q16",
                "chunks of more than 65,536 bytes, which some servers refuse",
            ),
            Self::ShortContinuation => (
                "Q20",
                "FFmpeg's one-byte continuation on a long chunk stream id, which few servers read",
            ),
            Self::BigEndianStream => (
                "Q21",
                "the message stream id is written the wrong way round",
            ),
            Self::SilentAudio => ("Q23", "empty audio messages, which mean silence"),
            Self::UnknownTypes => ("Q24", "messages of unknown types"),
            Self::ConfigBeforeMetadata => (
                "Q35",
                "configuration comes before the metadata, as DJI cameras send it",
            ),
            Self::RepeatedConfig => ("Q35", "configuration is sent again and again"),
            Self::NoMetadata => ("Q36", "no metadata, or empty metadata"),
            Self::CodecIdSwapped => (
                "Q37",
                "the metadata has the codec's FourCC from its other end, as Prism does",
            ),
            Self::CodecIdWrong => (
                "Q37",
                "the metadata names another codec than the pictures have, as old OBS does",
            ),
            Self::CompositionNegative => ("Q42", "negative composition times, as Ecamm sends them"),
            Self::ColorAsCommand => (
                "Q49",
                "colour metadata with the frame type of a command, as FFmpeg sends it",
            ),
            Self::FlacBare => (
                "Q50",
                "FLAC's configuration without its marker, as FFmpeg sends it",
            ),
            Self::ConfigEmpty => ("Q51", "an empty configuration, as FFmpeg sends it for AC-3"),
            Self::QueryInName => ("Q44", "the stream name has a query"),
        }
    }
}

/// Looks at what the chunk layer has shown.
pub(crate) fn of_wire(seen: &Seen, found: &mut BTreeSet<Quirk>) {
    found.extend(&seen.quirks);
    for (is, quirk) in [
        (seen.dialect.extended_absent, Quirk::ExtendedAbsent),
        (seen.dialect.negative_delta, Quirk::NegativeDelta),
        (seen.dialect.interleaved, Quirk::Interleaved),
        (seen.dialect.short_continuation, Quirk::ShortContinuation),
        (seen.dialect.chunk_size > 65_536, Quirk::LargeChunks),
    ] {
        if is {
            found.insert(quirk);
        }
    }
}

/// Looks at one packet; `metadata` is what came of that before.
pub(crate) fn of_packet(
    packet: &Packet,
    metadata: Option<&StreamInfo>,
    found: &mut BTreeSet<Quirk>,
) {
    let configures = match &packet.media {
        Media::Audio(audio) => match &audio.data {
            AudioData::Config(record) => {
                if record.is_empty() {
                    found.insert(Quirk::ConfigEmpty);
                } else if audio.codec == AudioCodec::Flac && !record.starts_with(b"fLaC") {
                    found.insert(Quirk::FlacBare);
                }
                true
            }
            AudioData::Silence => {
                found.insert(Quirk::SilentAudio);
                false
            }
            _ => false,
        },
        Media::Video(video) => {
            // Colour metadata of other tracks comes without their number.
            let coded = matches!(video.data, VideoData::Config(_) | VideoData::Frame { .. });
            let declared = metadata.and_then(|info| info.video_codec);
            let differs = declared == Some(VideoCodec::Avc) && video.codec != VideoCodec::Avc;
            if coded && differs && video.track == 0 {
                found.insert(Quirk::CodecIdWrong);
            }
            match &video.data {
                VideoData::Config(record) => {
                    if record.is_empty() {
                        found.insert(Quirk::ConfigEmpty);
                    }
                    true
                }
                VideoData::Frame { composition_ms, .. } => {
                    if *composition_ms < 0 {
                        found.insert(Quirk::CompositionNegative);
                    }
                    false
                }
                VideoData::Metadata(_) if video.frame == VideoFrame::Command => {
                    found.insert(Quirk::ColorAsCommand);
                    false
                }
                _ => false,
            }
        }
        Media::Metadata(value) => {
            let id = value.get("videocodecid").and_then(Value::as_number);
            // The letters of "avc1" read from their other end.
            if id == Some(f64::from(u32::from_le_bytes(*b"avc1"))) {
                found.insert(Quirk::CodecIdSwapped);
            }
            false
        }
        Media::Data { .. } => false,
        _ => false,
    };
    if configures && metadata.is_none() {
        found.insert(Quirk::ConfigBeforeMetadata);
    }
}
