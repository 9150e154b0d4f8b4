//! What a publisher says of its stream (`onMetaData`; FLV, E.5, and Enhanced RTMP, "Metadata").

use super::{AudioCodec, VideoCodec};
use crate::amf0::{Properties, Value};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a publisher says of its stream. Encoders write much of this wrongly or not at all: it is a claim, and what is
/// not there is none.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Width of the picture in pixels.
    pub width: Option<f64>,
    /// Height of the picture in pixels.
    pub height: Option<f64>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
    /// Rate of the pictures in kb/s.
    pub video_kbps: Option<f64>,
    /// Rate of the sound in kb/s.
    pub audio_kbps: Option<f64>,
    /// Codec of the pictures.
    pub video_codec: Option<VideoCodec>,
    /// Codec of the sound.
    pub audio_codec: Option<AudioCodec>,
    /// Samples a second.
    pub sample_rate: Option<f64>,
    /// Bits of a sample.
    pub sample_bits: Option<f64>,
    /// Channels; two, if all that was said is that it is stereo.
    pub channels: Option<f64>,
    /// What made it.
    pub encoder: Option<String>,
    /// Length in seconds, of a recording.
    pub duration_s: Option<f64>,
    /// What differs for other tracks of pictures, by their number.
    pub video_tracks: Vec<(u8, Properties)>,
    /// What differs for other tracks of sound, by their number.
    pub audio_tracks: Vec<(u8, Properties)>,
    /// Entries of the map of pictures whose key is no track, or whose value is no object.
    pub odd_video_tracks: Properties,
    /// Entries of the map of sound whose key is no track, or whose value is no object.
    pub odd_audio_tracks: Properties,
    /// What else was said, as it came.
    pub others: Properties,
}

/// Legacy codec ids of sound that have a name of their own here.
const SOUND_MP3: f64 = 2.0;
const SOUND_AAC: f64 = 10.0;
const PICTURE_AVC: f64 = 7.0;
const PICTURE_HEVC: f64 = 12.0;

impl StreamInfo {
    /// Reads metadata; what is of an odd shape is kept among the others. It never fails.
    #[must_use]
    pub fn read(metadata: &Value) -> Self {
        let mut info = Self::default();
        for (name, value) in metadata.properties() {
            if !info.set(name, value) {
                info.others.push((name.clone(), value.clone()));
            }
        }
        info
    }

    /// Writes metadata as an associative array, as live encoders do.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Properties::new();
        let mut put = |name: &str, value: Option<Value>| {
            out.extend(value.map(|value| (name.to_string(), value)));
        };
        let number = |number: Option<f64>| number.map(Value::Number);
        put("duration", number(self.duration_s));
        put("width", number(self.width));
        put("height", number(self.height));
        put("videodatarate", number(self.video_kbps));
        put("framerate", number(self.frame_rate));
        put("videocodecid", self.video_codec.map(video_id));
        put("audiodatarate", number(self.audio_kbps));
        put("audiosamplerate", number(self.sample_rate));
        put("audiosamplesize", number(self.sample_bits));
        put(
            "stereo",
            self.channels.map(|count| Value::Boolean(count >= 2.0)),
        );
        put("audiochannels", number(self.channels));
        put("audiocodecid", self.audio_codec.map(audio_id));
        put("encoder", self.encoder.clone().map(Value::String));
        let video = track_map(&self.video_tracks, &self.odd_video_tracks);
        put("videoTrackIdInfoMap", video);
        let audio = track_map(&self.audio_tracks, &self.odd_audio_tracks);
        put("audioTrackIdInfoMap", audio);
        out.extend(self.others.iter().cloned());
        Value::EcmaArray(out)
    }

    /// Takes in a property; returns whether it is one that is known, and of a shape that can be read.
    fn set(&mut self, name: &str, value: &Value) -> bool {
        let place = match name {
            "width" => &mut self.width,
            "height" => &mut self.height,
            "framerate" | "videoframerate" => &mut self.frame_rate,
            "videodatarate" => &mut self.video_kbps,
            "audiodatarate" => &mut self.audio_kbps,
            "audiosamplerate" => &mut self.sample_rate,
            "audiosamplesize" => &mut self.sample_bits,
            "audiochannels" => &mut self.channels,
            "duration" => &mut self.duration_s,
            "videocodecid" => {
                let codec = video_codec(value);
                self.video_codec = codec.or(self.video_codec);
                return codec.is_some();
            }
            "audiocodecid" => {
                let codec = audio_codec(value);
                self.audio_codec = codec.or(self.audio_codec);
                return codec.is_some();
            }
            "stereo" => {
                let Value::Boolean(stereo) = value else {
                    return false;
                };
                let count = if *stereo { 2.0 } else { 1.0 };
                self.channels.get_or_insert(count);
                return true;
            }
            "encoder" => {
                let Some(encoder) = value.as_str() else {
                    return false;
                };
                self.encoder = Some(encoder.into());
                return true;
            }
            "videoTrackIdInfoMap" => {
                return read_tracks(value, &mut self.video_tracks, &mut self.odd_video_tracks);
            }
            "audioTrackIdInfoMap" => {
                return read_tracks(value, &mut self.audio_tracks, &mut self.odd_audio_tracks);
            }
            _ => return false,
        };
        // Some write numbers as text.
        let text = value.as_str().and_then(|text| text.trim().parse().ok());
        match value.as_number().or(text) {
            Some(number) => {
                *place = Some(number);
                true
            }
            None => false,
        }
    }
}

