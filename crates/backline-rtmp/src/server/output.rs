//! What a session tells the caller.

use crate::amf0::Value;
use crate::flv::{Audio, Video};
use crate::{Error, chunk};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// What a session tells the caller.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// An audio message of the publication.
    Audio {
        /// Decoding time in milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body.
        audio: Audio,
    },
    /// The session is over: write what [`Server::poll_transmit`](super::Server::poll_transmit) still
    /// has, then close the socket.
    Close,
    /// Data of the publication that is not metadata, such as `onTextData` or `onCuePoint`.
    Data {
        /// Milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The name that it was sent under; empty where there was none.
        name: String,
        /// What followed the name.
        values: Vec<Value>,
    },
    /// Time ran out; [`Output::Close`] follows.
    Failed(Error),
    /// A body that could not be read. The session goes on.
    Malformed {
        /// Message type id.
        kind: u8,
        /// Decoding time in milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body as it came.
        raw: Bytes,
        /// What is wrong with it.
        error: Error,
    },
    /// Metadata of the publication, such as `onMetaData`.
    Metadata(Value),
    /// The peer asks to publish; answer with `accept` or `reject`. No more input is taken until then.
    Publish(PublishRequest),
    /// The publication has ended in order; another one may follow.
    Unpublished,
    /// A video message of the publication.
    Video {
        /// Decoding time in milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body.
        video: Video,
    },
    /// Something is odd, and was tolerated.
    Warning(Warning),
}

/// A peer's wish to publish.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublishRequest {
    /// To be given back with the answer.
    pub id: RequestId,
    /// The application, without slashes around it and without a query; may be empty.
    pub app: String,
    /// The stream name, which is the key: no slash before it, no query.
    pub name: String,
    /// What followed `?` in the stream name, or else in the application.
    pub query: Option<String>,
    /// The URL that the peer says it connected to; may be empty.
    pub tc_url: String,
    /// What the peer calls itself; may be empty.
    pub flash_version: String,
    /// The FourCCs of codecs that the peer may send in Enhanced RTMP; `*` is any.
    pub fourcc_list: Vec<String>,
    /// The peer's `videoFourCcInfoMap`: FourCC or `*`, and a mask of what it can do: decode 1, encode 2, forward 4.
    pub video_fourccs: Vec<(String, u32)>,
    /// The same of its `audioFourCcInfoMap`.
    pub audio_fourccs: Vec<(String, u32)>,
    /// The peer's `capsEx` mask of Enhanced RTMP, 0 if it sent none.
    pub caps_ex: u32,
    /// The peer's `videoFunction` mask of Enhanced RTMP, 0 if it sent none.
    pub video_function: u32,
}

/// Names a publication that waits for its answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub(super) u64);

/// What the peer is told when it may not publish, or not any longer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The status code, such as `NetStream.Publish.BadName`.
    pub code: Cow<'static, str>,
    /// One line for the person at the encoder.
    pub description: Cow<'static, str>,
}

impl Rejection {
    /// The name is unknown or in use: OBS speaks of the stream key, FFmpeg shows the description.
    #[must_use]
    pub fn bad_name(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code("NetStream.Publish.BadName", description)
    }

    /// The peer may not publish here.
    #[must_use]
    pub fn denied(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code("NetStream.Publish.Denied", description)
    }

    /// The publication was ended by this side: another publisher took over, or the box goes down.
    #[must_use]
    pub fn ended(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code("NetStream.Publish.Failed", description)
    }

    /// Any other status code.
    #[must_use]
    pub fn with_code(
        code: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
        }
    }
}

/// Counters of a session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes that the peer says it received, modulo 2^32.
    pub acknowledged: u32,
    /// Audio messages.
    pub audio_messages: u64,
    /// Bytes taken.
    pub bytes_in: u64,
    /// Bytes handed out by `poll_transmit`.
    pub bytes_out: u64,
    /// Instants that went backwards and were taken as the latest one.
    pub clock_reversals: u64,
    /// Data messages.
    pub data_messages: u64,
    /// Bodies that could not be read.
    pub malformed: u64,
    /// All messages.
    pub messages: u64,
    /// Video messages.
    pub video_messages: u64,
    /// Warnings.
    pub warnings: u64,
}

/// Something odd that was tolerated.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The chunk layer is odd: a message was abandoned, or a header refers to nothing.
    Chunk(chunk::Event),
    /// The peer's last handshake packet does not echo ours.
    Echo,
    /// A command or message type that is not known, or not served here, was ignored.
    Ignored {
        /// Message type id.
        kind: u8,
    },
}
