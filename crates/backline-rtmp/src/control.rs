//! Messages about the connection itself: types 1 to 6 (RTMP 1.0, 5.4, 6.2 and 7.1.7), read and written.

use crate::Error;
use crate::chunk::{CONTROL_CHUNK_STREAM, Message};
use crate::read::Reader;
use alloc::vec::Vec;
use bytes::Bytes;

/// How a limit of [`PeerBandwidth`] is meant (RTMP 1.0, 5.4.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LimitKind {
    /// It holds if the limit before it was hard, and is ignored otherwise.
    Dynamic,
    /// It holds.
    Hard,
    /// It holds if it is smaller than the one in force.
    Soft,
}

/// The limit on what its receiver may send unacknowledged (type 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PeerBandwidth {
    /// Bytes that may be unacknowledged.
    pub window: u32,
    /// How that is meant.
    pub kind: LimitKind,
}

/// A user control message (type 4).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UserControl {
    /// The buffer of a message stream ran empty; unofficial, event 31.
    BufferEmpty(u32),
    /// The buffer of a message stream is filled again; unofficial, event 32.
    BufferReady(u32),
    /// An event that is not known here.
    Other {
        /// Its number.
        event: u16,
        /// What follows the number.
        data: Bytes,
    },
    /// Asks for a pong with the same number, which is the sender's clock in milliseconds.
    Ping(u32),
    /// Answers a ping.
    Pong(u32),
    /// A player's buffer.
    SetBufferLength {
        /// The message stream that is played.
        message_stream: u32,
        /// Length in milliseconds.
        length_ms: u32,
    },
    /// A message stream begins.
    StreamBegin(u32),
    /// A message stream has no data for the moment.
    StreamDry(u32),
    /// A message stream has ended.
    StreamEof(u32),
    /// A message stream is a recording.
    StreamIsRecorded(u32),
}

/// User control events.
const STREAM_BEGIN: u16 = 0;
const STREAM_EOF: u16 = 1;
const STREAM_DRY: u16 = 2;
const SET_BUFFER_LENGTH: u16 = 3;
const STREAM_IS_RECORDED: u16 = 4;
const PING: u16 = 6;
const PONG: u16 = 7;
const BUFFER_EMPTY: u16 = 31;
const BUFFER_READY: u16 = 32;
/// Limit kinds.
const HARD: u8 = 0;
const SOFT: u8 = 1;
const DYNAMIC: u8 = 2;

impl PeerBandwidth {
    /// Makes a limit.
    #[must_use]
    pub const fn new(window: u32, kind: LimitKind) -> Self {
        Self { window, kind }
    }

    /// Reads a body; a kind that is not defined is read as dynamic, which changes nothing.
    ///
    /// # Errors
    /// A body that is cut off.
    pub fn decode(body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let window = reader.u32()?;
        let kind = match reader.u8()? {
            HARD => LimitKind::Hard,
            SOFT => LimitKind::Soft,
            _ => LimitKind::Dynamic,
        };
        Ok(Self { window, kind })
    }

    /// Writes the message.
    #[must_use]
    pub fn to_message(self) -> Message {
        let [a, b, c, d] = self.window.to_be_bytes();
        let kind = match self.kind {
            LimitKind::Dynamic => DYNAMIC,
            LimitKind::Hard => HARD,
            LimitKind::Soft => SOFT,
        };
        message(Message::SET_PEER_BANDWIDTH, &[a, b, c, d, kind])
    }
}

impl UserControl {
    /// Reads a body.
    ///
    /// # Errors
    /// A body that is cut off.
    pub fn decode(body: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let event = reader.u16()?;
        Ok(match event {
            STREAM_BEGIN => Self::StreamBegin(reader.u32()?),
            STREAM_EOF => Self::StreamEof(reader.u32()?),
            STREAM_DRY => Self::StreamDry(reader.u32()?),
            SET_BUFFER_LENGTH => Self::SetBufferLength {
                message_stream: reader.u32()?,
                length_ms: reader.u32()?,
            },
            STREAM_IS_RECORDED => Self::StreamIsRecorded(reader.u32()?),
            PING => Self::Ping(reader.u32()?),
            PONG => Self::Pong(reader.u32()?),
            BUFFER_EMPTY => Self::BufferEmpty(reader.u32()?),
            BUFFER_READY => Self::BufferReady(reader.u32()?),
            event => Self::Other {
                event,
                data: body.slice(reader.at()..),
            },
        })
    }

    /// Writes the message.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let (event, first, second) = match self {
            Self::BufferEmpty(stream) => (BUFFER_EMPTY, *stream, None),
            Self::BufferReady(stream) => (BUFFER_READY, *stream, None),
            Self::Other { event, data } => {
                let mut body = Vec::from(event.to_be_bytes());
                body.extend_from_slice(data);
                return message(Message::USER_CONTROL, &body);
            }
            Self::Ping(number) => (PING, *number, None),
            Self::Pong(number) => (PONG, *number, None),
            Self::SetBufferLength {
                message_stream,
                length_ms,
            } => (SET_BUFFER_LENGTH, *message_stream, Some(*length_ms)),
            Self::StreamBegin(stream) => (STREAM_BEGIN, *stream, None),
            Self::StreamDry(stream) => (STREAM_DRY, *stream, None),
            Self::StreamEof(stream) => (STREAM_EOF, *stream, None),
            Self::StreamIsRecorded(stream) => (STREAM_IS_RECORDED, *stream, None),
        };
        let mut body = Vec::from(event.to_be_bytes());
        body.extend_from_slice(&first.to_be_bytes());
        body.extend(second.into_iter().flat_map(u32::to_be_bytes));
        message(Message::USER_CONTROL, &body)
    }
}

/// Reads a control message of one number.
pub(crate) fn number(body: &[u8]) -> Result<u32, Error> {
    Reader::new(body).u32()
}

/// Makes a control message; some encoders drop a server that sends it on another chunk stream.
pub(crate) fn message(kind: u8, body: &[u8]) -> Message {
    Message::new(
        CONTROL_CHUNK_STREAM,
        0,
        kind,
        0,
        Bytes::copy_from_slice(body),
    )
}
