//! Properties of `backline-rtmp`.

pub mod aggregate;
pub mod allocation;
pub mod amf0;
pub mod amf3;
pub mod chunk;
pub mod client;
pub mod config;
pub mod control;
pub mod differential;
pub mod file;
pub mod flv;
pub mod handshake;
pub mod metadata;
pub mod pair;
pub mod play;
pub mod relay;
pub mod report;
pub mod server;
pub mod tracks;

mod packets;

use backline_rtmp::Limits;

/// The default caps, or caps so low that short inputs reach them.
fn limits(low: bool) -> Limits {
    let mut limits = Limits::default();
    if low {
        limits.aggregate_items = 3;
        limits.amf_depth = 4;
        limits.amf_nodes = 16;
        limits.amf_string_bytes = 64;
        limits.chunk_grace_bytes = 256;
        limits.chunk_streams_live = 3;
        limits.chunk_streams_remembered = 5;
        limits.command_bytes = 512;
        limits.message_bytes = 2048;
        limits.message_streams = 2;
        limits.modex_layers = 2;
        limits.outputs = 1;
        limits.parameter_sets = 2;
        limits.pre_publish_bytes = 8192;
        limits.reassembly_bytes = 4096;
        limits.reassembly_bytes_live = 6144;
        limits.tracks = 2;
        limits.transmits = 2;
    }
    limits
}
