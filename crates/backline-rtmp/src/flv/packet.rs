//! What a publication is made of, in the order of its timestamps.

use super::{Audio, AudioData, Tracks, Video, VideoData, VideoFrame};
use crate::amf0::{self, Value};
use crate::chunk::Message;
use crate::{Error, Limits, amf3, command};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Asks a server to keep what follows, under its name, for players that come later.
const SET_DATA_FRAME: &str = "@setDataFrame";
const ON_METADATA: &str = "onMetaData";

/// One piece of a publication: what a publisher sends, a player gets, a recording holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Packet {
    /// Decoding time in milliseconds, unwrapped: it goes on growing where 32 bits on the wire start again.
    pub timestamp_ms: u64,
    /// What it carries.
    pub media: Media,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Media {
    /// Sound of one track.
    Audio(Audio),
    /// Data that is not metadata, such as `onTextData` or `onCuePoint`.
    Data {
        /// The name that it was sent under; empty where there was none.
        name: String,
        /// What followed the name.
        values: Vec<Value>,
    },
    /// Metadata such as `onMetaData`: an object or an associative array, or null where it was empty.
    Metadata(Value),
    /// A picture of one track.
    Video(Video),
}

/// What a relay may do with a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Hint {
    /// Everything after it depends on it: configuration, metadata, commands, the end of a sequence.
    Critical,
    /// A frame that nothing depends on.
    Droppable,
    /// A frame that others may depend on, sound, or data.
    Ordinary,
    /// A key frame: a consumer can begin here.
    Resync,
}

impl Packet {
    /// Makes a packet.
    #[must_use]
    pub const fn new(timestamp_ms: u64, media: Media) -> Self {
        Self {
            timestamp_ms,
            media,
        }
    }

    /// Returns what a relay may do with it when the link is too slow (RTMP-26).
    #[must_use]
    pub const fn hint(&self) -> Hint {
        match &self.media {
            Media::Audio(audio) => match audio.data {
                AudioData::Frame(_) | AudioData::Silence => Hint::Ordinary,
                _ => Hint::Critical,
            },
            Media::Data { .. } => Hint::Ordinary,
            Media::Metadata(_) => Hint::Critical,
            Media::Video(video) => match (&video.data, video.frame) {
                (VideoData::Frame { .. }, VideoFrame::Key | VideoFrame::GeneratedKey) => {
                    Hint::Resync
                }
                (VideoData::Frame { .. }, VideoFrame::Disposable) => Hint::Droppable,
                (VideoData::Frame { .. }, _) => Hint::Ordinary,
                _ => Hint::Critical,
            },
        }
    }

    /// Returns the track; 0 for data and metadata.
    #[must_use]
    pub const fn track(&self) -> u8 {
        match &self.media {
            Media::Audio(audio) => audio.track,
            Media::Data { .. } | Media::Metadata(_) => 0,
            Media::Video(video) => video.track,
        }
    }

    /// Returns how many bytes the payload has; for data and metadata, about how many it would have.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.media {
            Media::Audio(audio) => match &audio.data {
                AudioData::Config(rest)
                | AudioData::Frame(rest)
                | AudioData::Multichannel(rest) => rest.len(),
                AudioData::End | AudioData::Silence => 0,
            },
            Media::Data { name, values } => {
                let values = values.iter().map(Value::weight);
                values.fold(name.len(), usize::saturating_add)
            }
            Media::Metadata(value) => value.weight(),
            Media::Video(video) => match &video.data {
                VideoData::Config(rest)
                | VideoData::TsConfig(rest)
                | VideoData::Frame { data: rest, .. } => rest.len(),
                VideoData::Metadata(values) => {
                    let values = values.iter().map(Value::weight);
                    values.fold(0, usize::saturating_add)
                }
                VideoData::Command(_) | VideoData::End => 0,
            },
        }
    }

    /// Returns whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a number for what a packet configures, so that a newer one can be told to take its place.
    pub(crate) const fn part(&self) -> u8 {
        match &self.media {
            Media::Audio(audio) => match audio.data {
                AudioData::Config(_) => 0,
                AudioData::Multichannel(_) => 1,
                _ => 2,
            },
            Media::Data { .. } | Media::Metadata(_) => 0,
            Media::Video(video) => match video.data {
                VideoData::Config(_) | VideoData::TsConfig(_) => 0,
                VideoData::Metadata(_) => 1,
                VideoData::Command(_) => 2,
                _ => 3,
            },
        }
    }

    /// Reads a media or data message, one packet a track. The message types are those of RTMP, which FLV's tags
    /// share: 8, 9, 15 and 18; any other type is read as data.
    ///
    /// # Errors
    /// A body that cannot be read, with its bytes.
    pub fn decode(message: Message, limits: &Limits) -> Result<Tracks<Self>, (Bytes, Error)> {
        let Message {
            kind,
            timestamp_ms,
            payload,
            ..
        } = message;
        // The body's one handle goes into the packet: a second one would cost an allocation.
        match kind {
            Message::AUDIO => match Audio::read(&payload, limits) {
                Ok(read) => Ok(read
                    .with_payloads(payload, Audio::with_rest)
                    .map_each(|audio| Self::new(timestamp_ms, Media::Audio(audio)))),
                Err(error) => Err((payload, error)),
            },
            Message::VIDEO => match Video::read(&payload, limits) {
                Ok(read) => Ok(read
                    .with_payloads(payload, Video::with_rest)
                    .map_each(|video| Self::new(timestamp_ms, Media::Video(video)))),
                Err(error) => Err((payload, error)),
            },
            _ => match data(kind, &payload, limits) {
                Ok(media) => Ok(Tracks::one(Self::new(timestamp_ms, media))),
                Err(error) => Err((payload, error)),
            },
        }
    }
}

/// Reads metadata and other data; encoders put much before and around it.
fn data(kind: u8, body: &[u8], limits: &Limits) -> Result<Media, Error> {
    let (length, limit) = (body.len(), limits.command_bytes);
    if u64::try_from(length).unwrap_or(u64::MAX) > u64::from(limit) {
        return Err(Error::BodyLength {
            kind,
            length,
            limit,
        });
    }
    let values = amf0::decode(command::amf0_part(kind, body), limits)?;
    let is_name = |value: &Value| value.as_str().is_some_and(|name| name != SET_DATA_FRAME);
    let is_set = |value: &Value| match value {
        Value::Amf3(value) => matches!(
            **value,
            amf3::Value::Array { .. } | amf3::Value::Object { .. }
        ),
        value => matches!(
            value,
            Value::EcmaArray(_) | Value::Object(_) | Value::TypedObject(..)
        ),
    };
    // Metadata has one form, whatever it came in.
    let plain = |value: Value| match value {
        Value::Amf3(value) => value.to_amf0(),
        value => value,
    };
    let Some(at) = values
        .iter()
        .position(|value| is_name(value) || is_set(value))
    else {
        return Ok(Media::Data {
            name: String::new(),
            values,
        });
    };
    let mut values = values.into_iter().skip(at);
    Ok(match values.next().map(plain) {
        Some(Value::String(name)) if name == ON_METADATA => {
            Media::Metadata(values.find(is_set).map_or(Value::Null, plain))
        }
        Some(Value::String(name)) => Media::Data {
            name,
            values: values.collect(),
        },
        set => Media::Metadata(set.unwrap_or(Value::Null)),
    })
}
