//! A tiny RTMP writer that shares no code with `backline-rtmp`: it makes the input of the benches.
//!
//! RTMP 1.0, 5.3.1 and 7.2; format 0 first on a chunk stream, then format 1 as FFmpeg writes it.

use std::collections::BTreeMap;

/// How large the reads are that every contestant is fed with.
pub const READ_SIZE: usize = 16 * 1024;

/// What a demuxer has to find again.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The type id of the message.
    pub kind: u8,
    /// The body.
    pub payload: Vec<u8>,
    /// Milliseconds.
    pub timestamp: u32,
}

/// Writes chunks.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_size: usize,
    last: BTreeMap<u32, u32>,
}

impl ChunkWriter {
    /// A fresh connection, whose chunk size is 128.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunk_size: 128,
            last: BTreeMap::new(),
        }
    }

    /// Appends a SetChunkSize message and obeys it.
    pub fn set_chunk_size(&mut self, out: &mut Vec<u8>, size: u32) {
        self.write(out, 2, 0, 1, 0, &size.to_be_bytes());
        self.chunk_size = size as usize;
    }

    /// Appends a message. `chunk_stream` is below 64 and its messages have one message stream.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        chunk_stream: u8,
        message_stream: u32,
        kind: u8,
        timestamp: u32,
        payload: &[u8],
    ) {
        let length = u32::try_from(payload.len()).expect("a message is shorter than 16 MiB");
        let last = self.last.insert(u32::from(chunk_stream), timestamp);
        let delta = last.map_or(timestamp, |last| timestamp.wrapping_sub(last));
        assert!(
            delta < 0x00FF_FFFF,
            "the made data needs no extended timestamps"
        );
        out.push(if last.is_some() { 0x40 } else { 0x00 } | chunk_stream);
        out.extend(&delta.to_be_bytes()[1..]);
        out.extend(&length.to_be_bytes()[1..]);
        out.push(kind);
        if last.is_none() {
            out.extend(message_stream.to_le_bytes());
        }
        for (index, chunk) in payload.chunks(self.chunk_size).enumerate() {
            if index > 0 {
                out.push(0xC0 | chunk_stream);
            }
            out.extend(chunk);
        }
    }
}

impl Default for ChunkWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// A stream of media messages of nearly one size, which a demuxer reads in blocks of [`READ_SIZE`].
#[derive(Debug)]
pub struct Stream {
    /// The bytes after the chunk size was set.
    pub bytes: Vec<u8>,
    /// The chunk size that they are cut with.
    pub chunk_size: u32,
    /// The messages in them.
    pub messages: Vec<Expected>,
    /// Sum of the payloads.
    pub payload_size: usize,
    /// The SetChunkSize message that comes before `bytes`.
    pub prelude: Vec<u8>,
}

impl Stream {
    /// Makes about `total` bytes of messages of about `size` bytes, of type `kind` on chunk stream 6.
    #[must_use]
    pub fn new(kind: u8, size: usize, chunk_size: u32, total: usize) -> Self {
        let mut noise = Noise::new(size as u64);
        let mut writer = ChunkWriter::new();
        let (mut prelude, mut bytes, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        writer.set_chunk_size(&mut prelude, chunk_size);
        for index in 0..(total / size).max(4) {
            // Frames of an encoder never have one size; a little spread keeps the headers honest.
            let length = size - size / 100 + (index * 37) % (size / 50).max(1);
            let timestamp = u32::try_from(index * 33).expect("a short stream");
            let payload = noise.bytes(length);
            writer.write(&mut bytes, 6, 1, kind, timestamp, &payload);
            messages.push(Expected {
                kind,
                payload,
                timestamp,
            });
        }
        let payload_size = messages.iter().map(|message| message.payload.len()).sum();
        Self {
            bytes,
            chunk_size,
            messages,
            payload_size,
            prelude,
        }
    }
}

/// A small generator (xorshift64*): the same bytes on every machine.
#[derive(Debug)]
pub struct Noise(u64);

impl Noise {
    /// Any seed will do.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

pub mod publish;

#[cfg(test)]
mod tests;
