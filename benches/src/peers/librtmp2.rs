//! `librtmp2`: `chunk::reader`. Its session wants a socket of its own, so it is not in that race.

use super::Demux;
use librtmp2::buffer::Buffer;
use librtmp2::chunk::reader::{ChunkMessage, chunk_read_owned};
use librtmp2::chunk::state::ChunkRegistry;

/// The demuxer.
#[expect(missing_debug_implementations, reason = "the peer's types have none")]
pub struct LibRtmp2 {
    buffer: Buffer,
    registry: ChunkRegistry,
}

impl Demux for LibRtmp2 {
    const WHO: &'static str = "librtmp2 0.16.1";

    fn new(_prelude: &[u8], chunk_size: u32) -> Self {
        let mut registry = ChunkRegistry::new();
        registry.init();
        registry.set_all_chunk_size(chunk_size);
        Self {
            buffer: Buffer::new(),
            registry,
        }
    }

    fn feed(&mut self, read: &[u8], mut sink: impl FnMut(u8, u32, &[u8])) {
        self.buffer.write(read).unwrap();
        let mut message = ChunkMessage::default();
        loop {
            let before = self.buffer.available();
            let (complete, payload) =
                chunk_read_owned(&mut self.buffer, &mut self.registry, &mut message).unwrap();
            if complete == 1 {
                sink(message.msg_type_id, message.timestamp, &payload);
            } else if self.buffer.available() == before {
                // It answers 0 both for a chunk that does not end its message and for one that is not here yet.
                return;
            }
        }
    }
}
