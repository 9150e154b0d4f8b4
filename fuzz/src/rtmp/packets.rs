//! Recipes for what a publication is made of.

use crate::Source;
use backline_rtmp::amf0::Value;
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Media, Packet, Video, VideoCodec, VideoData, VideoFrame,
};
use bytes::Bytes;

const VIDEO_CODECS: [VideoCodec; 6] = [
    VideoCodec::Avc,
    VideoCodec::Hevc,
    VideoCodec::Av1,
    VideoCodec::Vp8,
    VideoCodec::Vp9,
    VideoCodec::Vvc,
];
const FRAMES: [VideoFrame; 4] = [
    VideoFrame::Key,
    VideoFrame::Inter,
    VideoFrame::Disposable,
    VideoFrame::GeneratedKey,
];
const AUDIO_CODECS: [AudioCodec; 6] = [
    AudioCodec::Aac,
    AudioCodec::Ac3,
    AudioCodec::Eac3,
    AudioCodec::Flac,
    AudioCodec::Mp3,
    AudioCodec::Opus,
];

/// Where a stream begins: at 0, shortly before an extended timestamp, before 32 bits are full, and far beyond.
const STARTS_MS: [u64; 4] = [0, 0x00FF_FF00, 0xFFFF_FF00, 1 << 40];

/// Makes packets whose timestamps grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets {
    clock_ms: u64,
}

impl Packets {
    pub(super) fn new(choice: u8) -> Self {
        Self {
            clock_ms: STARTS_MS[usize::from(choice % 4)],
        }
    }

    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Packet {
        self.clock_ms += match source.below(8) {
            0 => 0,
            1 => u64::from(source.u32() >> 12),
            _ => u64::from(source.u8()),
        };
        let media = match source.below(8) {
            0 => metadata(source),
            1 => data(source),
            2..=4 => Media::Audio(audio(source)),
            _ => Media::Video(video(source)),
        };
        Packet::new(self.clock_ms, media)
    }
}

/// Checks that packets came as they were sent, but for the high half of their timestamps, which the wire does not
/// carry.
pub(super) fn assert_same(came: &[Packet], sent: &[Packet]) {
    assert_eq!(came.len(), sent.len(), "{came:?} of {sent:?}");
    for (came, sent) in came.iter().zip(sent) {
        assert_eq!(came.timestamp_ms as u32, sent.timestamp_ms as u32);
        assert_eq!(came.media, sent.media);
    }
}

/// Whether a server says it by itself, and no publisher.
pub(super) fn is_own(packet: &Packet) -> bool {
    matches!(&packet.media, Media::Data { name, .. }
        if name == "|RtmpSampleAccess" || name == "onPlayStatus")
}

/// Makes a video message that can be written and means the same when it is read.
pub(super) fn video(source: &mut Source<'_>) -> Video {
    let codec = VIDEO_CODECS[usize::from(source.below(6))];
    let frame = FRAMES[usize::from(source.below(4))];
    let (frame, data) = match source.below(8) {
        0 => (VideoFrame::Key, VideoData::Config(bytes(source))),
        1 => (frame, VideoData::End),
        2 if codec != VideoCodec::Avc => (
            frame,
            VideoData::Metadata(vec![Value::String("colorInfo".to_owned()), object(source)]),
        ),
        _ => {
            let composed = matches!(codec, VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Vvc);
            // 24 bits with a sign.
            let composition_ms = (source.u32() as i32) >> 8;
            let frame_data = VideoData::Frame {
                composition_ms: if composed { composition_ms } else { 0 },
                data: bytes(source),
            };
            (frame, frame_data)
        }
    };
    let mut video = Video::new(codec, frame, data);
    (video.track, video.offset_ns) = track_and_offset(source);
    video
}

/// Makes an audio message that can be written and means the same when it is read.
pub(super) fn audio(source: &mut Source<'_>) -> Audio {
    let codec = AUDIO_CODECS[usize::from(source.below(6))];
    let data = match source.below(8) {
        0 => return Audio::new(AudioCodec::Other(0), AudioData::Silence),
        1 if codec != AudioCodec::Mp3 => AudioData::Config(bytes(source)),
        2 if !matches!(codec, AudioCodec::Aac | AudioCodec::Mp3) => AudioData::End,
        _ => AudioData::Frame(bytes(source)),
    };
    let mut audio = Audio::new(codec, data);
    (audio.track, audio.offset_ns) = track_and_offset(source);
    audio
}

fn track_and_offset(source: &mut Source<'_>) -> (u8, u32) {
    match source.below(4) {
        0 => (source.u8(), source.u32() % 1_000_000),
        1 => (source.below(3), 0),
        _ => (0, 0),
    }
}

fn metadata(source: &mut Source<'_>) -> Media {
    Media::Metadata(match source.below(3) {
        0 => Value::Null,
        1 => object(source),
        _ => match object(source) {
            Value::Object(properties) => Value::EcmaArray(properties),
            other => other,
        },
    })
}

fn data(source: &mut Source<'_>) -> Media {
    let name = ["onTextData", "onCuePoint", "onFI", ""][usize::from(source.below(4))];
    let count = source.below(3);
    Media::Data {
        name: name.to_owned(),
        values: (0..count).map(|_| object(source)).collect(),
    }
}

fn object(source: &mut Source<'_>) -> Value {
    let count = source.below(4);
    let properties = (0..count).map(|index| {
        let value = match source.below(3) {
            0 => Value::Number(f64::from(source.u16())),
            1 => Value::Boolean(source.u8() & 1 != 0),
            _ => Value::String(source.text(4)),
        };
        (format!("name{index}"), value)
    });
    Value::Object(properties.collect())
}

fn bytes(source: &mut Source<'_>) -> Bytes {
    let length = match source.below(4) {
        0 => usize::from(source.below(4)),
        1 => usize::from(source.u16()) % 5000,
        _ => usize::from(source.u8()),
    };
    let first = source.u8();
    (0..length)
        .map(|index| first.wrapping_add((index * 3) as u8))
        .collect()
}
