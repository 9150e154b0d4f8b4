//! The chunk layer: bytes to messages and back (RTMP 1.0, 5.3).
#![expect(
    clippy::arithmetic_side_effects,
    reason = "lengths on the wire are below 2^32 and each subtraction follows its comparison; the caps bound all sums"
)]

mod demux;
mod header;
mod mux;
mod slots;

pub use crate::message::Message;
pub use demux::{ChunkHeader, Demuxer, Dialect, Event};
pub(crate) use mux::CONTROL_CHUNK_STREAM;
pub use mux::{Chunks, Muxer};
pub(crate) use slots::Clocks;
