//! Messages to bytes.

use super::Message;
use crate::Transmit;

/// Turns messages into chunks.
#[derive(Debug, Default)]
pub struct Muxer {}

/// The chunks of one message.
#[derive(Debug)]
pub struct Chunks {}

impl Iterator for Chunks {
    type Item = Transmit;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Muxer {
    /// Makes a muxer with the chunk size of 128 bytes that every connection begins with.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }

    /// Changes the chunk size, in bytes, and returns the message that tells the peer.
    pub fn set_chunk_size(&mut self, size: u32) -> Transmit {
        Transmit::new(&size.to_be_bytes(), bytes::Bytes::new())
    }

    /// Returns the chunks of a message; the payload is shared, not copied.
    pub fn write(&mut self, message: &Message) -> Chunks {
        let _ = message;
        Chunks {}
    }
}
