//! The short way for messages of one chunk that are wholly there, as nearly all sound is.

use super::body::reassembly_limit;
use super::{Demuxer, State, skip};
use crate::chunk::Message;
use crate::chunk::header::Header;
use bytes::Bytes;

impl Demuxer {
    /// Takes a message from the front of the input if it is one chunk, wholly there, on a known chunk stream,
    /// and nothing about it is odd. Whatever it leaves alone the long way takes, with the same result.
    #[inline(always)]
    pub(super) fn short_message(&mut self, input: &mut &[u8]) -> Option<Message> {
        let bytes = *input;
        let ready = self.state == State::Header
            && self.staged == 0
            && self.again_len == 0
            && !self.tracing
            && self.live < self.limits.chunk_streams_live
            && self.chunk_size >= self.limits.chunk_size_min;
        if !ready {
            return None;
        }
        let header = Header::read_plain(bytes)?;
        let index = self.slots.find(header.chunk_stream)?;
        let room = reassembly_limit(&self.limits, self.publishing).saturating_sub(self.buffered);
        let slot = self.slots.get_mut(index);
        let (length, kind) = (header.length, header.kind);
        let end = header.len + length as usize;
        let fits = matches!(kind, Message::AUDIO | Message::VIDEO)
            && !slot.live
            && length <= self.chunk_size
            && length <= self.limits.message_bytes
            && length as usize <= room;
        if !fits {
            return None;
        }
        let payload = Bytes::from(bytes.get(header.len..end)?.to_vec());
        slot.begin(&header);
        slot.largest = slot.largest.max(length);
        let (message_stream, timestamp) = (slot.message_stream, slot.timestamp);
        self.current = index;
        self.dialect.interleaved |= self.live > 0;
        self.offset += end as u64;
        skip(input, end);
        Some(Message {
            chunk_stream: header.chunk_stream,
            message_stream,
            kind,
            timestamp_ms: self.clocks.unwrap(message_stream, kind, timestamp),
            payload,
        })
    }
}
