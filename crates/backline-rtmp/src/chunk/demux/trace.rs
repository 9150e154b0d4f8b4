//! What is seen of the chunk layer itself: chunk by chunk, and what the peer does its own way.

use super::{Demuxer, State};
use crate::chunk::header::{EXTENDED, Header};

/// One chunk header as it stood on the wire.
///
/// What its format leaves out is what holds from the header before it on the same chunk stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ChunkHeader {
    /// Offset of its first byte since the start of the connection.
    pub at: u64,
    /// Bytes of all of it: 1 to 18.
    pub header_len: u8,
    /// How much it leaves out: 0 to 3.
    pub format: u8,
    /// The chunk stream.
    pub chunk_stream: u32,
    /// The 24-bit timestamp field: absolute in format 0, a difference in 1 and 2, none in 3. 0xFFFFFF says that the
    /// extended one stands for it.
    pub timestamp: Option<u32>,
    /// The extended timestamp, where there is one.
    pub extended: Option<u32>,
    /// Bytes of the whole message.
    pub length: u32,
    /// Message type id.
    pub kind: u8,
    /// The message stream.
    pub message_stream: u32,
    /// Whether the chunk goes on with a message in progress.
    pub continues: bool,
    /// Bytes of the message that follow in this chunk.
    pub payload_len: u32,
}

/// What a peer does its own way in the chunk layer, as far as it has shown by now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Dialect {
    /// Continuations leave the extended timestamp out, as librtmp did until 2015 and OBS until 30.1.
    pub extended_absent: bool,
    /// Continuations repeat the extended timestamp (RTMP 1.0, 5.3.1.3).
    pub extended_repeated: bool,
    /// A header had a difference of 2^31 ms or more, which is a step back.
    pub negative_delta: bool,
    /// Chunks of one message stood between those of another one.
    pub interleaved: bool,
    /// Continuations on a chunk stream of 66 or more have the one-byte form that ids below 64 have.
    pub short_continuation: bool,
    /// How often the chunk size was set.
    pub chunk_size_set: u64,
    /// The chunk size in force, 1 to 16 777 215 bytes; 128 before it was set.
    pub chunk_size: u32,
}

impl Default for Dialect {
    fn default() -> Self {
        Self::NEW
    }
}

impl Dialect {
    pub(super) const NEW: Self = Self {
        extended_absent: false,
        extended_repeated: false,
        negative_delta: false,
        interleaved: false,
        short_continuation: false,
        chunk_size_set: 0,
        chunk_size: super::CHUNK_SIZE,
    };
}

impl Demuxer {
    /// Says whether [`Event::Chunk`](super::Event::Chunk) is given for each chunk header; off at first. While it is
    /// on, nothing takes the fast ways.
    pub fn trace(&mut self, on: bool) {
        self.tracing = on;
        self.open_short();
    }

    /// Returns what the peer does its own way, as far as it has shown by now.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        Dialect {
            chunk_size: self.chunk_size,
            ..self.dialect
        }
    }

    /// Keeps the header that was applied just now, to be given out.
    pub(super) fn record(&mut self, header: &Header, at: u64, continues: bool) {
        let slot = self.slots.get(self.current);
        let field = if header.extended {
            EXTENDED
        } else {
            header.time
        };
        self.traced = Some(ChunkHeader {
            at,
            // At most 18.
            header_len: u8::try_from(header.len).unwrap_or(u8::MAX),
            format: header.format,
            chunk_stream: slot.chunk_stream,
            timestamp: (header.format < 3).then_some(field),
            extended: header.extended.then_some(header.time),
            length: slot.length,
            kind: slot.kind,
            message_stream: slot.message_stream,
            continues,
            // At most the chunk size.
            payload_len: u32::try_from(self.chunk_left).unwrap_or(u32::MAX),
        });
    }

    /// Adds the extended timestamp that stood behind the header at hand.
    pub(super) const fn record_extended(&mut self, value: u32) {
        if let Some(header) = &mut self.traced {
            header.extended = Some(value);
            header.header_len += 4;
        }
    }

    /// Returns whether a header waits that is known to its end.
    pub(super) const fn has_traced(&self) -> bool {
        self.traced.is_some() && !matches!(self.state, State::Extended(_))
    }

    /// Returns the slot whose message goes on although the header names another chunk stream.
    ///
    /// FFmpeg's writer begins each continuation with the one byte 0xC0 | id, whatever the id. Where that id was never
    /// used, a format 3 of its own would mean nothing, so it goes on with the message of the chunk before. Of the ids
    /// whose low six bits are 0 or 1 it cannot be told.
    pub(super) fn short_continuation(&self, header: &Header) -> Option<usize> {
        let slot = self.slots.last(self.current)?;
        let same =
            slot.live && slot.chunk_stream >= 64 && slot.chunk_stream & 0x3F == header.chunk_stream;
        (same && header.format == 3 && header.len == 1).then_some(self.current)
    }
}
