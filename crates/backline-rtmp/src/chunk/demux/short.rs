//! The short way for messages of one chunk that are wholly there, as nearly all sound is.

use super::body::reassembly_limit;
use super::{Demuxer, State, skip};
use crate::chunk::Message;
use crate::chunk::header::Header;
use alloc::boxed::Box;
use bytes::Bytes;

/// A message that was taken, before its body is copied.
pub(super) struct Short<'a> {
    chunk_stream: u32,
    message_stream: u32,
    kind: u8,
    timestamp_ms: u64,
    body: &'a [u8],
}

impl Short<'_> {
    /// Copies the body. Where this is all that a return makes, the message is made in its place: moving it there
    /// costs more than reading its header. A boxed slice has no capacity that would have to be looked at.
    #[inline(always)]
    pub(super) fn message(self) -> Message {
        Message {
            chunk_stream: self.chunk_stream,
            message_stream: self.message_stream,
            kind: self.kind,
            timestamp_ms: self.timestamp_ms,
            payload: Bytes::from(Box::<[u8]>::from(self.body)),
        }
    }
}

impl Demuxer {
    /// Takes a message from the front of the input if it is one chunk, wholly there, on a known chunk stream,
    /// and nothing about it is odd. Whatever it leaves alone the long way takes, with the same result.
    #[inline(always)]
    pub(super) fn short_message<'a>(&mut self, input: &mut &'a [u8]) -> Option<Short<'a>> {
        let bytes = *input;
        let header = Header::read_plain(bytes)?;
        let (length, kind) = (header.length, header.kind);
        if length >= self.short_end || !matches!(kind, Message::AUDIO | Message::VIDEO) {
            return None;
        }
        let index = self.slots.find(header.chunk_stream)?;
        let slot = self.slots.get_mut(index);
        if slot.live {
            return None;
        }
        let end = header.len + length as usize;
        let body = bytes.get(header.len..end)?;
        slot.begin(&header);
        slot.largest = slot.largest.max(length);
        let (message_stream, timestamp) = (slot.message_stream, slot.timestamp);
        self.current = index;
        self.offset += end as u64;
        skip(input, end);
        Some(Short {
            chunk_stream: header.chunk_stream,
            message_stream,
            kind,
            timestamp_ms: self.clocks.unwrap(message_stream, kind, timestamp),
            body,
        })
    }

    /// Works out which messages may go the short way. It depends on nothing that a message on the short way changes,
    /// so it is asked at the ends of the long way and by the setters.
    pub(super) fn open_short(&mut self) {
        let ready = self.state == State::Header
            && self.staged == 0
            && self.again_len == 0
            && self.found.is_none()
            && !self.tracing
            && self.chunk_size >= self.limits.chunk_size_min
            && self.live < self.limits.chunk_streams_live
            // The long way takes note of the first message that comes among the chunks of another one.
            && (self.live == 0 || self.dialect.interleaved);
        let room = reassembly_limit(&self.limits, self.publishing).saturating_sub(self.buffered);
        let longest = self.chunk_size.min(self.limits.message_bytes);
        let longest = longest.min(u32::try_from(room).unwrap_or(u32::MAX));
        self.short_end = if ready { longest.saturating_add(1) } else { 0 };
    }
}
