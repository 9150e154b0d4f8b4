//! What a session tells the caller.

use crate::command::Command;
use crate::control::UserControl;
use crate::flv::Packet;
use crate::shared_object::SharedObject;
use crate::{Error, chunk};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// What a session tells the caller.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// A command that is not one of this session. Where its transaction is not 0, the peer waits for
    /// [`Server::respond`](super::Server::respond).
    Call(Command),
    /// The session is over: write what [`Server::poll_transmit`](super::Server::poll_transmit) still
    /// has, then close the socket.
    Close,
    /// Time ran out, or a command in an aggregate broke a cap; [`Output::Close`] follows.
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
    /// A piece of the publication.
    Media(Packet),
    /// A message of a type that is not known here, or has no place where it came, such as media of a peer that does
    /// not publish.
    Other(chunk::Message),
    /// The player pauses, or goes on. While it pauses, [`Server::send`](super::Server::send) sends nothing.
    Paused {
        /// Whether it pauses.
        paused: bool,
        /// Where it is in the stream, in milliseconds, by its own account.
        position_ms: u64,
    },
    /// The peer asks to play; answer with `accept` or `reject`. No more input is taken until then.
    Play(PlayRequest),
    /// The peer asks to publish; answer with `accept` or `reject`. No more input is taken until then.
    Publish(PublishRequest),
    /// The player wants to go on from another place, in milliseconds. A live stream has nothing to do about it.
    Seek {
        /// The place.
        position_ms: u64,
    },
    /// News of a shared object. Whoever serves such objects answers by [`Server::share`](super::Server::share).
    SharedObject(SharedObject),
    /// The player has stopped in order; it may play again.
    Stopped,
    /// The publication has ended in order; another one may follow.
    Unpublished,
    /// What the peer says of itself, such as the length of its buffer.
    UserControl(UserControl),
    /// Something is odd, and was tolerated.
    Warning(Warning),
}

/// What a peer said when it connected.
///
/// `Debug` shows neither its query nor its URL, which may hold a token or a password.
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The application, without slashes around it and without a query; may be empty.
    pub app: String,
    /// What followed `?` in the application.
    pub query: Option<String>,
    /// The URL that the peer says it connected to; may be empty.
    pub tc_url: String,
    /// What the peer calls itself; may be empty.
    pub flash_version: String,
    /// The FourCCs of codecs that the peer knows in Enhanced RTMP; `*` is any.
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

/// A peer's wish to publish.
///
/// `Debug` shows neither name nor query: whoever knows them may publish.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublishRequest {
    /// To be given back with the answer.
    pub id: RequestId,
    /// The stream name, which is the key: no slash before it, no query.
    pub name: String,
    /// What followed `?` in the stream name, or else in the application.
    pub query: Option<String>,
    /// What is to be done with it.
    pub mode: PublishMode,
    /// Who asks.
    pub peer: Arc<Peer>,
}

/// What a publisher wants to be done with its stream (RTMP 1.0, 7.2.2.6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PublishMode {
    /// It is to be recorded, behind what was recorded under its name before.
    Append,
    /// It is to be passed on alone. A mode that is not known is taken for this one.
    Live,
    /// It is to be recorded.
    Record,
}

/// A peer's wish to play.
///
/// `Debug` shows neither name nor query: at most servers the name is that of the publisher.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct PlayRequest {
    /// To be given back with the answer.
    pub id: RequestId,
    /// The stream name: no slash before it, no query.
    pub name: String,
    /// What followed `?` in the stream name, or else in the application.
    pub query: Option<String>,
    /// Where to begin.
    pub start: PlayStart,
    /// How much to play, in milliseconds; none is all of it.
    pub duration_ms: Option<u64>,
    /// Whether it takes the place of what is in the player's list, as it does by default, or goes behind that. A
    /// connection plays one stream at a time here, so that it is for the caller to keep a list.
    pub reset: bool,
    /// Who asks.
    pub peer: Arc<Peer>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Peer")
            .field("app", &self.app)
            .field("flash_version", &self.flash_version)
            .field("fourcc_list", &self.fourcc_list)
            .field("video_fourccs", &self.video_fourccs)
            .field("audio_fourccs", &self.audio_fourccs)
            .field("caps_ex", &self.caps_ex)
            .field("video_function", &self.video_function)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PublishRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PublishRequest")
            .field("id", &self.id)
            .field("mode", &self.mode)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PlayRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PlayRequest")
            .field("id", &self.id)
            .field("start", &self.start)
            .field("duration_ms", &self.duration_ms)
            .field("reset", &self.reset)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Where a player wants to begin (RTMP 1.0, 7.2.2.1).
///
/// The specification has seconds; FFmpeg, librtmp and the servers that they were made for have milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PlayStart {
    /// The live stream of that name, or else the recording.
    Any,
    /// The live stream alone.
    Live,
    /// The recording, so many milliseconds from its beginning.
    Recorded {
        /// The place.
        position_ms: u64,
    },
}

/// Names a request that waits for its answer.
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

    /// There is no such stream to play; FFmpeg and players show it so.
    #[must_use]
    pub fn not_found(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code("NetStream.Play.StreamNotFound", description)
    }

    /// The stream cannot be played, or not any longer.
    #[must_use]
    pub fn play_failed(description: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code("NetStream.Play.Failed", description)
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

/// Something odd that was tolerated.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The chunk layer is odd: a message was abandoned, or a header refers to nothing.
    Chunk(chunk::Event),
    /// The peer's last handshake packet does not echo ours.
    Echo,
}
