//! Properties that hold for any input.
//!
//! Each one is a function of bytes that panics when it is broken. The targets in `fuzz_targets/` call one each,
//! `tests/replay.rs` calls every one of them with every file of `corpus/`.

pub mod cache;
pub mod hls;
pub mod rtmp;

mod source;

pub use source::{Source, pieces};

/// A property: a function that panics where it does not hold.
pub type Property = fn(&[u8]);

/// All properties by the name of their target.
pub const PROPERTIES: &[(&str, Property)] = &[
    ("address", rtmp::client::address),
    ("aggregate_items", rtmp::aggregate::aggregate_items),
    (
        "allocation_within_limits",
        rtmp::allocation::allocation_within_limits,
    ),
    ("amf0_decode", rtmp::amf0::amf0_decode),
    ("amf0_round_trip", rtmp::amf0::amf0_round_trip),
    ("amf3_decode", rtmp::amf3::amf3_decode),
    ("amf3_round_trip", rtmp::amf3::amf3_round_trip),
    ("audio_body", rtmp::flv::audio_body),
    ("cache_ops", cache::ops::cache_ops),
    ("captions", hls::captions::captions),
    ("cmcd", cache::cmcd::cmcd),
    ("chunk_round_trip", rtmp::chunk::chunk_round_trip),
    (
        "chunk_split_invariance",
        rtmp::chunk::chunk_split_invariance,
    ),
    ("client_handshake", rtmp::handshake::client_handshake),
    ("client_session", rtmp::client::client_session),
    ("codec_config", rtmp::config::codec_config),
    ("codec_record", hls::record::codec_record),
    ("continuation_ops", hls::continuation::continuation_ops),
    ("control_messages", rtmp::control::control_messages),
    ("differential_demux", rtmp::differential::differential_demux),
    ("flv_reader", rtmp::file::flv_reader),
    ("flv_round_trip", rtmp::file::flv_round_trip),
    ("handshake", rtmp::handshake::handshake),
    ("hls_lint", hls::m3u8::hls_lint),
    ("log_ops", cache::log::log_ops),
    ("log_recover", cache::log::log_recover),
    ("m3u8", hls::m3u8::m3u8),
    ("m3u8_delta", hls::m3u8::m3u8_delta),
    ("metadata", rtmp::metadata::metadata),
    ("meter", rtmp::report::meter),
    ("packet_decode", rtmp::tracks::packet_decode),
    ("path_and_query", hls::requests::path_and_query),
    ("play_ops", rtmp::play::play_ops),
    ("playlist_render", hls::ops::playlist_render),
    ("presentation_ops", hls::ops::presentation_ops),
    ("pull_ops", cache::pull::pull_ops),
    ("range_header", cache::ranges::range_header),
    ("relay_ops", rtmp::relay::relay_ops),
    ("server_ops", rtmp::server::server_ops),
    ("server_session", rtmp::server::server_session),
    ("session_pair", rtmp::pair::session_pair),
    ("shared_object", rtmp::aggregate::shared_object),
    ("slate_file", hls::file::slate_file),
    ("stored_part", hls::file::stored_part),
    ("tracks_round_trip", rtmp::tracks::tracks_round_trip),
    ("video_body", rtmp::flv::video_body),
];
