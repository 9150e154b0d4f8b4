//! Counters of a session.

use core::time::Duration;

/// Counters of a session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes that the peer says it received, modulo 2^32.
    pub acknowledged: u32,
    /// Audio messages.
    pub audio_messages: u64,
    /// Bytes taken.
    pub bytes_in: u64,
    /// Bytes handed out by `poll_transmit`.
    pub bytes_out: u64,
    /// Instants that went backwards and were taken as the latest one.
    pub clock_reversals: u64,
    /// Data messages.
    pub data_messages: u64,
    /// Bodies that could not be read.
    pub malformed: u64,
    /// All messages, those in aggregates included.
    pub messages: u64,
    /// Packets of media, metadata and data that were sent.
    pub packets_sent: u64,
    /// From the last ping to its pong, in whole milliseconds; none before the first one.
    pub round_trip: Option<Duration>,
    /// Video messages.
    pub video_messages: u64,
    /// Warnings.
    pub warnings: u64,
}
