//! Properties that hold for any input.
//!
//! Each one is a function of bytes that panics when it is broken. The targets in `fuzz_targets/` call one each,
//! `tests/replay.rs` calls every one of them with every file of `corpus/`.

pub mod rtmp;

mod source;

pub use source::{Source, pieces};

/// A property: a function that panics where it does not hold.
pub type Property = fn(&[u8]);

/// All properties by the name of their target.
pub const PROPERTIES: &[(&str, Property)] = &[
    (
        "allocation_within_limits",
        rtmp::chunk::allocation_within_limits,
    ),
    ("amf0_decode", rtmp::amf0::amf0_decode),
    ("amf0_round_trip", rtmp::amf0::amf0_round_trip),
    ("audio_body", rtmp::flv::audio_body),
    ("chunk_round_trip", rtmp::chunk::chunk_round_trip),
    (
        "chunk_split_invariance",
        rtmp::chunk::chunk_split_invariance,
    ),
    ("handshake", rtmp::handshake::handshake),
    ("server_ops", rtmp::server::server_ops),
    ("server_session", rtmp::server::server_session),
    ("video_body", rtmp::flv::video_body),
];