/// Reads a map of tracks; returns whether there is one.
fn read_tracks(map: &Value, tracks: &mut Vec<(u8, Properties)>, odd: &mut Properties) -> bool {
    for (key, value) in map.properties() {
        match (key.parse(), value) {
            (Ok(track), Value::EcmaArray(info) | Value::Object(info)) => {
                tracks.push((track, info.clone()));
            }
            _ => odd.push((key.clone(), value.clone())),
        }
    }
    !map.properties().is_empty()
}

fn track_map(tracks: &[(u8, Properties)], odd: &Properties) -> Option<Value> {
    let entry = |(track, info): &(u8, Properties)| (track.to_string(), Value::Object(info.clone()));
    let map: Properties = tracks
        .iter()
        .map(entry)
        .chain(odd.iter().cloned())
        .collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

/// Reads a codec: a number of FLV, a FourCC as a number in either order of its bytes, or as text.
fn video_codec(value: &Value) -> Option<VideoCodec> {
    if let Some(text) = value.as_str() {
        return fourcc_of(text).map(VideoCodec::from_fourcc);
    }
    match value.as_number()? {
        PICTURE_AVC => Some(VideoCodec::Avc),
        PICTURE_HEVC => Some(VideoCodec::Hevc),
        number => match small(number) {
            Some(id) => Some(VideoCodec::Legacy(id)),
            None => either_order(number, |fourcc| {
                let codec = VideoCodec::from_fourcc(fourcc);
                (!matches!(codec, VideoCodec::Other(_))).then_some(codec)
            }),
        },
    }
}

fn audio_codec(value: &Value) -> Option<AudioCodec> {
    if let Some(text) = value.as_str() {
        return fourcc_of(text).map(AudioCodec::from_fourcc);
    }
    match value.as_number()? {
        SOUND_AAC => Some(AudioCodec::Aac),
        SOUND_MP3 => Some(AudioCodec::Mp3),
        number => match small(number) {
            Some(id) => Some(AudioCodec::Legacy(id << 4)),
            None => either_order(number, |fourcc| {
                let codec = AudioCodec::from_fourcc(fourcc);
                (!matches!(codec, AudioCodec::Other(_))).then_some(codec)
            }),
        },
    }
}

/// Returns a number of FLV's four bits.
fn small(number: f64) -> Option<u8> {
    (0..16).find(|id| f64::from(*id) == number)
}

/// Reads a FourCC that was written as a number, if need be from its other end.
fn either_order<T>(number: f64, read: impl Fn([u8; 4]) -> Option<T>) -> Option<T> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and no codec has that name"
    )]
    let number = number as u32;
    read(number.to_be_bytes()).or_else(|| read(number.to_le_bytes()))
}

/// Returns the FourCC that a text is; some write more than four letters.
fn fourcc_of(text: &str) -> Option<[u8; 4]> {
    text.get(..4)?.as_bytes().first_chunk().copied()
}

/// Returns how a codec is written: by its number, or by its letters, if nobody knows it.
fn video_id(codec: VideoCodec) -> Value {
    match codec {
        VideoCodec::Avc => Value::Number(PICTURE_AVC),
        VideoCodec::Legacy(id) => Value::Number(id.into()),
        VideoCodec::Other(_) => letters(codec.to_fourcc()),
        codec => fourcc_number(codec.to_fourcc()),
    }
}

fn audio_id(codec: AudioCodec) -> Value {
    match codec {
        AudioCodec::Aac => Value::Number(SOUND_AAC),
        AudioCodec::Mp3 => Value::Number(SOUND_MP3),
        AudioCodec::Legacy(first) => Value::Number((first >> 4).into()),
        AudioCodec::Other(_) => letters(codec.to_fourcc()),
        codec => fourcc_number(codec.to_fourcc()),
    }
}

fn letters(fourcc: [u8; 4]) -> Value {
    match core::str::from_utf8(&fourcc) {
        Ok(text) => Value::String(text.into()),
        Err(_) => fourcc_number(fourcc),
    }
}

fn fourcc_number(fourcc: [u8; 4]) -> Value {
    Value::Number(u32::from_be_bytes(fourcc).into())
}
