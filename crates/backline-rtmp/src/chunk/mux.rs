//! Messages to bytes.

use super::Message;
use super::demux::{CHUNK_SIZE, CHUNK_SIZE_MAX};
use super::header::{CHUNK_STREAM_MAX, EXTENDED, Header};
use crate::Transmit;
use crate::transmit::{HEAD_MAX, INLINE_MAX, PREFIX_MAX};
use alloc::vec::Vec;
use bytes::Bytes;
use core::mem;

/// Chunk stream of the messages of the chunk layer itself (RTMP 1.0, 5.4); some encoders drop a server
/// that uses another one.
pub(crate) const CONTROL_CHUNK_STREAM: u32 = 2;

/// Turns messages into chunks.
///
/// It picks the shortest header that every reader understands alike, so not where they differ: no
/// difference of 0xFFFFFF or more, no format 3 whose difference would be the timestamp of a format 0,
/// and format 0 when the timestamp goes back. A chunk stream that the wire cannot say is the nearest one
/// that it can: 2 or 65 599.
#[derive(Debug)]
pub struct Muxer {
    chunk_size: u32,
    /// The last header of each chunk stream; a writer uses a handful.
    sent: Vec<Sent>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    chunk_stream: u32,
    message_stream: u32,
    timestamp: u32,
    /// What format 3 would add; none when readers differ about it.
    delta: Option<u32>,
    length: u32,
    kind: u8,
}

/// The chunks of one message, in order.
///
/// Take all of them before the next message of the same chunk stream is written. Chunks of other
/// chunk streams may go between; a changed chunk size holds from the next message on.
#[derive(Clone, Debug)]
#[must_use]
pub struct Chunks {
    payload: Bytes,
    /// Bytes of the payload in the next chunk, and in each later one.
    room: usize,
    chunk_size: usize,
    /// What stands before the payload of the next chunk.
    head: [u8; INLINE_MAX],
    head_len: u8,
    /// What stands before each later one.
    next: [u8; HEAD_MAX],
    next_len: u8,
    done: bool,
}

impl Iterator for Chunks {
    type Item = Transmit;

    fn next(&mut self) -> Option<Transmit> {
        if self.done {
            return None;
        }
        self.done = self.payload.len() <= self.room;
        // The last chunk takes the handle itself: handles are counted, which costs more than the header.
        let payload = if self.done {
            mem::take(&mut self.payload)
        } else {
            self.payload.split_to(self.room)
        };
        let transmit = Transmit::new(self.head, self.head_len, payload);
        let (front, _) = self.head.split_at_mut(HEAD_MAX);
        front.copy_from_slice(&self.next);
        (self.head_len, self.room) = (self.next_len, self.chunk_size);
        Some(transmit)
    }
}

