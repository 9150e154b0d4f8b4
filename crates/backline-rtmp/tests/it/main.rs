//! What the crate promises, by its public interface. Names begin with the rule that a test holds to.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod allocation;
mod amf0;
mod amf3;
mod chunk;
mod client;
mod client_hardening;
mod commands;
mod config;
mod cut;
mod file;
mod flv;
mod foreign;
#[cfg(feature = "digest")]
mod foreign_client;
mod handshake;
mod hostile;
mod limits;
mod muxer;
mod pair;
mod play;
mod plays;
mod properties;
mod py3amf;
mod quirks_chunk;
mod quirks_encoder;
mod relay;
mod report;
mod server;
mod shared_object;
mod sockets;
mod sources;
mod support;
mod timers;
mod trace;
mod tracks;
