//! The chunk layer: bytes to messages and back (RTMP 1.0, 5.3).

mod demux;
mod mux;

pub use crate::message::Message;
pub use demux::{Demuxer, Event};
pub use mux::{Chunks, Muxer};
