//! The foreign readers.

use super::Found;
use librtmp2::buffer::Buffer;
use librtmp2::chunk::reader::{ChunkMessage, chunk_read_owned};
use librtmp2::chunk::state::ChunkRegistry;
use shiguredo_rtmp::ErrorKind;
use shiguredo_rtmp::tests::{RtmpChunkDecoder, RtmpChunkSize, RtmpChunkStreamId};
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// No declared length is too long for a peer, so that ours is the one that stops.
const OPEN: u32 = 0x00FF_FFFF;

/// Which peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Who {
    LibRtmp2,
    Shiguredo,
}

/// What came of a chunk.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    Panicked,
    Refused,
    Starved,
    /// So many bytes were taken, and perhaps ended a message.
    Taken(usize, Option<Found>),
}

/// A reader of chunks.
pub(super) trait Peer {
    const WHO: Who;

    fn new() -> Self;

    /// Takes one chunk from the front of the bytes.
    fn step(&mut self, bytes: &[u8]) -> Step;

    /// Sets the chunk size, if it takes such a one.
    fn set_chunk_size(&mut self, size: u32) -> bool;

    /// Drops the message in progress on a chunk stream.
    fn abort(&mut self, chunk_stream: u32);
}

/// `librtmp2`: `chunk::reader`.
pub(super) struct LibRtmp2(ChunkRegistry);

impl Peer for LibRtmp2 {
    const WHO: Who = Who::LibRtmp2;

    fn new() -> Self {
        let mut registry = ChunkRegistry::new();
        registry.init();
        registry.max_msg_length = OPEN;
        Self(registry)
    }

    fn step(&mut self, bytes: &[u8]) -> Step {
        let mut buffer = Buffer::from_slice(bytes);
        let mut header = ChunkMessage::default();
        let read = contained(|| chunk_read_owned(&mut buffer, &mut self.0, &mut header));
        let taken = bytes.len() - buffer.available();
        match read {
            None => Step::Panicked,
            Some(Err(_)) => Step::Refused,
            // It answers 0 both for a chunk that does not end its message and for one that is not here yet.
            Some(Ok((0, _))) if taken == 0 => Step::Starved,
            Some(Ok((0, _))) => Step::Taken(taken, None),
            Some(Ok((_, payload))) => {
                let found = Found {
                    chunk_stream: header.csid,
                    message_stream: header.msg_stream_id,
                    kind: header.msg_type_id,
                    timestamp: header.timestamp,
                    payload,
                };
                Step::Taken(taken, Some(found))
            }
        }
    }

    fn set_chunk_size(&mut self, size: u32) -> bool {
        let size = size.min(OPEN);
        self.0.set_all_chunk_size(size);
        self.0.default_chunk_size == size
    }

    fn abort(&mut self, chunk_stream: u32) {
        self.0.abort_stream(chunk_stream);
    }
}

/// `shiguredo_rtmp`: `RtmpChunkDecoder`.
pub(super) struct Shiguredo(RtmpChunkDecoder);

impl Peer for Shiguredo {
    const WHO: Who = Who::Shiguredo;

    fn new() -> Self {
        Self(RtmpChunkDecoder::default())
    }

    fn step(&mut self, bytes: &[u8]) -> Step {
        match contained(|| self.0.decode(bytes)) {
            None => Step::Panicked,
            Some(Err(error)) if error.kind == ErrorKind::InsufficientBuffer => Step::Starved,
            Some(Err(_)) => Step::Refused,
            Some(Ok((taken, chunk))) => {
                let found = chunk.map(|chunk| Found {
                    chunk_stream: chunk.chunk_stream_id.get(),
                    message_stream: chunk.message_stream_id.get(),
                    kind: chunk.message_type as u8,
                    timestamp: chunk.timestamp.as_millis(),
                    payload: chunk.payload,
                });
                Step::Taken(taken, found)
            }
        }
    }

    fn set_chunk_size(&mut self, size: u32) -> bool {
        let size = RtmpChunkSize::new(size as usize);
        if let Some(size) = size {
            self.0.set_chunk_size(size);
        }
        size.is_some()
    }

    fn abort(&mut self, chunk_stream: u32) {
        if let Some(id) = RtmpChunkStreamId::new(chunk_stream) {
            self.0.reset_chunk_stream(id);
        }
    }
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a peer; its panic is none of ours, and neither ends the process nor is it printed.
fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // A fuzzer ends the process in its hook.
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                before(info);
            }
        }));
    });
    CONTAINED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(false);
    result.ok()
}
