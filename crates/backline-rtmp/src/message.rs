//! Messages and their types.

use bytes::Bytes;

/// One RTMP message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Chunk stream that it came on or goes out on: 2 to 65 599.
    pub chunk_stream: u32,
    /// Message stream that it belongs to; 0 is the connection itself.
    pub message_stream: u32,
    /// Message type id, see the constants.
    pub kind: u8,
    /// Milliseconds, unwrapped: it goes on growing where the wire's 32 bits start again. The wire
    /// carries the low 32 bits. A peer can make it jump by 24 days in either direction with each message; below zero
    /// it stays 0.
    pub timestamp_ms: u64,
    /// The body.
    pub payload: Bytes,
}

/// Message type ids (RTMP 1.0, 5.4, 6.2 and 7.1).
impl Message {
    /// Sets the chunk size of the sender.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// Drops the message in progress on a chunk stream.
    pub const ABORT: u8 = 2;
    /// Says how many bytes were received.
    pub const ACKNOWLEDGEMENT: u8 = 3;
    /// User control: stream begin, ping and others.
    pub const USER_CONTROL: u8 = 4;
    /// Asks for an acknowledgement after each so many bytes.
    pub const WINDOW_ACK_SIZE: u8 = 5;
    /// Limits the bytes that the peer may have unacknowledged.
    pub const SET_PEER_BANDWIDTH: u8 = 6;
    /// Audio.
    pub const AUDIO: u8 = 8;
    /// Video.
    pub const VIDEO: u8 = 9;
    /// Data in AMF3 form.
    pub const DATA_AMF3: u8 = 15;
    /// A shared object in AMF3 form.
    pub const SHARED_OBJECT_AMF3: u8 = 16;
    /// A command in AMF3 form.
    pub const COMMAND_AMF3: u8 = 17;
    /// Data, such as metadata.
    pub const DATA: u8 = 18;
    /// A shared object.
    pub const SHARED_OBJECT: u8 = 19;
    /// A command.
    pub const COMMAND: u8 = 20;
    /// Several messages in one.
    pub const AGGREGATE: u8 = 22;
}

impl Message {
    /// Makes a message.
    #[must_use]
    pub const fn new(
        chunk_stream: u32,
        message_stream: u32,
        kind: u8,
        timestamp_ms: u64,
        payload: Bytes,
    ) -> Self {
        Self {
            chunk_stream,
            message_stream,
            kind,
            timestamp_ms,
            payload,
        }
    }

    /// Returns whether this has a meaning to the chunk layer alone, and none inside of an aggregate.
    pub(crate) const fn is_for_chunks(&self) -> bool {
        matches!(
            self.kind,
            Self::SET_CHUNK_SIZE | Self::ABORT | Self::AGGREGATE
        )
    }

    /// Returns whether this is a piece of a stream: sound, a picture or data.
    #[inline]
    pub(crate) const fn is_media(&self) -> bool {
        matches!(
            self.kind,
            Self::AUDIO | Self::VIDEO | Self::DATA | Self::DATA_AMF3
        )
    }
}