impl Default for Muxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Muxer {
    /// Makes a muxer with the chunk size of 128 bytes that every connection begins with.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunk_size: CHUNK_SIZE,
            sent: Vec::new(),
        }
    }

    /// Changes the chunk size, clamped to 1 to 16 777 215 bytes, and returns the message that tells
    /// the peer.
    pub fn set_chunk_size(&mut self, size: u32) -> Chunks {
        let size = size.clamp(1, CHUNK_SIZE_MAX);
        let body = Bytes::copy_from_slice(&size.to_be_bytes());
        let chunks = self.write(&Message::new(
            CONTROL_CHUNK_STREAM,
            0,
            Message::SET_CHUNK_SIZE,
            0,
            body,
        ));
        self.chunk_size = size;
        chunks
    }

    /// Returns the chunks of a message; the payload is shared, not copied. A payload is cut at
    /// 16 777 215 bytes, the most that the wire can say.
    pub fn write(&mut self, message: &Message) -> Chunks {
        self.write_prefixed(message, &[])
    }

    /// Returns the chunks of a message whose body is `prefix` and then the payload, which is shared, not copied: this
    /// sends an access unit behind the head of a media body without joining the two. A prefix is cut at 16 bytes,
    /// which is more than any such head has.
    pub fn write_prefixed(&mut self, message: &Message, prefix: &[u8]) -> Chunks {
        let mut prefix = cut(prefix, PREFIX_MAX);
        let mut payload = message.payload.clone();
        payload.truncate(CHUNK_SIZE_MAX as usize - prefix.len());
        let chunk_size = self.chunk_size as usize;
        if prefix.len() > chunk_size {
            // Nobody uses chunks that small, so that it is no matter that these are copied.
            payload = Bytes::from([prefix, &payload].concat());
            prefix = &[];
        }
        let [(first, first_len), (next, next_len)] =
            self.heads(message, prefix.len() + payload.len());
        let mut head = [0; INLINE_MAX];
        let (front, _) = head.split_at_mut(HEAD_MAX);
        front.copy_from_slice(&first);
        for (to, from) in head.iter_mut().skip(usize::from(first_len)).zip(prefix) {
            *to = *from;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
        let head_len = first_len + prefix.len() as u8;
        Chunks {
            payload,
            room: chunk_size - prefix.len(),
            chunk_size,
            head,
            head_len,
            next,
            next_len,
            done: false,
        }
    }

    /// Copies the chunks of a message to the end of a buffer, which a writer with one buffer does faster than with
    /// pieces. The bytes are those of [`write`](Self::write).
    pub fn write_to(&mut self, message: &Message, out: &mut Vec<u8>) {
        self.write_prefixed_to(message, &[], out);
    }

    /// Copies the chunks of a message whose body is `prefix` and then the payload to the end of a buffer. The bytes
    /// are those of [`write_prefixed`](Self::write_prefixed).
    pub fn write_prefixed_to(&mut self, message: &Message, prefix: &[u8], out: &mut Vec<u8>) {
        let mut prefix = cut(prefix, PREFIX_MAX);
        let mut payload = cut(&message.payload, CHUNK_SIZE_MAX as usize - prefix.len());
        let length = prefix.len() + payload.len();
        let [(mut head, mut len), next] = self.heads(message, length);
        let chunk_size = self.chunk_size as usize;
        // The buffer grows once, by exactly what comes.
        let continuations = length.saturating_sub(1) / chunk_size;
        out.reserve(usize::from(len) + continuations * usize::from(next.1) + length);
        loop {
            let (front, behind) = prefix.split_at(prefix.len().min(chunk_size));
            let (chunk, rest) = payload.split_at(payload.len().min(chunk_size - front.len()));
            out.extend_from_slice(cut(&head, usize::from(len)));
            if !front.is_empty() {
                out.extend_from_slice(front);
            }
            out.extend_from_slice(chunk);
            if rest.is_empty() && behind.is_empty() {
                return;
            }
            (prefix, payload) = (behind, rest);
            (head, len) = next;
        }
    }

    /// Forgets a chunk stream, so that the next message on it says everything: for use after a message
    /// that was written was not sent.
    pub fn forget(&mut self, chunk_stream: u32) {
        let chunk_stream = on_the_wire(chunk_stream);
        self.sent.retain(|sent| sent.chunk_stream != chunk_stream);
    }

    /// Returns what stands before the first chunk of a message, and before each later one.
    fn heads(&mut self, message: &Message, length: usize) -> [([u8; HEAD_MAX], u8); 2] {
        let header = self.header(message, u32::try_from(length).unwrap_or(CHUNK_SIZE_MAX));
        let later = Header {
            format: 3,
            ..header
        };
        [header, later].map(|header| {
            let mut head = [0; HEAD_MAX];
            let len = header.write(&mut head);
            (head, len)
        })
    }

    fn header(&mut self, message: &Message, length: u32) -> Header {
        let chunk_stream = on_the_wire(message.chunk_stream);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the wire carries the low 32 bits"
        )]
        let timestamp = message.timestamp_ms as u32;
        let (kind, message_stream) = (message.kind, message.message_stream);
        let full = Header {
            format: 0,
            chunk_stream,
            time: timestamp,
            extended: timestamp >= EXTENDED,
            length,
            kind,
            message_stream,
            len: 0,
        };
        // Where a reader that doubles the timestamp and one that does not agree.
        let delta = (timestamp == 0).then_some(0);
        let now = Sent {
            chunk_stream,
            message_stream,
            timestamp,
            delta,
            length,
            kind,
        };
        let Some(sent) = self
            .sent
            .iter_mut()
            .find(|sent| sent.chunk_stream == chunk_stream)
        else {
            self.sent.push(now);
            return full;
        };
        let before = *sent;
        *sent = now;
        let step = timestamp.wrapping_sub(before.timestamp);
        // A step of half the range or more is a step back.
        if before.message_stream != message_stream || step >= EXTENDED {
            return full;
        }
        sent.delta = Some(step);
        let format = if (before.length, before.kind) != (length, kind) {
            1
        } else if before.delta != Some(step) {
            2
        } else {
            3
        };
        Header {
            format,
            time: step,
            extended: false,
            ..full
        }
    }
}

/// Returns the nearest chunk stream that the wire can say: what goes out on it counts as its own.
fn on_the_wire(chunk_stream: u32) -> u32 {
    chunk_stream.clamp(CONTROL_CHUNK_STREAM, CHUNK_STREAM_MAX)
}

/// Returns the first `length` bytes, or all if there are fewer.
fn cut(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}
